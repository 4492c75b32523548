-- audits: a row per audit, which is a row per labelled table.
--
-- path                    VARCHAR    file of the audit
-- modified                TIMESTAMP  when it was last written, in UTC, as the file system says
-- schema                  VARCHAR    name of its schema
-- feature_table           VARCHAR    path of the features
-- output                  VARCHAR    path of the labelled table
-- feature_key_column      VARCHAR    key column of the features; a JSON list where several are the key together
-- label_key_column        VARCHAR    key column of the first label file; the same
-- label_mos_column        VARCHAR    score column of the first label file
-- key_normalize           VARCHAR    auto, raw, basename or stem, as it was set
-- feature_key_regex       VARCHAR    pattern of the feature keys; empty for none, a JSON list for several columns
-- label_key_regex         VARCHAR    the same for the label keys
-- min_match_rate          DOUBLE     least match rate that was asked for
-- match_rate              DOUBLE     distinct feature keys with a label / distinct feature keys
-- input_rows              BIGINT     rows of the features
-- output_rows             BIGINT     rows of the labelled table
-- matched_rows            BIGINT     rows with a label
-- missing_rows            BIGINT     rows without
-- rows_without_key        BIGINT     rows of the features that yield no key
-- total_feature_keys      BIGINT     distinct feature keys
-- matched_feature_keys    BIGINT     those with a label
-- unmatched_feature_keys  BIGINT     those without; some of them are in unmatched_keys
-- key_collisions          BIGINT     feature keys that several different values became
-- labels_loaded           BIGINT     distinct keys with a label
-- unused_label_keys       BIGINT     those that no feature has; some of them are in unused_labels
-- label_sources           VARCHAR[]  paths of the label files; more of each is in label_sources
-- label_rows_without_key  BIGINT     rows of the labels that yield no key
-- duplicate_labels        BIGINT     rows of the labels that say again what another said
-- missing_mos_rows        BIGINT     rows of the labels without a score, skipped
-- clipped_mos_rows        BIGINT     scores outside their scale, clipped
-- nulled_numbers          BIGINT     NaN and infinite numbers that became null in JSON or CSV
-- mos_min                 DOUBLE     least score of the labelled rows, on 1-5
-- mos_q1                  DOUBLE     first quartile
-- mos_median              DOUBLE     median
-- mos_q3                  DOUBLE     third quartile
-- mos_max                 DOUBLE     greatest
-- mos_mean                DOUBLE     mean
-- output_sha256           VARCHAR    sha256 of the labelled table, in hex
-- output_bytes            BIGINT     its size
-- warnings                VARCHAR[]  what was said and stopped nothing
-- match_rate_by           JSON       column and groups, each with its match rate
-- diagnosis               JSON       why keys did not meet: samples and near misses
-- moslabels_version       VARCHAR    version that wrote it
-- duckdb_version          VARCHAR    and of DuckDB
-- pyarrow_version         VARCHAR    and of Arrow
-- python_version          VARCHAR    and of Python
--
-- What an older audit does not say is NULL.
CREATE OR REPLACE VIEW audits AS
SELECT
    path,
    modified,
    document->>'$.schema' AS schema,
    document->>'$.feature_table' AS feature_table,
    document->>'$.output' AS output,
    document->>'$.feature_key_column' AS feature_key_column,
    document->>'$.label_key_column' AS label_key_column,
    document->>'$.label_mos_column' AS label_mos_column,
    document->>'$.key_normalize' AS key_normalize,
    document->>'$.feature_key_regex' AS feature_key_regex,
    document->>'$.label_key_regex' AS label_key_regex,
    TRY_CAST(document->>'$.min_match_rate' AS DOUBLE) AS min_match_rate,
    TRY_CAST(document->>'$.match_rate' AS DOUBLE) AS match_rate,
    TRY_CAST(document->>'$.input_rows' AS BIGINT) AS input_rows,
    TRY_CAST(document->>'$.output_rows' AS BIGINT) AS output_rows,
    TRY_CAST(document->>'$.matched_rows' AS BIGINT) AS matched_rows,
    TRY_CAST(document->>'$.missing_rows' AS BIGINT) AS missing_rows,
    TRY_CAST(document->>'$.rows_without_key' AS BIGINT) AS rows_without_key,
    TRY_CAST(document->>'$.total_feature_keys' AS BIGINT) AS total_feature_keys,
    TRY_CAST(document->>'$.matched_feature_keys' AS BIGINT) AS matched_feature_keys,
    TRY_CAST(document->>'$.unmatched_feature_keys.count' AS BIGINT) AS unmatched_feature_keys,
    TRY_CAST(document->>'$.key_collisions.count' AS BIGINT) AS key_collisions,
    TRY_CAST(document->>'$.labels_loaded' AS BIGINT) AS labels_loaded,
    TRY_CAST(document->>'$.unused_label_keys.count' AS BIGINT) AS unused_label_keys,
    CASE json_type(document, '$.label_sources') WHEN 'ARRAY' THEN document->>'$.label_sources[*]' END AS label_sources,
    TRY_CAST(document->>'$.label_rows_without_key' AS BIGINT) AS label_rows_without_key,
    TRY_CAST(document->>'$.duplicate_labels' AS BIGINT) AS duplicate_labels,
    TRY_CAST(document->>'$.missing_mos_rows' AS BIGINT) AS missing_mos_rows,
    TRY_CAST(document->>'$.clipped_mos_rows' AS BIGINT) AS clipped_mos_rows,
    TRY_CAST(document->>'$.nulled_numbers' AS BIGINT) AS nulled_numbers,
    TRY_CAST(document->>'$.mos_stats.min' AS DOUBLE) AS mos_min,
    TRY_CAST(document->>'$.mos_stats.q1' AS DOUBLE) AS mos_q1,
    TRY_CAST(document->>'$.mos_stats.median' AS DOUBLE) AS mos_median,
    TRY_CAST(document->>'$.mos_stats.q3' AS DOUBLE) AS mos_q3,
    TRY_CAST(document->>'$.mos_stats.max' AS DOUBLE) AS mos_max,
    TRY_CAST(document->>'$.mos_stats.mean' AS DOUBLE) AS mos_mean,
    document->>'$.output_sha256' AS output_sha256,
    TRY_CAST(document->>'$.output_bytes' AS BIGINT) AS output_bytes,
    CASE json_type(document, '$.warnings') WHEN 'ARRAY' THEN document->>'$.warnings[*]' END AS warnings,
    CASE json_type(document, '$.match_rate_by') WHEN 'OBJECT' THEN document->'$.match_rate_by' END AS match_rate_by,
    CASE json_type(document, '$.diagnosis') WHEN 'OBJECT' THEN document->'$.diagnosis' END AS diagnosis,
    document->>'$.run_provenance.versions.moslabels' AS moslabels_version,
    document->>'$.run_provenance.versions.duckdb' AS duckdb_version,
    document->>'$.run_provenance.versions.pyarrow' AS pyarrow_version,
    document->>'$.run_provenance.versions.python' AS python_version
FROM documents
WHERE kind = 'audit'
ORDER BY path;
