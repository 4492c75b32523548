"""Writers append the label columns to untouched features: one per format, behind :func:`write_labelled`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.files.staged import StagedFile
from moslabels.sources.opening import Source
from moslabels.spec.formats import format_of


@dataclass(frozen=True)
class Job:
    """What a writer is given.

    ``keys`` are the key columns of the features: in another format their values stay the keys that they are.
    ``columns`` are the label columns (small: a row per label, and one for no label); ``row_labels`` says which row of
    them each feature row gets, in the order of the file (``join`` finds out, when it is first asked for); ``dropped``
    are the feature columns that they replace; ``temp_folder`` takes what is too large for the memory. ``evidence`` is
    what the metadata of a Parquet file gets: name and text, from the sha256 of the features.
    """

    engine: Engine
    source: Source
    keys: Sequence[str]
    out: str
    columns: pa.Table
    join: Callable[[], pa.ChunkedArray]
    dropped: Sequence[str]
    temp_folder: str
    evidence: Callable[[str], tuple[str, str]]

    @cached_property
    def row_labels(self) -> pa.ChunkedArray:
        return self.join()

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
            code="changed",
            file=self.source.path,
        )


@dataclass(frozen=True)
class Written:
    """What a writer has to say: how many NaN and infinite numbers became null for want of a text, those of the label
    columns too, and the sha256 of the features where it read them byte for byte.
    """

    nulled: int = 0
    features_sha256: str | None = None


def write_labelled(job: Job, staged: StagedFile) -> Written:
    """Write the labelled table to a staged file."""
    kind = format_of(job.out)
    if kind == job.source.format == "parquet":
        from moslabels.writers import splice

        return splice.write(job, staged)
    _ = job.row_labels  # The engine has one result open at a time: the join comes before the features are read.
    job.engine.progress.step("writing", len(job.row_labels))
    if kind == "parquet":
        from moslabels.writers import parquet

        return parquet.write(job, staged)
    from moslabels.writers import csv, json

    return csv.write(job, staged) if kind == "csv" else json.write(job, staged)
