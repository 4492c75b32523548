-- Returns what the keys that no near miss explains may begin or end with: one row per side, place and part. A part is one of
-- the key in the middle of a sample of its side, and eight of ten of these have it: what nine of ten keys have is among
-- them. A part ends where a word or a number does: k1 is not what k17 and k18 have in common. is_shared says whether one of
-- the first keys of the other side has it; if not, others may. The template is told which sides may have three such keys
-- and more, and whether there are near keys.
{%- from 'unmatched/lone.sql' import lone %}
WITH lone AS (
    {{ lone(sides, has_near) }}
), samples AS (
    SELECT side, count(*) AS total, arg_min(key, hash(key), 1000) AS keys
    FROM lone
    GROUP BY side
    HAVING count(*) >= 3
), sampled AS (
    SELECT side, unnest(keys) AS key FROM samples
), middles AS (
    -- What most keys begin with, the one in the middle of their order begins with too.
    SELECT side, 'begin' AS place, count(*) AS of, quantile_disc(key, 0.5) AS middle FROM sampled GROUP BY side
    UNION ALL
    SELECT side, 'end', count(*), reverse(quantile_disc(reverse(key), 0.5)) FROM sampled GROUP BY side
), lengths AS (
    SELECT *, unnest(range(1, length(middle))) AS length FROM middles
), parts AS (
    SELECT
        side, place, of,
        CASE place WHEN 'begin' THEN left(middle, length) ELSE right(middle, length) END AS part,
        character_kind(CASE place WHEN 'begin' THEN right(part, 1) ELSE left(part, 1) END) AS kind,
        character_kind(next_character(middle, place, part)) AS next_kind
    FROM lengths
), likely AS (
    SELECT parts.side, place, part, kind
    FROM parts JOIN sampled ON sampled.side = parts.side AND has_part(key, place, part)
    WHERE kind = 'mark' OR kind <> next_kind
    GROUP BY parts.side, place, part, kind, of
    HAVING count(*) >= 0.8 * of
), firsts AS (
    (SELECT 'label' AS side, key FROM feature_keys WHERE key IS NOT NULL LIMIT 1000)
    UNION ALL
    (SELECT 'feature', key FROM label_keys LIMIT 1000)
), shared AS (
    SELECT DISTINCT side, place, part
    FROM likely JOIN firsts USING (side)
    WHERE has_part(lower(key), place, lower(part))
)
SELECT side, place, part, kind, total, (side, place, part) IN (FROM shared) AS is_shared
FROM likely JOIN samples USING (side)
ORDER BY side, place, part;
