"""Requests done by Ray: each is a task of the workers of a cluster."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Self

import ray

from moslabels.base.errors import TableError, UsageError
from moslabels.base.progress import Progress
from moslabels.base.settings import Settings
from moslabels.base.signals import held
from moslabels.engine.limits import LITTLE_MEMORY
from moslabels.parts.anywhere import anywhere
from moslabels.parts.ray_cluster import connected, words
from moslabels.parts.ray_places import Places
from moslabels.parts.worker import memory_of

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_END = 30
_PROCESS, _STEP = 250_000_000, 1 << 27
"""The bytes of memory of a worker beside those of DuckDB and of its task. Tasks of like size ask for the same."""
_RETRIES = 3
"""How often Ray does a task again whose worker or machine was lost."""
MOST_TASKS, MOST_BYTES = 128, 1 << 28
"""Of so many tasks, Ray sees that it needs more machines. Their messages take so many bytes at most."""


@dataclass(frozen=True)
class _Task:
    number: int
    reference: Any
    size: int
    memory: int


class OnRay:
    """Does requests by a Ray cluster: one that the caller is connected to, that of the address, or one started here."""

    def __init__(self, address: str | None, settings: Settings, progress: Progress) -> None:
        self._address = address
        self._settings = settings
        self._progress = progress
        self._opened = ExitStack()
        self._threads = settings.threads or 1
        self._function: Any = None
        self._is_own = False

    def __enter__(self) -> Self:
        if not ray.is_initialized():
            cluster = connected(self._address, self._settings.workers, self._threads)
            self._is_own = self._opened.enter_context(cluster)
        elif self._address is not None:
            raise UsageError(
                "the arguments are wrong:",
                ["address: Ray is connected already; leave out the address, or call ray.shutdown() first"],
            )
        self._function = ray.remote(anywhere())
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def answers(self, requests: Iterable[bytes]) -> Generator[tuple[int, bytes]]:
        left = enumerate(requests)
        running: dict[Future[bytes], _Task] = {}
        places = Places(self._threads, self._progress, may_grow=not self._is_own)
        try:
            while True:
                most = self._most()
                while len(running) < most and sum(task.size for task in running.values()) < MOST_BYTES:
                    if (following := next(left, None)) is None:
                        break
                    number, request = following
                    with held():
                        task = self._begun(number, request)
                        running[task.reference.future()] = task
                if not running:
                    return
                # In ray.wait, what the handler of a signal raises would become a SystemError.
                done, _ = wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                self._progress.running("label", None, 0)
                if not done:
                    places.check(max(task.memory for task in running.values()))
                for future in done:
                    yield running.pop(future).number, _result(future)
        finally:
            _cancel([task.reference for task in running.values()])

    def _most(self) -> int:
        """Return how many tasks Ray gets at a time: all that it can do, and as many again."""
        if self._settings.workers is not None:
            return self._settings.workers
        with held():
            processors = int(ray.cluster_resources().get("CPU", 0))
        return max(MOST_TASKS, 2 * processors // self._threads)

    def _begun(self, number: int, request: bytes) -> _Task:
        need = _PROCESS + (self._settings.memory or LITTLE_MEMORY) + memory_of(request)
        memory = -(-need // _STEP) * _STEP
        options = {"num_cpus": self._threads, "memory": memory, "max_retries": _RETRIES, "name": "moslabels"}
        return _Task(number, self._function.options(**options).remote(request), len(request), memory)


def _result(future: Future[bytes]) -> bytes:
    try:
        return future.result()
    except ray.exceptions.RayError as error:
        raise TableError(
            f"Ray could not do a task, although it tried {_RETRIES + 1} times: {words(error)}; if a worker was killed "
            "for want of memory, set fewer workers. Run again: the parts that were finished are kept",
            code="resources",
        ) from error


def _cancel(references: list[Any]) -> None:
    """End tasks, and wait until they have ended: they write into a folder that is cleaned next."""
    with held():
        for reference in references:
            with suppress(Exception):  # Its worker or Ray may be gone already.
                ray.cancel(reference, force=True)
        if references:
            with suppress(Exception):
                ray.wait(references, num_returns=len(references), timeout=_SECONDS_TO_END)
