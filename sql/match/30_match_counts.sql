-- Returns the counts that the gate judges: rows, and distinct keys, with and without a label; and how many values cannot
-- be a key, have none, and have that of another value: one row.
SELECT
    CAST(coalesce(sum(rows), 0) AS BIGINT) AS input_rows,
    CAST(coalesce(sum(rows) FILTER (WHERE key IS NULL), 0) AS BIGINT) AS rows_without_key,
    CAST(coalesce(sum(rows) FILTER (WHERE label_id IS NOT NULL), 0) AS BIGINT) AS matched_rows,
    count(DISTINCT key) AS total_feature_keys,
    count(DISTINCT key) FILTER (WHERE label_id IS NOT NULL) AS matched_feature_keys,
    count(key_fault) AS bad_keys,
    count(*) - count(key) AS values_without_key,
    count(key) - count(DISTINCT key) AS repeats
FROM feature_keys;
