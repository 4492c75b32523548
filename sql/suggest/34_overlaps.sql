-- Returns how many keys a candidate of the features and one of a label file have in common: one row per pair that has
-- any. Keys that the same candidates have are counted together first, so that a number which many columns hold costs
-- little.
WITH feature_sets AS (
    SELECT key, list(candidate ORDER BY candidate) AS features
    FROM suggest_keys
    WHERE file < 0
    GROUP BY key
), label_sets AS (
    SELECT key, list(candidate ORDER BY candidate) AS labels
    FROM suggest_keys
    WHERE file >= 0
    GROUP BY key
), shared AS (
    SELECT features, labels, count(*) AS keys
    FROM feature_sets JOIN label_sets USING (key)
    GROUP BY features, labels
), spread AS (
    SELECT unnest(features) AS feature, labels, keys
    FROM shared
), pairs AS (
    SELECT feature, unnest(labels) AS label, keys
    FROM spread
)
SELECT feature, label, CAST(sum(keys) AS BIGINT) AS keys
FROM pairs
GROUP BY feature, label
ORDER BY feature, label;
