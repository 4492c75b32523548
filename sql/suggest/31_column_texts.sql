-- Returns some of the different values of one column in suggest_values, the same on every run: patterns are derived
-- from them.
-- Parameters: $file, $place, $most
SELECT text
FROM (SELECT DISTINCT text FROM suggest_values WHERE file = $file AND place = $place AND text IS NOT NULL)
ORDER BY hash(text), text
LIMIT $most;
