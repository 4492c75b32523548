-- Returns what the keys that no near miss explains begin or end with, and no key of the other side does: one row per side
-- and place, with how many of the keys have it: nine of ten at least, of three and more. A part ends where a word or a
-- number does: k1 is not what k17 and k18 have in common. The template is told which sides may have so many, and whether
-- there are near keys.
WITH lone AS (
    {%- for side in sides %}
    {% if not loop.first %}UNION ALL
    {% endif -%}
    {%- if side == 'feature' -%}
    SELECT DISTINCT 'feature' AS side, key
    FROM feature_keys
    WHERE key IS NOT NULL AND label_id IS NULL
        {%- if has_near %} AND key NOT IN (SELECT key FROM near_keys){% endif %}
    {%- else -%}
    SELECT 'label' AS side, key
    FROM labels
    WHERE key NOT IN (SELECT key FROM feature_keys WHERE key IS NOT NULL)
        {%- if has_near %} AND key NOT IN (SELECT label_key FROM near_keys){% endif %}
    {%- endif %}
    {%- endfor %}
), all_keys AS (
    SELECT 'feature' AS side, lower(key) AS key FROM feature_keys WHERE key IS NOT NULL
    UNION ALL
    SELECT 'label', lower(key) FROM labels
), middles AS (
    -- What most keys begin with, the one in the middle of their order begins with too.
    SELECT side, 'begin' AS place, count(*) AS total, quantile_disc(key, 0.5) AS middle FROM lone GROUP BY side
    UNION ALL
    SELECT side, 'end', count(*), reverse(quantile_disc(reverse(key), 0.5)) FROM lone GROUP BY side
), lengths AS (
    SELECT *, unnest(range(1, length(middle))) AS length FROM middles WHERE total >= 3
), parts AS (
    SELECT
        side, place, total,
        CASE place WHEN 'begin' THEN left(middle, length) ELSE right(middle, length) END AS part,
        character_kind(CASE place WHEN 'begin' THEN right(part, 1) ELSE left(part, 1) END) AS kind,
        character_kind(CASE place WHEN 'begin' THEN substr(middle, length + 1, 1) ELSE substr(middle, -length - 1, 1) END)
            AS next_kind
    FROM lengths
), held AS (
    SELECT
        parts.side, place, part, total, count(*) AS keys,
        bool_or(kind <> 'mark' AND kind = character_kind(
            CASE place WHEN 'begin' THEN substr(key, length(part) + 1, 1) ELSE substr(key, -length(part) - 1, 1) END
        )) AS goes_on
    FROM parts JOIN lone ON lone.side = parts.side
        AND CASE place WHEN 'begin' THEN starts_with(key, part) ELSE ends_with(key, part) END
    WHERE kind = 'mark' OR kind <> next_kind
    GROUP BY parts.side, place, part, total
), common AS (
    SELECT side, place, part, total, keys
    FROM held
    WHERE keys >= 0.9 * total AND NOT goes_on
), shared AS (
    SELECT DISTINCT common.side, place, part
    FROM common JOIN all_keys ON all_keys.side <> common.side
        AND CASE place WHEN 'begin' THEN starts_with(key, lower(part)) ELSE ends_with(key, lower(part)) END
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
