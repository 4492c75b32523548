-- Adds one set of columns of one label file to suggest_labels. The first of the cells is the score.
-- Parameters: those of the file, and $columns_number, $file, $missing_values, $worst, $best
INSERT INTO suggest_labels
WITH cells AS (
    {%- include 'sources/cells.sql' %}
)
SELECT
    $columns_number,
    $file,
    row,
    [
        {%- for cell in cells[1:] %}
        key_text({{ cell.text | ident }}, {{ cell.type | ident }}){% if not loop.last %},{% endif %}
        {%- endfor %}
    ],
    {% for cell in cells[1:] -%}
    key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) IS NOT NULL{% if not loop.last %} OR {% endif %}
    {%- endfor %},
    {% set score = cells[0] -%}
    CASE WHEN mos_state({{ score.text | ident }}, {{ score.type | ident }}, $missing_values) = 'ok' THEN
        scale_mos(
            least(greatest(mos_number({{ score.text | ident }}, {{ score.type | ident }}),
                least(CAST($worst AS DOUBLE), CAST($best AS DOUBLE))),
                greatest(CAST($worst AS DOUBLE), CAST($best AS DOUBLE))),
            CAST($worst AS DOUBLE), CAST($best AS DOUBLE))
    END
FROM cells;
