-- Returns why a labelled table cannot be read back, the first reason, and how many rows or keys have it, or no row: a
-- value that cannot be a key, a label that is not a number, and a key with two scores, or labelled in some of its rows
-- alone.
WITH faults AS (
    SELECT
        1 AS kind, 'key' AS fault, raw_value, key_fault AS first_value, NULL AS second_value, fault_part,
        first_row, NULL AS second_row, rows
    FROM output_values
    WHERE key_fault IS NOT NULL
    UNION ALL
    SELECT 2, 'score', key, mos_text, NULL, NULL, first_row, NULL, rows
    FROM output_values
    WHERE status_text = 'ok' AND (mos IS NULL OR NOT isfinite(mos))
    UNION ALL
    SELECT
        3, 'scores', key, arg_min(coalesce(mos_text, 'none'), first_row), arg_max(coalesce(mos_text, 'none'), first_row), NULL,
        min(first_row), max(first_row), 1
    FROM (
        SELECT key, CASE status_text WHEN 'ok' THEN mos END AS mos, arg_min(CASE status_text WHEN 'ok' THEN mos_text END, first_row)
            AS mos_text, min(first_row) AS first_row
        FROM output_values
        WHERE key IS NOT NULL AND key_fault IS NULL
        GROUP BY ALL
    )
    GROUP BY key
    HAVING count(*) > 1
)
SELECT *, sum(rows) OVER (PARTITION BY kind) AS total
FROM faults
ORDER BY kind, first_row
LIMIT 1;
