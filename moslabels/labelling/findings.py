"""Checks: statements that return what is wrong, and the words for the rows that they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from moslabels.base.errors import TableError
from moslabels.base.text import short, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render

T = TypeVar("T")
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """What a check found, in words, and the place of its first row."""

    message: str
    file: str
    column: str | None = None
    row: int | None = None


@dataclass(frozen=True)
class Check(Generic[T]):
    """A statement that returns rows if something is wrong, the code of the error, and the words for these rows.

    ``count`` is the name of a count that is 0 if the statement would return no row: the counts of all checks are made
    at once, and the statement runs where its own is another. ``worded`` gets what was checked (label files, a key) and
    the rows. ``named`` returns a row with names as the user has them, in place of those in the statement.
    """

    statement: str
    code: str
    count: str
    worded: Callable[[T, Sequence[Row]], Finding]
    named: Callable[[T, Row], Row] = lambda _, row: row

    def run(
        self,
        engine: Engine,
        checked: T,
        paths: Sequence[str],
        counts: Sequence[Row],
        values: Mapping[str, Any] | None = None,
        **context: Any,
    ) -> None:
        """Run the check if its count is not 0 in a row of ``counts``. Raise TableError if its statement returns a row.

        ``paths`` are the files by the numbers that the rows hold; ``values`` and ``context`` are for the statement.
        """
        if not any(row[self.count] for row in counts):
            return
        rows = [self.named(checked, row) for row in engine.rows(render(self.statement, values, **context))]
        if not rows:
            return
        finding = self.worded(checked, rows)
        found = [{**row, **{name: paths[row[name]] for name in ("file", "first_file") if name in row}} for row in rows]
        raise TableError(
            finding.message, code=self.code, file=finding.file, column=finding.column, row=finding.row, found=found
        )


def bad_key(path: str, columns: Sequence[str], side: str, row: Row) -> Finding:
    """Return the words for a value that cannot be a key. ``side`` is ``feature`` or ``label``."""
    column = columns[row["fault_part"] - 1]
    return Finding(
        f"{path}: row {row['row']}: column {shown(column)} holds {shown(row['raw_value'])}, "
        f"{short(row['key_fault'])}, which cannot be a key ({row['total']} such rows); "
        f"{_key_advice(row['key_fault'], column, side)}",
        path,
        column,
        row["row"],
    )


def _key_advice(fault: str, column: str, side: str) -> str:
    other = f"name another {side}_key_column"
    if not fault.endswith("type BLOB"):
        return other
    name = column.replace('"', '""')
    return (
        f'convert the column to text first, such as by SELECT * REPLACE (decode("{short(name)}") AS "{short(name)}") '
        f"in DuckDB (hex where the bytes are no text), or {other}"
    )
