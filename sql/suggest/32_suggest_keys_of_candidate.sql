-- Adds the keys of one candidate to suggest_keys.
-- Parameters: $candidate, $file, $place, $normalize, $regex (its first group is the key), $folds (without
-- regard to case)
INSERT INTO suggest_keys
WITH made AS (
    SELECT make_key(text, $normalize, CAST($regex AS VARCHAR), 1) AS key, rows
    FROM suggest_values
    WHERE file = $file AND place = $place AND text IS NOT NULL
), cased AS (
    SELECT CASE WHEN $folds THEN fold_key(key) ELSE key END AS key, rows
    FROM made
)
SELECT $candidate, $file, key, count(*), sum(rows)
FROM cased
WHERE key IS NOT NULL
GROUP BY key;
