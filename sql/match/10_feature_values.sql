-- Makes feature_values: one row per distinct value of the key columns, with the number of its rows and the first of
-- them. Keys are made of these few values, not of every frame of a clip.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows, row_count %}
CREATE OR REPLACE TEMP TABLE feature_values AS
SELECT
    {%- for cell in cells %}
    {{ cell.value | ident }},
    {%- endfor %}
    {{ row_count(source) }} AS rows, min(row) AS first_row
FROM ({{ rows(source, cells) }})
GROUP BY ALL;
