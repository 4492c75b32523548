-- Returns what the labels hold, as counts: one row. Each check has a count, which is 0 if it would find nothing. If there
-- are as many hashes of keys as labels, no key has two labels (may_repeat is false).
-- Parameters: $tolerance
WITH files AS (
    SELECT
        file,
        count(*) AS scores,
        count(*) FILTER (WHERE is_out_of_range) AS outside,
        count(*) FILTER (
            WHERE value IS NOT NULL AND mos_100 IS NOT NULL
                AND mos_differs(mos - scale_mos(mos_raw_0_100, 0, 100), $tolerance)
        ) AS contradictions
    FROM label_scores
    GROUP BY file
), counts AS (
    SELECT
        CAST(coalesce(sum(scores), 0) AS BIGINT) AS scores,
        count(*) FILTER (
            WHERE outside > 0 AND (out_of_range = 'error' OR CAST(outside AS DOUBLE) / scores > max_clipped)
        ) AS out_of_range,
        CAST(coalesce(sum(contradictions), 0) AS BIGINT) AS contradictions,
        CAST(coalesce(sum(outside) FILTER (WHERE out_of_range = 'clip'), 0) AS BIGINT) AS clipped
    FROM files JOIN label_inputs USING (file)
)
SELECT
    *,
    CAST(scores = 0 AS INTEGER) AS no_labels,
    scores <> (
        SELECT count(DISTINCT hash(key)) FROM label_rows WHERE key IS NOT NULL AND mos_state = 'ok'
    ) AS may_repeat
FROM counts;
