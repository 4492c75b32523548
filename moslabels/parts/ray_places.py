"""The machines of a Ray cluster: whether one of them can hold a task at all. Ray itself lets the task wait forever."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import ray

from moslabels.base.errors import TableError
from moslabels.base.progress import Progress
from moslabels.base.signals import held
from moslabels.base.text import counted

SECONDS_TO_GROW = 600
"""How long a cluster that was there may take to get a machine for a task: it may grow by need."""
_SECONDS_BETWEEN_LOOKS = 2
_MOST_TOLD = 3
_GB = 1e9


class Places:
    """Looks from time to time whether a machine can hold the tasks that wait. Each takes so many processors."""

    def __init__(self, processors: int, progress: Progress, *, may_grow: bool) -> None:
        self._processors = processors
        self._progress = progress
        self._patience = SECONDS_TO_GROW if may_grow else 0
        self._next_look = 0.0
        self._waits_since: float | None = None

    def check(self, memory: int) -> None:
        """Raise TableError if no machine can hold a task of so many bytes of memory, and none came in time."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _SECONDS_BETWEEN_LOOKS
        with held():
            machines = [node for node in ray.nodes() if node["Alive"]]
        if any(_has(node, "CPU") >= self._processors and _has(node, "memory") >= memory for node in machines):
            self._waits_since = None
            return
        wanted = f"{counted(self._processors, 'processor', 'processors')} and {memory / _GB:.1f} GB of memory"
        says = f"no machine of the Ray cluster has the {wanted} that a task takes ({_told(machines)})"
        if self._waits_since is None:
            self._waits_since = now
            if self._patience:
                self._progress.note(f"{says}: waiting {self._patience} seconds for one that has")
        if now - self._waits_since >= self._patience:
            raise TableError(
                f"{says}; set fewer threads or a smaller memory_limit, make smaller parts, or add a larger machine",
                code="resources",
            )


def _has(node: Mapping[str, Any], resource: str) -> float:
    found: float = node["Resources"].get(resource, 0)
    return found


def _told(machines: list[Any]) -> str:
    largest = sorted(machines, key=lambda node: (_has(node, "CPU"), _has(node, "memory")), reverse=True)
    told = [
        f"{node['NodeManagerAddress']}: {_has(node, 'CPU'):g} and {_has(node, 'memory') / _GB:.1f} GB"
        for node in largest[:_MOST_TOLD]
    ]
    if left := len(largest) - len(told):
        told.append(f"and {left} more")
    return ", ".join(told) or "it has none"
