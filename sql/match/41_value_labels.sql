-- Returns the join of the distinct values of features in memory, which Arrow has found and has the rows of: the position
-- of the label columns of each, in the order of their first rows. See 40_row_labels.
-- Parameters: $missing
SELECT CAST(coalesce(label_id, $missing) AS INTEGER) AS label_id
FROM feature_keys
ORDER BY first_row;
