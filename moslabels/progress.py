"""What a run tells of itself while it works."""

from __future__ import annotations


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


SILENT = Progress()
