-- Makes rule_keys: one row per distinct feature key of a rule, with what its values and the labels of the same key say.
-- A key collides if several values became it: of the feature column, or of the label column of one file. It conflicts
-- if a score differs from the first one by more than the tolerance; own_conflicts are those inside of one file.
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
), file_scores AS (
    SELECT
        key, file,
        count(*) AS file_rows,
        arg_min(mos, row) AS file_first,
        min(mos) AS file_low,
        max(mos) AS file_high
    FROM rule_labels
    WHERE key IS NOT NULL AND mos IS NOT NULL
    GROUP BY key, file
), label_scores AS (
    SELECT
        key,
        count(*) AS files,
        CAST(sum(file_rows) AS BIGINT) AS label_rows,
        arg_min(file_first, file) AS first_mos,
        min(file_low) AS low,
        max(file_high) AS high,
        max(greatest(file_high - file_first, file_first - file_low)) AS own_difference
    FROM file_scores
    GROUP BY key
), labels AS (
    SELECT
        key, files, label_rows, own_difference,
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
    mos_differs(labels.own_difference, $tolerance) AS own_conflicts,
    labels.files > 1 AS is_shared,
    features.texts IS NOT NULL AS is_feature,
    labels.label_rows IS NOT NULL AS is_label
FROM features FULL JOIN labels USING (key);
