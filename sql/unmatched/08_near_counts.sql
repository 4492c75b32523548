-- Returns how many near pairs there are, and what doubtful pairs there may be: one row. If all unmatched keys and labels
-- are of one length, none begins with another; if none is in scientific notation, none has lost digits. A key of several
-- columns is in no doubtful pair.
SELECT
    (SELECT count(*) FROM near_pairs) AS near_pairs,
    {%- if keys | length == 1 %}
    max(longest) > min(shortest) AS lengths_differ, bool_or(has_scientific) AS has_scientific
FROM (
    SELECT max(length(key)) AS longest, min(length(key)) AS shortest, bool_or(is_scientific(key)) AS has_scientific
    FROM label_keys
    UNION ALL
    SELECT max(length(key)), min(length(key)), bool_or(is_scientific(key))
    FROM feature_keys
    WHERE key IS NOT NULL AND label_id IS NULL
);
    {%- else %}
    false AS lengths_differ, false AS has_scientific;
    {%- endif %}
