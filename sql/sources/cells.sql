{#- Macros for the rows and cells of a table, whatever its format. A format is a file of this folder, named after its
    reader, with three macros of these names: rows, cell_text and cell_type. What they need bound, the parameters of the
    file, are $path, $compression, $columns, $delimiter, $header, $blank_lines, $also, $padding, $cell and
    $pointers. -#}

{#- Return the rows of a table: the number of each (from 1) and the wanted cells. -#}
{%- macro rows(source, cells) -%}
{%- import 'sources/' ~ source.reader ~ '.sql' as reader -%}
{{ reader.rows(source, cells) }}
{%- endmacro -%}

{#- Return how many rows of a table a group of the rows that are read stands for. -#}
{%- macro row_count(source) -%}
{% if source.reader == 'counted' %}CAST(sum(rows) AS BIGINT){% else %}count(*){% endif %}
{%- endmacro -%}

{#- Return the text of one cell. -#}
{%- macro cell_text(cell) -%}
{%- import 'sources/' ~ cell.reader ~ '.sql' as reader -%}
{{ reader.cell_text(cell) }}
{%- endmacro -%}

{#- Return the type of one cell in its file, as text: DuckDB's name of it, or CSV for a cell of a CSV file. -#}
{%- macro cell_type(cell) -%}
{%- import 'sources/' ~ cell.reader ~ '.sql' as reader -%}
{{ reader.cell_type(cell) }}
{%- endmacro -%}

{#- Return two columns for each cell: its text and its type. -#}
{%- macro texts(cells) -%}
    {%- for cell in cells %}
    {{ cell_text(cell) }} AS {{ cell.text | ident }},
    {{ cell_type(cell) }} AS {{ cell.type | ident }}{% if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro -%}

{#- Return the rows of a table: the number of each, and the text and type of its cells; of many parts also the number of
    the part. -#}
{%- macro text_rows(source, cells) -%}
SELECT
    row,
    {%- if source.has_several %}
    part,
    {%- endif %}
    {{- texts(cells) }}
FROM ({{ rows(source, cells) }})
{%- endmacro -%}

{#- Return the texts and the types of the cells of a row as two lists: one expression then serves any number of columns.
-#}
{%- macro text_lists(cells) -%}
[
    {%- for cell in cells %}
    {{ cell_text(cell) }}{% if not loop.last %},{% endif %}
    {%- endfor %}
] AS texts,
[
    {%- for cell in cells %}
    {{ cell_type(cell) }}{% if not loop.last %},{% endif %}
    {%- endfor %}
] AS types
{%- endmacro -%}
