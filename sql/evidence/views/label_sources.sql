-- label_sources: a row per audit and label file.
--
-- path              VARCHAR    file of the audit
-- modified          TIMESTAMP  when it was last written, in UTC, as the file system says
-- output            VARCHAR    path of the labelled table
-- position          BIGINT     place of the label file in the audit, from 1
-- label_file        VARCHAR    path of the label file
-- sha256            VARCHAR    its sha256 when it was read, in hex
-- key_column        VARCHAR    its key column; a JSON list where several are the key together
-- mos_column        VARCHAR    its score column
-- key_normalize     VARCHAR    raw, basename or stem; a JSON list for several columns
-- key_regex         VARCHAR    pattern of its keys; empty for none, a JSON list for several columns
-- mos_scale         VARCHAR    1-5, 0-100, per-value, per-row, or the JSON object of another scale
-- rows              BIGINT     its rows
-- rows_without_key  BIGINT     those that yield no key
-- mos_raw_column    VARCHAR    its column of scores on 0-100 where it is read beside mos_column; else NULL
--
-- Audits that only name their label files have NULL from mos_scale on, and the columns of the first file alone.
CREATE OR REPLACE VIEW label_sources AS
SELECT
    path,
    modified,
    document->>'$.output' AS output,
    position,
    label_file,
    list_filter(
        json_extract(document, '$.run_provenance.inputs.labels[*]'),
        lambda item: json_extract_string(item, '$.path') = label_file
    )[1]->>'$.sha256' AS sha256,
    coalesce(entry->>'$.key_column', CASE position WHEN 1 THEN document->>'$.label_key_column' END) AS key_column,
    coalesce(entry->>'$.mos_column', CASE position WHEN 1 THEN document->>'$.label_mos_column' END) AS mos_column,
    entry->>'$.key_normalize' AS key_normalize,
    entry->>'$.key_regex' AS key_regex,
    entry->>'$.mos_scale' AS mos_scale,
    TRY_CAST(entry->>'$.rows' AS BIGINT) AS rows,
    TRY_CAST(entry->>'$.rows_without_key' AS BIGINT) AS rows_without_key,
    entry->>'$.mos_raw_column' AS mos_raw_column
FROM (
    SELECT *, CASE json_type(entry) WHEN 'OBJECT' THEN entry->>'$.path' ELSE entry->>'$' END AS label_file
    FROM (
        SELECT path, modified, document, unnest(entries) AS entry, generate_subscripts(entries, 1) AS position
        FROM (
            SELECT
                path, modified, document,
                CASE json_type(document, '$.label_files')
                    WHEN 'ARRAY' THEN document->'$.label_files[*]'
                    ELSE document->'$.label_sources[*]'
                END AS entries
            FROM documents
            WHERE kind = 'audit'
        )
    )
)
ORDER BY path, position;
