-- Feature keys that several different values became, the first by key, and their count.
SELECT key, count(*) OVER () AS total
FROM feature_keys
WHERE key IS NOT NULL
GROUP BY key
HAVING count(DISTINCT raw_value) > 1
ORDER BY key
LIMIT 20;
