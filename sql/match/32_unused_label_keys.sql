-- Returns the anti join of labels against features: label keys that no feature row has, with the place of each label
-- and what it holds; the first keys, and how many there are. All are counted, and none but the first are kept. NOT IN,
-- since DuckDB 1.5 fails at random if a window over everything reads an ANTI JOIN.
WITH unused AS (
    SELECT count(*) AS total, arg_min({'key': key, 'raw_value': raw_value, 'file': file, 'row': row}, key, 20) AS firsts
    FROM label_keys
    WHERE key NOT IN (SELECT key FROM feature_keys WHERE key IS NOT NULL)
), labels_of_first AS (
    SELECT total, unnest(firsts) AS label FROM unused
)
SELECT label.key, label.raw_value, label.file, label.row, total
FROM labels_of_first
ORDER BY label.key;
