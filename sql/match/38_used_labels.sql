-- Returns how many labels of each label file features use: one row per label file, in order, with its distinct keys that
-- have a score, and how many of these a feature has. A key of several files counts in each.
WITH file_keys AS (
    SELECT DISTINCT file, key FROM label_scores
), used AS (
    SELECT DISTINCT numbered_labels.key
    FROM feature_keys JOIN numbered_labels USING (label_id)
)
SELECT label_scales.file, count(file_keys.key) AS labels, count(used.key) AS used
FROM label_scales
LEFT JOIN file_keys ON file_keys.file = label_scales.file
LEFT JOIN used ON used.key = file_keys.key
GROUP BY label_scales.file
ORDER BY label_scales.file;
