-- Returns how many unmatched feature keys, and how many labels, are not like the first of these keys; and whether their
-- lengths differ: one row. Keys are alike if they differ in the digits of their numbers alone, so that no two of them are
-- near to each other.
-- Parameters: $pattern of the keys that are like the first
SELECT
    CAST(sum(unlike) FILTER (WHERE side = 'feature') AS BIGINT) AS keys,
    CAST(sum(unlike) FILTER (WHERE side = 'label') AS BIGINT) AS labels,
    max(longest) > min(shortest) AS lengths_differ
FROM (
    SELECT
        'feature' AS side, count(*) FILTER (WHERE NOT regexp_full_match(key, $pattern)) AS unlike,
        max(length(key)) AS longest, min(length(key)) AS shortest
    FROM feature_keys
    WHERE key IS NOT NULL AND label_id IS NULL
    UNION ALL
    SELECT
        'label', count(*) FILTER (WHERE NOT regexp_full_match(key, $pattern)), max(length(key)), min(length(key))
    FROM label_keys
);
