"""Databases in memory that engines use: each has the rules.

One is kept for the next engine inside :func:`kept`, some for all threads inside :func:`shared`.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import BoundedSemaphore, Lock, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

import duckdb

from moslabels.base.errors import UsageError
from moslabels.base.progress import Progress, is_shown
from moslabels.base.settings import Settings
from moslabels.engine.aside import aside
from moslabels.engine.failures import failure
from moslabels.engine.limits import Limits
from moslabels.engine.statements import SqlText, Statement, render, rules

if TYPE_CHECKING:
    from moslabels.engine.sessions import Connection  # It loads Arrow, which takes as long as to make a database.


class Database:
    """A DuckDB in memory. One engine at a time has a session on it. What the session makes ends with the session.

    ``is_prepared`` says whether it has the settings and the rules, ``limits`` how much memory and how many threads it
    may use. Raise UsageError if DuckDB refuses a setting.
    """

    def __init__(self, settings: Settings, spill_folder: str) -> None:
        self.is_prepared = False
        self._prepared: list[tuple[Statement, float]] = []
        self._sessions = 0
        self.settings = settings
        self._process = os.getpid()
        # With the file cache, parquet_metadata of DuckDB 1.5 answers from a file that was overwritten since.
        config: dict[str, Any] = {"temp_directory": spill_folder, "enable_external_file_cache": False, "threads": 1}
        if settings.memory_limit is not None:
            config["memory_limit"] = settings.memory_limit
        if settings.threads is not None:
            config["threads"] = settings.threads
        try:
            self._root = duckdb.connect(":memory:", config=config)
        except duckdb.Error as error:
            raise UsageError(f"DuckDB refuses the settings {settings.given()}: {error}") from error
        self.limits = Limits(self._root, settings, spill_folder != "")

    def prepare(self) -> None:
        """Set what the statements rely on, and add the rules. Raise StatementError if DuckDB refuses that."""
        self._prepared = []
        ((names,),) = self._rows(render("session/20_setting_names"))
        settings = render("session/30_settings", names=names, SCOPE=SqlText("GLOBAL"))
        for statement in (render("session/10_optimizers"), settings, *rules(temporary=False)):
            self._rows(statement)
        self.is_prepared = True

    def _rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        start = perf_counter()
        try:
            return self._root.execute(statement.sql).fetchall()
        except duckdb.Error as error:
            raise failure(statement, error) from error
        finally:
            self._prepared.append((statement, perf_counter() - start))

    def told(self) -> list[tuple[Statement, float]]:
        """Return the statements that prepared it, each with its seconds, if nobody has asked for them yet."""
        told, self._prepared = self._prepared, []
        return told

    def session(self, progress: Progress) -> Connection:
        """Return a session. Its tables and variables are its own."""
        self._sessions += 1
        return aside(lambda: self._session(progress))

    def _session(self, progress: Progress) -> Connection:
        session = self._root.cursor()
        session.execute("SET enable_progress_bar = false")  # DuckDB could write the bar into a pipe.
        if is_shown(progress):
            # DuckDB counts its progress only if the bar is enabled. It need not print the bar.
            session.execute("SET enable_progress_bar_print = false")
            session.execute("SET enable_progress_bar = true")
        return session

    @property
    def is_worn(self) -> bool:
        """Return whether it is to be closed after its sessions so far."""
        return self._sessions >= MOST_SESSIONS

    def has(self, settings: Settings) -> bool:
        """Return whether this process made it with these settings."""
        return self.is_of_this_process and (self.settings.memory_limit, self.settings.threads) == (
            settings.memory_limit,
            settings.threads,
        )

    def suits(self, spill_folder: str) -> bool:
        """Make it ready for another engine, which spills to another folder. Return False if DuckDB refuses that."""
        try:
            aside(lambda: self._root.execute(render("session/spill_folder", folder=spill_folder).sql))
        except duckdb.Error:  # It has spilled to the old folder already.
            return False
        self.limits.spills = spill_folder != ""
        return True

    @property
    def is_of_this_process(self) -> bool:
        """Return whether this process made it. In a forked child, closing it would wait for missing threads."""
        return self._process == os.getpid()

    def close(self) -> None:
        self._root.close()


MOST_SHARED = min(8, os.cpu_count() or 1)
MOST_SESSIONS = 500
"""A database is closed after so many: each leaves some 20 kB in DuckDB, which go when it is closed."""
_SECONDS_FOR_A_TURN = 2
_SECONDS_WITHOUT_LOCK = 0.0001


class _Pool:
    """Idle databases for engines of any thread. It holds ``most`` at most, the last given back last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[Database] = []
        self._lock = Lock()

    def take(self, settings: Settings, spill_folder: str) -> Database | None:
        """Take out a database with these settings, or return None."""
        while True:
            with self._lock:
                fits = [one for one in self._idle if one.has(settings)]
                if not fits:
                    return None
                self._idle.remove(fits[-1])
            if fits[-1].suits(spill_folder):
                return fits[-1]
            fits[-1].close()

    def put(self, database: Database) -> None:
        """Keep a database if it is not worn. Close the one that has been idle longest if there are too many."""
        if database.is_worn:
            database.close()
            return
        try:
            database.limits.reset()
        except duckdb.Error:
            database.close()
            return
        with self._lock:
            self._idle.append(database)
            surplus = self._idle.pop(0) if len(self._idle) > self._most else None
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def hold(self) -> None:
        """Close all, and let no thread come near until :meth:`release`."""
        self._lock.acquire()
        self._close()

    def release(self) -> None:
        self._lock.release()

    def _close(self) -> None:
        while self._idle:
            database = self._idle.pop()
            if database.is_of_this_process:
                database.close()


class _Ahead(_Pool):
    """A place for one database, which another thread makes."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(1)
        self._thread = Thread(target=self._make, args=(settings,), daemon=True)
        self._thread.start()

    def _make(self, settings: Settings) -> None:
        # DuckDB lets go of Python's lock for each statement. If another thread is busy, it gets it back after so long.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(_SECONDS_WITHOUT_LOCK)
        try:
            # An engine that finds no database makes one, and tells why it cannot.
            with suppress(Exception):
                self._idle.append(Database(settings, ""))
                self._idle[0].prepare()
        finally:
            sys.setswitchinterval(interval)

    def take(self, settings: Settings, spill_folder: str) -> Database | None:
        self._thread.join()
        return super().take(settings, spill_folder)

    def close(self) -> None:
        self._thread.join()
        super().close()


class _Shared(_Pool):
    """The idle databases of all threads of a process, and whose turn it is to use one."""

    def __init__(self) -> None:
        super().__init__(MOST_SHARED)
        self.turns = BoundedSemaphore(MOST_SHARED)

    def release_in_child(self) -> None:
        """Let the only thread of a forked child begin: those that had a turn are not there."""
        self.turns = BoundedSemaphore(MOST_SHARED)
        self.release()


_SHARED = _Shared()
atexit.register(_SHARED.close)
if hasattr(os, "register_at_fork"):
    # A child cannot take apart what has threads in its parent alone, so it inherits none.
    os.register_at_fork(before=_SHARED.hold, after_in_parent=_SHARED.release, after_in_child=_SHARED.release_in_child)


_IDLE: ContextVar[_Pool | None] = ContextVar("_IDLE", default=None)


@contextmanager
def kept() -> Iterator[None]:
    """Keep the database of an engine for the next engine of this block, which saves some 50 ms. It can be nested."""
    if _IDLE.get() is not None:
        yield
        return
    with _keeping(_Pool(1)):
        yield


@contextmanager
def made_ahead(settings: Settings) -> Iterator[None]:
    """Do what :func:`kept` does, and make the first database at once, in another thread.

    Meanwhile this thread may load the rest of the program, which takes as long.
    """
    if _IDLE.get() is not None:
        yield
        return
    with _keeping(_Ahead(settings)):
        yield


@contextmanager
def _keeping(idle: _Pool) -> Iterator[None]:
    token = _IDLE.set(idle)
    try:
        yield
    finally:
        _IDLE.reset(token)
        idle.close()


@contextmanager
def shared() -> Iterator[None]:
    """Let an engine use a database that an earlier block of this kind left, of any thread, and leave it to later ones.

    If all processors have such a block, wait a moment for one to end: a database takes longer to make than small tables
    to label. Inside of :func:`kept`, its database is used.
    """
    if _IDLE.get() is not None:
        yield
        return
    turns = _SHARED.turns
    has_turn = turns.acquire(timeout=_SECONDS_FOR_A_TURN)
    token = _IDLE.set(_SHARED)
    try:
        yield
    finally:
        _IDLE.reset(token)
        if has_turn:
            turns.release()


def take(settings: Settings, spill_folder: str) -> Database:
    """Return an idle database with these settings, or else a new one. Raise UsageError if DuckDB refuses a setting."""
    idle = _IDLE.get()
    return (idle and idle.take(settings, spill_folder)) or Database(settings, spill_folder)


def give_back(database: Database, is_sound: bool) -> None:
    """Keep a sound database for the next engine inside :func:`kept` or :func:`shared`. If not, close it."""
    idle = _IDLE.get()
    if is_sound and idle is not None:
        idle.put(database)
    else:
        database.close()
