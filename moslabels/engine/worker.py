"""Threads in which DuckDB works while the caller waits: in the main thread it sees Ctrl-C late or not at all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import get_ident
from typing import Any

import duckdb
import pyarrow as pa

from moslabels.base.errors import calls_others
from moslabels.base.progress import SILENT, Progress
from moslabels.base.signals import released
from moslabels.engine.aside import Call, OneThread, T, begin, complete
from moslabels.engine.sessions import Connection, Relation, unwrapped
from moslabels.engine.timer import Timer

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
        self._thread = OneThread()
        self._ident: int | None = None
        self._thread.hand_over(self._begin)

    def _begin(self) -> None:
        self._ident = get_ident()

    def finished(self, call: Callable[[], T], timer: Timer | None = None) -> Future[T]:
        """Return what became of a call in the thread. Pass on what is raised during the wait: then it may still run.

        A call may call this itself. That takes no wait, because the caller of the outer one waits already.
        """
        if get_ident() == self._ident:
            future: Future[T] = Future()
            complete(future, call)
            return future
        self._look_at_connection()
        handed = self._thread.hand_over(call)
        with released():  # A signal may end the wait: everything to clean up is known by now.
            _wait(handed, partial(self._look, timer))
        return handed.future

    def stop(self) -> None:
        """End what DuckDB is doing. Ask until it ends, because a statement that has just begun misses an interrupt."""
        idle = self._thread.hand_over(lambda: None)
        seconds = 0.0
        while not idle.has_ended(seconds):
            with suppress(duckdb.ConnectionException):  # The caller closed the connection, and this session with it.
                self._session.interrupt()
            seconds = SECONDS_BETWEEN_LOOKS

    def close(self) -> None:
        """End the thread and the session."""
        self._thread.end()
        self._session.close()
        self._watch = None  # The caller's connection counts as busy while this result is open.

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


@calls_others
def _wait(call: Call[Any], look: Callable[[], None]) -> None:
    """Wait for another thread, and call ``look`` in between. A wait without pauses would miss some exceptions."""
    while not call.has_ended(SECONDS_BETWEEN_LOOKS):
        look()


def table_of(relation: Relation, connection: Connection | None, look: Callable[[], None]) -> pa.Table:
    """Return the rows of a caller's relation. An exception during the wait interrupts ``connection`` and passes on."""
    # Without the select, DuckDB 1.5 leaves out rows of the relation that were fetched before.
    call = Call(lambda: relation.select("*").to_arrow_table())
    try:
        if not begin(call.make):
            call.make()
        _wait(call, look)
    except BaseException:
        if not call.abandon() and connection is not None:
            while not call.has_ended(SECONDS_BETWEEN_LOOKS):
                unwrapped(connection).interrupt()
        raise
    return call.future.result()
