-- Returns a JSON lines file as one typed STRUCT per row, in file order, and after it the columns that are written as
-- the texts of their keys. The structure holds for all rows: see json_structures and json_lossy_numbers, without which
-- from_json would make NULL of what does not fit.
-- Parameters: $path, $compression, $structure{% if cells %}, $pointers (of the texts){% endif %}
{%- from 'sources/jsonl.sql' import objects, cell_text, cell_type %}
SELECT
    from_json(line, $structure) AS features
    {%- for cell in cells %},
    key_text({{ cell_text(cell) }}, {{ cell_type(cell) }}) AS {{ cell.text | ident }}
    {%- endfor %}
FROM ({{ objects(cells) }});
