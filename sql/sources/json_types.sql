-- Returns the types that the values of a column have in a JSON lines file: one row per type.
-- Parameters: those of the file
{%- from 'sources/jsonl.sql' import objects, cell_type %}
SELECT DISTINCT type
FROM (SELECT {{ cell_type(cell) }} AS type FROM ({{ objects([cell]) }}))
WHERE type <> 'NULL'
ORDER BY type;
