"""The errors that moslabels raises: a base class, and a subclass for each exit status."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import CodeType, TracebackType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

CODES = {
    "usage": "the command, the arguments or the manifest are wrong",
    "no-file": "an input is not there",
    "unreadable": "an input is damaged, of another format or encoding, or not permitted",
    "parts": "the parts of a table do not fit together, or cannot be told apart from other files",
    "no-column": "a column that is named or required is not there",
    "ambiguous-column": "several columns have a name that must be that of one",
    "bad-key": "a value that cannot be a key",
    "bad-example": "values given as examples do not give the keys that they must give",
    "bad-score": "a score that is not a finite number",
    "missing-score": "a label without a score",
    "out-of-range": "a score outside of its scale",
    "mixed-scale": "scores whose scale cannot be determined",
    "bad-scale": "a label row whose own scale is missing or unknown",
    "bad-extra": "an extra that no column can hold, or a value that does not fit its type",
    "no-labels": "no label is left",
    "conflict": "two labels of one key differ, or the two scores of one label",
    "label-columns": "a column of the features has the name of a label column",
    "match-rate": "too few keys have a label, or too few rows a key",
    "cannot-hold": "the format of the output cannot hold the features",
    "changed": "an input changed while it was read",
    "miscount": "the written rows and the counts of them do not agree",
    "not-done": "shards of a plan are not done",
    "in-use": "another process writes the output",
    "read-back": "the bytes read back differ from those written",
    "file-system": "the system refuses to read or write a file",
    "statement": "a SQL statement failed, and no check foresaw why",
    "resources": "the memory, or the disk space for data that does not fit in it, is used up",
    "interrupted": "the run was ended from outside before the table was done",
    "internal": "an unforeseen exception: a defect of moslabels",
}
"""The codes of errors with their meanings. A program reads the code of an error from ``MosLabelsError.code``."""


class MosLabelsError(ValueError):
    """The base of all errors. Its message says what was found and what to do about it.

    Attributes
    ----------
    code : kind of the error, one of ``CODES``
    table : id of the manifest table, or None
    file : path of the offending file, or None
    column : name of the offending column, or None
    row : number of the offending data row (from 1; header and blank lines do not count), or None
    found : the first rows that a check of a table found, each as values by name, such as
        ``{"row": 3, "mos_text": "n/a", "total": 12}``; empty if no such check raised the error
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
        # By default pickle calls the class with the message alone, but the keywords are required too.
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
    """One table cannot be labelled because of its files, columns or labels."""


class NotDoneError(MosLabelsError):
    """Shards of a plan are not done, so nothing can be committed yet."""

    exit_status = 3

    def __init__(self, message: str) -> None:
        super().__init__(message, code="not-done")


class GateError(TableError):
    """Too few feature keys or rows would be labelled.

    ``diagnosis`` says why: samples of unmatched keys of both sides, and near misses. The audit of a table that passes
    has the same.
    """

    def __init__(self, message: str, *, file: str, column: str, diagnosis: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code="match-rate", file=file, column=column)
        self.diagnosis = diagnosis


class StatementError(MosLabelsError):
    """A SQL statement failed, and no check foresaw why.

    ``statement`` is its name, which is its path below ``sql/``. ``sql`` is its text.
    """

    _code = "statement"

    def __init__(self, message: str, *, statement: str, sql: str) -> None:
        super().__init__(message, code=self._code)
        self.statement = statement
        self.sql = sql


class ResourceError(StatementError):
    """A SQL statement ran out of memory, or of disk space for data that does not fit in memory."""

    _code = "resources"


class CancelledError(MosLabelsError):
    """The caller cancelled the run: the ``cancel`` that was passed is set."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="interrupted")


_CALLS_OTHERS: set[CodeType] = set()


def calls_others(function: F) -> F:
    """Mark a function that only waits, or only calls callbacks of the caller.

    An exception in such a function is the caller's: see :func:`is_from_outside`.
    """
    _CALLS_OTHERS.add(function.__code__)
    return function


def is_from_outside(error: BaseException) -> bool:
    """Return whether an exception came from a callback of the caller, a wait or a signal handler.

    Such an exception is not the fault of a table or a file. It is passed on unchanged.
    """
    codes = {*_CALLS_OTHERS, *_handlers()}
    if isinstance(error, TimeoutError) and error.errno is None:
        return True  # The package sets no time limits, so the caller set this one.
    return any(frame.f_code in codes for frame, _ in traceback.walk_tb(error.__traceback__))


class ignored:  # noqa: N801 (read as a statement: with ignored(OSError))
    """A block whose errors of some kinds do not matter. Those from outside pass on unchanged."""

    def __init__(self, *kinds: type[BaseException]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return isinstance(error, self._kinds) and not is_from_outside(error)


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
    """Return the error of a table that an exception ended.

    Return None if the exception came from outside, or if the run must not go on after it (such as KeyboardInterrupt).
    """
    if not isinstance(error, Exception) or is_from_outside(error):
        return None
    return error if isinstance(error, MosLabelsError) else internal_error(error, table)


def interruption(error: BaseException, table: str | None) -> TableError:
    """Return the error of a table that an exception from outside ended before it was done."""
    message = " ".join(str(error).split())
    says = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return TableError(f"not finished: {says}", code="interrupted", table=table)


def internal_error(error: Exception, table: str | None = None) -> TableError:
    """Return an unforeseen exception as an error of one line: its type, its message and where it was raised."""
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


@contextmanager
def errors_of_table(features: str, table: str | None = None) -> Iterator[None]:
    """Turn errors of the system into those of a table, by its features, and name the table in all of its errors."""
    try:
        yield
    except MosLabelsError as error:
        if not is_from_outside(error):
            error.table = table
        raise
    except MemoryError as error:
        raise TableError(f"{features}: out of memory", code="resources", table=table, file=features) from error
    except OSError as error:
        raise os_error(error, table) from error


def os_error(error: OSError, table: str | None = None) -> TableError:
    """Return an error of the operating system as an error of the table.

    Raise ``error`` itself if it has no system error number, or if it came from outside.
    """
    if error.errno is None or is_from_outside(error):
        raise error
    file = error.filename2 or error.filename  # A rename fails for its target.
    if isinstance(file, int):
        file = None  # A file descriptor means nothing to the user.
    where = f"{os.fsdecode(file)}: " if file else ""
    message = f"{where}{error.strerror or error}"
    return TableError(message, code="file-system", table=table, file=file and os.fsdecode(file))
