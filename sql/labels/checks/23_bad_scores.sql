-- Returns keyed label rows whose score is not a finite number: the first rows, and how many there are in all.
SELECT file, row, mos_text, is_mos_100, count(*) OVER () AS total
FROM label_rows
WHERE key IS NOT NULL AND mos_state = 'bad'
ORDER BY file, row
LIMIT 3;
