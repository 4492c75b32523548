"""Databases in memory that engines use: each has the rules, and is kept for the next engine inside :func:`kept`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import duckdb

from moslabels.base.errors import UsageError
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import Settings
from moslabels.engine.sessions import Connection
from moslabels.engine.statements import render


class Database:
    """A DuckDB in memory. One engine at a time has a session on it. What the session makes ends with the session.

    ``is_prepared`` says whether it has the settings and the rules. The first engine on it adds them. ``memory`` is how
    many bytes of memory it may take, or None until an engine has asked. Raise UsageError if DuckDB refuses a setting.
    """

    def __init__(self, settings: Settings, spill_folder: str) -> None:
        self.is_prepared = False
        self.memory: float | None = None
        self.settings = settings
        self._has_all_threads = False
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

    def session(self, progress: Progress) -> Connection:
        """Return a session. Its tables and variables are its own."""
        session = self._root.cursor()
        session.execute("SET enable_progress_bar = false")  # DuckDB could write the bar into a pipe.
        if progress is not SILENT:
            # DuckDB counts its progress only if the bar is enabled. It need not print the bar.
            session.execute("SET enable_progress_bar_print = false")
            session.execute("SET enable_progress_bar = true")
        return session

    def use_all_threads(self) -> None:
        """Use as many threads as the machine has, or as the settings say. For small inputs, one is quicker."""
        if self.settings.threads is None and not self._has_all_threads:
            self._root.execute("RESET GLOBAL threads")
            self._has_all_threads = True

    def suits(self, settings: Settings, spill_folder: str) -> bool:
        """Make it spill to another folder. Return False if that fails, or if its settings are not these."""
        if (self.settings.memory_limit, self.settings.threads) != (settings.memory_limit, settings.threads):
            return False
        try:
            if self._has_all_threads:
                self._root.execute("SET GLOBAL threads = 1")
                self._has_all_threads = False
            self._root.execute(render("session/spill_folder", folder=spill_folder).sql)
        except duckdb.Error:  # It has spilled to the old folder already.
            return False
        return True

    @property
    def is_of_this_process(self) -> bool:
        """Return whether this process made it. In a forked child, closing it would wait for missing threads."""
        return self._process == os.getpid()

    def close(self) -> None:
        self._root.close()


_IDLE: ContextVar[list[Database] | None] = ContextVar("_IDLE", default=None)


@contextmanager
def kept() -> Iterator[None]:
    """Keep the database of an engine for the next engine of this block, which saves some 50 ms. It can be nested."""
    if _IDLE.get() is not None:
        yield
        return
    idle: list[Database] = []
    token = _IDLE.set(idle)
    try:
        yield
    finally:
        _IDLE.reset(token)
        _close(idle)


def take(settings: Settings, spill_folder: str) -> Database:
    """Return an idle database with these settings, or else a new one. Raise UsageError if DuckDB refuses a setting."""
    idle = _IDLE.get()
    if idle and idle[-1].is_of_this_process:
        database = idle.pop()
        if database.suits(settings, spill_folder):
            return database
        database.close()
    return Database(settings, spill_folder)


def give_back(database: Database, is_sound: bool) -> None:
    """Keep a sound database for the next engine if this runs inside :func:`kept`. If not, close it."""
    idle = _IDLE.get()
    if is_sound and idle is not None and not idle:
        idle.append(database)
    else:
        database.close()


def _close(idle: list[Database]) -> None:
    while idle and idle[-1].is_of_this_process:
        idle.pop().close()
