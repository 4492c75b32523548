"""The job that a writer receives, and the result that it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.sources.faults import fault
from moslabels.sources.source import Source
from moslabels.writers.copy import Copy


@dataclass(frozen=True)
class RowLabels:
    """Which row of label columns each feature row gets: a position in :attr:`Job.columns` per row of the file."""

    path: str
    positions: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.positions)

    def of(self, start: int, rows: int) -> pa.Array:
        """Return the positions of ``rows`` feature rows from ``start`` on. Raise TableError if there are fewer."""
        part = self.positions.slice(start, rows)
        if len(part) != rows:
            raise changed(self.path)
        return part.combine_chunks()

    def check(self, rows: int) -> None:
        """Raise TableError if the number of feature rows is another one."""
        if rows != len(self):
            raise changed(self.path)


@dataclass(frozen=True)
class Job:
    """The job of a writer: to write one part of the features with its label columns.

    - ``keys``: the key columns of the features. If the format changes, their values must stay the same keys.
    - ``columns``: the label columns. They are small: a row per label, and one row for no label.
    - ``positions``: which row of ``columns`` each feature row gets, in the order of the file.
    - ``dropped``: the feature columns that the label columns replace.
    - ``temp_folder``: the folder for data that is too large for the memory.
    - ``evidence``: returns the name and text of the entry for the metadata of a Parquet file, given the sha256 of the
      features.
    - ``copy``: copies the features in the background, if the writer appends to them.
    """

    engine: Engine
    source: Source
    keys: Sequence[str]
    out: str
    columns: pa.Table
    positions: pa.ChunkedArray
    dropped: Sequence[str]
    temp_folder: str
    evidence: Callable[[str], tuple[str, str]]
    copy: Copy | None

    def label_rows(self) -> RowLabels:
        """Return which row of the label columns each feature row gets."""
        return RowLabels(self.source.path, self.positions)

    def begin_writing(self) -> RowLabels:
        """Return the same, and report to the progress that writing begins."""
        labels = self.label_rows()
        self.engine.progress.step("writing", len(labels))
        return labels


@dataclass(frozen=True)
class Written:
    """The result of a writer.

    ``nulled`` is how many NaN and infinite numbers became null because the format has no text for them, in label
    columns too. ``features_sha256`` is the sha256 of the features if the writer hashed them.
    """

    nulled: int = 0
    features_sha256: str | None = None


def changed(path: str) -> TableError:
    """Return the error that the features changed while they were read."""
    return fault(path, "its number of rows changed while it was read; run again when nothing writes to it", "changed")
