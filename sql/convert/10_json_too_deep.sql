-- Returns the first row of a JSON lines file whose values nest more than 60 deep, which typed columns cannot hold; or
-- no row.
-- Parameters: $path, $compression
{%- from 'sources/jsonl.sql' import objects %}
WITH brackets AS (
    SELECT row, unnest(brackets) AS bracket, generate_subscripts(brackets, 1) AS place
    FROM (
        SELECT row, regexp_extract_all(without_texts(line), '[\[\]{}]') AS brackets
        FROM ({{ objects([]) }})
        WHERE length(line) - length(replace(replace(line, '[', ''), '{', '')) > 60
    )
), depths AS (
    SELECT row, sum(CASE WHEN bracket IN ('[', '{') THEN 1 ELSE -1 END) OVER (PARTITION BY row ORDER BY place) AS depth
    FROM brackets
)
SELECT min(row) AS row
FROM depths
WHERE depth > 60
HAVING min(row) IS NOT NULL;
