-- Makes label_scales: one row per label file: what its keyed rows hold and the scale that its scores are on. auto
-- judges each file by itself, by all of its scores. A score below 5 may be on 1-5 or on 0-100, so a file with scores on
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
        max(value) FILTER (WHERE key IS NOT NULL AND mos_state = 'ok') AS greatest
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
    CASE scale WHEN '1-5' THEN 1 WHEN '0-100' THEN 0 WHEN 'linear' THEN worst END AS worst,
    CASE scale WHEN '1-5' THEN 5 WHEN '0-100' THEN 100 WHEN 'linear' THEN best END AS best
FROM decided;
