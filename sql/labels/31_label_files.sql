-- Returns the label files, in order, with what was found in each. A file whose scale is mixed is refused.
SELECT file, rows, rows_without_key, missing_mos_rows, low, high, greatest, scale, worst, best
FROM label_scales
ORDER BY file;
