{% from 'view_column.sql' import value %}-- audits: a row per audit, which is a row per labelled table.
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
    {{ value(column, 'document') }} AS {{ column.name }}{{ "," if not loop.last }}
{%- endfor %}
FROM documents
WHERE kind = 'audit'
ORDER BY path;
