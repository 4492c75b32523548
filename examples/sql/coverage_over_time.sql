-- Coverage over time: how much of each table was labelled, run after run, and how that changed.
--
--     moslabels sql 'runs/**/*.json' -f examples/sql/coverage_over_time.sql
--
-- Audits hold no clock, so that the same run gives the same bytes. The day is that in the audit's path, as in
-- runs/2026-05-31/konvid.audit.json; else that on which the file was written, which a copy or a checkout changes.
-- A table is followed by the name of its output, whatever the folder.
SELECT
    parse_filename(output) AS labelled_table,
    coalesce(TRY_CAST(regexp_extract(path, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AS DATE), CAST(modified AS DATE)) AS day,
    match_rate,
    CAST(round(CAST(match_rate - lag(match_rate) OVER runs AS DECIMAL(18, 9)), 6) AS DOUBLE) AS change,
    matched_rows,
    missing_rows,
    path
FROM audits
WINDOW runs AS (PARTITION BY labelled_table ORDER BY day, modified, path)
ORDER BY labelled_table, day, modified, path;
