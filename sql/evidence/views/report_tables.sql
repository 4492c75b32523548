-- report_tables: a row per table of a batch report, also those that failed and those that were not run.
--
-- path           VARCHAR    file of the report
-- modified       TIMESTAMP  when it was last written, in UTC, as the file system says
-- position       BIGINT     place of the table in the report, from 1
-- id             VARCHAR    id of the table
-- status         VARCHAR    ok, unchanged, error or not-run
-- error          VARCHAR    why it failed
-- error_code     VARCHAR    what the error is about, for programs, such as match-rate
-- found          JSON       the first rows that the check which refused it found, as values by name; of a mixed scale a histogram
-- features       VARCHAR    path of its features
-- labels         VARCHAR[]  paths of its label files
-- out            VARCHAR    path of its labelled table: the output of its audit
-- audit_json     VARCHAR    path of its audit; null for none
-- output_sha256  VARCHAR    sha256 of its labelled table, if it is labelled
-- input_rows     BIGINT     rows of the features
-- output_rows    BIGINT     rows of the labelled table
-- matched_rows   BIGINT     rows of the features with a label
-- missing_rows   BIGINT     rows of the features without a label
-- match_rate     DOUBLE     distinct feature keys with a label / distinct feature keys
-- labels_loaded  BIGINT     distinct keys that have a label
-- mos_min        DOUBLE     least score, on 1-5
-- mos_q1         DOUBLE     first quartile
-- mos_median     DOUBLE     median
-- mos_q3         DOUBLE     third quartile
-- mos_max        DOUBLE     greatest
-- mos_mean       DOUBLE     mean
-- warnings       VARCHAR[]  what was said and stopped nothing
-- config         JSON       the options that were given, with their values
-- diagnosis      JSON       why keys did not meet: samples and near misses
--
-- What an entry does not say is NULL: the counts of a table that was not labelled, the error of one that did not fail.
-- `make pages` writes this file from moslabels/evidence/fields.py.
CREATE OR REPLACE VIEW report_tables AS
SELECT
    path,
    modified,
    position,
    entry->>'$.id' AS id,
    entry->>'$.status' AS status,
    entry->>'$.error' AS error,
    entry->>'$.error_code' AS error_code,
    CASE json_type(entry, '$.found') WHEN 'ARRAY' THEN entry->'$.found' END AS found,
    entry->>'$.features' AS features,
    CASE json_type(entry, '$.labels') WHEN 'ARRAY' THEN list_transform(
        json_extract(entry, '$.labels[*]'),
        lambda item: json_extract_string(item, CASE json_type(item) WHEN 'OBJECT' THEN '$.path' ELSE '$' END)
    ) END AS labels,
    entry->>'$.out' AS out,
    entry->>'$.audit_json' AS audit_json,
    entry->>'$.output_sha256' AS output_sha256,
    TRY_CAST(entry->>'$.summary.input_rows' AS BIGINT) AS input_rows,
    TRY_CAST(entry->>'$.summary.output_rows' AS BIGINT) AS output_rows,
    TRY_CAST(entry->>'$.summary.matched_rows' AS BIGINT) AS matched_rows,
    TRY_CAST(entry->>'$.summary.missing_rows' AS BIGINT) AS missing_rows,
    TRY_CAST(entry->>'$.summary.match_rate' AS DOUBLE) AS match_rate,
    TRY_CAST(entry->>'$.summary.labels_loaded' AS BIGINT) AS labels_loaded,
    TRY_CAST(entry->>'$.mos_stats.min' AS DOUBLE) AS mos_min,
    TRY_CAST(entry->>'$.mos_stats.q1' AS DOUBLE) AS mos_q1,
    TRY_CAST(entry->>'$.mos_stats.median' AS DOUBLE) AS mos_median,
    TRY_CAST(entry->>'$.mos_stats.q3' AS DOUBLE) AS mos_q3,
    TRY_CAST(entry->>'$.mos_stats.max' AS DOUBLE) AS mos_max,
    TRY_CAST(entry->>'$.mos_stats.mean' AS DOUBLE) AS mos_mean,
    CASE json_type(entry, '$.warnings') WHEN 'ARRAY' THEN entry->>'$.warnings[*]' END AS warnings,
    CASE json_type(entry, '$.config') WHEN 'OBJECT' THEN entry->'$.config' END AS config,
    CASE json_type(entry, '$.diagnosis') WHEN 'OBJECT' THEN entry->'$.diagnosis' END AS diagnosis
FROM (
    SELECT path, modified, unnest(entries) AS entry, generate_subscripts(entries, 1) AS position
    FROM (SELECT path, modified, document->'$.tables[*]' AS entries FROM documents WHERE kind = 'report')
)
ORDER BY path, position;
