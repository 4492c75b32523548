-- Returns the first row of a JSON lines file that is not a JSON object, or one with one member twice, or no row: row,
-- fault, total (how many such rows there are). Objects inside of objects are left to json_inner_fault.
-- Parameters: $path
{%- from 'sources/jsonl.sql' import objects %}
WITH named AS (
    SELECT row, line, json_keys(CASE WHEN json_valid(line) THEN line END) AS names
    FROM ({{ objects([]) }})
), changes AS (
    -- Most lines have the names of the line before: only the others are looked at. A window without an order is passed
    -- through row by row.
    SELECT *, names IS DISTINCT FROM lag(names) OVER () AS is_new
    FROM named
), lines AS (
    -- The last look, which a line has in its last bit.
    SELECT
        row, line,
        max(CASE WHEN is_new THEN 2 * row + CAST(len(names) <> list_unique(names) AS INTEGER) END)
            OVER (ROWS UNBOUNDED PRECEDING) % 2 = 1 AS has_twice
    FROM changes
)
SELECT row, fault, count(*) OVER () AS total
FROM (SELECT row, json_fault(line, has_twice) AS fault FROM lines)
WHERE fault IS NOT NULL
ORDER BY row
LIMIT 1;
