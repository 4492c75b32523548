"""Progress: the events of a run, and how to cancel it."""

# ruff: noqa: ARG002 (the methods of Progress do nothing)

from __future__ import annotations

from typing import Protocol

from moslabels.base.errors import CancelledError, calls_others


class Progress(Protocol):
    """Receives the events of a run, for ``progress=``. Subclass it to show them: each method here does nothing.

    Tables, their steps (such as ``matching``) and the statements of a step come one after the other. All events come
    from the thread that started the run. An exception of a method ends the run.
    """

    # Each method returns in words, or type checkers would take it for one that a subclass must have.

    def table(self, name: str, number: int, count: int) -> None:
        """Receive that a table begins: number ``number`` of ``count``."""
        return

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        """Receive that a step of ``total`` rows, bytes or others begins (0 if unknown). ``done`` of them are done."""
        return

    def advance(self, done: int) -> None:
        """Receive how many rows or bytes of the step are done by now."""
        return

    def running(self, statement: str, share: float | None, seconds: float) -> None:
        """Receive how far a statement is after ``seconds``: the share done, from 0 to 1, or None if DuckDB cannot tell.

        Each statement reads all rows or bytes of its step.
        """
        return

    def ended(self, statement: str, seconds: float) -> None:
        """Receive that a statement ended or failed. ``seconds`` is how long DuckDB worked on it."""
        return

    def note(self, text: str) -> None:
        """Receive what was found in the inputs of the table and is neither an error nor a warning."""
        return

    def unforeseen(self, error: Exception) -> None:
        """Receive the unforeseen exception by which a table failed. A batch goes on with the next table."""
        return


class _Silent(Progress):
    """Shows nothing."""


SILENT: Progress = _Silent()


class Cancel(Protocol):
    """Cancels a run from another thread, as a ``threading.Event`` does."""

    def is_set(self) -> bool:
        """Return whether the run must end."""


class Relayed(Progress):
    """Passes events on, and ends the run if ``cancel`` is set. Marks exceptions of either as the caller's."""

    def __init__(self, to: Progress, cancel: Cancel | None = None) -> None:
        self.to = to
        self._cancel = cancel

    @calls_others
    def table(self, name: str, number: int, count: int) -> None:
        self._look()
        self.to.table(name, number, count)

    @calls_others
    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        self._look()
        self.to.step(name, total, unit, done)

    @calls_others
    def advance(self, done: int) -> None:
        self._look()
        self.to.advance(done)

    @calls_others
    def running(self, statement: str, share: float | None, seconds: float) -> None:
        self._look()
        self.to.running(statement, share, seconds)

    @calls_others
    def ended(self, statement: str, seconds: float) -> None:
        self._look()
        self.to.ended(statement, seconds)

    @calls_others
    def note(self, text: str) -> None:
        self._look()
        self.to.note(text)

    @calls_others
    def unforeseen(self, error: Exception) -> None:
        self.to.unforeseen(error)

    def _look(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError("the run was cancelled")


def is_shown(progress: Progress) -> bool:
    """Return whether somebody looks at the events, so that it is worth while to count what a statement has done."""
    while isinstance(progress, Relayed):
        progress = progress.to
    return progress is not SILENT


def relayed(progress: Progress, cancel: Cancel | None = None) -> Progress:
    """Return a progress whose exceptions can be distinguished from the faults of a table."""
    if cancel is None and (progress is SILENT or isinstance(progress, Relayed)):
        return progress
    return Relayed(progress, cancel)
