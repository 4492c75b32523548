-- Makes rule_keys: one row per distinct feature key of a rule, with what its values and the labels of the same key say.
-- A key collides if several values became it: of the feature column, or of the label column of one file. It conflicts
-- if a score differs from the first one by more than the tolerance.
-- Parameters: $tolerance
CREATE OR REPLACE TEMP TABLE rule_keys AS
WITH features AS (
    SELECT key, count(*) AS texts
    FROM rule_features
    WHERE key IS NOT NULL
    GROUP BY key
), label_texts AS (
    SELECT key, file, count(DISTINCT texts) AS texts
    FROM rule_labels
    WHERE key IS NOT NULL AND mos IS NOT NULL
    GROUP BY key, file
), label_scores AS (
    SELECT
        key,
        count(*) AS label_rows,
        arg_min(mos, (file, row)) AS first_mos,
        min(mos) AS low,
        max(mos) AS high
    FROM rule_labels
    WHERE key IS NOT NULL AND mos IS NOT NULL
    GROUP BY key
), labels AS (
    SELECT
        key, label_rows,
        greatest(high - first_mos, first_mos - low) AS difference,
        most_texts > 1 AS label_collides
    FROM label_scores JOIN (SELECT key, max(texts) AS most_texts FROM label_texts GROUP BY key) USING (key)
)
SELECT
    key,
    features.texts AS feature_texts,
    labels.label_rows,
    labels.label_collides,
    labels.difference,
    mos_differs(labels.difference, $tolerance) AS conflicts,
    features.texts IS NOT NULL AS is_feature,
    labels.label_rows IS NOT NULL AS is_label
FROM features FULL JOIN labels USING (key);
