{#- A table in memory, as sources/cells reads it. Its cells are those of a Parquet file. -#}

{#- The name of the table stands in the statement, and the engine gave it: a table is not a value that could be bound. -#}
{%- macro rows(source, cells) -%}
SELECT
    row_number() OVER () AS row
    {%- for cell in cells %},
    {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
    {%- endfor %}
FROM {{ source.file | ident }}
{%- endmacro -%}

{%- import 'sources/parquet.sql' as parquet -%}
{%- set cell_text = parquet.cell_text -%}
{%- set cell_type = parquet.cell_type -%}
