-- unused_labels: a row per sampled label that no feature has, of audits and of the tables that failed.
--
-- path        VARCHAR    file of the audit or the report
-- modified    TIMESTAMP  when it was last written, in UTC, as the file system says
-- table_id    VARCHAR    id of the failed table; NULL for an audit
-- output      VARCHAR    path of the labelled table
-- total       BIGINT     how many labels are used by no feature: the samples are the first 20 of them, by key
-- position    BIGINT     place in the sample, from 1
-- key         VARCHAR    the key
-- raw_value   VARCHAR    the value that became the key
-- label_file  VARCHAR    the file where it stands; NULL where an audit of several label files does not say
-- row         BIGINT     and its row there, from 1
--
-- Tables that were labelled are in their audits, so a report adds those that failed only. All labels, not a sample, are
-- in what the option "unmatched" of a table writes.
CREATE OR REPLACE VIEW unused_labels AS
SELECT
    path,
    modified,
    table_id,
    output,
    total,
    position,
    key,
    place->>'$.raw_value' AS raw_value,
    coalesce(place->>'$.file', CASE len(label_files) WHEN 1 THEN label_files[1] END) AS label_file,
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
                    document->>'$.output' AS output,
                    TRY_CAST(document->>'$.unused_label_keys.count' AS BIGINT) AS total,
                    document->>'$.label_sources[*]' AS label_files,
                    document->'$.unused_label_keys.sample[*]' AS sample,
                    document->'$.diagnosis.unused_label_keys.sample[*]' AS places
                FROM documents
                WHERE kind = 'audit'
                UNION ALL
                SELECT
                    path, modified, entry->>'$.id', entry->>'$.out',
                    TRY_CAST(entry->>'$.diagnosis.unused_label_keys.count' AS BIGINT),
                    [],
                    entry->'$.diagnosis.unused_label_keys.sample[*]',
                    entry->'$.diagnosis.unused_label_keys.sample[*]'
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
