-- Returns what the first rows of a file hold, one row per column: how many cells hold something (filled), a number
-- (numbers), a fractional one, what cannot be a key (faults), how many different texts there are, and between what the
-- numbers lie. The cells of a row become a list and then rows, so that one expression serves thousands of columns.
-- Parameters: those of the file, and $most
{%- from 'sources/cells.sql' import rows, text_lists %}
WITH rows AS (
    SELECT * FROM ({{ rows(source, cells) }}) LIMIT $most
), cells AS (
    SELECT unnest(texts) AS text, unnest(types) AS type, generate_subscripts(texts, 1) - 1 AS place
    FROM (
        SELECT {{ text_lists(cells) }}
        FROM rows
    )
), judged AS (
    SELECT
        place, text,
        mos_state(text, type, []) AS state,
        mos_number(text, type) AS number,
        key_fault(text, type) IS NOT NULL AS is_fault
    FROM cells
)
SELECT
    place,
    count(*) FILTER (WHERE state <> 'missing') AS filled,
    count(*) FILTER (WHERE state = 'ok') AS numbers,
    count(*) FILTER (WHERE state = 'ok' AND number <> trunc(number)) AS fractions,
    count(*) FILTER (WHERE is_fault) AS faults,
    count(DISTINCT text) AS different,
    min(number) FILTER (WHERE state = 'ok') AS low,
    max(number) FILTER (WHERE state = 'ok') AS high
FROM judged
GROUP BY place
ORDER BY place;
