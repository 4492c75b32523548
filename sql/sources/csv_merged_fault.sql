-- Returns the first line of a CSV file, in which a run of delimiters is one, that has another number of cells than the
-- table, or a quote where none may stand; or no row. A line of blanks and tabs is blank if these are the delimiter.
-- Parameters: those of the file, and $width (the number of columns)
{%- from 'sources/csv_merged.sql' import lines_of_cells %}
SELECT line_number, row, len(cells) AS cells, is_open
FROM (
    SELECT
        line_number, line, cells,
        sum(CAST(len(cells) > 0 OR $also = $delimiter AS INTEGER)) OVER (ROWS UNBOUNDED PRECEDING) - CAST($header AS INTEGER) AS row,
        contains(line, '"') AND len(list_filter(cells, lambda cell:
            (cell[1] = '"' OR cell[1:2] = ' "') AND NOT regexp_full_match(cell, ' ?"(?:[^"]|"")*"'))) > 0 AS is_open
    FROM ({{ lines_of_cells() }})
    WHERE line <> ''
)
WHERE is_open OR (len(cells) <> $width AND NOT ($also <> $delimiter AND len(cells) = 0))
ORDER BY line_number
LIMIT 1;
