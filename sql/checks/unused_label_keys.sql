-- The anti join of labels against features: label keys that no feature row has, with the place of each label and what it
-- holds; the first keys, and how many there are.
SELECT key, raw_value, file, row, count(*) OVER () AS total
FROM labels ANTI JOIN feature_keys USING (key)
ORDER BY key
LIMIT 20;
