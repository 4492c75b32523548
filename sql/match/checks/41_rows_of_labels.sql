-- Returns how many feature rows each label has by the counts, by the position of its label columns; rows without a
-- label are at the last, $missing. One row per label that any feature row has. The row labels must say the same.
-- Parameters: $missing
SELECT CAST(coalesce(label_id, $missing) AS INTEGER) AS position, CAST(sum(rows) AS BIGINT) AS rows
FROM feature_keys
GROUP BY position
ORDER BY position;
