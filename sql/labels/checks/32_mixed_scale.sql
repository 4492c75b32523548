-- Returns the scores of a label file whose scale cannot be told: least, quartiles and greatest, how many there are on
-- either side of 5, and the first scores of the side that has fewer: one row.
-- Parameters: $file
WITH scores AS (
    SELECT row, mos_text, value, value > 5 AS is_high
    FROM label_rows
    WHERE file = $file AND key IS NOT NULL AND mos_state = 'ok' AND value IS NOT NULL
), sides AS (
    SELECT count(*) FILTER (WHERE is_high) AS high, count(*) FILTER (WHERE NOT is_high) AS low FROM scores
)
SELECT
    min(value) AS least, quantile_cont(value, [0.25, 0.5, 0.75]) AS quartiles, max(value) AS greatest,
    any_value(low) AS low, any_value(high) AS high,
    list({'row': row, 'mos_text': mos_text} ORDER BY row) FILTER (WHERE is_high = (high < low))[:3] AS fewer
FROM scores, sides;
