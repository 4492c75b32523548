-- provenance_files: a row per file that the provenance of an audit or a report names.
--
-- path       VARCHAR    file of the audit or the report
-- modified   TIMESTAMP  when it was last written, in UTC, as the file system says
-- kind       VARCHAR    audit or report
-- direction  VARCHAR    program, input or output
-- role       VARCHAR    entrypoint; manifest, features or labels; out, audit_json, or report_json, _md or _html
-- position   BIGINT     place among the files of its role, from 1
-- file       VARCHAR    path of the file
-- exists     BOOLEAN    whether it was there; NULL for outputs, of which only the path is kept
-- file_kind  VARCHAR    file, memory, directory, other or missing; NULL for outputs
-- sha256     VARCHAR    sha256 of what was read, in hex; of outputs, that of the labelled table of an audit
CREATE OR REPLACE VIEW provenance_files AS
SELECT
    path,
    modified,
    kind,
    direction,
    role,
    position,
    file,
    TRY_CAST(record->>'$.exists' AS BOOLEAN) AS exists,
    record->>'$.kind' AS file_kind,
    CASE WHEN direction = 'output' AND role = 'out' AND file = output THEN output_sha256 ELSE record->>'$.sha256' END
        AS sha256
FROM (
    SELECT *, CASE json_type(record) WHEN 'OBJECT' THEN record->>'$.path' ELSE record->>'$' END AS file
    FROM (
        SELECT *, unnest(records) AS record, generate_subscripts(records, 1) AS position
        FROM (
            SELECT
                path, modified, kind, direction, role, document->>'$.output' AS output,
                document->>'$.output_sha256' AS output_sha256,
                CASE json_type(document, place)
                    WHEN 'ARRAY' THEN CAST(document->place AS JSON[])
                    ELSE [document->place]
                END AS records
            FROM documents, (
                VALUES
                    ('program', 'entrypoint', '$.run_provenance.entrypoint'),
                    ('input', 'manifest', '$.run_provenance.inputs.manifest'),
                    ('input', 'features', '$.run_provenance.inputs.features'),
                    ('input', 'labels', '$.run_provenance.inputs.labels'),
                    ('output', 'out', '$.run_provenance.outputs.out'),
                    ('output', 'audit_json', '$.run_provenance.outputs.audit_json'),
                    ('output', 'report_json', '$.run_provenance.outputs.report_json'),
                    ('output', 'report_md', '$.run_provenance.outputs.report_md'),
                    ('output', 'report_html', '$.run_provenance.outputs.report_html'),
                    ('output', 'report_junit', '$.run_provenance.outputs.report_junit')
            ) AS places (direction, role, place)
        )
    )
)
WHERE file IS NOT NULL
ORDER BY path, list_position(['program', 'input', 'output'], direction), role, position;
