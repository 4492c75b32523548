-- Returns keys of labels that several different values became, with two of the values: the first keys, and how many there
-- are.
SELECT key, [min(raw_value), max(raw_value)] AS raw_values, count(*) OVER () AS total
FROM label_scores
GROUP BY key
HAVING min(raw_value) <> max(raw_value)
ORDER BY key
LIMIT 2;
