-- Returns how many labels of each label file features use: one row per label file, in order, with its distinct keys that
-- have a score, and how many of these a feature has. A key of several files counts in each.
WITH file_keys AS (
    SELECT DISTINCT file, key FROM label_scores
), used AS (
    SELECT DISTINCT labels.key
    FROM feature_keys JOIN labels USING (label_id)
)
SELECT label_inputs.file, count(file_keys.key) AS labels, count(used.key) AS used
FROM label_inputs
LEFT JOIN file_keys ON file_keys.file = label_inputs.file
LEFT JOIN used ON used.key = file_keys.key
GROUP BY label_inputs.file
ORDER BY label_inputs.file;
