-- Returns the text of every object of a JSON lines file, in file order, as the file has it, without its closing brace.
-- Parameters: $path, $compression
{%- from 'sources/jsonl.sql' import objects %}
SELECT regexp_replace(line, '[ \t\r]*\}[ \t\r]*$', '') AS text
FROM ({{ objects([]) }});
