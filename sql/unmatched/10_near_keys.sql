-- Makes near_keys: why unmatched feature keys may have no label: one row per difference and key that would meet a label
-- without it, and the label key. A key is ambiguous if it would meet several labels, and colliding if its label is, or
-- would be, that of another key too. All unmatched keys are tested against all labels. A key that one difference explains
-- is not under several of them, nor under what comes after those. Of these last ones, a key is ambiguous too if the
-- label that it would meet may be that of another key. The template is told whether there may be any (has_doubtful).
CREATE OR REPLACE TEMP TABLE near_keys AS
WITH
{%- if has_doubtful %}
claimed AS (
    SELECT
        *,
        label_key IN (
            SELECT key FROM feature_keys WHERE label_id IS NOT NULL AND key IN (SELECT label_key FROM doubtful_pairs)
        )
        OR (difference <> 'unique prefix' AND count(*) OVER (PARTITION BY difference, label_key) > 1) AS is_of_others
    FROM doubtful_pairs
),
{%- endif %}
near AS (
    SELECT
        difference, CASE difference WHEN 'separators' THEN 2 WHEN 'several of these' THEN 3 ELSE 1 END AS rank, key,
        count(*) AS labels, min(label_key) AS label_key, count(*) > 1 AS is_ambiguous
    FROM near_pairs
    GROUP BY difference, key
    {%- if has_doubtful %}
    UNION ALL
    SELECT
        difference, CASE difference WHEN 'text after the id' THEN 5 ELSE 4 END, key, count(*), min(label_key),
        count(*) > 1 OR bool_or(is_of_others)
    FROM claimed
    GROUP BY difference, key
    {%- endif %}
), simplest AS (
    SELECT * FROM near QUALIFY rank = min(rank) OVER (PARTITION BY key)
), claims AS (
    SELECT label_key, count(*) AS claims, min(key) AS first_key, max(key) AS last_key
    FROM (
        SELECT label_key, key FROM simplest WHERE NOT is_ambiguous
        UNION
        SELECT key, key FROM feature_keys WHERE label_id IS NOT NULL AND key IN (SELECT label_key FROM simplest)
    )
    GROUP BY label_key
)
SELECT
    difference, simplest.key, labels, simplest.label_key, is_ambiguous, first_key, last_key,
    coalesce(claims > 1 AND NOT is_ambiguous, false) AS is_colliding
FROM simplest LEFT JOIN claims ON claims.label_key = simplest.label_key;
