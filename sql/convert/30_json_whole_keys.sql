-- Returns whether the key columns of a JSON lines file hold whole numbers alone, which come back as they were written:
-- one row, with a truth value per key column under its alias; NULL if it holds nothing.
-- Parameters: $path, $compression, $pointers
{%- from 'sources/jsonl.sql' import objects, cell_text, cell_type %}
SELECT
    {%- for cell in cells %}
    bool_and({{ cell_type(cell) }} = 'BIGINT' AND cell_bits({{ cell_text(cell) }}) < 4)
        FILTER (WHERE {{ cell_text(cell) }} IS NOT NULL) AS {{ cell.alias | ident }}{% if not loop.last %},{% endif %}
    {%- endfor %}
FROM ({{ objects(cells) }});
