"""Executors that stand for machines with faults."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from moslabels.base.progress import Progress
from moslabels.base.settings import Settings
from moslabels.parts.messages import unwrap, wrap
from moslabels.parts.on_executor import OnExecutor
from moslabels.parts.worker import answer


class Here(Executor):
    """Does each task when it is submitted. ``to_worker`` and ``to_driver`` change the header of a message on its way.

    ``lose`` says of the number of a task, from 0, whether its worker is lost.
    """

    def __init__(
        self,
        to_worker: Callable[[dict[str, Any]], Any] = lambda _: None,
        to_driver: Callable[[dict[str, Any]], Any] = lambda _: None,
        lose: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.to_worker = to_worker
        self.to_driver = to_driver
        self.lose = lose
        self.submitted = 0

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.submitted += 1
        assert function is answer
        if self.lose(self.submitted - 1):
            future.set_exception(ConnectionError("worker 7 is gone"))
        else:
            future.set_result(changed(answer(changed(arguments[0], self.to_worker)), self.to_driver))
        return future


class Waiting(Executor):
    """Never does a task. ``taken`` is called when it has one."""

    def __init__(self, taken: Callable[[], Any]) -> None:
        self.taken = taken
        self.futures: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.futures.append(Future())
        self.taken()
        return self.futures[-1]


class Refusing(Executor):
    """Takes no task."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        raise self.error


def changed(message: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    header, body = unwrap(message)
    change(header)
    return wrap(header, body)


def end_process(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class HereEngine(OnExecutor):
    """An engine that does each task in this process."""

    def __init__(self, address: str | None, settings: Settings, progress: Progress) -> None:
        assert (address, settings.workers) == ("a:1", 3)
        super().__init__(Here(), settings.workers, progress)
