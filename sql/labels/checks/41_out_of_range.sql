-- Returns how many scores outside of their scale are refused and how many are clipped to its end, and the first that
-- are refused: one row.
WITH outside AS (
    SELECT
        * EXCLUDE (mos_text, worst, best),
        NOT is_outside(value, worst, best) AS is_mos_100,
        CASE WHEN is_mos_100 THEN mos_100_text ELSE mos_text END AS mos_text,
        CASE WHEN is_mos_100 THEN 0 ELSE worst END AS worst,
        CASE WHEN is_mos_100 THEN 100 ELSE best END AS best
    FROM label_scores
    WHERE is_out_of_range
)
SELECT
    count(*) FILTER (WHERE out_of_range = 'error') AS refused,
    count(*) FILTER (WHERE out_of_range = 'clip') AS clipped,
    list({'file': file, 'row': row, 'mos_text': mos_text, 'worst': worst, 'best': best, 'is_mos_100': is_mos_100}
        ORDER BY file, row) FILTER (WHERE out_of_range = 'error')[:3] AS first_refused
FROM outside;
