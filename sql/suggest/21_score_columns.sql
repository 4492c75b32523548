-- Returns what all rows of a label file hold, one row per column that may hold its scores: rows, scores that are
-- numbers, that are missing, that are bad (with some of their texts), those at most 5 and above, those beyond
-- 0 to 100, and between what the numbers lie.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows, text_lists %}
WITH cells AS (
    SELECT unnest(texts) AS text, unnest(types) AS type, generate_subscripts(texts, 1) - 1 AS place
    FROM (
        SELECT {{ text_lists(cells) }}
        FROM ({{ rows(source, cells) }})
    )
), judged AS (
    SELECT place, text, mos_state(text, type, []) AS state, mos_number(text, type) AS number
    FROM cells
)
SELECT
    place,
    count(*) AS rows,
    count(*) FILTER (WHERE state = 'ok') AS numbers,
    count(*) FILTER (WHERE state = 'missing') AS missing,
    count(*) FILTER (WHERE state = 'bad') AS bad,
    coalesce(list_sort(list(DISTINCT trim_text(text)) FILTER (WHERE state = 'bad'))[:6], []) AS bad_texts,
    count(*) FILTER (WHERE state = 'ok' AND number <> trunc(number)) AS fractions,
    count(DISTINCT number) FILTER (WHERE state = 'ok') AS different,
    count(*) FILTER (WHERE state = 'ok' AND number <= 5) AS at_most_5,
    count(*) FILTER (WHERE state = 'ok' AND number > 5) AS above_5,
    count(*) FILTER (WHERE state = 'ok' AND number NOT BETWEEN 0 AND 100) AS beyond,
    min(number) FILTER (WHERE state = 'ok') AS low,
    max(number) FILTER (WHERE state = 'ok') AS high
FROM judged
GROUP BY place
ORDER BY place;
