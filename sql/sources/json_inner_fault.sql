-- Returns the first row of a JSON lines file, without another fault, in which an object inside of an object has one
-- member twice, or no row: row, fault, total (how many such rows there are).
-- Parameters: $path, $compression
{%- from 'sources/jsonl.sql' import objects %}
WITH nested AS (
    -- Most lines need no closer look: they hold no object, or spell no name twice, in whatever object. CASE keeps the
    -- order: the cheap look first.
    SELECT row, line
    FROM ({{ objects([]) }})
    WHERE CASE
        WHEN NOT may_hold_object(line) THEN false
        WHEN NOT json_valid(line) THEN false
        WHEN contains(line, '\') THEN true
        ELSE len(json_names(line)) <> len(list_distinct(json_names(line)))
    END
), lines AS (
    SELECT
        row, line,
        CASE WHEN json_type(line) = 'OBJECT' THEN len(json_keys(line)) <> list_unique(json_keys(line)) END AS has_twice
    FROM nested
), tokens AS (
    -- Brackets, and texts with the colon that makes them the name of a member. json_tree would take time and memory by
    -- the square of the depth.
    SELECT row, unnest(tokens) AS token, generate_subscripts(tokens, 1) AS place
    FROM (
        SELECT row, regexp_extract_all(line, json_text() || '\s*:?|[\[\]{}]') AS tokens
        FROM lines
        WHERE json_fault(line, has_twice) IS NULL
    )
), places AS (
    SELECT
        row, token, place,
        sum(CASE WHEN token IN ('{', '[') THEN 1 WHEN token IN ('}', ']') THEN -1 ELSE 0 END)
            OVER (PARTITION BY row ORDER BY place) AS depth
    FROM tokens
    WHERE NOT ends_with(token, '"')
), members AS (
    SELECT row, object, json_extract_string(regexp_replace(token, '\s*:$', ''), '$') AS member
    FROM (
        SELECT
            row, token,
            -- The brace that was opened last at a depth is that of the object.
            max(CASE WHEN token = '{' THEN place END) OVER (PARTITION BY row, depth ORDER BY place) AS object
        FROM places
    )
    WHERE ends_with(token, ':')
), twice AS (
    SELECT DISTINCT row
    FROM (SELECT row FROM members GROUP BY row, object, member HAVING count(*) > 1)
)
SELECT row, 'an object has one member twice' AS fault, count(*) OVER () AS total
FROM twice
ORDER BY row
LIMIT 1;
