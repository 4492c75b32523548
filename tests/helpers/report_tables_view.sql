{% from 'view_column.sql' import value %}-- report_tables: a row per table of a batch report, also those that failed and those that were not run.
--
{% for column in columns -%}
-- {{ column.name.ljust(names) }}  {{ column.type.ljust(types) }}  {{ column.says }}
{% endfor -%}
--
-- What an entry does not say is NULL: the counts of a table that was not labelled, the error of one that did not fail.
-- `make pages` writes this file from moslabels/evidence/fields.py.
CREATE OR REPLACE VIEW report_tables AS
SELECT
    path,
    modified,
    position,
{%- for column in columns[3:] %}
    {{ value(column, 'entry') }} AS {{ column.name }}{{ "," if not loop.last }}
{%- endfor %}
FROM (
    SELECT path, modified, unnest(entries) AS entry, generate_subscripts(entries, 1) AS position
    FROM (SELECT path, modified, document->'$.tables[*]' AS entries FROM documents WHERE kind = 'report')
)
ORDER BY path, position;
