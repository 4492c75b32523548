"""Progress: the events of a run, and how to cancel it."""

from __future__ import annotations

from typing import Protocol

from moslabels.base.errors import CancelledError, calls_others


class Progress:
    """Receives progress events; subclass to show them. Each method here does nothing.

    Tables, their steps (such as ``matching``) and the statements of a step come one after the other. All events come
    from the thread that started the run. An exception of a method ends the run.
    """

    def table(self, name: str, number: int, count: int) -> None:
        """Receive that a table begins: number ``number`` of ``count``."""

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        """Receive that a step of ``total`` rows, bytes or others begins (0 if unknown). ``done`` of them are done."""

    def advance(self, done: int) -> None:
        """Receive how many rows or bytes of the step are done by now."""

    def running(self, statement: str, share: float | None, seconds: float) -> None:
        """Receive how far a statement is after ``seconds``: the share done, from 0 to 1, or None if DuckDB cannot tell.

        Each statement reads all rows or bytes of its step.
        """

    def ended(self, statement: str, seconds: float) -> None:
        """Receive that a statement ended or failed. ``seconds`` is how long DuckDB worked on it."""

    def note(self, text: str) -> None:
        """Something was found in the inputs of the table that is neither an error nor a warning."""

    def unforeseen(self, error: Exception) -> None:
        """Receive the unforeseen exception by which a table failed. A batch goes on with the next table."""


SILENT = Progress()


class Cancel(Protocol):
    """Cancels a run from another thread, as a ``threading.Event`` does."""

    def is_set(self) -> bool:
        """Return whether the run must end."""


class Relayed(Progress):
    """Passes events on, and ends the run if ``cancel`` is set. Marks exceptions of either as the caller's."""

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
    def note(self, text: str) -> None:
        self._look()
        self._to.note(text)

    @calls_others
    def unforeseen(self, error: Exception) -> None:
        self._to.unforeseen(error)

    def _look(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError("the run was cancelled")


def relayed(progress: Progress, cancel: Cancel | None = None) -> Progress:
    """Return a progress whose exceptions can be distinguished from the faults of a table."""
    if cancel is None and (progress is SILENT or isinstance(progress, Relayed)):
        return progress
    return Relayed(progress, cancel)
