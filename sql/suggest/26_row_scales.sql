-- Returns how many rows of a label file hold something in a column, how many of them the scale of a row, and some of the
-- different texts. The only cell is that column.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import text_rows %}
WITH cells AS (
    {{ text_rows(source, cells) }}
), texts AS (
    SELECT NULLIF(trim_text({{ cells[0].text | ident }}), '') AS text
    FROM cells
)
SELECT
    count(text) AS filled,
    count(scale_worst(text)) AS scales,
    coalesce(list_sort(list(DISTINCT text))[:4], []) AS texts
FROM texts;
