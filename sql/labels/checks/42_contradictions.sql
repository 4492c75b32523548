-- Returns labels with two scores, in the columns mos and mos_raw_0_100 of one file, that differ by more than the
-- tolerance on 1-5: the first rows of each file, with how many there are in it and the greatest difference.
-- Parameters: $tolerance
SELECT
    file, row, scale, mos_text, mos, mos_100_text, other_mos,
    count(*) OVER (PARTITION BY file) AS total,
    max(abs(mos - other_mos)) OVER (PARTITION BY file) AS greatest_difference
FROM (
    SELECT label_scores.*, scale, scale_mos(mos_raw_0_100, 0, 100) AS other_mos
    FROM label_scores JOIN label_scales USING (file)
    WHERE value IS NOT NULL AND mos_100 IS NOT NULL
)
WHERE mos_differs(mos - other_mos, $tolerance)
QUALIFY row_number() OVER (PARTITION BY file ORDER BY row) <= 3
ORDER BY file, row;
