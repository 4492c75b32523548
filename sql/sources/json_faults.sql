-- The first rows of a JSON lines file that are no JSON objects, or objects with one member twice: row, fault, total
-- (how many such rows there are).
-- DuckDB's reader also takes NaN, Infinity and a trailing comma: refused here, by a look at what stands outside of
-- the texts, for the few lines where one might.
-- Parameters: $path
WITH lines AS (
    {%- include 'sources/jsonl.sql' %}
), nested AS (
    -- Objects inside of objects and lists; most lines need no closer look: they spell no name twice, in whatever object.
    SELECT row, line
    FROM lines
    WHERE regexp_matches(line, '[:\[,]\s*\{') AND json_valid(line)
        AND (contains(line, '\') OR len(regexp_extract_all(line, getvariable('json_text') || '\s*:'))
            <> len(list_distinct(regexp_extract_all(line, getvariable('json_text') || '\s*:'))))
), tokens AS (
    -- Brackets, and texts with the colon that makes them the name of a member. json_tree would take time and memory by
    -- the square of the depth.
    SELECT row, unnest(tokens) AS token, generate_subscripts(tokens, 1) AS place
    FROM (
        SELECT row, regexp_extract_all(line, getvariable('json_text') || '\s*:?|[\[\]{}]') AS tokens
        FROM nested
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
), faults AS (
    SELECT row, CASE
        WHEN starts_with(line, chr(65279)) THEN
            'a byte order mark (U+FEFF) stands before it, as where one file was put after another; remove it'
        WHEN NOT json_valid(line) THEN 'it is no JSON'
        WHEN json_type(line) <> 'OBJECT' THEN 'it is no JSON object'
        WHEN len(json_keys(line)) <> len(list_distinct(json_keys(line))) THEN 'an object has one member twice'
        WHEN regexp_matches(line, '(?i)nan|inf|,\s*[}\]]')
            AND regexp_matches(without_texts(line), '(?i)nan|inf|,\s*[}\]]')
            THEN 'it is no JSON (NaN, Infinity and trailing commas are not JSON; write null)'
    END AS fault
    FROM lines
    UNION ALL
    SELECT row, 'an object has one member twice'
    FROM members
    GROUP BY row, object, member
    HAVING count(*) > 1
)
SELECT row, fault, count(*) OVER () AS total
FROM (SELECT row, min(fault) AS fault FROM faults WHERE fault IS NOT NULL GROUP BY row)
ORDER BY row
LIMIT 3;
