-- Returns the names of the members that the objects of a JSON lines file have: one row per name, the first that occurs
-- first.
-- Parameters: $path
{%- from 'sources/jsonl.sql' import objects %}
SELECT member
FROM (
    SELECT row, unnest(members) AS member, generate_subscripts(members, 1) AS place
    FROM (
        SELECT row, json_keys(line) AS members
        FROM ({{ objects([]) }})
    )
)
GROUP BY member
ORDER BY min(row * 16777216 + place);  -- A line of 64 MiB has fewer members.
