-- The structure of all objects of a JSON lines file as one JSON text, for from_json: types from every row, none guessed
-- from a text. One object stands for all that are built alike, and they are merged in file order, so that the members
-- of nested objects always come in the same order.
-- Parameters: $path
SELECT json_structure('[' || string_agg(line, ',' ORDER BY first_row) || ']') -> 0 AS structure
FROM (
    SELECT arg_min(line, row) AS line, min(row) AS first_row
    FROM ({% include 'sources/jsonl.sql' %})
    GROUP BY json_structure(line)
);
