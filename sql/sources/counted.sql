{#- A table of distinct rows in memory, as sources/cells reads it: what rows (how many it stands for) and first_row say
    is not a cell. -#}

{%- macro rows(source, cells) -%}
SELECT
    first_row AS row,
    rows
    {%- for cell in cells %},
    {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
    {%- endfor %}
FROM {{ source.file | ident }}
{%- endmacro -%}

{%- import 'sources/parquet.sql' as parquet -%}
{%- set cell_text = parquet.cell_text -%}
{%- set cell_type = parquet.cell_type -%}
