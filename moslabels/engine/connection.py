"""The engine: runs statements in DuckDB, tells their progress, and ends them on request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from moslabels.base.errors import ResourceError, StatementError, UsageError
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings, bytes_of
from moslabels.engine.arrow_tables import ArrowTables
from moslabels.engine.aside import T
from moslabels.engine.databases import Database, give_back, take
from moslabels.engine.failures import failure
from moslabels.engine.parsed import parsed
from moslabels.engine.sessions import Connection, session_of, watch
from moslabels.engine.statements import SqlText, Statement, render, rules
from moslabels.engine.timer import Timer
from moslabels.engine.worker import Worker

SMALL = 1 << 20
"""So many bytes of inputs are read by one thread: DuckDB gives 122,880 rows to each, and waking more takes longer."""
LARGE = 1 << 25
"""From so many bytes of inputs on, what a step lets go of is worth the time that it takes."""
_OF_DUCKDB = (duckdb.Error, OSError, RuntimeError, MemoryError, pa.ArrowException, UnicodeDecodeError)


class Engine:
    """A DuckDB with the macros of ``sql/rules/``, as a context manager that closes it.

    ``spill_folder`` takes what does not fit in memory. The caller removes it. Without one, DuckDB fails instead.

    With a ``connection`` the caller's DuckDB does the work, in a session that leaves nothing there. The settings that
    the statements need hold for that session alone. If the caller interrupts the connection, the session ends too.

    ``ran`` lists the statements so far. ``progress`` receives their events. Raise UsageError if DuckDB refuses a
    setting or the connection.
    """

    def __init__(
        self,
        settings: Settings = DEFAULTS,
        spill_folder: str = "",
        connection: Connection | None = None,
        progress: Progress = SILENT,
    ) -> None:
        self.progress = progress
        self._database = None if connection is not None else self._own(settings, spill_folder)
        self._is_sound = True
        watched = None
        if self._database is not None:
            self._connection = self._database.session(progress)
        elif connection is not None:
            self._connection = session_of(connection)
            watched = watch(connection)
        self._worker = Worker(self._connection, watched, progress)
        self._tables = ArrowTables(self._connection)
        self._expected = 0
        self.ran: list[Statement] = []
        try:
            self._prepare()
        except BaseException:
            self._is_sound = False
            self.__exit__(None, None, None)
            raise

    def _own(self, settings: Settings, spill_folder: str) -> Database:
        return take(settings, spill_folder)

    def _prepare(self) -> None:
        """Set what the statements rely on, and add the rules. A database of our own keeps both for its next engine."""
        if self._database is None:
            self._set_session()
            for rule in rules():
                self.run(rule)
            return
        if not self._database.is_prepared:
            self._interruptible(render("session/20_setting_names"), self._database.prepare)
        for statement, seconds in self._database.told():
            self.ran.append(statement)
            self.progress.ended(statement.name, seconds)

    def _set_session(self) -> None:
        try:
            self.run(self._settings())
        except StatementError as error:
            raise UsageError(f"connection: DuckDB refuses to set what a session of it needs: {error}") from error

    def _settings(self) -> Statement:
        names = self.row(render("session/20_setting_names"))["names"]
        return render("session/30_settings", names=names, SCOPE=SqlText("SESSION"))

    def preamble(self) -> list[Statement]:
        """Return what a DuckDB shell runs before the statements: settings and rules."""
        return [render("session/10_optimizers"), self._settings(), *rules()]

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()  # A statement still runs if a second exception came while it was being ended.
        self._worker.close()
        if self._database is not None:
            give_back(self._database, self._is_sound)
            self._database = None

    @property
    def memory(self) -> float:
        """Return how much memory DuckDB may take, in bytes."""
        if self._database is not None:
            return self._database.limits.memory
        return bytes_of(self.row(render("session/memory_limit"))["memory"])

    def expect(self, size: int) -> None:
        """Be told of ``size`` bytes before they are read. Many are read by all threads."""
        self._expected += size
        if self._database is None:
            return
        self._database.limits.regain()
        if self._expected > SMALL:
            self._database.limits.use_all_threads()
            self._database.limits.hold()

    def with_more_memory(self, run: Callable[[], T]) -> T:
        """Return the result of ``run``. If DuckDB is held to little memory and that is too little, run it again."""
        while True:
            try:
                return run()
            except ResourceError:
                if self._database is None or not self._database.limits.relieve():
                    raise
                self._is_sound = True

    def let_go(self) -> None:
        """If inputs are large, let go of memory that DuckDB and Arrow keep for later: the next step needs some.

        DuckDB takes the least from then on, until more inputs are expected.
        """
        if self._expected < LARGE:
            return
        pa.default_memory_pool().release_unused()
        if self._database is not None:
            self._database.limits.let_go()

    def register(self, table: pa.Table, has_known_types: bool = False) -> str:
        """Let statements read an Arrow table, without a copy. Return the name that they read it by.

        Raise StatementError if DuckDB lacks a type of it. If ``has_known_types`` says that it does not, DuckDB gets the
        table with the first statement that names it: many a table is read by Arrow alone.
        """
        self.expect(table.get_total_buffer_size())
        name = self._tables.add(table)
        if not has_known_types:
            self._interruptible(Statement("sources/arrow", name), lambda: self._tables.register(name))
        return name

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Forget at the end of the block the tables that it registers and the statements that it runs."""
        ran, tables, expected = len(self.ran), self._tables.count, self._expected
        try:
            yield
        finally:
            self._expected = expected
            del self.ran[ran:]
            for name in self._tables.since(tables):
                self._interruptible(Statement("sources/arrow", name), partial(self._tables.unregister, name))

    def together(self, tables: Iterable[pa.Table | None], call: Callable[[], T]) -> T:
        """Return the result of a call that runs several statements on these tables. None is one that is in a file.

        If the tables are small, the whole call runs in the thread of the statements: to hand each of them over takes as
        long as a short one. An exception during the wait ends the statement at work, and the call by it. If somebody
        hears of ``progress`` or may interrupt a connection of theirs, the call runs in this thread, which listens.
        """
        sizes = [math.inf if table is None else table.get_total_buffer_size() for table in tables]
        if sum(sizes) > SMALL or self.progress is not SILENT or self._database is None:
            return call()
        return self._finished(call).result()

    def settle(self) -> None:
        """End what an earlier call left at work, because another exception came while one was ending it."""
        if not self._is_sound:
            self.stop()

    def run(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        self._timed(statement, lambda: self._execute(statement))

    def run_once(self, statement: Statement) -> None:
        """Run a statement for its effect, if this session has not run it yet."""
        if statement not in self.ran:
            self.run(statement)

    def rows(self, statement: Statement) -> list[dict[str, Any]]:
        """Return the rows of a query as dicts. For counts, samples and other small results."""
        names, rows = self._fetched(statement)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def columns(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Return the columns of a query that returns at least one row. For small results too."""
        _, rows = self._fetched(statement)
        return list(zip(*rows, strict=True))

    def row(self, statement: Statement) -> dict[str, Any]:
        """Return the one row of a query."""
        (row,) = self.rows(statement)
        return row

    def table(self, statement: Statement) -> pa.Table:
        """Return the result of a query as an Arrow table."""
        return self._timed(statement, lambda: self._reader(statement, 1_000_000).read_all())

    def stream(
        self, statement: Statement, rows: int, *, is_held: bool = False
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return the Arrow schema of a query and its batches of ``rows`` rows. Only the last may be shorter.

        One stream can be open at a time. Another statement ends it. It cannot begin anew if it needs more memory, so
        DuckDB may take more for it, unless ``is_held`` says that the caller calls :meth:`with_more_memory`.
        """
        if not is_held and self._database is not None:
            self._database.limits.take_more()
        self.ran.append(statement)
        timer = Timer(self.progress, statement)

        def begun() -> tuple[pa.RecordBatchReader, list[pa.RecordBatch | None]]:
            reader = self._reader(statement, rows)
            return reader, _next(reader, rows)

        with timer:
            reader, fetched = self._interruptible(statement, begun, timer)

        def batches() -> Iterator[pa.RecordBatch]:
            while True:
                for batch in fetched:
                    if batch is None:
                        timer.tell()
                        return
                    yield batch
                with timer:
                    fetched[:] = self._interruptible(statement, lambda: _next(reader, rows), timer)

        return reader.schema, batches()

    def _fetched(self, statement: Statement) -> tuple[list[str], list[tuple[Any, ...]]]:
        def call() -> tuple[list[str], list[tuple[Any, ...]]]:
            result = self._execute(statement)
            return [column[0] for column in result.description], result.fetchall()

        return self._timed(statement, call)

    def _execute(self, statement: Statement) -> Connection:
        self._tables.register_for(statement.sql)
        *others, last = self._parsed(statement)
        for other in others:
            self._connection.execute(other)
        return self._connection.execute(last, dict(statement.values) or None)

    def _parsed(self, statement: Statement) -> list[duckdb.Statement]:
        if self._database is not None:
            return parsed(self._connection, statement.sql)
        # Settings of the caller's connection may hold for the parser, and not for others.
        return self._connection.extract_statements(statement.sql)

    def _reader(self, statement: Statement, rows: int) -> pa.RecordBatchReader:
        self._tables.register_for(statement.sql)
        (query,) = self._parsed(statement)
        return self._connection.sql(query, params=dict(statement.values) or None).to_arrow_reader(rows)

    def _timed(self, statement: Statement, call: Callable[[], T]) -> T:
        """Return what a call of DuckDB returns, and report it as the work of a statement."""
        self.ran.append(statement)
        with (timer := Timer(self.progress, statement)):
            fetched = self.with_more_memory(lambda: self._interruptible(statement, call, timer))
        timer.tell()
        return fetched

    def stop(self) -> None:
        """End what DuckDB is doing."""
        self._worker.stop()

    def _interruptible(self, statement: Statement, call: Callable[[], T], timer: Timer | None = None) -> T:
        """Return the result of a call of DuckDB. Raise StatementError if it fails."""
        future = self._finished(call, timer)
        error = future.exception()
        if isinstance(error, _OF_DUCKDB):
            self._is_sound = False
            raise failure(statement, error) from error
        return future.result()

    def _finished(self, call: Callable[[], T], timer: Timer | None = None) -> Future[T]:
        """Return what became of a call in the thread of the statements.

        An exception during the wait (Ctrl-C, one of a signal handler or of ``progress``) ends the statement at once and
        is passed on unchanged.
        """
        try:
            return self._worker.finished(call, timer)
        except BaseException:
            self._is_sound = False
            self.stop()
            raise


def _next(reader: pa.RecordBatchReader, rows: int) -> list[pa.RecordBatch | None]:
    """Return the next batch, None if there is none; and if it is short, what comes after it: few rows take one call."""
    batch = next(reader, None)
    return [batch] if batch is None or len(batch) == rows else [batch, next(reader, None)]
