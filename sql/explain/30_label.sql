-- Returns the label of a key: one row, or none.
-- Parameters: $key
SELECT key, file, row, raw_value, mos_text, mos, mos_raw_0_100
FROM labels
WHERE key = $key;
