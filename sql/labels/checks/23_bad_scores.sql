-- Returns keyed label rows whose score is not a finite number, or is missing in a file that must not lack any: the
-- first rows of each kind, and how many there are in all.
SELECT file, row, mos_text, mos_state, is_mos_100, count(*) OVER (PARTITION BY mos_state) AS total
FROM label_rows JOIN label_inputs USING (file)
WHERE key IS NOT NULL AND (mos_state = 'bad' OR (mos_state = 'missing' AND missing_mos = 'error'))
QUALIFY row_number() OVER (PARTITION BY mos_state ORDER BY file, row) <= 3
ORDER BY mos_state, file, row;
