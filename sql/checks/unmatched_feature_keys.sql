-- The anti join of features against labels: distinct feature keys without a label, the first by key, and their count.
SELECT key, count(*) OVER () AS total
FROM (SELECT DISTINCT key FROM feature_keys WHERE key IS NOT NULL AND label_id IS NULL)
ORDER BY key
LIMIT 20;
