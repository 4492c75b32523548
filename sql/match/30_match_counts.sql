-- Returns the counts that the gate judges: rows, and distinct keys, with and without a label; and how many values cannot
-- be a key, have none, and have that of another value: one row. Values are grouped by their keys once: of several
-- distinct counts, each would hold all keys.
WITH keys AS (
    SELECT
        key, max(label_id) AS label_id, CAST(sum(rows) AS BIGINT) AS rows, count(*) AS values, count(key_fault) AS faults
    FROM feature_keys
    GROUP BY key
)
SELECT
    CAST(coalesce(sum(rows), 0) AS BIGINT) AS input_rows,
    coalesce(any_value(rows) FILTER (WHERE key IS NULL), 0) AS rows_without_key,
    CAST(coalesce(sum(rows) FILTER (WHERE label_id IS NOT NULL), 0) AS BIGINT) AS matched_rows,
    count(key) AS total_feature_keys,
    count(label_id) AS matched_feature_keys,
    CAST(coalesce(sum(faults), 0) AS BIGINT) AS bad_keys,
    coalesce(any_value(values) FILTER (WHERE key IS NULL), 0) AS values_without_key,
    CAST(coalesce(sum(values - 1) FILTER (WHERE key IS NOT NULL), 0) AS BIGINT) AS repeats
FROM keys;
