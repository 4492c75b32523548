-- reports: a row per batch report; its counts are those of the tables that were labelled.
--
-- path               VARCHAR    file of the report
-- modified           TIMESTAMP  when it was last written, in UTC, as the file system says
-- schema             VARCHAR    name of its schema
-- status             VARCHAR    ok or failed
-- manifest           VARCHAR    path of the manifest
-- tables             BIGINT     tables that were to be labelled
-- failed_tables      BIGINT     those that failed
-- input_rows         BIGINT     rows of the features
-- output_rows        BIGINT     rows of the labelled tables
-- matched_rows       BIGINT     rows with a label
-- missing_rows       BIGINT     rows without
-- moslabels_version  VARCHAR    version that wrote it
-- duckdb_version     VARCHAR    and of DuckDB
-- pyarrow_version    VARCHAR    and of Arrow
-- python_version     VARCHAR    and of Python
-- dry_run            BOOLEAN    whether the run was a dry one, which wrote no table
-- manifest_tables    BIGINT     tables of the manifest, if some of them were chosen
CREATE OR REPLACE VIEW reports AS
SELECT
    path,
    modified,
    document->>'$.schema' AS schema,
    document->>'$.status' AS status,
    document->>'$.manifest' AS manifest,
    TRY_CAST(document->>'$.summary.tables' AS BIGINT) AS tables,
    TRY_CAST(document->>'$.summary.failed_tables' AS BIGINT) AS failed_tables,
    TRY_CAST(document->>'$.summary.input_rows' AS BIGINT) AS input_rows,
    TRY_CAST(document->>'$.summary.output_rows' AS BIGINT) AS output_rows,
    TRY_CAST(document->>'$.summary.matched_rows' AS BIGINT) AS matched_rows,
    TRY_CAST(document->>'$.summary.missing_rows' AS BIGINT) AS missing_rows,
    document->>'$.run_provenance.versions.moslabels' AS moslabels_version,
    document->>'$.run_provenance.versions.duckdb' AS duckdb_version,
    document->>'$.run_provenance.versions.pyarrow' AS pyarrow_version,
    document->>'$.run_provenance.versions.python' AS python_version,
    COALESCE(TRY_CAST(document->>'$.dry_run' AS BOOLEAN), false) AS dry_run,
    TRY_CAST(document->>'$.manifest_tables' AS BIGINT) AS manifest_tables
FROM documents
WHERE kind = 'report'
ORDER BY path;
