-- Makes label_scales: one row per label file, in the order given: the rules that hold for it alone, what its keyed rows
-- hold, and the scale that its scores are on; and for each check of its rows a count, which is 0 if that would find
-- nothing. auto judges each file by itself, by all of its scores. A score below 5 may be on 1-5 or on 0-100, so a file
-- with scores on both sides of 5 is mixed: it is refused, not guessed. If may_be_outside is false, all of its scores are
-- within its scale.
-- Parameters: $source, $mos_column, $mos_scale, $worst, $best, $out_of_range, $max_clipped, $missing_mos (a list each: an
-- entry per label file)
CREATE TEMP TABLE label_scales AS
WITH rules AS (
    SELECT
        CAST(unnest(range(len($source))) AS INTEGER) AS file,
        unnest(CAST($source AS VARCHAR[])) AS source,               -- the path as it was given
        unnest(CAST($mos_column AS VARCHAR[])) AS mos_column,
        unnest(CAST($mos_scale AS VARCHAR[])) AS mos_scale,         -- or linear (worst to best), per-row
        unnest(CAST($worst AS DOUBLE[])) AS given_worst,
        unnest(CAST($best AS DOUBLE[])) AS given_best,
        unnest(CAST($out_of_range AS VARCHAR[])) AS out_of_range,   -- error or clip
        unnest(CAST($max_clipped AS DOUBLE[])) AS max_clipped,      -- greatest share of its labels that may be clipped
        unnest(CAST($missing_mos AS VARCHAR[])) AS missing_mos      -- error or skip
), keyed AS (
    SELECT
        file, key, key_fault,
        CASE WHEN key IS NOT NULL THEN mos_state END AS state,
        CASE WHEN key IS NOT NULL AND mos_state = 'ok' THEN value END AS value
        {%- if any_scale %}, row_worst{% endif %}
    FROM label_cells
), facts AS (
    SELECT
        file,
        count(*) AS rows,
        count(*) - count(key) AS rows_without_key,
        count(*) FILTER (WHERE state = 'ok') AS scores,
        count(*) FILTER (WHERE state = 'missing') AS missing_mos_rows,
        count(*) FILTER (WHERE value <= 5) AS low,
        count(*) FILTER (WHERE value > 5) AS high,
        min(value) AS least,
        max(value) AS greatest,
        count(key_fault) AS bad_keys,
        count(*) FILTER (WHERE state = 'bad') AS bad_scores,
        {% if any_scale %}count(value) FILTER (WHERE row_worst IS NULL){% else %}0{% endif %} AS without_row_scale
    FROM keyed
    GROUP BY file
), decided AS (
    SELECT
        rules.*,
        coalesce(rows, 0) AS rows,
        coalesce(rows_without_key, 0) AS rows_without_key,
        coalesce(scores, 0) AS scores,
        coalesce(missing_mos_rows, 0) AS missing_mos_rows,
        coalesce(low, 0) AS low,
        coalesce(high, 0) AS high,
        least,
        greatest,
        coalesce(bad_keys, 0) AS bad_keys,
        coalesce(bad_scores, 0) AS bad_scores,
        coalesce(without_row_scale, 0) AS without_row_scale,
        CASE
            WHEN mos_scale <> 'auto' THEN mos_scale
            WHEN lower(mos_column) = 'mos_raw_0_100' THEN '0-100'
            WHEN coalesce(high, 0) = 0 THEN '1-5'
            WHEN low = 0 THEN '0-100'
            ELSE 'mixed'
        END AS scale
    FROM rules LEFT JOIN facts USING (file)
), scaled AS (
    SELECT
        * EXCLUDE (given_worst, given_best, without_row_scale),
        CASE missing_mos WHEN 'error' THEN missing_mos_rows ELSE 0 END AS missing_scores,
        CASE mos_scale WHEN 'per-row' THEN without_row_scale ELSE 0 END AS bad_row_scales,
        CAST(scale = 'mixed' AS INTEGER) AS mixed_scales,
        CASE scale WHEN '1-5' THEN 1 WHEN '0-100' THEN 0 WHEN 'linear' THEN given_worst END AS worst,
        CASE scale WHEN '1-5' THEN 5 WHEN '0-100' THEN 100 WHEN 'linear' THEN given_best END AS best
    FROM decided
)
SELECT
    *,
    -- If each row has its own scale, the ends are NULL.
    scores > 0 AND coalesce(least < least(worst, best) OR greatest > greatest(worst, best), true) AS may_be_outside
FROM scaled;
