-- Returns what all rows of a label file hold, one row per column that may hold its scores: rows, scores that are
-- numbers, that are missing, that are bad (with some of their texts); how many lie where, and between what all lie. Of
-- the least number, how many hold it (at_low), how it is written (low_texts), and which is the next (second_low). How
-- many numbers are usual frame rates.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows, text_lists %}
WITH cells AS (
    SELECT unnest(texts) AS text, unnest(types) AS type, generate_subscripts(texts, 1) - 1 AS place
    FROM (
        SELECT {{ text_lists(cells) }}
        FROM ({{ rows(source, cells) }})
    )
), states AS (
    SELECT place, text, mos_state(text, type, []) AS state, mos_number(text, type) AS given
    FROM cells
), judged AS (
    SELECT place, text, state, CASE WHEN state = 'ok' THEN given END AS number
    FROM states
), least AS (
    SELECT place, min(number) AS least
    FROM judged
    GROUP BY place
)
SELECT
    place,
    count(*) AS rows,
    count(number) AS numbers,
    count(*) FILTER (WHERE state = 'missing') AS missing,
    count(*) FILTER (WHERE state = 'bad') AS bad,
    coalesce(list_sort(list(DISTINCT trim_text(text)) FILTER (WHERE state = 'bad'))[:6], []) AS bad_texts,
    count(*) FILTER (WHERE number <> trunc(number)) AS fractions,
    count(DISTINCT number) AS different,
    count(*) FILTER (WHERE number <= 5) AS at_most_5,
    count(*) FILTER (WHERE number > 5) AS above_5,
    count(*) FILTER (WHERE number < 0) AS below_0,
    count(*) FILTER (WHERE number < 1) AS below_1,
    count(*) FILTER (WHERE number > 100) AS above_100,
    count(*) FILTER (WHERE number = least) AS at_low,
    coalesce(list_sort(list(DISTINCT trim_text(text)) FILTER (WHERE number = least))[:3], []) AS low_texts,
    min(number) AS low,
    min(number) FILTER (WHERE number > least) AS second_low,
    max(number) AS high,
    count(*) FILTER (WHERE number IN (23.976, 23.98, 24, 25, 29.97, 30, 48, 50, 59.94, 60, 120)) AS rates
FROM judged JOIN least USING (place)
GROUP BY place
ORDER BY place;
