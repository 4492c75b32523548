-- A Parquet file: one row per row, with its number (from 1) and the wanted columns.
-- A path is one file: no column is added for a folder named a=b. Statistics of Parquet files leave NaN out, so DuckDB
-- must be told that there may be some, or it drops comparisons that NaN would meet.
-- Parameters: $path
SELECT
    {% if source.has_row_number_column %}row_number() OVER (){% else %}file_row_number + 1{% endif %} AS row
    {%- for cell in cells %},
    {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
    {%- endfor %}
FROM read_parquet($path, hive_partitioning = false, can_have_nan = true)
