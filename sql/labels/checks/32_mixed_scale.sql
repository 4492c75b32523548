-- Returns the scores of the first label file whose scale cannot be told: least, quartiles and greatest, how many there
-- are on either side of 5, and the first scores of the side that has fewer.
SELECT
    file, low, high,
    min(value) AS least, quantile_cont(value, [0.25, 0.5, 0.75]) AS quartiles, max(value) AS greatest,
    list({'row': row, 'mos_text': mos_text} ORDER BY row) FILTER (WHERE (value > 5) = (high < low))[:3] AS fewer
FROM label_rows JOIN label_scales USING (file)
WHERE scale = 'mixed' AND key IS NOT NULL AND mos_state = 'ok' AND value IS NOT NULL
GROUP BY file, low, high
ORDER BY file
LIMIT 1;
