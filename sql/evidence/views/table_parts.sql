-- table_parts: a row per part of a table of many parts, by its audit.
--
-- path              VARCHAR    file of the audit
-- modified          TIMESTAMP  when it was last written, in UTC, as the file system says
-- feature_table     VARCHAR    path of the folder above all parts of the features
-- output            VARCHAR    path of the folder of the labelled parts; NULL if the table is in memory
-- position          BIGINT     place of the part in the audit, from 1
-- part              VARCHAR    its path below both folders
-- rows              BIGINT     its rows
-- rows_without_key  BIGINT     those that yield no key
-- matched_rows      BIGINT     those with a label
-- matched_share     DOUBLE     matched_rows by rows, from 0 to 1; NULL if it has no rows
-- features_sha256   VARCHAR    sha256 of the part of the features, in hex
-- sha256            VARCHAR    sha256 of the labelled part, in hex; NULL if the table is in memory
-- bytes             BIGINT     size of the labelled part; NULL if the table is in memory
-- fault             VARCHAR    what the audit does not say of the part, or of its parts; NULL if nothing is missing
--
-- The audit of a table of one file has no row, and neither has one from before there were tables of many parts. If an
-- audit of many parts does not say what they are, its one row is the fault.
CREATE OR REPLACE VIEW table_parts AS
SELECT
    path, modified, feature_table, output, position, part, rows, rows_without_key, matched_rows,
    matched_rows / nullif(CAST(rows AS DOUBLE), 0) AS matched_share,
    features_sha256, sha256, bytes,
    CASE
        WHEN position IS NULL THEN 'its parts are missing or not a list'
        WHEN entry_type IS DISTINCT FROM 'OBJECT' THEN 'not an object'
        WHEN len(missing) > 0 THEN 'without ' || array_to_string(missing, ', ')
    END AS fault
FROM (
    SELECT
        *,
        list_filter([
            CASE WHEN part IS NULL THEN 'path' END,
            CASE WHEN rows IS NULL THEN 'rows' END,
            CASE WHEN rows_without_key IS NULL THEN 'rows_without_key' END,
            CASE WHEN matched_rows IS NULL THEN 'matched_rows' END,
            CASE WHEN features_sha256 IS NULL THEN 'features_sha256' END,
            CASE WHEN sha256 IS NULL AND output IS NOT NULL THEN 'sha256' END,
            CASE WHEN bytes IS NULL AND output IS NOT NULL THEN 'bytes' END
        ], lambda name: name IS NOT NULL) AS missing
    FROM (
        SELECT
            path, modified, feature_table, output, position, json_type(entry) AS entry_type,
            entry->>'$.path' AS part,
            TRY_CAST(entry->>'$.rows' AS BIGINT) AS rows,
            TRY_CAST(entry->>'$.rows_without_key' AS BIGINT) AS rows_without_key,
            TRY_CAST(entry->>'$.matched_rows' AS BIGINT) AS matched_rows,
            entry->>'$.features_sha256' AS features_sha256,
            entry->>'$.sha256' AS sha256,
            TRY_CAST(entry->>'$.bytes' AS BIGINT) AS bytes
        FROM (
            SELECT
                path, modified, feature_table, output, unnest(entries) AS entry,
                CASE WHEN has_parts THEN generate_subscripts(entries, 1) END AS position
            FROM (
                SELECT
                    *, document->>'$.feature_table' AS feature_table, document->>'$.output' AS output,
                    CASE WHEN has_parts THEN document->'$.parts[*]' ELSE [CAST(NULL AS JSON)] END AS entries
                FROM (
                    SELECT *, coalesce(json_array_length(document, '$.parts') > 0, false) AS has_parts
                    FROM documents
                    WHERE kind = 'audit' AND (json_exists(document, '$.parts') OR json_exists(document, '$.features'))
                )
            )
        )
    )
)
ORDER BY path, position;
