-- Returns how many scores are outside of their scale or contradict another, as counts: one row. Each check has a count,
-- which is 0 if it would find nothing. clipped are the scores that are clipped to their scale.
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
)
SELECT
    count(*) FILTER (
        WHERE outside > 0 AND (out_of_range = 'error' OR CAST(outside AS DOUBLE) / files.scores > max_clipped)
    ) AS out_of_range,
    CAST(coalesce(sum(contradictions), 0) AS BIGINT) AS contradictions,
    CAST(coalesce(sum(outside) FILTER (WHERE out_of_range = 'clip'), 0) AS BIGINT) AS clipped
FROM files JOIN label_scales USING (file);
