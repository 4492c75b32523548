-- Adds the labelled clips of one table to diff_clips: one row per key that has a label, with its score. No key has two.
-- Parameters: $side
INSERT INTO diff_clips
SELECT $side, key, any_value(mos)
FROM output_values
WHERE key IS NOT NULL AND status_text = 'ok'
GROUP BY key;
