-- Adds one set of columns to suggest_features.
-- Parameters: those of the file, and $columns_number
{%- from 'sources/cells.sql' import rows, texts %}
{%- from 'suggest/keys.sql' import part_texts %}
INSERT INTO suggest_features
WITH rows AS (
    SELECT
        {%- for cell in cells %}
        {{ cell.value | ident }},
        {%- endfor %}
        count(*) AS rows
    FROM ({{ rows(source, cells) }})
    GROUP BY ALL
), cells AS (
    SELECT
        rows,
        {{- texts(cells) }}
    FROM rows
)
SELECT
    $columns_number,
    {{ part_texts(cells) }},
    rows
FROM cells;
