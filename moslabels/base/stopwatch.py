"""How long the steps of a table take. Nothing that must be equal from run to run depends on it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from moslabels.base.progress import Progress, Relayed


class Stopwatch(Relayed):
    """Passes events on, and measures the steps of one table after the other."""

    def __init__(self, to: Progress, clock: Callable[[], float] = perf_counter) -> None:
        super().__init__(to)
        self._clock = clock
        self._began = clock()
        self.start()

    def start(self) -> None:
        """Begin a table."""
        self._start = self._clock()
        self._marks: list[tuple[str, float]] = [("starting", self._start)]

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        self._marks.append((name, self._clock()))
        super().step(name, total, unit, done)

    def lap(self) -> tuple[float, dict[str, float]]:
        """Return the seconds since the table began, and those of each of its steps: the sum if one came twice."""
        now = self._clock()
        ends = [*(begin for _, begin in self._marks[1:]), now]
        steps: dict[str, float] = {}
        for (name, begin), end in zip(self._marks, ends, strict=True):
            steps[name] = steps.get(name, 0.0) + end - begin
        return now - self._start, steps

    @property
    def seconds(self) -> float:
        """Return the seconds since this was made."""
        return self._clock() - self._began
