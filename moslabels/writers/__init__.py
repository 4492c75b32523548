"""Writers append the label columns to untouched features: one per format, behind :func:`write_labelled`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from moslabels.engine import Engine
from moslabels.errors import TableError
from moslabels.tables import Source, format_of
from moslabels.writers.atomic import StagedFile


@dataclass(frozen=True)
class Job:
    """What a writer is given.

    ``columns`` are the label columns (small: a row per label, and one for no label); ``row_labels`` says which row of
    them each feature row gets, in the order of the file; ``dropped`` are the feature columns that they replace.
    """

    engine: Engine
    source: Source
    out: str
    columns: pa.Table
    row_labels: pa.ChunkedArray
    dropped: Sequence[str]

    def labels_of(self, start: int, rows: int) -> pa.Array:
        """Which label columns the feature rows from ``start`` on get."""
        part = self.row_labels.slice(start, rows)
        if len(part) != rows:
            raise self.changed()
        return part.combine_chunks()

    def check_rows(self, written: int) -> None:
        if written != len(self.row_labels):
            raise self.changed()

    def changed(self) -> TableError:
        return TableError(
            f"{self.source.path}: its number of rows changed while it was read; run again when nothing writes to it",
            file=self.source.path,
        )


def write_labelled(job: Job, staged: StagedFile) -> int:
    """Write the labelled table. Returns how many NaN and infinite numbers became null, for want of a text in JSON."""
    kind = format_of(job.out)
    if kind == "parquet":
        from moslabels.writers import parquet

        return parquet.write(job, staged)
    from moslabels.writers import csv, json

    return csv.write(job, staged) if kind == "csv" else json.write(job, staged)
