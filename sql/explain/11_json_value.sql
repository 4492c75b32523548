-- Returns the type and the text of a JSON value, both NULL if the given text is not JSON: one row.
-- Parameters: $value
{%- from 'sources/cells.sql' import cell_text, cell_type %}
SELECT {{ cell_type(cell) }} AS type, {{ cell_text(cell) }} AS text
FROM (SELECT TRY_CAST($value AS JSON) AS {{ cell.value | ident }});
