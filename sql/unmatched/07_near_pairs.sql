-- Makes near_pairs: the unmatched feature keys and the labels that would meet without one difference, or without
-- several: one row per difference and pair. If the unmatched keys are all alike, no label that is like them is near to one
-- of them, see unmatched/04_unlike_keys.
-- Parameters: $pattern of the keys that are like them (null: they are not alike)
{%- from 'unmatched/near.sql' import with_coarse, with_nears, names %}
CREATE OR REPLACE TEMP TABLE near_pairs AS
WITH unlike_labels AS (
    SELECT key FROM label_keys WHERE regexp_full_match(key, CAST($pattern AS VARCHAR)) IS NOT TRUE
), unmatched AS (
    SELECT DISTINCT key
    FROM feature_keys
    WHERE key IS NOT NULL AND label_id IS NULL AND EXISTS (FROM unlike_labels)
),
{%- if keys | length == 1 %}
coarse_features AS MATERIALIZED (
    {{ with_coarse('unmatched') }}
), coarse AS (
    -- What a label has with its extension is not made: it would be that of an unmatched key, so without its extension
    -- (bare) it is that of the key without what may be left of an extension at its end, as mp4 is.
    SELECT DISTINCT left(part, length(part) - cut) AS part
    FROM (SELECT whole AS part FROM coarse_features UNION SELECT bare FROM coarse_features), range(6) AS cuts (cut)
    WHERE cut = 0 OR regexp_full_match(right(part, cut), '[a-z][a-z1-9]*')
), few_labels AS (
    -- Most labels are near to no unmatched key. What is left of a key is made for the others alone.
    SELECT key
    FROM ({{ with_coarse('unlike_labels') }})
    WHERE is_odd OR bare IN (FROM coarse) OR (SELECT bool_or(is_odd) FROM coarse_features)
),
{%- else %}
few_labels AS (
    FROM unlike_labels
),
{%- endif %}
both_sides AS (
    SELECT 'feature' AS side, key FROM unmatched UNION ALL SELECT 'label', key FROM few_labels
), nears AS MATERIALIZED (
    {{ with_nears('both_sides', keys) }}
), feature_nears AS (
    SELECT key, unnest(range(1, len(nears) + 1)) AS place, unnest({{ names() }}) AS difference, unnest(nears) AS near
    FROM nears WHERE side = 'feature'
), label_nears AS (
    FROM nears WHERE side = 'label'
), changed AS (
    SELECT key, place, near
    FROM (
        SELECT key, parts, unnest(range(1, len(nears) + 1)) AS place, unnest(nears) AS near FROM label_nears
    )
    WHERE near <> parts
)
-- An unmatched key is that of no label, so two keys that become equal are changed by it: both, or the one alone.
SELECT difference, f.key, l.key AS label_key
FROM feature_nears AS f JOIN changed AS l USING (place, near)
UNION ALL
SELECT difference, f.key, l.key
FROM feature_nears AS f JOIN label_nears AS l ON l.parts = f.near
WHERE l.nears[place] = l.parts;
