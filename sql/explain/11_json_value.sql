-- What a text is as a JSON value: its type and its text, both NULL where it is no JSON. One row.
-- Parameters: $value
SELECT {% include 'sources/type.sql' %} AS type, {% include 'sources/text.sql' %} AS text
FROM (SELECT TRY_CAST($value AS JSON) AS {{ cell.value | ident }});
