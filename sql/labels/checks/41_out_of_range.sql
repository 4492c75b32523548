-- Returns scores outside of their scale, of the first label file that must not have any, or not so many: the first rows,
-- how many there are in the file, of how many labels, and where the numbers of their column lie.
WITH shares AS (
    SELECT file, count(*) AS scores, count(*) FILTER (WHERE is_out_of_range) AS total
    FROM label_scores
    GROUP BY file
), refused AS (
    SELECT file, shares.scores, total, max_clipped
    FROM shares JOIN label_scales USING (file)
    WHERE total > 0 AND (out_of_range = 'error' OR CAST(total AS DOUBLE) / shares.scores > max_clipped)
    ORDER BY file
    LIMIT 1
), judged AS (
    SELECT refused.*, label_scores.* EXCLUDE (file), NOT is_outside(value, worst, best) AS is_mos_100
    FROM label_scores JOIN refused USING (file)
), firsts AS (
    SELECT *
    FROM judged
    WHERE is_out_of_range
    ORDER BY row
    LIMIT 3
), numbers AS (
    SELECT CASE WHEN (SELECT arg_min(is_mos_100, row) FROM firsts) THEN mos_100 ELSE value END AS number
    FROM judged
), places AS (
    SELECT min(number) AS least, quantile_cont(number, [0.25, 0.5, 0.75]) AS quartiles, max(number) AS greatest
    FROM numbers
)
SELECT
    file, row, is_mos_100,
    CASE WHEN is_mos_100 THEN mos_100_text ELSE mos_text END AS mos_text,
    CASE WHEN is_mos_100 THEN 0 ELSE worst END AS worst,
    CASE WHEN is_mos_100 THEN 100 ELSE best END AS best,
    total, scores, out_of_range, least, quartiles, greatest
FROM firsts, places
ORDER BY row;
