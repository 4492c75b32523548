-- A text as a value of a column's type, and that value's text as the join reads it; no row where the column cannot hold it.
-- Parameters: $value
SELECT {% include 'sources/text.sql' %} AS text
FROM (SELECT TRY_CAST($value AS {{ cell.column.type | sqltype }}) AS {{ cell.value | ident }})
WHERE {{ cell.value | ident }} IS NOT NULL
    {%- if is_exact %}
    -- A cast rounds: 12.5 is no 13.
    AND TRY_CAST({{ cell.value | ident }} AS DOUBLE) = TRY_CAST($value AS DOUBLE)
    {%- endif %};
