"""How long statements take, as progress."""

from __future__ import annotations

from time import perf_counter
from types import TracebackType

from moslabels.base.errors import StatementError
from moslabels.base.progress import Progress
from moslabels.engine.statements import Statement


class Timer:
    """Adds up the time that DuckDB takes for a statement. Enter it for each piece of work. It reports a failure."""

    def __init__(self, progress: Progress, statement: Statement) -> None:
        self._progress = progress
        self._name = statement.name
        self._seconds = 0.0
        self._start = 0.0

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seconds += perf_counter() - self._start
        if isinstance(error, StatementError):
            self.tell()

    def running(self, share: float | None) -> None:
        self._progress.running(self._name, share, self._seconds + perf_counter() - self._start)

    def tell(self) -> None:
        """Report the end of the statement."""
        self._progress.ended(self._name, self._seconds)
