"""An opened table: its parts, its columns and how statements read them; and the interface of formats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

import pyarrow as pa

from moslabels.base.errors import ResourceError, StatementError, TableError
from moslabels.base.text import listed, nearest, short, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import SqlText, Statement, render
from moslabels.files.workspace import Workspace
from moslabels.sources.columns import Cell, Column
from moslabels.sources.faults import fault
from moslabels.sources.part import Dialect, Part


@dataclass(frozen=True)
class Source:
    """A table that is open for statements. Only Parquet has tables of many parts.

    ``path`` is the path as messages show it, or the name of a table in memory. ``role`` is ``feature`` or ``label``.
    ``dialect`` is there for CSV alone. ``memory`` is what DuckDB may take, in bytes, for formats that need it.
    """

    path: str
    role: str
    format: Format
    parts: tuple[Part, ...]
    columns: tuple[Column, ...] = ()
    dialect: Dialect | None = None
    memory: float = field(default=0, compare=False, repr=False)
    has_several: ClassVar[bool] = False
    """Whether it is a table of many parts, of which statements read a list. There may be one part only."""

    @property
    def part(self) -> Part:
        """Return the only part, for code that cannot read several. Raise ValueError if there are several."""
        (part,) = self.parts
        return part

    @property
    def rows(self) -> int | None:
        """Return the number of rows in all parts, or None if they must be read to count them."""
        counts = [part.rows for part in self.parts]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def places(self) -> tuple[list[str], list[int]]:
        """Return the paths of the parts that have rows, and how many rows come before each of them."""
        return [self.path], [0]

    def place(self, row: int) -> tuple[str, int]:
        """Return the path of the file that a row of the table is in, and its number there, both from 1."""
        return self.path, row

    def placed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row of a result whose ``row`` is one of the table, with the file and its number there."""
        path, number = self.place(row["row"])
        return {**row, "file": path, "row": number}

    @property
    def file(self) -> str:
        """Return the file of the only part, see :class:`Part`."""
        return self.part.file

    @property
    def reader(self) -> str:
        """Return the name of the macros in ``sql/sources/`` that read the table."""
        return self.format.reader

    @property
    def has_comma(self) -> bool:
        """Whether numbers are texts with a decimal comma."""
        return self.dialect is not None and self.dialect.decimal == ","

    @property
    def has_row_number_column(self) -> bool:
        """Return whether a column hides the ``file_row_number`` of DuckDB."""
        return any(name.lower() == "file_row_number" for name in self.names)

    def cells(self, columns: Mapping[str, Column]) -> list[Cell]:
        """Return columns as cells of a statement, by their aliases."""
        told = (self.reader, self.has_comma, self.format.tells_texts)
        return [Cell(alias, column, *told) for alias, column in columns.items()]

    def values(self, cells: Sequence[Cell] = ()) -> dict[str, Any]:
        """Return the values of the parameters of the file, for a statement that reads these cells."""
        return self.format.values(self, cells)

    def statement(
        self, name: str, cells: Sequence[Cell] = (), values: Mapping[str, Any] | None = None, **context: Any
    ) -> Statement:
        """Return a statement that reads these cells. ``values`` are the values of its other parameters."""
        return render(name, {**self.values(cells), **(values or {})}, source=self, cells=cells, **context)

    def run(
        self,
        engine: Engine,
        name: str,
        cells: Sequence[Cell] = (),
        values: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> None:
        """Run a statement that reads the table. Raise TableError if DuckDB cannot read it."""
        engine.expect(self.format.bytes_of(self, cells))
        with self.reading():
            engine.run(self.statement(name, cells, values, **context))

    def query(
        self,
        engine: Engine,
        name: str,
        cells: Sequence[Cell] = (),
        values: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> list[dict[str, Any]]:
        """Return the rows of a statement that reads the table. Raise TableError if DuckDB cannot read it."""
        engine.expect(self.format.bytes_of(self, cells))
        with self.reading():
            return engine.rows(self.statement(name, cells, values, **context))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn an error of DuckDB about a file into a TableError with the path and the row."""
        try:
            yield
        except ResourceError:
            raise
        except StatementError as error:
            says, row = self.format.unreadable(self, str(error))
            raise fault(self.path, says, row=row) from error

    def find(self, role: str, named: str | None, candidates: Sequence[str], option: str) -> Column:
        """Return the column for a role: the one that is named, or else the first candidate that is present.

        Raise TableError if there is none, if there are several, or if the column cannot be used for the role.
        """
        if named is not None:
            return self._only([column for column in self.columns if column.name == named], role, named, option)
        for candidate in candidates:
            found = [column for column in self.columns if column.name.lower() == candidate]
            if found:
                return self._only(found, role, candidate, option)
        advice = [self.split_advice() or f"name it with {option}", self.format.header_advice(self), self._bom_advice()]
        raise fault(
            self.path,
            f"no {role} column found: none of {', '.join(candidates)} is among {listed(self.names)}; "
            + "; ".join(filter(None, advice)),
            "no-column",
        )

    def split_advice(self) -> str:
        """Return what to set if one column looks like several that were not split, or nothing."""
        return self.format.split_advice(self)

    def _bom_advice(self) -> str:
        """Return what to do if a name begins with the mark that belongs before the whole text, or nothing."""
        marked = [name for name in self.names if name.startswith("\ufeff")]
        return f"remove the byte order mark (U+FEFF) inside of the name {shown(marked[0])}" if marked else ""

    def _only(self, found: list[Column], role: str, name: str, option: str) -> Column:
        if len(found) == 1:
            return self.usable(found[0], role)
        if found:
            raise fault(
                self.path,
                f"{len(found)} columns are named {shown(name)}, compared as {option} does; the {role} column must be "
                "the only one of its name",
                "ambiguous-column",
                column=name,
            )
        advice = filter(None, [self.split_advice(), self.format.header_advice(self, name), self._bom_advice()])
        raise fault(
            self.path,
            f"{option} {shown(name)} is not a column of it{nearest(name, self.names)}; "
            + "; ".join([f"it has {listed(self.names)}", *advice]),
            "no-column",
            column=name,
        )

    def usable(self, column: Column, role: str) -> Column:
        """Return a column if it can be read as a key, a score, an extra or a group. Else raise TableError.

        The type is checked before a value is read, because the values of a file of kilobytes may fill the memory.
        """
        self.format.check_name(self, column)
        if column.is_nested:
            code, what = _USES.get(role, ("unreadable", f"which cannot be a {role}"))
            raise fault(
                self.path,
                f"column {shown(column.name)} is of type {short(column.type)}, {what}; name another column, or convert "
                "it to text or numbers",
                code,
                column=column.name,
            )
        self.format.check_values(self, column, role)
        return column

    def may_be(self, column: Column, role: str) -> bool:
        """Return whether a column can be read as a key, a score or an extra, as far as is known without its values."""
        try:
            self.usable(column, role)
        except TableError:
            return False
        return True


_USES = {
    "key": ("bad-key", "which cannot be a key"),
    "score": ("bad-score", "which holds no scores"),
    "extra": ("bad-extra", "and an extra is text, a number, a truth value, a date or a time"),
}


class Cells(Enum):
    """The kinds of cells that a format has."""

    TEXT = "texts without a type"
    TYPED = "values of the type of their column"
    JSON = "values that have a type each"


class Format(ABC):
    """The interface of the format of a table. A format of files is a :class:`FileFormat`."""

    reader: ClassVar[str]
    """The file of ``sql/sources/`` with the macros that read rows and cells."""
    cells: ClassVar[Cells]
    tells_texts: ClassVar[bool] = False
    """Whether a column of type VARCHAR holds texts alone. In memory that is the type of most columns."""
    has_dialect: ClassVar[bool] = False
    """Whether a file is written in a :class:`Dialect`, which options name and an output of the format keeps."""
    ignores_case: ClassVar[bool] = False
    """Whether typed columns cannot have names that differ by case alone."""
    table_function: ClassVar[SqlText | None] = None
    """The function of DuckDB that reads such a file without options, for statements that are shown and not run."""

    @abstractmethod
    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:
        """Return the values of the parameters of the reader's macros."""

    def bytes_of(self, source: Source, cells: Sequence[Cell]) -> int:  # noqa: ARG002
        """Return how many bytes a statement reads of which the engine was not told when the table was opened."""
        return 0

    def types_of(self, engine: Engine, source: Source, cell: Cell) -> list[str]:  # noqa: ARG002
        """Return the types that the values of a column have, by their names in DuckDB."""
        return [cell.column.type]

    def check_name(self, source: Source, column: Column) -> None:  # noqa: B027
        """Raise TableError if a statement cannot name a column."""

    def check_values(self, source: Source, column: Column, role: str) -> None:  # noqa: B027
        """Raise TableError if the values of a column would crash DuckDB, or be read wrongly by it."""

    def split_advice(self, source: Source) -> str:  # noqa: ARG002
        """Return what to set if one column looks like several that were not split, or nothing."""
        return ""

    def header_advice(self, source: Source, named: str = "") -> str:  # noqa: ARG002
        """Return what to set if the names of columns look like data, or ``named`` like no name; or nothing."""
        return ""

    def unreadable(self, source: Source, message: str) -> tuple[str, int | None]:  # noqa: ARG002
        """Return the meaning of a message of DuckDB about the table, and the data row of it, if that is known."""
        return f"cannot be read: {message}", None

    @abstractmethod
    def typed_batches(
        self, engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return some columns as Arrow: their schema, and batches of ``rows`` rows in the order of the file.

        ``keys`` names the key columns, whose values keep their keys. Raise TableError if a column has no type.
        """

    def as_arrow(self, source: Source, dropped: Sequence[str]) -> pa.Table | None:  # noqa: ARG002
        """Return the columns without the dropped ones as an Arrow table, or None if it must be made of batches."""
        return None


class FileFormat(Format):
    """A format of files."""

    holds_evidence: ClassVar[bool] = False
    """Whether a labelled table holds its evidence itself, in its metadata."""
    is_document: ClassVar[bool] = False
    """Whether a file is one JSON document, as evidence is."""
    is_read_whole: ClassVar[bool] = True
    """Whether statements read the whole file, whatever their cells. If not, ``bytes_of`` says what they read."""

    @abstractmethod
    def open(self, engine: Engine, workspace: Workspace, part: Part, role: str, options: Mapping[str, Any]) -> Source:
        """Open a file that exists: find its columns, and check that it can be read. Raise TableError.

        ``part`` has its path for messages, and the file to read: what was in it if it is compressed. ``options`` is the
        value of ``feature_csv`` or ``label_csv``.
        """
