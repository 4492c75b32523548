-- A JSON lines file: the text of every object, in file order, as the file has it, without its closing brace.
-- Parameters: $path
SELECT regexp_replace(line, '[ \t\r]*\}[ \t\r]*$', '') AS text
FROM ({% include 'sources/jsonl.sql' %});
