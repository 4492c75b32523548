-- The first rows of a JSON lines file that are no JSON objects, or objects with one member twice: row, fault, total
-- (how many such rows there are).
-- DuckDB's reader also takes NaN, Infinity and a trailing comma: refused here, by a look at what stands outside of
-- the texts, for the few lines where one might.
-- Parameters: $path
WITH lines AS (
    {%- include 'sources/jsonl.sql' %}
), faults AS (
    SELECT row, CASE
        WHEN NOT json_valid(line) THEN 'it is no JSON'
        WHEN json_type(line) <> 'OBJECT' THEN 'it is no JSON object'
        WHEN len(json_keys(line)) <> len(list_distinct(json_keys(line))) THEN 'an object has one member twice'
        WHEN regexp_matches(line, '(?i)nan|inf|,\s*[}\]]')
            AND regexp_matches(without_texts(line), '(?i)nan|inf|,\s*[}\]]')
            THEN 'it is no JSON (NaN, Infinity and trailing commas are not JSON; write null)'
    END AS fault
    FROM lines
    UNION ALL
    -- Objects inside of objects and lists.
    SELECT row, 'an object has one member twice'
    FROM (
        SELECT row, line
        FROM lines
        WHERE regexp_matches(line, '[:\[,]\s*\{') AND json_valid(line)
            -- Most lines need no closer look: they spell no name twice, in whatever object.
            AND (contains(line, '\') OR len(regexp_extract_all(line, getvariable('json_text') || '\s*:'))
                <> len(list_distinct(regexp_extract_all(line, getvariable('json_text') || '\s*:'))))
    ) AS nested,
        json_tree(nested.line) AS member
    WHERE member.key IS NOT NULL AND member.parent IS NOT NULL
    GROUP BY row, member.parent, member.key
    HAVING count(*) > 1
)
SELECT row, fault, count(*) OVER () AS total
FROM (SELECT row, min(fault) AS fault FROM faults WHERE fault IS NOT NULL GROUP BY row)
ORDER BY row
LIMIT 3;
