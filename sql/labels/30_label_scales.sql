-- Makes label_scales: one row per label file: what its keyed rows hold and the scale that its scores are on; and for each
-- check of its rows a count, which is 0 if that would find nothing. auto judges each file by itself, by all of its scores. A score below 5 may be on 1-5 or on 0-100, so a file with scores on
-- both sides of 5 is mixed: it is refused, not guessed.
CREATE TEMP TABLE label_scales AS
WITH facts AS (
    SELECT
        file,
        count(*) AS rows,
        count(*) FILTER (WHERE key IS NULL) AS rows_without_key,
        count(*) FILTER (WHERE key IS NOT NULL AND mos_state = 'missing') AS missing_mos_rows,
        count(*) FILTER (WHERE key IS NOT NULL AND mos_state = 'ok' AND value <= 5) AS low,
        count(*) FILTER (WHERE key IS NOT NULL AND mos_state = 'ok' AND value > 5) AS high,
        max(value) FILTER (WHERE key IS NOT NULL AND mos_state = 'ok') AS greatest,
        count(key_fault) AS bad_keys,
        count(*) FILTER (WHERE key IS NOT NULL AND mos_state = 'bad') AS bad_scores,
        count(*) FILTER (
            WHERE key IS NOT NULL AND mos_state = 'ok' AND value IS NOT NULL AND row_worst IS NULL
        ) AS without_row_scale
    FROM label_rows
    GROUP BY file
), decided AS (
    SELECT
        label_inputs.*,
        coalesce(rows, 0) AS rows,
        coalesce(rows_without_key, 0) AS rows_without_key,
        coalesce(missing_mos_rows, 0) AS missing_mos_rows,
        coalesce(low, 0) AS low,
        coalesce(high, 0) AS high,
        greatest,
        coalesce(bad_keys, 0) AS bad_keys,
        coalesce(bad_scores, 0) AS bad_scores,
        CASE missing_mos WHEN 'error' THEN coalesce(missing_mos_rows, 0) ELSE 0 END AS missing_scores,
        CASE mos_scale WHEN 'per-row' THEN coalesce(without_row_scale, 0) ELSE 0 END AS bad_row_scales,
        CASE
            WHEN mos_scale <> 'auto' THEN mos_scale
            WHEN lower(mos_column) = 'mos_raw_0_100' THEN '0-100'
            WHEN coalesce(high, 0) = 0 THEN '1-5'
            WHEN low = 0 THEN '0-100'
            ELSE 'mixed'
        END AS scale
    FROM label_inputs LEFT JOIN facts USING (file)
)
SELECT
    * EXCLUDE (worst, best),
    CAST(scale = 'mixed' AS INTEGER) AS mixed_scales,
    CASE scale WHEN '1-5' THEN 1 WHEN '0-100' THEN 0 WHEN 'linear' THEN worst END AS worst,
    CASE scale WHEN '1-5' THEN 5 WHEN '0-100' THEN 100 WHEN 'linear' THEN best END AS best
FROM decided;
