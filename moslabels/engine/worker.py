"""Threads in which DuckDB works while the caller waits: in the main thread it sees Ctrl-C late or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from threading import Event, Thread, get_ident
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from moslabels.base.errors import calls_others
from moslabels.base.progress import SILENT, Progress
from moslabels.base.signals import released
from moslabels.engine.sessions import Connection, Relation, unwrapped
from moslabels.engine.timer import Timer

T = TypeVar("T")

SECONDS_BETWEEN_LOOKS = 0.1


class Worker:
    """The thread in which a session works.

    ``watch`` is a result on the caller's connection, if that is whose database it is: the wait ends with DuckDB's
    InterruptException if the caller interrupts that connection. ``progress`` hears how far a statement is.
    """

    def __init__(self, session: Connection, watch: pa.RecordBatchReader | None, progress: Progress) -> None:
        self._session = session
        self._watch = watch
        self._progress = progress
        self._ident: int | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, initializer=self._begin)

    def _begin(self) -> None:
        self._ident = get_ident()

    def finished(self, call: Callable[[], T], timer: Timer | None = None) -> Future[T]:
        """Return what became of a call in the thread. Pass on what is raised during the wait: then it may still run.

        A call may call this itself. That takes no wait, because the caller of the outer one waits already.
        """
        if get_ident() == self._ident:
            return _done(call)
        self._look_at_connection()
        future = self._submit(call)
        with released():  # A signal may end the wait: everything to clean up is known by now.
            _wait(future, partial(self._look, timer))
        return future

    def stop(self) -> None:
        """End what DuckDB is doing. Ask until it ends, because a statement that has just begun misses an interrupt."""
        idle = self._submit(lambda: None)
        seconds = 0.0
        while not wait([idle], seconds).done:
            with suppress(duckdb.ConnectionException):  # The caller closed the connection, and this session with it.
                self._session.interrupt()
            seconds = SECONDS_BETWEEN_LOOKS

    def close(self) -> None:
        """End the thread and the session."""
        self._thread.shutdown()
        self._session.close()
        self._watch = None  # The caller's connection counts as busy while this result is open.

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        try:
            return self._thread.submit(call)
        except RuntimeError:  # The interpreter is ending, so no Ctrl-C can come and no thread is needed.
            return _done(call)

    def _look(self, timer: Timer | None) -> None:
        """Report how far DuckDB is."""
        self._look_at_connection()
        if timer is not None and self._progress is not SILENT:
            percent = self._session.query_progress()
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


def _done(call: Callable[[], T]) -> Future[T]:
    """Return what became of a call in this thread, as the thread of a pool does."""
    future: Future[T] = Future()
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)
    return future


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
