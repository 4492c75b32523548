-- Returns the first line of a CSV file that ends in a delimiter too many, which DuckDB would pass over, by its number
-- (from 1, as lines of text), or NULL; and whether a cell may go on in the next line (goes_on): then lines alone do not
-- tell. A quote opens a cell only where the cell begins, or after one space there. Elsewhere it is text.
-- Parameters: $path, $compression, $delimiter, $width (the number of columns)
{%- from 'sources/lines.sql' import lines %}
WITH lines AS (
    SELECT row_number() OVER () AS line_number, rtrim(line, chr(13)) AS line
    FROM ({{ lines() }})
), unquoted AS (
    SELECT
        line_number,
        CASE
            WHEN contains(line, '"') THEN regexp_replace(
                line, '(^|' || regexp_escape($delimiter) || ') ?"(?:[^"]|"")*"', '\1', 'g')
            ELSE line
        END AS line
    FROM lines
)
SELECT
    min(line_number) FILTER (
        ends_with(line, $delimiter) AND len(string_split(line, $delimiter)) > $width
    ) AS line_number,
    coalesce(bool_or(contains(line, '"') AND (
        starts_with(line, '"') OR starts_with(line, ' "')
        OR contains(line, $delimiter || '"') OR contains(line, $delimiter || ' "')
    )), false) AS goes_on
FROM unquoted;
