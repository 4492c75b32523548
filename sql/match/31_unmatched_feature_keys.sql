-- Returns the anti join of features against labels: distinct feature keys without a label, with the first row that has
-- each and what it holds; the first keys, and how many there are.
SELECT key, arg_min(raw_value, first_row) AS raw_value, min(first_row) AS row, count(*) OVER () AS total
FROM feature_keys
WHERE key IS NOT NULL AND label_id IS NULL
GROUP BY key
ORDER BY key
LIMIT 20;
