"""Databases of our own: a DuckDB in memory with the rules in it, kept for the next engine if that is asked for."""

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
    """A DuckDB in memory. An engine at a time has a session on it, and what the session makes ends with it.

    ``is_prepared`` says whether it has the settings and the rules. The first engine on it adds them. Raise UsageError
    if DuckDB refuses a setting.
    """

    def __init__(self, settings: Settings, spill_folder: str) -> None:
        self.is_prepared = False
        self.settings = settings
        self._process = os.getpid()
        # With it, parquet_metadata of DuckDB 1.5 answers from a file that was overwritten since.
        config: dict[str, Any] = {"temp_directory": spill_folder, "enable_external_file_cache": False}
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
        session.execute("SET enable_progress_bar = false")  # it can leak into a pipe
        if progress is not SILENT:
            # Without it DuckDB does not count; it need not show what it counts.
            session.execute("SET enable_progress_bar_print = false")
            session.execute("SET enable_progress_bar = true")
        return session

    def suits(self, settings: Settings, spill_folder: str) -> bool:
        """Make it spill to another folder. Return whether it has these settings and could."""
        if (self.settings.memory_limit, self.settings.threads) != (settings.memory_limit, settings.threads):
            return False
        try:
            self._root.execute(render("session/spill_folder", folder=spill_folder).sql)
        except duckdb.Error:  # It has spilled to the folder before.
            return False
        return True

    @property
    def is_of_this_process(self) -> bool:
        """Whether this process made it. In a child its threads are missing, and closing it would wait for them."""
        return self._process == os.getpid()

    def close(self) -> None:
        self._root.close()


_IDLE: ContextVar[list[Database] | None] = ContextVar("_IDLE", default=None)


@contextmanager
def kept() -> Iterator[None]:
    """Keep a database that an engine leaves for the next one, which saves some 50 ms. Within another, do nothing."""
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
    """Keep a database that is sound for the next engine, if that is asked for. Close it otherwise."""
    idle = _IDLE.get()
    if is_sound and idle is not None and not idle:
        idle.append(database)
    else:
        database.close()


def _close(idle: list[Database]) -> None:
    while idle and idle[-1].is_of_this_process:
        idle.pop().close()
