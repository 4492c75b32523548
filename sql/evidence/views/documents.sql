-- documents: a row per audit and per report, whole. The views of this folder are plain SQL over it.
--
-- path      VARCHAR    the file, as it was named or matched
-- kind      VARCHAR    audit or report
-- modified  TIMESTAMP  when the file was last written, in UTC, as the file system says: audits hold no clock, so that
--                      the same run gives the same bytes
-- document  JSON       what the file holds
--
-- What is neither an audit nor a report is left out. They are told by their member "schema"; where there is none, as in
-- old files, by the members that they always had. In the DuckDB shell:
--
--     CREATE TABLE files AS
--     SELECT filename AS path, make_timestamp(epoch_us(last_modified)) AS modified, content AS text
--     FROM read_text('runs/**/*.json');
--     .read sql/evidence/views/documents.sql
--     .read sql/evidence/views/audits.sql
CREATE OR REPLACE TABLE documents AS
SELECT path, kind, modified, document
FROM (
    SELECT
        path, modified, document,
        CASE
            WHEN starts_with(document->>'$.schema', 'mos-label-materializer-audit-v') THEN 'audit'
            WHEN starts_with(document->>'$.schema', 'mos-label-materializer-batch-v') THEN 'report'
            WHEN (document->>'$.schema') IS NOT NULL THEN NULL
            WHEN json_exists(document, '$.feature_table') AND json_exists(document, '$.output')
                AND json_exists(document, '$.matched_rows') AND json_exists(document, '$.match_rate') THEN 'audit'
            WHEN json_type(document, '$.tables') = 'ARRAY' AND json_exists(document, '$.summary')
                AND json_exists(document, '$.status') THEN 'report'
        END AS kind
    FROM (SELECT path, modified, TRY_CAST(text AS JSON) AS document FROM files)
)
WHERE kind IS NOT NULL
ORDER BY path;
