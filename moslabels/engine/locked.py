"""Queries that users wrote, in a DuckDB that can reach only its views."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from moslabels.base.errors import StatementError
from moslabels.base.settings import Settings
from moslabels.engine.aside import T
from moslabels.engine.connection import Engine
from moslabels.engine.databases import Database
from moslabels.engine.statements import Statement, render


@dataclass(frozen=True)
class Answer:
    """The result of a query: names of columns, names of DuckDB's types, values. Two columns may have one name."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    values: pa.Table


_OUT_OF_REACH = "a query reads the views; files, network, extensions and settings are out of its reach"


_ANSWERING = ("SELECT", "EXPLAIN", "EXECUTE", "MULTI")


_ASKED = (*_ANSWERING, "PREPARE", "SET", "CREATE", "DROP", "ALTER", "INSERT", "UPDATE", "DELETE", "TRANSACTION")


class LockedEngine(Engine):
    """An engine that also runs SQL that users wrote.

    Once it is locked, no statement reaches a file, the network, a variable of Python or a setting.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_sound = False  # What it attaches and locks holds for the whole database, so no engine may reuse it.

    def _own(self, settings: Settings, spill_folder: str) -> Database:
        database = Database(settings, spill_folder)
        database.limits.use_all_threads()
        return database

    def lock(self) -> None:
        """Lock for good. Attach nothing before: what is attached stays within reach."""
        self.run(render("evidence/50_lock"))

    def ask(self, sql: str) -> Answer | None:
        """Run statements. Return the result of the last that has one. Raise StatementError with DuckDB's words."""
        parts = self._told(sql, 1, lambda: self._connection.extract_statements(sql))
        if not parts:
            raise _refused("the query holds no statement", sql)
        answer = None
        for part in parts:
            kind = _kind(part)
            if kind not in _ASKED:
                # The lock stops what does harm. This stops what has no use here, such as PRAGMA enable_profiling.
                raise _refused(f"{kind.replace('_', ' ')} is refused: {_OUT_OF_REACH}", sql)
            answer = self._told(sql, len(parts), partial(self._answer, part)) or answer
        return answer

    def _answer(self, part: Any) -> Answer | None:
        result = self._connection.execute(part)
        columns = result.description
        if _kind(part) not in _ANSWERING or columns is None:
            return None
        with warnings.catch_warnings():
            # A relation would spare a copy, but its errors do not show the place in the query.
            warnings.simplefilter("ignore")
            reader: pa.RecordBatchReader = result.to_arrow_reader(1_000_000)
        values = reader.read_all()
        return Answer(tuple(column[0] for column in columns), tuple(str(column[1]) for column in columns), values)

    def _told(self, sql: str, parts: int, call: Callable[[], T]) -> T:
        try:
            return self._interruptible(Statement("query", sql), call)
        except StatementError as error:
            message = str(error.__cause__).rstrip()
            if parts > 1:
                # With several statements, DuckDB's line and column are not those in the query.
                message = message.split("\n\nLINE ")[0].rstrip()
            if re.search(r"disabled|has been locked|INSTALL ", message):
                message = f"{message.split(chr(10))[0]}\n{_OUT_OF_REACH}"
            raise _refused(message, sql) from error.__cause__


def _kind(part: Any) -> str:
    try:
        name: str = part.type.name
    except ValueError:
        name = "???"
    # For some kinds, such as UPDATE EXTENSIONS, the Python package has no name: it raises, or returns question marks.
    return "STATEMENT" if "?" in name else name


def _refused(message: str, sql: str) -> StatementError:
    return StatementError(message, statement="query", sql=sql)
