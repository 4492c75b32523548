"""Requests done by an executor of the caller, such as that of ``concurrent.futures``, Dask, MPI or Slurm."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from typing import Any, Self

from moslabels.base.errors import TableError, is_from_outside
from moslabels.base.progress import Progress
from moslabels.base.version import __version__
from moslabels.parts.worker import answer

_SECONDS_BETWEEN_LOOKS = 0.1
_TRIES = 2
MOST_TASKS, MOST_BYTES = 128, 1 << 28
"""The most tasks at a time, and the most bytes of their messages, if the caller does not say."""


class OnExecutor:
    """Does requests by an executor, which goes on when the run has ended. ``most`` are done at a time."""

    def __init__(self, executor: Executor, most: int | None, progress: Progress) -> None:
        self._executor = executor
        self._most = most or MOST_TASKS
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the executor is the caller's."""

    def answers(self, requests: Iterable[bytes]) -> Generator[tuple[int, bytes]]:
        left = enumerate(requests)
        running: dict[Any, _Task] = {}
        try:
            while True:
                while len(running) < self._most and sum(len(task.request) for task in running.values()) < MOST_BYTES:
                    if (following := next(left, None)) is None:
                        break
                    task = _Task(*following)
                    running[self._submit(task)] = task
                if not running:
                    return
                done = _wait(running)
                self._progress.running("label", None, 0)
                for future in done:
                    task = running.pop(future)
                    found = self._result(future, task)
                    if found is None:
                        running[self._submit(task)] = task
                    else:
                        yield task.number, found
        finally:
            for future in running:
                future.cancel()

    def _submit(self, task: _Task) -> Any:
        try:
            return self._executor.submit(answer, task.request)
        except Exception as error:  # It is shut down or broken, or cannot start a worker or reach its scheduler.
            if is_from_outside(error):
                raise
            raise _broken(error) from error

    def _result(self, future: Any, task: _Task) -> bytes | None:
        """Return the answer to a request; None if it is to be tried again. Raise TableError if it was lost twice."""
        try:
            found: bytes = future.result()
        except BrokenExecutor as error:
            raise _broken(error) from error
        except (Exception, CancelledError) as error:
            task.losses += 1
            if task.losses < _TRIES and not isinstance(error, CancelledError):
                return None
            raise _lost(error) from error
        return found


class _Task:
    def __init__(self, number: int, request: bytes) -> None:
        self.number = number
        self.request = request
        self.losses = 0


def _wait(running: Collection[Any]) -> list[Any]:
    """Wait a moment, and return what is done."""
    if all(isinstance(future, Future) for future in running):
        return list(wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done)
    # submitit has futures of its own.
    if not (done := [future for future in running if future.done()]):
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return done


def _broken(error: Exception) -> TableError:
    return TableError(
        f"the executor does no more tasks: {_words(error)}; if a worker process was killed for want of memory, take "
        "fewer workers. Run again with a new executor: the parts that were finished are kept",
        code="resources",
    )


def _lost(error: BaseException) -> TableError:
    if isinstance(error, ImportError | AttributeError):
        advice = f"install moslabels {__version__} where its workers run"
    else:
        advice = "see what it says of its workers"
    return TableError(f"the executor could not do a task: {_words(error)}; {advice}", code="resources")


def _words(error: BaseException) -> str:
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
