{#- A CSV file, as sources/cells reads it: all cells are texts. -#}

{#- Nothing is sniffed. An empty cell is NULL, "" is an empty text. A blank line is not a row. A buffer holds the
    longest line: sixteen of them, as by default, take a gigabyte of memory.
    Parameters: $path, $compression, $columns, $delimiter, $header, $blank_lines (before the first record) -#}
{%- macro rows(source, cells) -%}
SELECT
    row_number() OVER () AS row
    {%- for cell in cells %},
    {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
    {%- endfor %}
FROM read_csv(
    $path, columns = $columns, delim = $delimiter, header = $header, skip = $blank_lines, quote = '"', escape = '"',
    nullstr = '', allow_quoted_nulls = false, auto_detect = false, strict_mode = true, hive_partitioning = false,
    compression = $compression, max_line_size = 67108864, buffer_size = 67108864)
{%- if source.columns | length == 1 %}
WHERE {{ source.columns[0].ident | ident }} IS NOT NULL
{%- endif %}
{%- endmacro -%}

{%- macro cell_text(cell) -%}
CAST({{ cell.value | ident }} AS VARCHAR)
{%- endmacro -%}

{#- CSV, or the type of the value that was written there, if that is known. -#}
{%- macro cell_type(cell) -%}
{%- if cell.column.type == 'VARCHAR' %}'CSV{% if cell.has_comma %},{% endif %}'{% else %}{{ cell.column.type | text }}{% endif -%}
{%- endmacro -%}
