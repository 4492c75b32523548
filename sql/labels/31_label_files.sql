-- Returns the label files, in order, with what was found in each, and the counts of the checks of their rows; and how many
-- hashes of keys the labels of all have: if there are as many as labels, no key has two labels.
SELECT
    file, rows, rows_without_key, scores, missing_mos_rows, low, high, greatest, scale, may_be_outside,
    bad_keys, bad_scores, missing_scores, bad_row_scales, mixed_scales,
    (SELECT count(DISTINCT hash(key)) FROM label_cells WHERE key IS NOT NULL AND mos_state = 'ok') AS hashes
FROM label_scales
ORDER BY file;
