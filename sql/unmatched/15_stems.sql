-- Returns whether key_normalize "stem" takes an extension from the keys of the sides that have one, and nothing else from
-- any key: one row. An id such as A001.1 would lose its end, and be another id's.
-- Parameters: $features, $labels (whether the side has an extension)
SELECT
    coalesce(bool_and(stem(base_name(key)) = CASE WHEN has_extension THEN without_extension(key) ELSE key END), true)
        AS are_safe
FROM (
    SELECT key, $features AS has_extension FROM feature_keys WHERE key IS NOT NULL
    UNION ALL
    SELECT key, $labels FROM label_keys
);
