"""The errors that moslabels raises: one base, and a kind for each exit status."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any


class MosLabelsError(ValueError):
    """What was found and what to do about it.

    Attributes
    ----------
    table : id of the manifest table, or None
    file : path of the offending file, or None
    column : name of the offending column, or None
    row : number of the offending data row (from 1; header and blank lines do not count), or None
    """

    exit_status = 1

    def __init__(
        self,
        message: str,
        *,
        table: str | None = None,
        file: str | None = None,
        column: str | None = None,
        row: int | None = None,
    ) -> None:
        super().__init__(message)
        self.table = table
        self.file = file
        self.column = column
        self.row = row


class UsageError(MosLabelsError):
    """The command, the arguments or the manifest are wrong; nothing was read or written yet.

    ``problems`` holds every problem found, one text each, in the order of the input.
    """

    exit_status = 2

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *(f"  {problem}" for problem in problems)]))
        self.problems = tuple(problems) or (message,)


class TableError(MosLabelsError):
    """One table cannot be labelled: its files, columns or labels say why."""


class GateError(TableError):
    """Too few feature keys or rows would be labelled.

    ``diagnosis`` says why, as the audit of a table that passes does: samples of either side, and near misses.
    """

    diagnosis: Mapping[str, Any] | None = None

    def explained(self, diagnosis: Mapping[str, Any], lines: Sequence[str]) -> GateError:
        """The same error, with the reasons after it."""
        error = GateError("\n".join([str(self), *(f"  {line}" for line in lines)]), file=self.file, column=self.column)
        error.diagnosis = diagnosis
        return error


class StatementError(MosLabelsError):
    """A SQL statement failed in a way that no check foresaw.

    ``statement`` is its name, which is its path below ``sql/``; ``sql`` is its text.
    """

    def __init__(self, message: str, *, statement: str, sql: str) -> None:
        super().__init__(message)
        self.statement = statement
        self.sql = sql


class ResourceError(StatementError):
    """A SQL statement ran out of memory, or of room for what does not fit in it."""


def os_error(error: OSError, table: str | None = None) -> TableError:
    """What the system says of a file, as an error of the table."""
    file = error.filename2 or error.filename  # A rename fails for its target.
    where = f"{os.fsdecode(file)}: " if file else ""
    return TableError(f"{where}{error.strerror or error}", table=table, file=file and os.fsdecode(file))
