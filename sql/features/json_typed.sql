-- A JSON lines file as one typed STRUCT per row, in file order.
-- Parameters: $path, $structure
SELECT from_json_strict(line, $structure) AS features
FROM ({% include 'sources/jsonl.sql' %});
