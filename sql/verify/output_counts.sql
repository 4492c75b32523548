-- What a labelled table says of itself: rows, statuses and sources, and its keys with and without a label. One row.
-- Parameters: those of the file, and $normalize, $regex, $capture (a list each: an entry per key column)
WITH cells AS (
    {%- include 'sources/cells.sql' %}
), labelled AS (
    SELECT status_text, source_text, {% include 'sources/key.sql' %}
    FROM cells
), keys AS (
    SELECT key, bool_or(status_text = 'ok') AS has_label
    FROM labelled
    WHERE key IS NOT NULL
    GROUP BY key
)
SELECT
    count(*) AS output_rows,
    count(*) FILTER (WHERE status_text = 'ok') AS matched_rows,
    count(*) FILTER (WHERE status_text = 'missing-label') AS missing_rows,
    count(*) FILTER (WHERE key IS NULL) AS rows_without_key,
    (SELECT count(*) FROM keys) AS total_feature_keys,
    (SELECT count(*) FROM keys WHERE has_label) AS matched_feature_keys,
    (SELECT coalesce(avg(CAST(has_label AS INTEGER)), 0.0) FROM keys) AS match_rate,
    coalesce(list(DISTINCT coalesce(status_text, 'none')), []) AS statuses,
    coalesce(list(DISTINCT source_text) FILTER (WHERE status_text = 'ok' AND source_text IS NOT NULL), []) AS sources
FROM labelled;
