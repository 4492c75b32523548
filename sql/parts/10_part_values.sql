-- Makes part_values: one row per part and distinct value of the key columns in it, with the number of its rows and the
-- first of them. Rows are numbered through all parts.
-- Parameters: those of the parts
{%- from 'sources/cells.sql' import rows %}
CREATE OR REPLACE TEMP TABLE part_values AS
SELECT
    part,
    {%- for cell in cells %}
    {{ cell.value | ident }},
    {%- endfor %}
    count(*) AS rows, min(row) AS first_row
FROM ({{ rows(source, cells) }})
GROUP BY ALL
ORDER BY part;
