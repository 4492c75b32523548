-- Feature keys that several different values became, with two of the values; the first keys, and how many there are.
SELECT key, list(DISTINCT raw_value ORDER BY raw_value)[:2] AS raw_values, count(*) OVER () AS total
FROM feature_keys
WHERE key IS NOT NULL
GROUP BY key
HAVING count(DISTINCT raw_value) > 1
ORDER BY key
LIMIT 20;
