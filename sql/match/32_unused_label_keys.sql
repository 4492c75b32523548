-- Returns the anti join of labels against features: label keys that no feature row has, with the place of each label
-- and what it holds; the first keys, and how many there are. They are counted apart: to count them while the first are
-- looked for would sort all of them. NOT IN, since DuckDB 1.5 fails at random if a window reads an ANTI JOIN.
WITH used AS (
    SELECT key FROM feature_keys WHERE key IS NOT NULL
)
SELECT
    key, raw_value, file, row,
    (SELECT count(*) FROM label_keys WHERE key NOT IN (FROM used)) AS total
FROM label_keys
WHERE key NOT IN (FROM used)
ORDER BY key
LIMIT 20;
