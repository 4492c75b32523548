-- The members that the objects of a JSON lines file have: one row per different list of names, the first that occurs
-- first.
-- Parameters: $path
SELECT json_keys(line) AS members, min(row) AS first_row
FROM ({% include 'sources/jsonl.sql' %})
GROUP BY members
ORDER BY first_row;
