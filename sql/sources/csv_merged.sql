{#- A CSV file in which a run of delimiters is one, as sources/cells reads it. Its cells are those of other CSV. -#}

{#- Return the lines that hold a cell: the number of each line of text (from 1) and its cells, as they stand there. A
    line without quotes, as most are, is split and its empty parts left out. Else a cell begins and ends in a quote, or
    is all until the next delimiter.
    Parameters: $path, $compression, $delimiter, $also (what is a delimiter, too), $padding (a pattern of delimiters at
    the start of a line), $cell (a pattern of a cell and the delimiters after it) -#}
{%- macro lines_of_cells() -%}
{%- from 'sources/lines.sql' import lines -%}
SELECT *
FROM (
    SELECT
        line_number,
        line,
        CASE
            WHEN contains(line, '"') THEN regexp_extract_all(regexp_replace(line, $padding, ''), $cell, 1, 's')
            ELSE list_filter(string_split(replace(line, $also, $delimiter), $delimiter), lambda part: part <> '')
        END AS cells
    FROM (
        SELECT row_number() OVER () AS line_number, rtrim(line, chr(13)) AS line
        FROM ({{ lines() }})
    )
)
{%- endmacro -%}

{#- Return the texts that the cells of a line mean: what stands in their quotes. -#}
{%- macro texts() -%}
CASE
    WHEN contains(line, '"') THEN list_transform(cells, lambda cell:
        CASE
            WHEN regexp_matches(cell, '^ ?"') THEN replace(regexp_extract(cell, '^ ?"(.*)"$', 1, 's'), '""', '"')
            ELSE cell
        END)
    ELSE cells
END
{%- endmacro -%}

{#- Parameters: those of lines_of_cells, and $header -#}
{%- macro rows(source, cells) -%}
SELECT
    row
    {%- for cell in cells %},
    texts[{{ cell.column.place | number }}] AS {{ cell.value | ident }}
    {%- endfor %}
FROM (
    SELECT row_number() OVER () - CAST($header AS INTEGER) AS row, {{ texts() }} AS texts
    FROM ({{ lines_of_cells() }})
    WHERE len(cells) > 0
)
WHERE row > 0
{%- endmacro -%}

{%- import 'sources/csv.sql' as csv -%}
{%- set cell_text = csv.cell_text -%}
{%- set cell_type = csv.cell_type -%}
