-- Returns the three labels whose keys are nearest to a key, by the number of characters to change.
-- Parameters: $key
SELECT key, file, row, raw_value, levenshtein(key, $key) AS changes
FROM labels
ORDER BY changes, key
LIMIT 3;
