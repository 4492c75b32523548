-- unmatched_keys: a row per sampled feature key without a label, of audits and of the tables that failed.
--
-- path           VARCHAR    file of the audit or the report
-- modified       TIMESTAMP  when it was last written, in UTC, as the file system says
-- table_id       VARCHAR    id of the failed table; NULL for an audit
-- feature_table  VARCHAR    path of the features
-- output         VARCHAR    path of the labelled table
-- total          BIGINT     how many keys have no label: the samples are the first 20 of them, by key
-- position       BIGINT     place in the sample, from 1
-- key            VARCHAR    the key
-- raw_value      VARCHAR    the value that became the key, where it stands first
-- file           VARCHAR    the file where it stands
-- row            BIGINT     and its row there, from 1
--
-- Tables that were labelled are in their audits, so a report adds those that failed only. All keys, not a sample, are
-- in what the option "unmatched" of a table writes.
CREATE OR REPLACE VIEW unmatched_keys AS
SELECT
    path,
    modified,
    table_id,
    feature_table,
    output,
    total,
    position,
    key,
    place->>'$.raw_value' AS raw_value,
    place->>'$.file' AS file,
    TRY_CAST(place->>'$.row' AS BIGINT) AS row
FROM (
    SELECT *, list_filter(places, lambda item: json_extract_string(item, '$.key') = key)[1] AS place
    FROM (
        SELECT *, CASE json_type(item) WHEN 'OBJECT' THEN item->>'$.key' ELSE item->>'$' END AS key
        FROM (
            SELECT *, unnest(sample) AS item, generate_subscripts(sample, 1) AS position
            FROM (
                SELECT
                    path, modified, NULL AS table_id,
                    document->>'$.feature_table' AS feature_table, document->>'$.output' AS output,
                    TRY_CAST(document->>'$.unmatched_feature_keys.count' AS BIGINT) AS total,
                    document->'$.unmatched_feature_keys.sample[*]' AS sample,
                    document->'$.diagnosis.unmatched_feature_keys.sample[*]' AS places
                FROM documents
                WHERE kind = 'audit'
                UNION ALL
                SELECT
                    path, modified, entry->>'$.id', entry->>'$.features', entry->>'$.out',
                    TRY_CAST(entry->>'$.diagnosis.unmatched_feature_keys.count' AS BIGINT),
                    entry->'$.diagnosis.unmatched_feature_keys.sample[*]',
                    entry->'$.diagnosis.unmatched_feature_keys.sample[*]'
                FROM (
                    SELECT path, modified, unnest(document->'$.tables[*]') AS entry
                    FROM documents
                    WHERE kind = 'report'
                )
                WHERE (entry->>'$.status') = 'error'
            )
        )
    )
)
ORDER BY path, table_id, output, position;
