"""Parquet: the features, then the label columns. Features of other formats get their types by rule."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.files.records import file_sha256
from moslabels.files.staged import StagedFile
from moslabels.parquet import schemas
from moslabels.sources.batches import batch_rows, typed_batches
from moslabels.writers import splice
from moslabels.writers.job import Job, Written


class ParquetWriter:
    """Parquet: a splice if the features are Parquet too. If not, they are written anew, with types by rule."""

    beside: tuple[str, ...] = (".{}.crc", "_metadata", "_common_metadata")

    def write(self, job: Job, staged: StagedFile) -> Written:
        if job.source.part.footer is not None:
            assert job.copy is not None, "begin() was not called"
            return splice.write(job, job.source.part.footer, job.copy, staged)
        row_labels = job.begin_writing()
        rows = batch_rows(len(job.source.columns))
        schema, batches = typed_batches(job.engine, job.source, job.dropped, rows, job.keys, names_without_case=True)
        declared = schemas.declared(job.columns, row_labels.positions)
        for field in declared:
            schema = schema.append(field.with_metadata(None))
        schema = schema.with_metadata(schemas.changed(schema.metadata, (), declared))
        written = 0
        with pq.ParquetWriter(staged, schema) as writer:
            for batch in batches:
                labels = job.columns.take(row_labels.of(written, len(batch))).cast(declared)
                table = pa.Table.from_arrays([*batch.columns, *labels.columns], schema=schema)
                writer.write_table(table, row_group_size=max(1, len(batch)))
                written += len(batch)
                job.engine.progress.advance(written)
            sha256 = file_sha256(job.source.path)
            writer.add_key_value_metadata(dict([job.evidence(sha256)]))
        row_labels.check(written)
        return Written(features_sha256=sha256)

    def write_plain(self, table: pa.Table, staged: StagedFile) -> None:
        pq.write_table(table, staged)
