-- Adds the distinct values of some columns of a file to suggest_values, from a sample of its rows: those whose number
-- has the smallest hash, the same ones on every run.
-- Parameters: those of the file, and $file, $places (of the columns), $most
{%- from 'sources/cells.sql' import rows, text_lists %}
INSERT INTO suggest_values
WITH rows AS (
    SELECT
        {%- for cell in cells %}
        {{ cell.value | ident }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    FROM ({{ rows(source, cells) }})
    ORDER BY hash(row), row
    LIMIT $most
), cells AS (
    SELECT unnest(texts) AS text, unnest(types) AS type, unnest(CAST($places AS INTEGER[])) AS place
    FROM (
        SELECT {{ text_lists(cells) }}
        FROM rows
    )
), counted AS (
    SELECT place, text, type, count(*) AS rows
    FROM cells
    GROUP BY ALL
)
SELECT $file, place, NULLIF(trim_text(key_text(text, type)), ''), key_fault(text, type) IS NOT NULL, rows
FROM counted;
