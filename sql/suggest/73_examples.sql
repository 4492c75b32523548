-- Returns some matched keys of a rule, those that nothing speaks against first, each with a value of both sides.
-- Parameters: $most
WITH chosen AS (
    SELECT key, coalesce(conflicts, false) OR coalesce(label_collides, false) OR feature_texts > 1 AS is_bad
    FROM rule_keys
    WHERE is_feature AND is_label
    ORDER BY is_bad, key
    LIMIT $most
)
SELECT
    key,
    is_bad,
    (SELECT min(texts) FROM rule_features WHERE rule_features.key = chosen.key) AS feature,
    (SELECT min(texts) FROM rule_labels WHERE rule_labels.key = chosen.key) AS label
FROM chosen
ORDER BY is_bad, key;
