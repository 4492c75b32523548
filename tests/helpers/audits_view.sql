-- audits: a row per audit, which is a row per labelled table.
--
{% for column in columns -%}
-- {{ column.name.ljust(names) }}  {{ column.type.ljust(types) }}  {{ column.says }}
{% endfor -%}
--
-- What an older audit does not say is NULL; a list in a VARCHAR is JSON.
-- `make pages` writes this file from moslabels/evidence/fields.py.
CREATE OR REPLACE VIEW audits AS
SELECT
    path,
    modified,
{%- for column in columns[2:] %}
    {% if column.type == "VARCHAR" -%}
    document->>'{{ column.place }}'
    {%- elif column.type == "VARCHAR[]" -%}
    CASE json_type(document, '{{ column.place }}') WHEN 'ARRAY' THEN document->>'{{ column.place }}[*]' END
    {%- elif column.type == "JSON" -%}
    CASE json_type(document, '{{ column.place }}') WHEN 'OBJECT' THEN document->'{{ column.place }}' END
    {%- else -%}
    TRY_CAST(document->>'{{ column.place }}' AS {{ column.type }})
    {%- endif %} AS {{ column.name }}{{ "," if not loop.last }}
{%- endfor %}
FROM documents
WHERE kind = 'audit'
ORDER BY path;
