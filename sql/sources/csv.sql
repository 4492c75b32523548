-- A CSV file: one row per data row, with its number (from 1) and the wanted cells, all of them text.
-- Nothing is sniffed. An empty cell is NULL, "" is an empty text. A blank line is no row. A buffer holds the longest
-- line: sixteen of them, as by default, take a gigabyte of memory.
-- Parameters: $path, $columns, $delimiter, $header, $blank_lines (before the first record)
SELECT
    row_number() OVER () AS row
    {%- for cell in cells %},
    {{ cell.column.ident | ident }} AS {{ cell.value | ident }}
    {%- endfor %}
FROM read_csv(
    $path, columns = $columns, delim = $delimiter, header = $header, skip = $blank_lines, quote = '"', escape = '"',
    nullstr = '', allow_quoted_nulls = false, auto_detect = false, strict_mode = true, hive_partitioning = false,
    compression = 'none', max_line_size = 67108864, buffer_size = 67108864)
{%- if source.columns | length == 1 %}
WHERE {{ source.columns[0].ident | ident }} IS NOT NULL
{%- endif %}
