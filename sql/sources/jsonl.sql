-- A JSON lines file: one row per line that is not blank, with its number (from 1) and the wanted members as JSON.
-- Lines are read as text, so that numbers keep their spelling.
-- Parameters: $path{% if cells %}, $pointers (JSON pointers of the members){% endif %}
SELECT
    row_number() OVER () AS row,
    line
    {%- for cell in cells %},
    cells[{{ loop.index | number }}] AS {{ cell.value | ident }}
    {%- endfor %}
FROM (
    SELECT line{% if cells %}, json_extract(line, CAST($pointers AS VARCHAR[])) AS cells{% endif %}
    FROM ({% include 'sources/lines.sql' %})
    WHERE regexp_matches(line, '[^ \t\n\r]')  -- Looks no further than the first: trimming would look at all of it.
)
