-- A JSON lines file as one typed STRUCT per row, in file order. The structure holds for all rows: see json_structures
-- and json_numbers, without which from_json would make NULL of what does not fit.
-- Parameters: $path, $structure
SELECT from_json(line, $structure) AS features
FROM ({% include 'sources/jsonl.sql' %});
