-- Returns the join of the distinct values of features in memory, which Arrow has found and has the rows of: the position
-- of the label columns of each, and how many rows have the value, in the order of their first rows. See 40_row_labels. The
-- rows of each label add up to those of checks/41_rows_of_labels.
-- Parameters: $missing
SELECT CAST(coalesce(label_id, $missing) AS INTEGER) AS label_id, rows
FROM feature_keys
ORDER BY first_row;
