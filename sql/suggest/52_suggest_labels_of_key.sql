-- Adds one set of columns of one label file to suggest_labels. The first of the cells is the score.
-- Parameters: those of the file, and $columns_number, $file, $missing_values, $worst, $best
{%- from 'sources/cells.sql' import text_rows %}
{%- from 'suggest/keys.sql' import part_texts %}
INSERT INTO suggest_labels
WITH cells AS (
    {{ text_rows(source, cells) }}
), numbers AS (
    {% set score = cells[0] -%}
    SELECT
        *,
        CASE WHEN mos_state({{ score.text | ident }}, {{ score.type | ident }}, $missing_values) = 'ok'
            THEN mos_number({{ score.text | ident }}, {{ score.type | ident }}) END AS number,
        CAST($worst AS DOUBLE) AS worst,
        CAST($best AS DOUBLE) AS best
    FROM cells
)
SELECT
    $columns_number,
    $file,
    row,
    {{ part_texts(cells[1:]) }},
    scale_mos(clip_mos(number, worst, best), worst, best)
FROM numbers;
