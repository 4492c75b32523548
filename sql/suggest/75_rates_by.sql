-- Returns for each value of a column that stands beside the key columns of a rule: its distinct keys and how many have a
-- label, its rows and how many have a key.
-- Parameters: $place (of the column in the texts)
WITH label_keys AS (
    SELECT DISTINCT key, true AS is_label
    FROM rule_labels
    WHERE key IS NOT NULL AND mos IS NOT NULL
)
SELECT
    texts[$place] AS value,
    count(DISTINCT key) AS keys,
    count(DISTINCT key) FILTER (WHERE is_label) AS matched_keys,
    CAST(sum(rows) AS BIGINT) AS rows,
    CAST(coalesce(sum(rows) FILTER (WHERE key IS NOT NULL), 0) AS BIGINT) AS rows_with_key
FROM rule_features LEFT JOIN label_keys USING (key)
GROUP BY ALL
ORDER BY value;
