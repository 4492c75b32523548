{#- A Parquet file, as sources/cells reads it. A path is one file: no column is added for a folder named a=b. -#}

{#- What its writer says of the values (least, greatest, number of NULLs, bloom filters) is believed by no statement:
    some writers are wrong, and a filter, a join or an aggregate that DuckDB fits to it loses rows. A CASE hides it from
    all of them: nothing is known of its result. Statistics also leave NaN out, so DuckDB must be told that there may be
    some. -#}
{%- macro rows(source, cells) -%}
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
{%- endmacro -%}

{#- FLOAT goes by way of DOUBLE: the shortest text of a FLOAT is another number. -#}
{%- macro cell_text(cell) -%}
{%- if cell.column.type == 'FLOAT' -%}
CAST(CAST({{ cell.value | ident }} AS DOUBLE) AS VARCHAR)
{%- else -%}
CAST({{ cell.value | ident }} AS VARCHAR)
{%- endif -%}
{%- endmacro -%}

{%- macro cell_type(cell) -%}
typeof({{ cell.value | ident }})
{%- endmacro -%}
