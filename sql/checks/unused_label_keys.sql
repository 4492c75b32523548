-- The anti join of labels against features: label keys that no feature row has, the first by key, and their count.
SELECT key, count(*) OVER () AS total
FROM labels ANTI JOIN feature_keys USING (key)
ORDER BY key
LIMIT 20;
