-- Returns for each distinct row of some features, in their order, the number of its label, and whether its key
-- columns hold what cannot be a key. It makes no table: batches of features come and go. The template is told whether all
-- values are known to fit (all_fit, see sources/keys).
-- Parameters: those of the file, and $regex, $capture (a list each: an entry per part of the key), $missing
{%- from 'sources/cells.sql' import rows, texts %}
{%- from 'sources/keys.sql' import keyed %}
WITH cells AS (
    SELECT
        *,
        {{- texts(keys) }}
    FROM ({{ rows(source, cells) }})
), keyed AS (
    {{ keyed('cells', key, all_fit) }}
)
SELECT CAST(coalesce(label_id, $missing) AS INTEGER) AS label_id, key_fault IS NOT NULL AS is_bad
FROM keyed LEFT JOIN (SELECT key, label_id FROM label_keys) AS labels USING (key)
ORDER BY row;
