-- Returns the counts of a labelled table: rows, statuses and sources, and its keys with and without a label: one row.
WITH keys AS (
    SELECT key, bool_or(status_text = 'ok') AS has_label
    FROM output_values
    WHERE key IS NOT NULL
    GROUP BY key
)
SELECT
    CAST(coalesce(sum(rows), 0) AS BIGINT) AS output_rows,
    CAST(coalesce(sum(rows) FILTER (WHERE status_text = 'ok'), 0) AS BIGINT) AS matched_rows,
    CAST(coalesce(sum(rows) FILTER (WHERE status_text = 'missing-label'), 0) AS BIGINT) AS missing_rows,
    CAST(coalesce(sum(rows) FILTER (WHERE key IS NULL), 0) AS BIGINT) AS rows_without_key,
    (SELECT count(*) FROM keys) AS total_feature_keys,
    (SELECT count(*) FROM keys WHERE has_label) AS matched_feature_keys,
    (SELECT coalesce(avg(CAST(has_label AS INTEGER)), 0.0) FROM keys) AS match_rate,
    coalesce(list(DISTINCT coalesce(status_text, 'none')), []) AS statuses,
    coalesce(list(DISTINCT source_text) FILTER (WHERE status_text = 'ok' AND source_text IS NOT NULL), []) AS sources
FROM output_values;
