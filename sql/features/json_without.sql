-- The same texts as json_lines without some members of the object: the text is cut into tokens, members are told apart
-- by the commas at depth 1, and what stays is put together as it was written.
-- Parameters: $path, $dropped (names of members)
WITH tokens AS (
    SELECT row, unnest(parts) AS token, generate_subscripts(parts, 1) AS place
    FROM (
        SELECT row, regexp_extract_all(line, '"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^"{}\[\],:]+') AS parts
        FROM ({% include 'sources/jsonl.sql' %})
    )
), nested AS (
    SELECT *,
        sum(CASE WHEN token IN ('{', '[') THEN 1 WHEN token IN ('}', ']') THEN -1 ELSE 0 END)
            OVER (PARTITION BY row ORDER BY place) AS depth
    FROM tokens
), numbered AS (
    SELECT *, count(*) FILTER (WHERE token = ',' AND depth = 1) OVER (PARTITION BY row ORDER BY place) AS member
    FROM nested
    WHERE depth > 0
), members AS (
    SELECT
        row, member,
        -- The opening brace of the object and the commas between its members stand at depth 1 too.
        string_agg(token, '' ORDER BY place) FILTER (WHERE NOT (depth = 1 AND token IN ('{', ','))) AS text,
        json_extract_string(arg_min(token, place) FILTER (WHERE token LIKE '"%'), '$') AS name
    FROM numbered
    GROUP BY row, member
)
SELECT '{' || coalesce(
    string_agg(trim(text), ', ' ORDER BY member) FILTER (WHERE NOT list_contains(CAST($dropped AS VARCHAR[]), name)), '')
    AS text
FROM members
GROUP BY row
ORDER BY row;
