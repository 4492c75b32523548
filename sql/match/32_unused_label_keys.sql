-- Returns the anti join of labels against features: label keys that no feature row has, with the place of each label
-- and what it holds; the first keys, and how many there are. All are counted, and none but the first are looked at again.
-- NOT IN, since DuckDB 1.5 fails at random if a window over everything reads an ANTI JOIN.
WITH unused AS (
    SELECT count(*) AS total, arg_min(label_id, key, 20) AS firsts
    FROM label_keys
    WHERE key NOT IN (SELECT key FROM feature_keys WHERE key IS NOT NULL)
), first_labels AS (
    SELECT total, unnest(firsts) AS label_id FROM unused
)
SELECT key, raw_value, file, row, total
FROM first_labels JOIN numbered_labels USING (label_id)
ORDER BY key;
