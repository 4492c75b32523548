-- Returns keyed label rows without a score, of files that must not lack any: the first rows, and how many there are in
-- all.
SELECT file, row, mos_text, is_mos_100, count(*) OVER () AS total
FROM label_rows JOIN label_scales USING (file)
WHERE key IS NOT NULL AND mos_state = 'missing' AND missing_mos = 'error'
ORDER BY file, row
LIMIT 3;
