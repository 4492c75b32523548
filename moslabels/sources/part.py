"""One file of a table, or one table in memory, and how a CSV file is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from moslabels.parquet.footer import Footer


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written. Nothing of it is guessed.

    ``merged`` is the delimiter whose runs count as one, or "whitespace"; empty if each delimiter counts.
    ``blank_lines`` precede the first record. ``added_lines`` of them are not in the user's file.
    """

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    has_bom: bool = False
    line_end: str = "\n"
    blank_lines: int = 0
    added_lines: int = 0
    merged: str = ""
    decimal: str = "."


@dataclass(frozen=True)
class Part:
    """One file of a table, or one table in memory.

    ``path`` is the path as messages show it. Statements read ``file``: the same file, what was in it if it is
    compressed, a copy of its text as UTF-8 or as JSON lines, or the name that the engine gave to a table in memory.
    ``footer`` is that of a Parquet file, ``counted`` its number of rows, and ``table`` the table in memory. In a table
    of many parts, ``relative`` is the path below its folder, and ``partitions`` are the values in that path.
    """

    path: str
    file: str
    footer: Footer | None = field(default=None, compare=False, repr=False)
    table: pa.Table | None = field(default=None, compare=False, repr=False)
    relative: str = ""
    partitions: tuple[str | None, ...] = ()
    counted: int | None = None

    @property
    def rows(self) -> int | None:
        """Return the number of rows, or None if they must be read to count them."""
        if self.counted is not None:
            return self.counted
        if self.footer is not None:
            return self.footer.num_rows
        return len(self.table) if self.table is not None else None
