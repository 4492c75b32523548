-- Makes near_keys: why unmatched feature keys may have no label: one row per difference and key that would meet a label
-- without it, and the label key. A key is ambiguous if it would meet several labels, and colliding if its label is, or
-- would be, that of another key too. All unmatched keys are tested against all labels. A key that one difference explains
-- is not under several of them, nor under what comes after those. Of these last ones, a key is ambiguous too if the label
-- that it would meet may be that of another key.
{%- from 'unmatched/near.sql' import with_nears, names %}
CREATE TEMP TABLE near_keys AS
WITH unmatched AS (
    SELECT DISTINCT key FROM feature_keys WHERE key IS NOT NULL AND label_id IS NULL
), both_sides AS (
    SELECT 'feature' AS side, key FROM unmatched UNION ALL SELECT 'label', key FROM labels
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
), near_pairs AS (
    -- An unmatched key is that of no label, so two keys that become equal are changed by it: both, or the one alone.
    SELECT difference, f.key, l.key AS label_key
    FROM feature_nears AS f JOIN changed AS l USING (place, near)
    UNION ALL
    SELECT difference, f.key, l.key
    FROM feature_nears AS f JOIN label_nears AS l ON l.parts = f.near
    WHERE l.nears[place] = l.parts
),
{%- if keys | length == 1 %}
prefixes AS (
    -- Prefixes of the lengths that the keys of the other side have. Fewer than four characters say nothing.
    SELECT unmatched.key, labels.key AS label_key, unmatched.key AS short, labels.key AS long
    FROM labels, (SELECT DISTINCT length(key) AS length FROM unmatched) AS lengths, unmatched
    WHERE length >= 4 AND length < length(labels.key) AND left(labels.key, length) = unmatched.key
    UNION ALL
    SELECT unmatched.key, labels.key, labels.key, unmatched.key
    FROM unmatched, (SELECT DISTINCT length(key) AS length FROM labels) AS lengths, labels
    WHERE length >= 4 AND length < length(unmatched.key) AND left(unmatched.key, length) = labels.key
), feature_stems AS (
    SELECT key, without_extension(key) AS stem, substr(key, length(stem) + 1) AS extension
    FROM unmatched WHERE extension <> ''
), label_stems AS (
    SELECT key, stem, substr(key, length(stem) + 1) AS extension
    FROM label_nears WHERE extension <> ''
), feature_starts AS (
    SELECT *, left(stem, length) || extension AS start
    FROM feature_stems, (SELECT DISTINCT length(stem) AS length FROM label_stems)
    WHERE length >= 4 AND length < length(stem)
), label_starts AS (
    SELECT *, left(stem, length) || extension AS start
    FROM label_stems, (SELECT DISTINCT length(stem) AS length FROM feature_stems)
    WHERE length >= 4 AND length < length(stem)
), stem_prefixes AS (
    -- The same before an extension that both have. All may have the same one, so that a join by it would pair all.
    SELECT f.key, l.key AS label_key, f.stem AS short, l.stem AS long
    FROM label_starts AS l JOIN feature_stems AS f ON l.start = f.key AND l.extension = f.extension
    UNION ALL
    SELECT f.key, l.key, l.stem, f.stem
    FROM feature_starts AS f JOIN label_stems AS l ON f.start = l.key AND f.extension = l.extension
), lost AS (
    SELECT side AS lost_side, max(scientific_decimals(key)) AS decimals
    FROM nears WHERE is_lost
    GROUP BY side
), numbers AS (
    -- Those of one side that have lost digits, and whole numbers of the other side, rounded to the most decimals that
    -- the first show.
    SELECT side, key, lost_side, rounded_number(key, decimals) AS value
    FROM nears JOIN lost ON CASE WHEN side = lost_side THEN is_lost ELSE is_long_number(key) END
), rounded AS (
    SELECT f.key, l.key AS label_key
    FROM numbers AS f JOIN numbers AS l USING (lost_side, value)
    WHERE f.side = 'feature' AND l.side = 'label'
), doubtful AS (
    -- What goes on in the middle of a word may be another clip; of a number that goes on in digits, it is.
    SELECT DISTINCT
        CASE WHEN regexp_matches(rest, '^[\pL\pN]') THEN 'text after the id' ELSE 'unique prefix' END AS difference,
        key, label_key
    FROM (SELECT *, substr(long, length(short) + 1) AS rest FROM (FROM prefixes UNION ALL FROM stem_prefixes))
    WHERE NOT (regexp_matches(short, '[0-9]$') AND regexp_matches(rest, '^[0-9]'))
    UNION ALL
    SELECT 'scientific notation', key, label_key FROM rounded
), claimed AS (
    SELECT
        *,
        label_key IN (SELECT key FROM feature_keys WHERE label_id IS NOT NULL)
        OR (difference <> 'unique prefix' AND count(*) OVER (PARTITION BY difference, label_key) > 1) AS is_of_others
    FROM doubtful
),
{%- endif %}
near AS (
    SELECT
        difference, CASE difference WHEN 'separators' THEN 2 WHEN 'several of these' THEN 3 ELSE 1 END AS rank, key,
        count(*) AS labels, min(label_key) AS label_key, count(*) > 1 AS is_ambiguous
    FROM near_pairs
    GROUP BY difference, key
    {%- if keys | length == 1 %}
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
