-- Makes doubtful_pairs: the unmatched feature keys and the labels of which one begins with the other, or has lost
-- digits that the other has: one row per difference and pair. A key is one text. The template is told what there may be
-- by unmatched/08_near_counts.
CREATE OR REPLACE TEMP TABLE doubtful_pairs AS
WITH unmatched AS (
    SELECT DISTINCT key FROM feature_keys WHERE key IS NOT NULL AND label_id IS NULL
)
{%- if lengths_differ %}, prefixes AS (
    -- Prefixes of the lengths that the keys of the other side have. Fewer than four characters say nothing.
    SELECT unmatched.key, labels.key AS label_key, unmatched.key AS short, labels.key AS long
    FROM label_keys AS labels, (SELECT DISTINCT length(key) AS length FROM unmatched) AS lengths, unmatched
    WHERE length >= 4 AND length < length(labels.key) AND left(labels.key, length) = unmatched.key
    UNION ALL
    SELECT unmatched.key, labels.key, labels.key, unmatched.key
    FROM unmatched, (SELECT DISTINCT length(key) AS length FROM label_keys) AS lengths, label_keys AS labels
    WHERE length >= 4 AND length < length(unmatched.key) AND left(unmatched.key, length) = labels.key
), feature_stems AS (
    SELECT key, without_extension(key) AS stem, substr(key, length(stem) + 1) AS extension
    FROM unmatched WHERE extension <> ''
), label_stems AS (
    SELECT key, without_extension(key) AS stem, substr(key, length(stem) + 1) AS extension
    FROM label_keys, (SELECT min(length(key)) AS shortest, max(length(key)) AS longest FROM feature_stems)
    WHERE extension <> '' AND (length(key) > shortest OR length(key) < longest)
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
)
{%- endif %}
{%- if has_scientific %}, sides AS (
    SELECT 'feature' AS side, key FROM unmatched UNION ALL SELECT 'label', key FROM label_keys
), lost AS (
    SELECT side AS lost_side, max(scientific_decimals(key)) AS decimals
    FROM sides
    WHERE is_scientific(key) AND has_lost_digits(key)
    GROUP BY side
), numbers AS (
    -- Those of one side that have lost digits, and whole numbers of the other side, rounded to the most decimals that
    -- the first show.
    SELECT side, key, lost_side, rounded_number(key, decimals) AS value
    FROM (SELECT * FROM sides WHERE is_scientific(key) OR is_long_number(key))
    JOIN lost ON CASE WHEN side = lost_side THEN has_lost_digits(key) ELSE is_long_number(key) END
), rounded AS (
    SELECT f.key, l.key AS label_key
    FROM numbers AS f JOIN numbers AS l USING (lost_side, value)
    WHERE f.side = 'feature' AND l.side = 'label'
)
{%- endif %}
{%- if lengths_differ %}
-- What goes on in the middle of a word may be another clip; of a number that goes on in digits, it is.
SELECT DISTINCT
    CASE WHEN regexp_matches(rest, '^[\pL\pN]') THEN 'text after the id' ELSE 'unique prefix' END AS difference,
    key, label_key
FROM (SELECT *, substr(long, length(short) + 1) AS rest FROM (FROM prefixes UNION ALL FROM stem_prefixes))
WHERE NOT (regexp_matches(short, '[0-9]$') AND regexp_matches(rest, '^[0-9]'))
{%- endif %}
{%- if lengths_differ and has_scientific %}
UNION ALL
{%- endif %}
{%- if has_scientific %}
SELECT 'scientific notation' AS difference, key, label_key FROM rounded
{%- endif %};
