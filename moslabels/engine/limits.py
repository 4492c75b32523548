"""How much memory and how many threads a DuckDB may use: little for large inputs, and more for what needs more."""

from __future__ import annotations

from typing import Any

import duckdb

from moslabels.base.settings import Settings, bytes_of
from moslabels.engine.aside import aside
from moslabels.engine.statements import render

LITTLE_MEMORY = 160 << 20
"""For large inputs, so many bytes. What exceeds them is spilled."""
LEAST_MEMORY = 64 << 20
"""So many while Arrow holds what statements found."""
FEW_THREADS = 4
"""So many threads aggregate and sort millions of rows in little memory."""


class Limits:
    """The limits of a DuckDB that was made with these settings, with one thread if they say nothing of threads.

    Without a memory limit it is held to little memory for large inputs if it ``spills``: it has a folder for what
    exceeds that. What needs more gets it, see :meth:`relieve`.
    """

    def __init__(self, root: duckdb.DuckDBPyConnection, settings: Settings, spills: bool) -> None:
        self._root = root
        self._settings = settings
        self._all: float | None = None
        self._has_all_threads = False
        self._has_few_threads = False
        self._may_be_held = settings.memory_limit is None
        self._held = 0  # So many bytes are enough, by all that is known; 0: it is not held.
        self._now = 0  # It is held to so many now.
        self.spills = spills

    def use_all_threads(self) -> None:
        """Use as many threads as the machine has, or as the settings say. For small inputs, one is quicker."""
        if self._settings.threads is None and not self._has_all_threads:
            self._use_threads(None)
            self._has_all_threads = True

    @property
    def memory(self) -> float:
        """How many bytes of memory it may take in all."""
        if self._all is None:
            ((text,),) = self._rows(render("session/memory_limit").sql)
            self._all = bytes_of(text)
        return self._all

    def hold(self) -> None:
        """Let it spill what takes more than little memory, unless something has needed more."""
        if self._may_be_held and self.spills and self.memory > LITTLE_MEMORY:
            self._may_be_held, self._held, self._now = False, LITTLE_MEMORY, 0
            self.regain()

    def regain(self) -> None:
        """Let it take again what it might before it let go."""
        if self._now < self._held:
            self._limit(self._held)

    def let_go(self) -> None:
        """If it is held, let go of all memory that it can, and take no more than the least until :meth:`regain`.

        DuckDB keeps what it has room for, and lets go of free memory only when it is limited.
        """
        if self._held:
            try:
                self._limit(LEAST_MEMORY)
            except duckdb.Error:  # It cannot spill enough.
                self._limit(self._now)

    def relieve(self) -> bool:
        """Let it run again what took too much memory. Return False if that would be no use.

        It does with few threads, because each needs memory of its own; and if that is too much, with more memory: twice
        as much each time, and at last all.
        """
        if not self._held:
            return False
        if not self._has_few_threads and self._threads > FEW_THREADS:
            self._use_threads(FEW_THREADS)
            self._has_few_threads = True
            self._limit(self._now)
            return True
        if self._now == self._held:
            self._held *= 2
        if self._held >= self.memory:
            self.take_more()
        else:
            self._limit(self._held)
        return True

    def take_more(self) -> None:
        """Let it take as much memory as it may in all, with all threads."""
        if self._held:
            self._limit(int(self.memory))
            self._held = 0
        if self._has_few_threads:
            self._use_threads(self._settings.threads)
            self._has_few_threads = False

    def reset(self) -> None:
        """Undo :meth:`use_all_threads` and :meth:`hold`. Raise duckdb.Error if that fails."""
        self.take_more()
        self._may_be_held = self._settings.memory_limit is None
        if self._has_all_threads:
            self._use_threads(1)
            self._has_all_threads = False

    def _limit(self, memory: int) -> None:
        self._rows(render("session/memory", memory=memory).sql)
        self._now = memory

    def _use_threads(self, threads: int | None) -> None:
        self._rows(render("session/threads", threads=threads).sql)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return aside(lambda: self._root.execute(sql).fetchall())

    @property
    def _threads(self) -> int:
        ((threads,),) = self._rows("SELECT current_setting('threads')")
        return int(threads)
