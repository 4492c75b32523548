-- Returns the counts that the gate judges: rows, and distinct keys, with and without a label; how many values there are,
-- and how many of them cannot be a key, have none, and have that of another value (repeats): one row. A key with a label
-- is counted by the number of the label, which takes half the time of a text; of several distinct counts in one SELECT,
-- each would hold all keys.
WITH labelled AS (
    SELECT DISTINCT label_id FROM feature_keys WHERE label_id IS NOT NULL
), unlabelled AS (
    SELECT DISTINCT key FROM feature_keys WHERE key IS NOT NULL AND label_id IS NULL
), counts AS (
    SELECT
        CAST(coalesce(sum(rows), 0) AS BIGINT) AS input_rows,
        CAST(coalesce(sum(rows) FILTER (WHERE key IS NULL), 0) AS BIGINT) AS rows_without_key,
        CAST(coalesce(sum(rows) FILTER (WHERE label_id IS NOT NULL), 0) AS BIGINT) AS matched_rows,
        (SELECT count(*) FROM labelled) AS matched_feature_keys,
        (SELECT count(*) FROM unlabelled) AS unmatched_feature_keys,
        count(*) AS values, count(key) AS values_with_key, count(key_fault) AS bad_keys
    FROM feature_keys
)
SELECT
    input_rows, rows_without_key, matched_rows,
    matched_feature_keys + unmatched_feature_keys AS total_feature_keys, matched_feature_keys,
    values, values - values_with_key AS values_without_key, bad_keys,
    values_with_key - total_feature_keys AS repeats
FROM counts;
