"""What a writer is given, and what it has to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.sources.faults import fault
from moslabels.sources.source import Source


@dataclass(frozen=True)
class RowLabels:
    """Which label columns each feature row gets: its position in :attr:`Job.columns`, in the order of the file."""

    path: str
    positions: pa.ChunkedArray

    def __len__(self) -> int:
        return len(self.positions)

    def of(self, start: int, rows: int) -> pa.Array:
        """Return the positions of the feature rows from ``start`` on. Raises TableError if there are fewer."""
        part = self.positions.slice(start, rows)
        if len(part) != rows:
            raise changed(self.path)
        return part.combine_chunks()

    def check(self, rows: int) -> None:
        """Refuse, with TableError, another number of feature rows."""
        if rows != len(self):
            raise changed(self.path)


@dataclass(frozen=True)
class Job:
    """What a writer is given: one part of the features.

    ``keys`` are the key columns of the features: in another format their values stay the keys that they are.
    ``columns`` are the label columns (small: a row per label, and one for no label); ``join`` finds out which row of
    them each feature row gets, in the order of the file; ``dropped`` are the feature columns that they replace;
    ``temp_folder`` takes what is too large for the memory. ``evidence`` is what the metadata of a Parquet file gets:
    name and text, from the sha256 of the features.
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

    def label_rows(self) -> RowLabels:
        """Join. The engine has one result open at a time: the join comes before the features are read, or beside."""
        return RowLabels(self.source.path, self.join())

    def begin_writing(self) -> RowLabels:
        """Join, and tell that writing begins."""
        labels = self.label_rows()
        self.engine.progress.step("writing", len(labels))
        return labels


@dataclass(frozen=True)
class Written:
    """What a writer has to say.

    ``nulled`` is how many NaN and infinite numbers became null for want of a text, those of the label columns too;
    ``features_sha256`` is the sha256 of the features if it read them byte for byte.
    """

    nulled: int = 0
    features_sha256: str | None = None


def changed(path: str) -> TableError:
    """Return the error that the features changed while they were read."""
    return fault(path, "its number of rows changed while it was read; run again when nothing writes to it", "changed")
