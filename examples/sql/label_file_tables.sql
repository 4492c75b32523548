-- Which tables a label file feeds: a row per label file and labelled table. Look here before you correct a label file.
-- Where one path had other content in another run, its sha256 tells.
--
--     moslabels sql 'runs/**/*.json' -f examples/sql/label_file_tables.sql
SELECT
    label_file,
    left(sha256, 12) AS sha256,
    output,
    feature_table,
    matched_rows,
    match_rate,
    path
FROM label_sources JOIN audits USING (path, output)
ORDER BY label_file, sha256, output, path;
