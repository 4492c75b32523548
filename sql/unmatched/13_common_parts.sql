-- Returns what the keys that no near miss explains begin or end with, and no key of the other side does: one row per side
-- and place, with how many of the keys have it: nine of ten at least, of three and more.
-- Parameters: $sides, $places, $parts, $kinds, $totals: those that are likely, see unmatched/12_likely_parts
{%- from 'unmatched/lone.sql' import lone %}
WITH likely AS (
    SELECT
        unnest(CAST($sides AS VARCHAR[])) AS side, unnest(CAST($places AS VARCHAR[])) AS place,
        unnest(CAST($parts AS VARCHAR[])) AS part, unnest(CAST($kinds AS VARCHAR[])) AS kind,
        unnest(CAST($totals AS BIGINT[])) AS total
), lone AS (
    {{ lone(sides, has_near) }}
), all_keys AS (
    SELECT 'feature' AS side, key FROM feature_keys WHERE key IS NOT NULL
    UNION ALL
    SELECT 'label', key FROM label_keys
), held AS (
    SELECT
        likely.side, place, part, total, count(*) AS keys,
        bool_or(CASE WHEN kind = 'mark' THEN false ELSE kind = character_kind(next_character(key, place, part)) END)
            AS goes_on
    FROM likely JOIN lone ON lone.side = likely.side AND has_part(key, place, part)
    GROUP BY likely.side, place, part, total
), common AS (
    SELECT side, place, part, total, keys
    FROM held
    WHERE keys >= 0.9 * total AND NOT goes_on
), shared AS (
    SELECT DISTINCT common.side, place, part
    FROM common JOIN all_keys ON all_keys.side <> common.side AND has_part(lower(key), place, lower(part))
    UNION
    -- Of ugc-Animation_ and Animation_, the difference is ugc- alone, which is a part too.
    SELECT unnest([longer.side, shorter.side]), place, unnest([longer.part, shorter.part])
    FROM common AS longer JOIN common AS shorter USING (place)
    WHERE longer.side <> shorter.side
        AND CASE place
            WHEN 'begin' THEN ends_with(longer.part, shorter.part)
            ELSE starts_with(longer.part, shorter.part) END
)
SELECT
    side, place, max_by(part, [keys, length(part)]) AS part, max_by(keys, [keys, length(part)]) AS keys,
    any_value(total) AS total
FROM common LEFT JOIN (SELECT *, true AS is_shared FROM shared) AS shared USING (side, place, part)
WHERE is_shared IS NULL
GROUP BY side, place
ORDER BY side, place;
