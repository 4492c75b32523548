"""The errors that moslabels raises: one base, and a kind for each exit status."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import CodeType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

CODES = {
    "usage": "the command, the arguments or the manifest are wrong",
    "no-file": "an input is not there",
    "unreadable": "an input is damaged, of another format or encoding, or not permitted",
    "no-column": "a column that is named, or that must be there, is not",
    "ambiguous-column": "several columns have the name of one",
    "bad-key": "a value that cannot be a key",
    "bad-score": "a score that is no finite number",
    "missing-score": "a label without a score",
    "out-of-range": "a score outside of its scale",
    "mixed-scale": "scores whose scale cannot be told",
    "bad-extra": "an extra that no column can hold, or a value that does not fit its type",
    "no-labels": "no label is left",
    "conflict": "two labels of one key differ, or the two scores of one label",
    "label-columns": "the features have a column of the name of a label column",
    "match-rate": "too few keys have a label, or too few rows a key",
    "cannot-hold": "the format of the output cannot hold the features",
    "changed": "an input changed while it was read",
    "miscount": "what the rows hold and what was counted of them do not agree",
    "in-use": "another process writes the output",
    "read-back": "what was written reads back otherwise",
    "file-system": "the system refuses to read or write a file",
    "statement": "a SQL statement failed in a way that no check foresaw",
    "resources": "the memory, or the room for what does not fit in it, is used up",
    "interrupted": "the run was ended from outside before the table was done",
    "internal": "an exception that nothing foresaw: a defect of moslabels",
}
"""What an error can be about, for programs: ``MosLabelsError.code``."""


class MosLabelsError(ValueError):
    """What was found and what to do about it.

    Attributes
    ----------
    code : what it is about, one of ``CODES``
    table : id of the manifest table, or None
    file : path of the offending file, or None
    column : name of the offending column, or None
    row : number of the offending data row (from 1; header and blank lines do not count), or None
    found : the first rows that a check of a table found, as values by name, such as ``{"row": 3, "mos_text": "n/a",
        "total": 12}``; empty if the error is not that of such a check
    """

    exit_status = 1

    def __init__(
        self,
        message: str,
        *,
        code: str,
        table: str | None = None,
        file: str | None = None,
        column: str | None = None,
        row: int | None = None,
        found: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message)
        assert code in CODES, code
        self.code = code
        self.table = table
        self.file = file
        self.column = column
        self.row = row
        self.found = tuple(found)

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is rebuilt by a call with its message alone, which lacks what the others ask for.
        return type(self).__new__, (type(self), *self.args), self.__dict__


class UsageError(MosLabelsError):
    """The command, the arguments or the manifest are wrong; nothing was read or written yet.

    ``problems`` holds every problem found, one text each, in the order of the input.
    """

    exit_status = 2

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *(f"  {problem}" for problem in problems)]), code="usage")
        self.problems = tuple(problems) or (message,)


class TableError(MosLabelsError):
    """One table cannot be labelled: its files, columns or labels say why."""


class GateError(TableError):
    """Too few feature keys or rows would be labelled.

    ``diagnosis`` says why, as the audit of a table that passes does: samples of either side, and near misses.
    """

    def __init__(self, message: str, *, file: str, column: str, diagnosis: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code="match-rate", file=file, column=column)
        self.diagnosis = diagnosis


class StatementError(MosLabelsError):
    """A SQL statement failed in a way that no check foresaw.

    ``statement`` is its name, which is its path below ``sql/``; ``sql`` is its text.
    """

    _code = "statement"

    def __init__(self, message: str, *, statement: str, sql: str) -> None:
        super().__init__(message, code=self._code)
        self.statement = statement
        self.sql = sql


class ResourceError(StatementError):
    """A SQL statement ran out of memory, or of room for what does not fit in it."""

    _code = "resources"


class CancelledError(MosLabelsError):
    """The run was cancelled: what was handed over as ``cancel`` is set."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="interrupted")


_CALLS_OTHERS: set[CodeType] = set()


def calls_others(function: F) -> F:
    """Mark a function that only waits, or calls what the caller handed over: what ends it comes from outside."""
    _CALLS_OTHERS.add(function.__code__)
    return function


def is_from_outside(error: BaseException) -> bool:
    """Whether an exception came from the caller and not from the work: out of a callback, a wait or a signal's handler.

    It is no fault of a table or a file, and passes unchanged.
    """
    codes = {*_CALLS_OTHERS, *_handlers()}
    if isinstance(error, TimeoutError) and error.errno is None:
        return True  # Nothing here has a time limit of its own.
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__))


def _handlers() -> Iterator[CodeType]:
    for number in signal.valid_signals():
        handler: Any = signal.getsignal(number)
        while isinstance(handler, partial):
            handler = handler.func
        handler = getattr(handler, "__func__", handler)  # of a bound method
        if not hasattr(handler, "__code__"):
            handler = vars(type(handler)).get("__call__")  # an object that is called
        if isinstance(code := getattr(handler, "__code__", None), CodeType):
            yield code


def fault_of_table(error: BaseException, table: str | None) -> MosLabelsError | None:
    """What an exception says of the table that it ended; None where it came from outside, or is none to go on after."""
    if not isinstance(error, Exception) or is_from_outside(error):
        return None
    return error if isinstance(error, MosLabelsError) else internal_error(error, table)


def interruption(error: BaseException, table: str | None) -> TableError:
    """That an exception from outside ended a table before it was done."""
    message = " ".join(str(error).split())
    says = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return TableError(f"not finished: {says}", code="interrupted", table=table)


def internal_error(error: Exception, table: str | None = None) -> TableError:
    """An exception that nothing foresaw, in one line: its type and message, and where it was raised."""
    where = ""
    if frames := traceback.extract_tb(error.__traceback__):
        package = os.path.dirname(os.path.dirname(__file__))
        own = [frame for frame in frames if package in frame.filename] or frames
        where = f" ({os.path.basename(own[-1].filename)}, line {own[-1].lineno})"
    message = " ".join(str(error).split())
    says = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return TableError(
        f"internal error: {says}{where}; this is a defect, please report it", code="internal", table=table
    )


def os_error(error: OSError, table: str | None = None) -> TableError:
    """What the system says of a file, as an error of the table. Raises again what is no word of the system."""
    if error.errno is None or is_from_outside(error):
        raise error
    file = error.filename2 or error.filename  # A rename fails for its target.
    if isinstance(file, int):
        file = None  # A handle, which tells nobody anything.
    where = f"{os.fsdecode(file)}: " if file else ""
    message = f"{where}{error.strerror or error}"
    return TableError(message, code="file-system", table=table, file=file and os.fsdecode(file))
