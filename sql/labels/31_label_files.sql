-- Returns the label files, in order, with what was found in each, and the counts of the checks of their rows.
SELECT
    file, rows, rows_without_key, missing_mos_rows, low, high, greatest, scale, worst, best,
    bad_keys, bad_scores, missing_scores, bad_row_scales, mixed_scales
FROM label_scales
ORDER BY file;
