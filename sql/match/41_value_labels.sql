-- Returns the join of the distinct values of features: the position of the label columns of each, how many rows have the
-- value and the first of them, in the order of these rows. It is the join of the rows if each has another value; in
-- memory, Arrow has the rows of each value. See 40_row_labels. The rows of each label add up to those of
-- checks/41_rows_of_labels.
-- Parameters: $missing
SELECT CAST(coalesce(label_id, $missing) AS INTEGER) AS label_id, rows, first_row
FROM feature_keys
ORDER BY first_row;
