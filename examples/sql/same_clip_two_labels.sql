-- The same clip under two labels, as far as audits and reports tell; they hold no scores, the labelled tables do:
--   conflict    a table was refused: two label rows of one clip disagree; the error names clips, files and rows
--   repeated    label rows that say again what another said; the first is used
--   relabelled  one feature table, by its sha256, was labelled from different label files in two audits
--
--     moslabels sql 'runs/**/*.json' -f examples/sql/same_clip_two_labels.sql
WITH labelled AS (
    SELECT
        path,
        output,
        string_agg(label_file, ', ' ORDER BY position) AS label_files,
        list(coalesce(sha256, label_file) ORDER BY position) AS contents
    FROM label_sources
    GROUP BY path, output
), features AS (
    SELECT path, sha256 FROM provenance_files WHERE kind = 'audit' AND role = 'features' AND sha256 IS NOT NULL
)
SELECT 'conflict' AS finding, out AS output, array_to_string(labels, ', ') AS label_files, error AS says, path
FROM report_tables
WHERE contains(error, 'conflicting MOS labels')
UNION ALL
SELECT 'repeated', output, array_to_string(label_sources, ', '), duplicate_labels || ' label rows', path
FROM audits
WHERE duplicate_labels > 0
UNION ALL
SELECT 'relabelled', one.output, one.label_files, other.output || ' is labelled from ' || other.label_files, one.path
FROM labelled AS one
JOIN features AS one_features ON one_features.path = one.path
JOIN features AS other_features ON other_features.sha256 = one_features.sha256 AND other_features.path > one.path
JOIN labelled AS other ON other.path = other_features.path AND other.contents <> one.contents
ORDER BY ALL;
