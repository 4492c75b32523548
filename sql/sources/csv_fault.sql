-- Returns the first line of a CSV file that ends in a delimiter too many, which DuckDB would pass over, by its number
-- (from 1, as lines of text); or no row. A line inside of a quoted cell is left alone.
-- Parameters: $path, $compression, $delimiter, $width (the number of columns)
{%- from 'sources/lines.sql' import lines %}
WITH lines AS (
    SELECT row_number() OVER () AS line_number, rtrim(line, chr(13)) AS line
    FROM ({{ lines() }})
)
SELECT line_number
FROM lines
WHERE ends_with(line, $delimiter)
    AND (length(line) - length(replace(line, '"', ''))) % 2 = 0
    AND len(string_split(regexp_replace(line, '"(?:[^"]|"")*"', '', 'g'), $delimiter)) > $width
ORDER BY line_number
LIMIT 1;
