-- Returns the complete anti joins: distinct feature keys without a label and labels that no feature has, and what has
-- no key (distinct values of features, rows of labels) or no score, in the order of side, file and row.
-- Parameters: $paths of the parts of the features that have rows, $offsets: how many rows come before each of them,
-- $labels (the paths)
SELECT side, key, raw_value, file, row, reason
FROM (
    SELECT 'feature' AS side, 0 AS place, key, raw_value, path AS file, row - rows_before AS row, reason
    FROM (
        SELECT
            key, arg_min(raw_value, first_row) AS raw_value, min(first_row) AS row,
            CASE WHEN key IS NULL THEN 'no key' ELSE 'no label' END AS reason
        FROM feature_keys
        WHERE label_id IS NULL
        GROUP BY key, CASE WHEN key IS NULL THEN raw_value END
    ) AS keys
    ASOF JOIN (
        SELECT unnest(CAST($paths AS VARCHAR[])) AS path, unnest(CAST($offsets AS BIGINT[])) AS rows_before
    ) AS parts ON keys.row > parts.rows_before
    UNION ALL
    SELECT
        'label', file, key, raw_value, CAST($labels AS VARCHAR[])[file + 1], row,
        CASE WHEN key IS NULL THEN 'no key' WHEN mos_state <> 'ok' THEN 'no score' ELSE 'no feature' END
    FROM label_rows
    WHERE key IS NULL OR mos_state <> 'ok' OR key NOT IN (SELECT key FROM feature_keys WHERE key IS NOT NULL)
)
ORDER BY side, place, file, row, raw_value;
