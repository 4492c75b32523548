-- audits: a row per audit, which is a row per labelled table.
--
-- path                    VARCHAR    file of the audit
-- modified                TIMESTAMP  when it was last written, in UTC, as the file system says
-- schema                  VARCHAR    name of the schema of this document
-- feature_table           VARCHAR    path of the features
-- output                  VARCHAR    path of the labelled table; null if it is in memory
-- feature_key_column      VARCHAR    key column of the features; a list if several are the key together
-- label_key_column        VARCHAR    key column of the first label file; a list if several are the key together
-- label_mos_column        VARCHAR    score column of the first label file
-- key_normalize           VARCHAR    how keys are normalised, as it was set
-- feature_key_regex       VARCHAR    pattern of the feature keys; empty for none
-- label_key_regex         VARCHAR    pattern of the label keys; empty for none
-- feature_key_template    VARCHAR    template that made one text of the key columns of the features
-- key_case                VARCHAR    whether keys were compared as they are (exact) or without regard to case (fold)
-- min_match_rate          DOUBLE     least match rate that was asked for
-- match_rate              DOUBLE     distinct feature keys with a label / distinct feature keys
-- input_rows              BIGINT     rows of the features
-- output_rows             BIGINT     rows of the labelled table
-- matched_rows            BIGINT     rows of the features with a label
-- missing_rows            BIGINT     rows of the features without a label
-- rows_without_key        BIGINT     rows that have no key
-- total_feature_keys      BIGINT     distinct feature keys
-- matched_feature_keys    BIGINT     distinct feature keys with a label
-- unmatched_feature_keys  BIGINT     feature keys without a label; some of them are in unmatched_keys
-- key_collisions          BIGINT     feature keys that several different values became
-- labels_loaded           BIGINT     distinct keys that have a label
-- unused_label_keys       BIGINT     labels that no feature has; some of them are in unused_labels
-- label_sources           VARCHAR[]  paths of the label files; more of each is in label_sources
-- extra_columns           JSON       the columns of label files that are carried over, each with its name in the output
-- columns_left_out        JSON       columns of label files that look like the spread or number of votes, or a score, and are not carried over
-- label_rows_without_key  BIGINT     rows of the labels that have no key
-- duplicate_labels        BIGINT     rows of the labels that repeat what another says
-- missing_mos_rows        BIGINT     rows of the labels without a score, skipped
-- clipped_mos_rows        BIGINT     scores outside of their scale, clipped
-- nulled_numbers          BIGINT     NaN and infinite numbers that became null in JSON or CSV
-- mos_min                 DOUBLE     least score, on 1-5
-- mos_q1                  DOUBLE     first quartile
-- mos_median              DOUBLE     median
-- mos_q3                  DOUBLE     third quartile
-- mos_max                 DOUBLE     greatest
-- mos_mean                DOUBLE     mean
-- output_sha256           VARCHAR    sha256 of the labelled table
-- output_bytes            BIGINT     size of the labelled table
-- warnings                VARCHAR[]  what was said and stopped nothing
-- match_rate_by           JSON       match rates by the values of a feature column; null if none was asked for
-- diagnosis               JSON       why keys did not meet; null if all did
-- moslabels_version       VARCHAR    version of moslabels
-- duckdb_version          VARCHAR    version of DuckDB
-- pyarrow_version         VARCHAR    version of Arrow
-- python_version          VARCHAR    version of Python
--
-- What an older audit does not say is NULL; a list in a VARCHAR is JSON.
-- `make pages` writes this file from moslabels/evidence/fields.py.
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
    document->>'$.feature_key_template' AS feature_key_template,
    document->>'$.key_case' AS key_case,
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
    CASE json_type(document, '$.extra_columns') WHEN 'ARRAY' THEN document->'$.extra_columns' END AS extra_columns,
    CASE json_type(document, '$.columns_left_out') WHEN 'ARRAY' THEN document->'$.columns_left_out' END AS columns_left_out,
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
