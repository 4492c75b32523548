-- Returns a text as a value of a column's type, as text that the join reads; no row if the column cannot hold it.
-- Parameters: $value
{%- from 'sources/cells.sql' import cell_text %}
SELECT {{ cell_text(cell) }} AS text
FROM (SELECT TRY_CAST($value AS {{ cell.column.type | sqltype }}) AS {{ cell.value | ident }})
WHERE {{ cell.value | ident }} IS NOT NULL
    {%- if is_exact %}
    -- A cast rounds: 12.5 is not 13.
    AND TRY_CAST({{ cell.value | ident }} AS DOUBLE) = TRY_CAST($value AS DOUBLE)
    {%- endif %};
