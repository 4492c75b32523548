-- The types that the values of a column have in a JSON file: one row per type.
-- Parameters: those of the file
SELECT DISTINCT type
FROM (SELECT {% include 'sources/type.sql' %} AS type FROM ({% include 'sources/jsonl.sql' %}))
WHERE type <> 'NULL'
ORDER BY type;
