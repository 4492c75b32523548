-- report_tables: a row per table of a batch report, also those that failed and those that were not run.
--
-- path            VARCHAR    file of the report
-- modified        TIMESTAMP  when it was last written, in UTC, as the file system says
-- position        BIGINT     place of the table in the report, from 1
-- id              VARCHAR    id of the table
-- status          VARCHAR    ok, error or not-run
-- error           VARCHAR    why it failed; NULL where it did not
-- error_code      VARCHAR    what the error is about, for programs, such as match-rate
-- features        VARCHAR    path of the features
-- labels          VARCHAR[]  paths of the label files
-- out             VARCHAR    path of the labelled table: the output of its audit
-- audit_json      VARCHAR    path of the audit; NULL where none was asked for
-- input_rows      BIGINT     rows of the features; NULL, as the next five, where the table was not labelled
-- output_rows     BIGINT     rows of the labelled table
-- matched_rows    BIGINT     rows with a label
-- missing_rows    BIGINT     rows without
-- match_rate      DOUBLE     distinct feature keys with a label / distinct feature keys
-- labels_loaded   BIGINT     distinct keys with a label
-- warnings        VARCHAR[]  what was said and stopped nothing
-- config          JSON       the options that were given
-- diagnosis       JSON       why keys did not meet: samples and near misses
CREATE OR REPLACE VIEW report_tables AS
SELECT
    path,
    modified,
    position,
    entry->>'$.id' AS id,
    entry->>'$.status' AS status,
    entry->>'$.error' AS error,
    entry->>'$.error_code' AS error_code,
    entry->>'$.features' AS features,
    CASE json_type(entry, '$.labels') WHEN 'ARRAY' THEN list_transform(
        json_extract(entry, '$.labels[*]'),
        lambda item: json_extract_string(item, CASE json_type(item) WHEN 'OBJECT' THEN '$.path' ELSE '$' END)
    ) END AS labels,
    entry->>'$.out' AS out,
    entry->>'$.audit_json' AS audit_json,
    TRY_CAST(entry->>'$.summary.input_rows' AS BIGINT) AS input_rows,
    TRY_CAST(entry->>'$.summary.output_rows' AS BIGINT) AS output_rows,
    TRY_CAST(entry->>'$.summary.matched_rows' AS BIGINT) AS matched_rows,
    TRY_CAST(entry->>'$.summary.missing_rows' AS BIGINT) AS missing_rows,
    TRY_CAST(entry->>'$.summary.match_rate' AS DOUBLE) AS match_rate,
    TRY_CAST(entry->>'$.summary.labels_loaded' AS BIGINT) AS labels_loaded,
    CASE json_type(entry, '$.warnings') WHEN 'ARRAY' THEN entry->>'$.warnings[*]' END AS warnings,
    CASE json_type(entry, '$.config') WHEN 'OBJECT' THEN entry->'$.config' END AS config,
    CASE json_type(entry, '$.diagnosis') WHEN 'OBJECT' THEN entry->'$.diagnosis' END AS diagnosis
FROM (
    SELECT path, modified, unnest(entries) AS entry, generate_subscripts(entries, 1) AS position
    FROM (SELECT path, modified, document->'$.tables[*]' AS entries FROM documents WHERE kind = 'report')
)
ORDER BY path, position;
