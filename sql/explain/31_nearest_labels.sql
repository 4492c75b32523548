-- The labels whose keys are nearest to a key, by the number of characters to be changed.
-- Parameters: $key
SELECT key, file, row, raw_value, levenshtein(key, $key) AS changes
FROM labels
ORDER BY changes, key
LIMIT 3;
