-- Returns one row per column of texts: how many rows hold something, how many a list of numbers, and between what the
-- lengths of the lists lie.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows, text_lists %}
WITH cells AS (
    SELECT unnest(texts) AS text, generate_subscripts(texts, 1) - 1 AS place
    FROM (
        SELECT {{ text_lists(cells) }}
        FROM ({{ rows(source, cells) }})
    )
), lengths AS (
    SELECT
        place, text,
        CASE WHEN regexp_full_match(trim_text(text), '[\[(] ?[0-9.]+([, ]+[0-9.]+)+ ?[\])]')
            THEN len(regexp_extract_all(text, '[0-9.]+')) END AS length
    FROM cells
)
SELECT place, count(text) AS filled, count(length) AS lists, min(length) AS shortest, max(length) AS longest
FROM lengths
GROUP BY place
ORDER BY place;
