-- Returns scores outside of their scale, of files that must not have any: the first rows, and how many there are in all.
SELECT
    file, row, is_mos_100,
    CASE WHEN is_mos_100 THEN mos_100_text ELSE mos_text END AS mos_text,
    CASE WHEN is_mos_100 THEN 0 ELSE worst END AS worst,
    CASE WHEN is_mos_100 THEN 100 ELSE best END AS best,
    count(*) OVER () AS total
FROM (
    SELECT *, NOT is_outside(value, worst, best) AS is_mos_100
    FROM label_scores
    WHERE is_out_of_range AND out_of_range = 'error'
)
ORDER BY file, row
LIMIT 3;
