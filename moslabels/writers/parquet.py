"""Parquet from other formats: features with types by rule, then the label columns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.files.records import file_sha256
from moslabels.files.staged import StagedFile
from moslabels.parquet import schemas
from moslabels.sources.batches import batch_rows, typed_batches
from moslabels.writers import Job, Written


def write(job: Job, staged: StagedFile) -> Written:
    """Write Parquet from CSV or JSON."""
    rows = batch_rows(len(job.source.columns))
    schema, batches = typed_batches(job.engine, job.source, job.dropped, rows, job.keys, names_without_case=True)
    for field in job.columns.schema:
        schema = schema.append(field.with_metadata(None))
    declared = schemas.declared(job.columns, job.row_labels)
    schema = schema.with_metadata(schemas.changed(schema.metadata, (), declared))
    written = 0
    with pq.ParquetWriter(staged, schema) as writer:
        for batch in batches:
            labels = job.columns.take(job.labels_of(written, len(batch)))
            table = pa.Table.from_arrays([*batch.columns, *labels.columns], schema=schema)
            writer.write_table(table, row_group_size=max(1, len(batch)))
            written += len(batch)
            job.engine.progress.advance(written)
        sha256 = file_sha256(job.source.path)
        writer.add_key_value_metadata(dict([job.evidence(sha256)]))
    job.check_rows(written)
    return Written(features_sha256=sha256)
