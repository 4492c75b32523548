-- Why unmatched feature keys may have no label: one row per difference, with the number of unmatched keys that would
-- meet exactly one label key if it were ignored, the number that would meet several (ambiguous), the most common
-- extension on either side, and two examples. Tested over all unmatched keys and all labels. A key that one
-- difference explains is not counted under several of them, nor under a prefix.
WITH differences AS (
    SELECT unnest([
        'case', 'extension', 'folder', 'leading zeros', 'separators', 'Unicode form', 'several of these'
    ]) AS difference
), unmatched AS (
    SELECT DISTINCT key FROM feature_keys WHERE key IS NOT NULL AND label_id IS NULL
), near_features AS (
    SELECT difference, key, {% include 'checks/near.sql' %} AS near FROM unmatched, differences
), near_labels AS (
    SELECT difference, near, count(*) AS labels, min(key) AS label_key
    FROM (SELECT difference, key, {% include 'checks/near.sql' %} AS near FROM labels, differences)
    SEMI JOIN near_features USING (difference, near)
    GROUP BY difference, near
), near AS (
    SELECT difference, CASE difference WHEN 'several of these' THEN 2 ELSE 1 END AS rank, key, labels, label_key
    FROM near_features JOIN near_labels USING (difference, near)
    {%- if keys | length == 1 %}
    UNION ALL
    SELECT 'unique prefix', 3, key, count(*), min(label_key)
    FROM (
        -- Prefixes of the lengths that the keys of the other side have. Fewer than four characters say nothing.
        SELECT unmatched.key, labels.key AS label_key
        FROM labels, (SELECT DISTINCT length(key) AS length FROM unmatched) AS lengths, unmatched
        WHERE length >= 4 AND length < length(labels.key) AND left(labels.key, length) = unmatched.key
        UNION ALL
        SELECT unmatched.key, labels.key
        FROM unmatched, (SELECT DISTINCT length(key) AS length FROM labels) AS lengths, labels
        WHERE length >= 4 AND length < length(unmatched.key) AND left(unmatched.key, length) = labels.key
    )
    GROUP BY key
    {%- endif %}
), simplest AS (
    SELECT * FROM near QUALIFY rank = min(rank) OVER (PARTITION BY key)
)
SELECT
    difference,
    count(*) FILTER (WHERE labels = 1) AS keys,
    count(*) FILTER (WHERE labels > 1) AS ambiguous,
    mode(regexp_extract(key, getvariable('extension')) ORDER BY key) AS feature_extension,
    mode(regexp_extract(label_key, getvariable('extension')) ORDER BY label_key) AS label_extension,
    list({'key': key, 'label_key': label_key} ORDER BY labels, key)[:2] AS examples
FROM simplest
GROUP BY difference
ORDER BY keys DESC, ambiguous DESC, difference;
