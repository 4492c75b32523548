"""What a run tells of itself while it works."""

from __future__ import annotations

from typing import Protocol

from moslabels.base.errors import CancelledError, calls_others


class Progress:
    """Is told what is being done. This one does nothing with it; who wants to show it overrides what it needs.

    Tables, their steps (``matching``) and the statements of a step come one after the other, all from the thread that
    called for the run. Whatever a method raises ends that run.
    """

    def table(self, name: str, number: int, count: int) -> None:
        """A table begins: its name, which one of how many it is."""

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        """A step begins: how many rows or bytes there are to do (0: nobody knows), and how many are done already."""

    def advance(self, done: int) -> None:
        """How many rows or bytes of the step are done by now."""

    def running(self, statement: str, share: float | None, seconds: float) -> None:
        """A statement runs on: the share of it that is done, from 0 to 1 (None: DuckDB cannot tell), and for how long.

        Each statement goes over all the rows or bytes of its step.
        """

    def ended(self, statement: str, seconds: float) -> None:
        """A statement ended, or failed: the time that DuckDB took for it."""

    def unforeseen(self, error: Exception) -> None:
        """The table failed by an exception that nothing foresaw; a batch goes on to the next."""


SILENT = Progress()


class Cancel(Protocol):
    """What cancels a run that another thread waits for, such as a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether the run is to end."""


class Relayed(Progress):
    """Hands on what it is told, and ends the run where ``cancel`` is set. What either raises is the caller's."""

    def __init__(self, to: Progress, cancel: Cancel | None = None) -> None:
        self._to = to
        self._cancel = cancel

    @calls_others
    def table(self, name: str, number: int, count: int) -> None:
        self._look()
        self._to.table(name, number, count)

    @calls_others
    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        self._look()
        self._to.step(name, total, unit, done)

    @calls_others
    def advance(self, done: int) -> None:
        self._look()
        self._to.advance(done)

    @calls_others
    def running(self, statement: str, share: float | None, seconds: float) -> None:
        self._look()
        self._to.running(statement, share, seconds)

    @calls_others
    def ended(self, statement: str, seconds: float) -> None:
        self._look()
        self._to.ended(statement, seconds)

    @calls_others
    def unforeseen(self, error: Exception) -> None:
        self._to.unforeseen(error)

    def _look(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError("the run was cancelled")


def relayed(progress: Progress, cancel: Cancel | None = None) -> Progress:
    """Progress by which what the caller raises can be told from a fault of a table."""
    if cancel is None and (progress is SILENT or isinstance(progress, Relayed)):
        return progress
    return Relayed(progress, cancel)
