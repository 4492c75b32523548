-- Returns keyed label rows with a score and without a scale that is known, of files whose rows each have one: the first
-- rows, and how many there are in all.
SELECT file, row, scale_text, count(*) OVER () AS total
FROM label_rows JOIN label_scales USING (file)
WHERE mos_scale = 'per-row' AND key IS NOT NULL AND mos_state = 'ok' AND value IS NOT NULL AND row_worst IS NULL
ORDER BY file, row
LIMIT 3;
