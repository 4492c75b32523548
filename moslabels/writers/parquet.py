"""Parquet: the label columns after those of the features, in the same row groups."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.errors import TableError
from moslabels.writers import Job
from moslabels.writers.atomic import StagedFile
from moslabels.writers.typed import batch_rows, typed_batches


def write(job: Job, staged: StagedFile) -> int:
    """Write Parquet. Features that are Parquet keep their row groups, their types and their metadata."""
    if job.source.format == "parquet":
        schema, groups = _row_groups(job)
    else:
        rows = batch_rows(len(job.source.columns))
        schema, batches = typed_batches(job.engine, job.source, job.dropped, rows)
        groups = (pa.Table.from_batches([batch]) for batch in batches)
    for field in job.columns.schema:
        schema = schema.append(field.with_metadata(None))
    written = 0
    with pq.ParquetWriter(staged, schema) as writer:
        for group in groups:
            labels = job.columns.take(job.labels_of(written, len(group)))
            for name in labels.column_names:
                group = group.append_column(name, labels.column(name))
            writer.write_table(group.cast(schema), row_group_size=max(1, len(group)))
            written += len(group)
    job.check_rows(written)
    return 0


def _row_groups(job: Job) -> tuple[pa.Schema, Iterator[pa.Table]]:
    file = pq.ParquetFile(job.source.file)
    kept = [index for index, name in enumerate(job.source.names) if name not in job.dropped]
    schema = pa.schema([file.schema_arrow.field(index) for index in kept], file.schema_arrow.metadata)

    def groups() -> Iterator[pa.Table]:
        try:
            for index in range(file.num_row_groups):
                yield file.read_row_group(index).select(kept)
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{job.source.path}: cannot be decoded: {error}", file=job.source.path) from error

    return schema, groups()
