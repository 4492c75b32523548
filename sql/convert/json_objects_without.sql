-- Returns the same texts as json_objects without some members; the others stay as they were written, in order. NULL if
-- the members do not add up to the line again: it nests too deep to be cut by a pattern (see json_member in
-- rules/5_json).
-- Parameters: $path, $compression, $dropped (names of members)
{%- from 'sources/jsonl.sql' import objects %}
WITH cut AS (
    SELECT
        regexp_replace(line, '^\s*\{|\}\s*$', '', 'g') AS body,
        regexp_extract_all(line, json_member()) AS members
    FROM ({{ objects([]) }})
)
SELECT CASE
    WHEN trim(body, white_space()) = trim(array_to_string(members, ','), white_space()) THEN
        '{' || array_to_string(
            list_filter(members, lambda member: NOT list_contains(
                CAST($dropped AS VARCHAR[]),
                json_extract_string(regexp_extract(member, json_text()), '$'))),
            ',')
END AS text
FROM cut;
