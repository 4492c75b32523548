-- Returns what a rule does, over all rows, as one row: the counts that its rates are made of; how many feature values
-- get a label that nothing speaks against (clean), and one that a collision or a conflict inside of a file does (bad);
-- how many keys several files have, and of how many they say different scores; and, of the matched keys of one part, the
-- part that are whole numbers, between what those lie and how long they are.
WITH totals AS (
    SELECT
        (SELECT count(*) FROM rule_features WHERE is_fault) + (SELECT count(*) FROM rule_labels WHERE is_fault) AS faults,
        (SELECT count(*) FROM rule_features) AS feature_values,
        (SELECT count(mos) FROM rule_labels) AS scores,
        CAST((SELECT coalesce(sum(rows), 0) FROM rule_features) AS BIGINT) AS feature_rows,
        CAST((SELECT coalesce(sum(rows), 0) FROM rule_features WHERE key IS NOT NULL) AS BIGINT) AS rows_with_key
)
SELECT
    any_value(faults) AS faults,
    any_value(feature_values) AS feature_values,
    any_value(scores) AS scores,
    CAST(coalesce(sum(label_rows) FILTER (WHERE is_feature AND is_label), 0) AS BIGINT) AS scores_used,
    any_value(feature_rows) AS feature_rows,
    any_value(rows_with_key) AS rows_with_key,
    count(*) FILTER (WHERE is_feature) AS feature_keys,
    count(*) FILTER (WHERE is_label) AS label_keys,
    count(*) FILTER (WHERE is_feature AND is_label) AS matched_keys,
    count(*) FILTER (WHERE feature_texts > 1) AS key_collisions,
    count(*) FILTER (WHERE label_collides) AS label_key_collisions,
    count(*) FILTER (WHERE conflicts) AS conflicts,
    count(*) FILTER (WHERE own_conflicts) AS own_conflicts,
    count(*) FILTER (WHERE is_shared) AS shared_keys,
    count(*) FILTER (WHERE is_shared AND conflicts AND NOT own_conflicts) AS contradicted_keys,
    max(difference) FILTER (WHERE conflicts) AS largest_difference,
    CAST(coalesce(sum(label_rows - 1), 0) AS BIGINT) AS duplicate_labels,
    CAST(coalesce(sum(feature_texts) FILTER (
        WHERE is_feature AND is_label AND NOT own_conflicts AND NOT label_collides AND feature_texts = 1), 0) AS BIGINT) AS clean,
    CAST(coalesce(sum(feature_texts) FILTER (
        WHERE is_feature AND is_label AND (own_conflicts OR label_collides OR feature_texts > 1)), 0) AS BIGINT) AS bad,
    count(*) FILTER (WHERE is_feature AND is_label AND own_conflicts) AS matched_conflicts,
    avg(CAST(is_whole_text(key[1]) AS INTEGER)) FILTER (WHERE is_feature AND is_label) AS whole,
    min(TRY_CAST(key[1] AS DOUBLE)) FILTER (WHERE is_feature AND is_label) AS low,
    max(TRY_CAST(key[1] AS DOUBLE)) FILTER (WHERE is_feature AND is_label) AS high,
    avg(length(key[1])) FILTER (WHERE is_feature AND is_label) AS length
FROM totals LEFT JOIN rule_keys ON true;
