-- Returns the first score that is clipped to its scale, if there is one: its place, and what stands there.
SELECT file, row, CASE WHEN is_outside(value, worst, best) THEN mos_text ELSE mos_100_text END AS text
FROM label_scores
WHERE is_out_of_range AND out_of_range = 'clip'
ORDER BY file, row
LIMIT 1;
