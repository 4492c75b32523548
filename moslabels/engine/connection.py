"""The DuckDB connection: settings, running statements, errors that name them. The only module that imports duckdb."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache, partial
from threading import Thread
from time import perf_counter
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

import duckdb
import pyarrow as pa

from moslabels.base.errors import ResourceError, StatementError, UsageError, calls_others
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import released
from moslabels.base.text import short, shown
from moslabels.engine.statements import Statement, render, rules

T = TypeVar("T")
Connection: TypeAlias = duckdb.DuckDBPyConnection
Relation: TypeAlias = duckdb.DuckDBPyRelation
InterruptException = duckdb.InterruptException

_SECONDS_BETWEEN_LOOKS = 0.1
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_MOST_WRAPPERS = 5
_ROWS_OF_A_LOOK = 100_000  # With batches of few rows, closing an open result took DuckDB 2.0.1 ten seconds.
_OF_DUCKDB = (duckdb.Error, OSError, RuntimeError, MemoryError, pa.ArrowException, UnicodeDecodeError)


class Engine:
    """A DuckDB with the macros of ``sql/rules/``. A context manager: leaving it closes DuckDB.

    ``spill_folder`` takes what does not fit in the memory, and is removed by whoever named it; without one, that is an
    error. With a ``connection`` the caller's DuckDB does the work, in a session of its own that leaves nothing there;
    what the statements rely on is set for that session alone, and to interrupt the connection interrupts the session.
    ``ran`` lists the statements so far; ``progress`` is told of them, and of the steps by those who run them. Raises
    UsageError where DuckDB refuses a setting or the connection.
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
        if connection is None:
            self._connection = _own(settings, spill_folder, progress)
        else:
            self._connection = _session(connection)
            self._watch = _watched(connection)
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._registered = 0
        self.ran: list[Statement] = []
        try:
            if connection is None:
                self.run(render("session/10_optimizers"))
            self._settle()
            for rule in rules():
                self.run(rule)
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def _settle(self) -> None:
        names = self.row(render("session/20_setting_names"))["names"]
        try:
            self.run(render("session/30_settings", names=names))
        except StatementError as error:
            raise UsageError(f"connection: DuckDB refuses to set what a session of it needs: {error}") from error

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()  # Where a second exception got in the way of ending a statement, it still runs.
        self._worker.shutdown()
        self._connection.close()
        self._watch = None  # DuckDB takes the caller's connection for busy while its result is open.

    @property
    def memory(self) -> float:
        """The bytes of memory that DuckDB may take."""
        number, unit = self.row(render("session/memory_limit"))["memory"].split()
        return float(number) * float(1 << 10 * _UNITS.index(unit))

    def register(self, table: pa.Table) -> str:
        """Make an Arrow table readable for statements, without a copy; the name by which they read it."""
        self._registered += 1
        name = f"in_memory_{self._registered}"
        self._interruptible(Statement("sources/arrow", name), lambda: self._connection.register(name, table))
        return name

    def run(self, statement: Statement) -> None:
        """Run a statement for its effect."""
        self._execute(statement, lambda _: None)

    def rows(self, statement: Statement) -> list[dict[str, Any]]:
        """The result of a query as a dict per row: for counts, samples and other small results."""
        names, rows = self._execute(
            statement, lambda result: ([column[0] for column in result.description], result.fetchall())
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def row(self, statement: Statement) -> dict[str, Any]:
        """The result of a query that always has one row."""
        (row,) = self.rows(statement)
        return row

    def table(self, statement: Statement) -> pa.Table:
        """The result of a query as an Arrow table."""
        schema, batches = self.stream(statement, 1_000_000)
        return pa.Table.from_batches(batches, schema)

    def stream(self, statement: Statement, rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The result of a query as its Arrow schema and batches of ``rows`` rows; only the last may be shorter.

        One stream can be open at a time, and running another statement ends it.
        """

        self.ran.append(statement)
        timer = _Timer(self.progress, statement)

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
        with (timer := _Timer(self.progress, statement)):
            fetched = self._interruptible(statement, call, timer)
        timer.tell()
        return fetched

    def _interruptible(self, statement: Statement, call: Callable[[], T], timer: _Timer | None = None) -> T:
        """Let DuckDB work in a thread of its own: in the main thread it would see Ctrl-C late, or not at all.

        Whatever ends the waiting (Ctrl-C, the exception of a signal's handler or of ``progress``) ends the statement at
        once, and passes unchanged.
        """
        try:
            self._look_at_connection()
            future = self._submit(call)
            with released():  # No signal waits for a statement: what is to be cleaned up is known wherever one runs.
                _wait(future, partial(self._look, timer))
        except BaseException:
            self._stop()
            raise
        error = future.exception()
        if isinstance(error, _OF_DUCKDB):
            raise _failure(statement, error) from error
        return future.result()

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        try:
            return self._worker.submit(call)
        except RuntimeError:  # The interpreter is ending, where no Ctrl-C comes any more.
            future: Future[T] = Future()
            try:
                future.set_result(call())
            except Exception as error:
                future.set_exception(error)
            return future

    def _stop(self) -> None:
        """End what DuckDB is doing. What was begun a moment ago may not be there to be interrupted yet."""
        idle = self._submit(lambda: None)
        seconds = 0.0
        while not wait([idle], seconds).done:
            self._connection.interrupt()
            seconds = _SECONDS_BETWEEN_LOOKS

    def _look(self, timer: _Timer | None) -> None:
        """Tell how far DuckDB is."""
        self._look_at_connection()
        if timer is not None and self.progress is not SILENT:
            percent = self._connection.query_progress()
            timer.running(percent / 100 if percent >= 0 else None)

    @calls_others
    def _look_at_connection(self) -> None:
        """Raise DuckDB's own InterruptException where the caller interrupted the connection that was handed over."""
        if self._watch is None:
            return
        try:
            self._watch.read_next_batch()
        except (OSError, StopIteration, pa.ArrowException) as error:
            self._watch = None
            if "interrupt" in str(error).lower():
                raise duckdb.InterruptException(str(error)) from None


@calls_others
def _wait(future: Future[Any], look: Callable[[], None]) -> None:
    """Wait for what another thread does, and look in between. A wait without end would be deaf to some exceptions."""
    while not wait([future], _SECONDS_BETWEEN_LOOKS).done:
        look()


def table_of(relation: Relation, connection: Connection | None, look: Callable[[], None]) -> pa.Table:
    """Run a relation of the caller's. Whatever ends the waiting passes at once, and interrupts ``connection``."""
    future: Future[pa.Table] = Future()

    def run() -> None:
        try:
            # One that was looked into begins where that ended, on DuckDB 1.5.
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
            while not wait([future], _SECONDS_BETWEEN_LOOKS).done:
                unwrapped(connection).interrupt()
        raise
    return future.result()


class _Timer:
    """The time that DuckDB takes for a statement; entered whenever it works on it. A failure is told of at once."""

    def __init__(self, progress: Progress, statement: Statement) -> None:
        self._progress = progress
        self._name = statement.name
        self._seconds = 0.0
        self._start = 0.0

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seconds += perf_counter() - self._start
        if isinstance(error, StatementError):
            self.tell()

    def running(self, share: float | None) -> None:
        self._progress.running(self._name, share, self._seconds + perf_counter() - self._start)

    def tell(self) -> None:
        """It ended."""
        self._progress.ended(self._name, self._seconds)


def _own(settings: Settings, spill_folder: str, progress: Progress) -> Connection:
    config: dict[str, Any] = {"temp_directory": spill_folder}
    if settings.memory_limit is not None:
        config["memory_limit"] = settings.memory_limit
    if settings.threads is not None:
        config["threads"] = settings.threads
    try:
        connection = duckdb.connect(":memory:", config=config)
    except duckdb.Error as error:
        raise UsageError(f"DuckDB refuses the settings {settings.given()}: {error}") from error
    connection.execute("SET enable_progress_bar = false")  # it can leak into a pipe
    if progress is not SILENT:
        # Without it DuckDB does not count; it need not show what it counts.
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute("SET enable_progress_bar = true")
    return connection


def _session(connection: Connection) -> Connection:
    """Another session on the database of a connection: its temporary tables and macros are nobody else's."""
    try:
        session = unwrapped(connection).cursor()
        # No macro of the database takes the place of a function that the statements call.
        session.execute("SET search_path = 'temp'")
        return session
    except duckdb.Error as error:
        raise UsageError(f"connection: DuckDB refuses it: {error}") from error


def unwrapped(connection: Any) -> Connection:
    """A connection of duckdb out of what wraps it, as the ``session`` of dbt-duckdb does. Raises UsageError."""
    inner = connection
    for _ in range(_MOST_WRAPPERS):
        if isinstance(inner, Connection):
            return inner
        inner = getattr(inner, "_cursor", None)
    raise UsageError(f"connection: must be a connection of duckdb, not {shown(type(connection).__name__)}")


def _watched(connection: Connection) -> pa.RecordBatchReader | None:
    """An open result on the caller's connection, by which it shows that it was interrupted.

    None where there can be none: DuckDB 1 would drop a result of the caller's for it, DuckDB 2 refuses.
    """
    if duckdb.__version__.startswith("1."):
        return None
    try:
        return unwrapped(connection).sql(render("session/watch").sql).to_arrow_reader(_ROWS_OF_A_LOOK)
    except duckdb.Error:
        return None


@dataclass(frozen=True)
class Answer:
    """The result of a query: DuckDB's names of its columns and types, and the values. Two columns may have one name."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    values: pa.Table


_OUT_OF_REACH = "a query reads the views; files, network, extensions and settings are out of its reach"
_ANSWERING = ("SELECT", "EXPLAIN", "EXECUTE", "MULTI")
_ASKED = (*_ANSWERING, "PREPARE", "SET", "CREATE", "DROP", "ALTER", "INSERT", "UPDATE", "DELETE", "TRANSACTION")


class LockedEngine(Engine):
    """An engine that also runs SQL that others wrote. Once it is locked, no statement reaches a file, the network, a
    variable of Python or a setting.
    """

    def lock(self) -> None:
        """From here on, for good. What is attached now would stay within reach."""
        self.run(render("evidence/50_lock"))

    def ask(self, sql: str) -> Answer | None:
        """Run statements; the result of the last that has one. Raises StatementError with DuckDB's own words."""
        parts = self._told(sql, 1, lambda: self._connection.extract_statements(sql))
        if not parts:
            raise _refused("the query holds no statement", sql)
        answer = None
        for part in parts:
            kind = _kind(part)
            if kind not in _ASKED:
                # The lock stops what does harm; this stops what is of no use here, such as PRAGMA enable_profiling.
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
                # DuckDB counts the place that it points at from the start of another statement.
                message = message.split("\n\nLINE ")[0].rstrip()
            if re.search(r"disabled|has been locked|INSTALL ", message):
                message = f"{message.split(chr(10))[0]}\n{_OUT_OF_REACH}"
            raise _refused(message, sql) from error.__cause__


def _kind(part: Any) -> str:
    try:
        name: str = part.type.name
    except ValueError:
        name = "???"
    # The Python package has no name for some kinds, such as UPDATE EXTENSIONS: an error, or question marks.
    return "STATEMENT" if "?" in name else name


def _refused(message: str, sql: str) -> StatementError:
    return StatementError(message, statement="query", sql=sql)


def _failure(statement: Statement, error: Exception) -> StatementError:
    message = re.split("\n\n(?:LINE |Stack Trace)", str(error))[0].strip()
    kind = StatementError
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError) or "No space left" in message:
        kind = ResourceError
        message = message.split("\n")[0] + "; raise memory_limit, lower threads, or name a temp_dir with more room"
    return kind(f"sql/{statement.name}.sql failed: {message}", statement=statement.name, sql=statement.sql)


def regex_problem(pattern: str) -> str | None:
    """Why RE2, DuckDB's regular expressions, refuses a pattern, or None."""
    if re.search(r"(?<!\\)(\\\\)*\\C", pattern):
        return f"must match characters, not bytes (\\C): '{short(pattern)}'"
    try:
        capture_group(pattern)
    except StatementError as error:
        reason = re.sub(r".*?(?:Error: )(?:Pattern failed to parse: )?", "", str(error), count=1, flags=re.DOTALL)
        quoted = f"'{short(pattern)}' ({short(reason.strip())})"
        return f"is no RE2 pattern: {quoted}; look-around and back-references are not RE2"
    return None


@cache
def capture_group(pattern: str) -> int:
    """Which group of a pattern holds the key: 1 where the pattern has groups, else 0, the whole match.

    Raises StatementError where RE2 refuses the pattern.
    """
    connection = duckdb.connect(":memory:")
    values = {"regex": pattern}
    statement = render("patterns/10_pattern", values)
    try:
        connection.execute(statement.sql, values)
    except (duckdb.Error, RuntimeError) as error:
        connection.close()
        raise _failure(statement, error) from error
    try:
        connection.execute(render("patterns/20_pattern_group", values).sql, values)
    except (duckdb.Error, RuntimeError):
        return 0
    finally:
        connection.close()
    return 1
