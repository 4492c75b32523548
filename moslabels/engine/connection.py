"""The engine: runs statements in DuckDB, tells their progress, and ends them on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from types import TracebackType
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from moslabels.base.errors import ResourceError, StatementError, UsageError, calls_others
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import released
from moslabels.engine.databases import Database, bytes_of, give_back, take
from moslabels.engine.failures import failure
from moslabels.engine.sessions import Connection, Relation, session_of, unwrapped, watch
from moslabels.engine.statements import SqlText, Statement, render, rules
from moslabels.engine.timer import Timer

T = TypeVar("T")

SECONDS_BETWEEN_LOOKS = 0.1
SMALL = 1 << 20
"""So many bytes of inputs are read by one thread: DuckDB gives 122,880 rows to each, and waking more takes longer."""
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
        self._watch: pa.RecordBatchReader | None = None
        self._database = None if connection is not None else self._own(settings, spill_folder)
        self._is_sound = True
        if self._database is not None:
            self._connection = self._database.session(progress)
        elif connection is not None:
            self._connection = session_of(connection)
            self._watch = watch(connection)
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._registered = 0
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
            self._settle()
            for rule in rules():
                self.run(rule)
            return
        if not self._database.is_prepared:
            for statement in (render("session/10_optimizers"), self._settings("GLOBAL"), *rules(temporary=False)):
                self.run(statement)
            self._database.is_prepared = True

    def _settle(self) -> None:
        try:
            self.run(self._settings())
        except StatementError as error:
            raise UsageError(f"connection: DuckDB refuses to set what a session of it needs: {error}") from error

    def _settings(self, scope: str = "SESSION") -> Statement:
        names = self.row(render("session/20_setting_names"))["names"]
        return render("session/30_settings", names=names, SCOPE=SqlText(scope))

    def preamble(self) -> list[Statement]:
        """Return what a DuckDB shell runs before the statements: settings and rules."""
        return [render("session/10_optimizers"), self._settings(), *rules()]

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()  # A statement still runs if a second exception came while it was being ended.
        self._worker.shutdown()
        self._connection.close()
        self._watch = None  # The caller's connection counts as busy while this result is open.
        if self._database is not None:
            give_back(self._database, self._is_sound)
            self._database = None

    @property
    def memory(self) -> float:
        """Return how much memory DuckDB may take, in bytes."""
        if self._database is not None:
            return self._database.memory
        return bytes_of(self.row(render("session/memory_limit"))["memory"])

    def expect(self, size: int) -> None:
        """Be told of ``size`` bytes before they are read. Many are read by all threads."""
        self._expected += size
        if self._expected > SMALL and self._database is not None:
            self._database.use_all_threads()
            self._database.hold()

    def with_more_memory(self, run: Callable[[], T]) -> T:
        """Return the result of ``run``. If DuckDB is held to little memory and that is too little, run it again."""
        try:
            return run()
        except ResourceError:
            if not self._take_more():
                raise
            return run()

    def _take_more(self) -> bool:
        if self._database is None or not self._database.take_more():
            return False
        self._is_sound = True
        return True

    def register(self, table: pa.Table) -> str:
        """Let statements read an Arrow table, without a copy. Return the name that they read it by."""
        self.expect(table.get_total_buffer_size())
        self._registered += 1
        name = _registered_name(self._registered)
        self._interruptible(Statement("sources/arrow", name), lambda: self._connection.register(name, table))
        return name

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Forget at the end of the block the tables that it registers and the statements that it runs."""
        ran, registered = len(self.ran), self._registered
        try:
            yield
        finally:
            del self.ran[ran:]
            for number in range(registered, self._registered):
                name = _registered_name(number + 1)
                self._interruptible(Statement("sources/arrow", name), partial(self._connection.unregister, name))
            self._registered = registered

    def run(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        self._execute(statement, lambda _: None)

    def run_once(self, statement: Statement) -> None:
        """Run a statement for its effect, if this session has not run it yet."""
        if statement not in self.ran:
            self.run(statement)

    def rows(self, statement: Statement) -> list[dict[str, Any]]:
        """Return the rows of a query as dicts. For counts, samples and other small results."""
        names, rows = self._execute(
            statement, lambda result: ([column[0] for column in result.description], result.fetchall())
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def row(self, statement: Statement) -> dict[str, Any]:
        """Return the one row of a query."""
        (row,) = self.rows(statement)
        return row

    def table(self, statement: Statement) -> pa.Table:
        """Return the result of a query as an Arrow table."""

        def run() -> pa.Table:
            schema, batches = self.stream(statement, 1_000_000, is_held=True)
            return pa.Table.from_batches(batches, schema)

        return self.with_more_memory(run)

    def stream(
        self, statement: Statement, rows: int, *, is_held: bool = False
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return the Arrow schema of a query and its batches of ``rows`` rows. Only the last may be shorter.

        One stream can be open at a time. Another statement ends it. It cannot begin anew if it needs more memory, so
        DuckDB may take more for it, unless ``is_held`` says that the caller calls :meth:`with_more_memory`.
        """
        if not is_held:
            self._take_more()

        self.ran.append(statement)
        timer = Timer(self.progress, statement)

        def start() -> pa.RecordBatchReader:
            relation = self._connection.sql(statement.sql, params=dict(statement.values) or None)
            return relation.to_arrow_reader(rows)

        with timer:
            reader = self._interruptible(statement, start, timer)

        def batches() -> Iterator[pa.RecordBatch]:
            while True:
                with timer:
                    batch = self._interruptible(statement, lambda: next(reader, None), timer)
                if batch is None:
                    timer.tell()
                    return
                yield batch

        return reader.schema, batches()

    def _execute(self, statement: Statement, fetch: Callable[[Connection], T]) -> T:
        def call() -> T:
            return fetch(self._connection.execute(statement.sql, dict(statement.values) or None))

        self.ran.append(statement)
        with (timer := Timer(self.progress, statement)):
            fetched = self.with_more_memory(lambda: self._interruptible(statement, call, timer))
        timer.tell()
        return fetched

    def _interruptible(self, statement: Statement, call: Callable[[], T], timer: Timer | None = None) -> T:
        """Let DuckDB work in another thread, because in the main thread it sees Ctrl-C late or not at all.

        An exception during the wait (Ctrl-C, one of a signal handler or of ``progress``) ends the statement at once and
        is passed on unchanged.
        """
        try:
            self._look_at_connection()
            future = self._submit(call)
            with released():  # A signal may end the wait: everything to clean up is known by now.
                _wait(future, partial(self._look, timer))
        except BaseException:
            self._is_sound = False
            self.stop()
            raise
        error = future.exception()
        if isinstance(error, _OF_DUCKDB):
            self._is_sound = False
            raise failure(statement, error) from error
        return future.result()

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        try:
            return self._worker.submit(call)
        except RuntimeError:  # The interpreter is ending, so no Ctrl-C can come and no thread is needed.
            future: Future[T] = Future()
            try:
                future.set_result(call())
            except Exception as error:
                future.set_exception(error)
            return future

    def stop(self) -> None:
        """End what DuckDB is doing. Ask until it ends, because a statement that has just begun misses an interrupt."""
        idle = self._submit(lambda: None)
        seconds = 0.0
        while not wait([idle], seconds).done:
            self._connection.interrupt()
            seconds = SECONDS_BETWEEN_LOOKS

    def _look(self, timer: Timer | None) -> None:
        """Report how far DuckDB is."""
        self._look_at_connection()
        if timer is not None and self.progress is not SILENT:
            percent = self._connection.query_progress()
            timer.running(percent / 100 if percent >= 0 else None)

    @calls_others
    def _look_at_connection(self) -> None:
        """Raise DuckDB's InterruptException if the caller interrupted the connection."""
        if self._watch is None:
            return
        try:
            self._watch.read_next_batch()
        except (OSError, StopIteration, pa.ArrowException) as error:
            self._watch = None
            if "interrupt" in str(error).lower():
                raise duckdb.InterruptException(str(error)) from None


def _registered_name(number: int) -> str:
    return f"in_memory_{number}"


@calls_others
def _wait(future: Future[Any], look: Callable[[], None]) -> None:
    """Wait for another thread, and call ``look`` in between. A wait without pauses would miss some exceptions."""
    done = Event()
    future.add_done_callback(lambda _: done.set())
    while not done.wait(SECONDS_BETWEEN_LOOKS):
        look()


def table_of(relation: Relation, connection: Connection | None, look: Callable[[], None]) -> pa.Table:
    """Return the rows of a caller's relation. An exception during the wait interrupts ``connection`` and passes on."""
    future: Future[pa.Table] = Future()

    def run() -> None:
        try:
            # Without the select, DuckDB 1.5 leaves out rows of the relation that were fetched before.
            future.set_result(relation.select("*").to_arrow_table())
        except BaseException as error:
            future.set_exception(error)

    try:
        Thread(target=run, daemon=True).start()
    except RuntimeError:  # The interpreter is ending.
        run()
    try:
        _wait(future, look)
    except BaseException:
        if connection is not None:
            while not wait([future], SECONDS_BETWEEN_LOOKS).done:
                unwrapped(connection).interrupt()
        raise
    return future.result()
