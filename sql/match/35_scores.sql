-- Returns what the labelled feature rows hold as mos: one row per score, in order, with how many rows and how many of
-- the labels in use have it, and if scores were clipped to their scale (has_clipped), how many of either were.
{%- from 'match/used.sql' import used %}
SELECT
    mos,
    CAST(sum(rows) AS BIGINT) AS rows,
    count(*) AS keys
    {%- if has_clipped %},
    CAST(coalesce(sum(rows) FILTER (WHERE is_clipped), 0) AS BIGINT) AS clipped_rows,
    count(*) FILTER (WHERE is_clipped) AS clipped_keys
    {%- endif %}
FROM ({{ used(has_repeats) }}) AS used
JOIN numbered_labels USING (label_id)
GROUP BY mos
ORDER BY mos;
