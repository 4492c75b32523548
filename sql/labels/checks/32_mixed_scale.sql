-- Returns the scores of the first label file whose scale cannot be told: least, quartiles and greatest, how many there
-- are on either side of 5, the first scores of the side that has fewer, and a histogram. Its bins are 1, 2 or 5 times a
-- power of ten wide, at most 21 of them. 5 is an edge, and a bin holds its upper edge, so that scores of at most 5 stand on
-- one side of it.
WITH scores AS (
    SELECT file, row, low, high, mos_text, value
    FROM label_rows JOIN label_scales USING (file)
    WHERE scale = 'mixed' AND key IS NOT NULL AND mos_state = 'ok' AND value IS NOT NULL
        AND file = (SELECT min(file) FROM label_scales WHERE scale = 'mixed')
), facts AS (
    SELECT
        file, low, high,
        min(value) AS least, quantile_cont(value, [0.25, 0.5, 0.75]) AS quartiles, max(value) AS greatest,
        list({'row': row, 'mos_text': mos_text} ORDER BY row) FILTER (WHERE (value > 5) = (high < low))[:3] AS fewer
    FROM scores
    GROUP BY file, low, high
), decades AS (
    -- Each is divided before, because the difference of two scores may be beyond a DOUBLE.
    SELECT greatest / 20 - least / 20 AS width, pow(10, floor(log10(width))) AS decade
    FROM facts
), steps AS (
    SELECT decade * CASE WHEN width <= decade THEN 1 WHEN width <= 2 * decade THEN 2
        WHEN width <= 5 * decade THEN 5 ELSE 10 END AS step
    FROM decades
), counts AS (
    SELECT CAST(ceil(value / step - 5 / step) AS BIGINT) AS upper, count(*) AS count
    FROM scores, steps
    GROUP BY upper
)
SELECT
    *,
    (
        SELECT list({'above': 5 + (upper - 1) * step, 'up_to': 5 + upper * step, 'count': count} ORDER BY upper)
        FROM counts, steps
    ) AS histogram
FROM facts;
