-- Adds the keys of one candidate to suggest_keys.
-- Parameters: $candidate, $file, $place, $normalize, $regex (its first group is the key)
INSERT INTO suggest_keys
SELECT $candidate, $file, key, count(*), sum(rows)
FROM (
    SELECT make_key(text, $normalize, CAST($regex AS VARCHAR), 1) AS key, rows
    FROM suggest_values
    WHERE file = $file AND place = $place AND text IS NOT NULL
)
WHERE key IS NOT NULL
GROUP BY key;
