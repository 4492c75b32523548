-- Labels used by no table: of each label file, keys that no table labelled from it has, as far as samples reach.
--
--     moslabels sql 'runs/**/*.json' -f examples/sql/unused_labels.sql
--
-- An audit gives the first 20 of its unused labels, by key. tables: audits that read the label file; unused_in: those
-- that list the label as unused; is_certain: all of them. Otherwise some audits have more unused labels than they list;
-- a label that one of them is known to use is not shown. For all keys of a table, write its "unmatched" file.
WITH samples AS (
    SELECT path, max(key) AS last_key, count(key) = any_value(audits.unused_label_keys) AS is_whole
    FROM audits LEFT JOIN unused_labels USING (path)
    GROUP BY path
), candidates AS (
    SELECT DISTINCT label_file, key FROM unused_labels WHERE table_id IS NULL AND label_file IS NOT NULL
), readers AS (
    SELECT DISTINCT label_file, path FROM label_sources
)
SELECT
    label_file,
    candidates.key,
    count(*) AS tables,
    count(unused_labels.key) AS unused_in,
    unused_in = tables AS is_certain
FROM candidates
JOIN readers USING (label_file)
JOIN samples USING (path)
LEFT JOIN unused_labels ON unused_labels.path = readers.path AND unused_labels.key = candidates.key
GROUP BY label_file, candidates.key
HAVING NOT coalesce(bool_or(unused_labels.key IS NULL AND (is_whole OR candidates.key < last_key)), false)
ORDER BY label_file, candidates.key;
