{#- Parquet, as sources/cells reads it: one file, or many parts. No column is added for a folder named a=b unless
    partitions names it. -#}

{#- What its writer says of the values (least, greatest, number of NULLs, bloom filters) is believed by no statement:
    some writers are wrong, and a filter, a join or an aggregate that DuckDB fits to it loses rows. A CASE hides it from
    all of them: nothing is known of its result. Statistics also leave NaN out, so DuckDB must be told that there may be
    some. -#}
{%- macro rows(source, cells) -%}
SELECT
    row
    {%- if source.has_several %}, part{% endif %}
    {%- for cell in cells %},
    CASE WHEN row > 0 THEN {{ cell.value | ident }} END AS {{ cell.value | ident }}
    {%- endfor %}
FROM (
    {%- if source.has_several %}
    {{ rows_of_parts(source, cells) }}
    {%- else %}
    SELECT
        {% if source.has_row_number_column %}row_number() OVER (){% else %}file_row_number + 1{% endif %} AS row
        {%- for cell in cells %},
        {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
        {%- endfor %}
    FROM read_parquet($path, hive_partitioning = false, can_have_nan = true)
    {%- endif %}
)
{%- endmacro -%}

{#- Return the rows of a table of many parts. Rows are numbered through all parts, and parts from 1: the first row of a
    part comes after $offsets[part] others. The columns of the names of folders are in $partitions: a list for each such
    column, with its value in each part. If a column hides the number of the file or of the row, parts are read one by
    one, each by its own parameter: $path_1, $path_2, … -#}
{%- macro rows_of_parts(source, cells) -%}
SELECT
    CAST($offsets AS BIGINT[])[part] + row AS row,
    part
    {%- for cell in cells %},
    {% if cell.column.partition -%}
    CAST($partitions AS VARCHAR[][])[{{ cell.column.partition | number }}][part] AS {{ cell.value | ident }}
    {%- else -%}
    {{ cell.value | ident }}
    {%- endif %}
    {%- endfor %}
FROM (
    {%- if source.is_read_one_by_one %}
    {%- for part in source.parts %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    SELECT {{ loop.index | number }} AS part, row_number() OVER () AS row
    {{- cells_of_part(cells) }}
    FROM read_parquet($path_{{ loop.index | number }}, hive_partitioning = false, can_have_nan = true)
    {%- endfor %}
    {%- else %}
    SELECT CAST(file_index AS BIGINT) + 1 AS part, file_row_number + 1 AS row
    {{- cells_of_part(cells) }}
    FROM read_parquet($paths, hive_partitioning = false, can_have_nan = true)
    {%- endif %}
)
{%- endmacro -%}

{%- macro cells_of_part(cells) -%}
{%- for cell in cells if not cell.column.partition -%}
, {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
{%- endfor -%}
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
