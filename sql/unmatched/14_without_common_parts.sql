-- Returns how many unmatched feature keys would meet a label each by a pattern on either side, and how many labels or keys
-- would become one: one row.
-- Parameters: $feature_regex, $label_regex (null for none)
WITH feature_parts AS (
    SELECT part, count(*) AS keys, bool_or(is_unmatched) AS has_unmatched
    FROM (
        SELECT extract_key(key, $feature_regex, 1) AS part, bool_and(label_id IS NULL) AS is_unmatched
        FROM feature_keys
        WHERE key IS NOT NULL
        GROUP BY key
    )
    GROUP BY part
), label_parts AS (
    SELECT part, count(*) AS keys
    FROM (SELECT extract_key(key, $label_regex, 1) AS part FROM label_keys)
    GROUP BY part
)
SELECT
    count(*) FILTER (WHERE feature_parts.keys = 1 AND label_parts.keys = 1) AS keys,
    count(*) FILTER (WHERE feature_parts.keys > 1 OR label_parts.keys > 1) AS colliding
FROM feature_parts JOIN label_parts USING (part)
WHERE has_unmatched;
