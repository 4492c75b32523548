-- A Parquet file: one row per row, with its number (from 1) and the wanted columns.
-- A path is one file: no column is added for a folder named a=b. What its writer says of the values (least, greatest,
-- number of NULLs, bloom filters) is believed by no statement: some writers are wrong, and a filter, a join or an
-- aggregate that DuckDB fits to it loses rows. A CASE hides it from all of them: nothing is known of its result.
-- Statistics also leave NaN out, so DuckDB must be told that there may be some.
-- Parameters: $path
SELECT
    row
    {%- for cell in cells %},
    CASE WHEN row > 0 THEN {{ cell.value | ident }} END AS {{ cell.value | ident }}
    {%- endfor %}
FROM (
    SELECT
        {% if source.has_row_number_column %}row_number() OVER (){% else %}file_row_number + 1{% endif %} AS row
        {%- for cell in cells %},
        {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
        {%- endfor %}
    FROM read_parquet($path, hive_partitioning = false, can_have_nan = true)
)
