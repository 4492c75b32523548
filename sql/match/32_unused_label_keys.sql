-- Returns the anti join of labels against features: label keys that no feature row has, with the place of each label
-- and what it holds; the first keys, and how many there are. NOT IN, since DuckDB 1.5 fails at random if a window over
-- everything reads an ANTI JOIN.
SELECT key, raw_value, file, row, count(*) OVER () AS total
FROM labels
WHERE key NOT IN (SELECT key FROM feature_keys WHERE key IS NOT NULL)
ORDER BY key
LIMIT 20;
