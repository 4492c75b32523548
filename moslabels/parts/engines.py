"""Engines: other processes, on any machine, that do the tasks of tables of many parts.

What does such tasks is loaded when it is first needed: few runs have tables of many parts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, Self

from moslabels.base.errors import UsageError
from moslabels.base.progress import Progress, relayed
from moslabels.base.settings import Settings
from moslabels.base.text import nearest, shown
from moslabels.spec import engines
from moslabels.spec.engines import LOCAL
from moslabels.spec.table import TableSpec

if TYPE_CHECKING:
    from moslabels.files.staged_folder import StagedFolder
    from moslabels.parts.sight import Sight
    from moslabels.parts.workers import Local


class Adapter(Protocol):
    """What lets an engine do requests, as a context manager that lives as long as the run."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def answers(self, requests: Iterable[bytes]) -> Generator[tuple[int, bytes]]:
        """Let workers call ``worker.answer`` with each request. Yield its number and the answer, in any order.

        Requests are taken one by one as workers become free: each holds values and labels. If the iterator is closed
        early, the requests that are left are given up. Raise TableError if a request cannot be done, such as because a
        worker was lost twice. While it waits, it calls ``progress.running("label", None, 0)`` ten times a second, which
        raises what ends the run.
        """


class EngineOfRun:
    """Who labels the parts of all tables of a run, as a context manager. An engine starts with the first such table.

    ``told`` is what the evidence says of it. ``is_needed`` says whether there was such a table. Without ``begin``,
    processes of this machine label.
    """

    def __init__(self, told: Mapping[str, Any] | None = None, begin: Callable[[], Adapter] | None = None) -> None:
        self.told = dict(told or {})
        self.is_needed = False
        self._begin = begin
        self._opened = ExitStack()
        self._adapter: Adapter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def workers(self, wanted: int | None, progress: Progress) -> Local | WorkersOfEngine:
        """Return the workers for one table: as many processes as are wanted, or those of the engine."""
        self.is_needed = True
        if self._begin is None:
            from moslabels.parts.workers import Local

            return Local(wanted, progress)
        if self._adapter is None:
            self._adapter = self._opened.enter_context(self._begin())
        return WorkersOfEngine(self._adapter)

    def take_over(self, staged: StagedFolder, digests: Mapping[str, str], outline: Mapping[str, Any]) -> set[str]:  # noqa: ARG002
        """Let a new version take over parts that were labelled apart from this run. Return the hosts that did it.

        ``digests`` are those of all parts by their paths, ``outline`` is what all share. Here are no such parts.
        """
        return set()


class WorkersOfEngine:
    """The workers of an engine, for one table. ``hosts`` are the machines that have done tasks."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._sight: Sight | None = None
        self.hosts: set[str] = set()

    def __enter__(self) -> WorkersOfEngine:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the engine goes on for the next table."""

    def begin(self, _size: int, _tasks: int, staged: StagedFolder | None) -> None:
        from moslabels.parts.sight import begun

        if staged is not None:
            self._sight = begun(staged.run_folder, staged.target)

    def share(self, settings: Settings, _memory: float) -> Settings:
        # The memory of other machines is not known here. They do as many tasks at a time as they have processors.
        return replace(settings, workers=None, threads=settings.threads or 1)

    def map(self, name: str, tasks: Iterable[bytes], settings: Settings) -> Generator[tuple[int, bytes]]:
        from moslabels.parts.answers import opened
        from moslabels.parts.worker import request

        requests = (request(name, task, settings, self._sight) for task in tasks)
        with closing(self._adapter.answers(requests)) as answers:
            for number, message in answers:
                answer = opened(message)
                if answer.written is not None and self._sight is not None:
                    self._sight.check(answer.host, answer.written)
                self.hosts.add(answer.host)
                yield number, answer.result


def engine_of_run(
    engine: str | EngineOfRun | None,
    address: str | None,
    executor: Executor | None,
    settings: Settings,
    progress: Progress,
) -> EngineOfRun:
    """Return the engine that a run is told to use; by default processes of this machine. Raise UsageError."""
    if isinstance(engine, EngineOfRun):
        return engine
    problems = []
    known = (LOCAL, *engines.ENGINES)
    if engine is not None and engine not in known:
        problems.append(f"engine: must be one of {', '.join(known)}, not {shown(engine)}{nearest(str(engine), known)}")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        problems.append(f"executor: must have submit(), as a concurrent.futures.Executor has, not {shown(executor)}")
    if executor is not None and engine is not None:
        problems.append("engine and executor are two ways to say who labels parts: give one")
    if address is not None and engine in (None, LOCAL):
        problems.append(f"address: is that of an engine; name the engine too, one of {', '.join(engines.ENGINES)}")
    if problems:
        raise UsageError("the arguments are wrong:", problems)
    progress = relayed(progress)
    if executor is not None:
        from moslabels.parts.on_executor import OnExecutor

        kind = type(executor)
        return EngineOfRun(
            {"executor": f"{kind.__module__}.{kind.__qualname__}"},
            partial(OnExecutor, executor, settings.workers, progress),
        )
    if engine is None or engine == LOCAL:
        return EngineOfRun({"engine": engine} if engine is not None else {})
    adapter = _adapter(engine)
    address_told = {"address": address} if address is not None else {}
    return EngineOfRun({"engine": engine, **address_told}, partial(adapter, address, settings, progress))


def _adapter(engine: str) -> Callable[..., Adapter]:
    """Return the class of the adapter of an engine. Raise UsageError if its package is not installed."""
    entry = engines.ENGINES[engine]
    module, _, name = entry.adapter.rpartition(".")
    if find_spec(entry.package) is None:
        raise UsageError(f"engine {engine} needs the package {entry.package}: pip install 'moslabels[{entry.extra}]'")
    found: Callable[..., Adapter] = getattr(import_module(module), name)
    return found


def check_need(tables: Iterable[TableSpec], of_run: EngineOfRun) -> None:
    """Raise UsageError if an engine is named and no table has parts that it could label."""
    if of_run.told and all(table.parts is None for table in tables):
        raise UsageError(
            "the arguments are wrong:",
            [
                f"{next(iter(of_run.told))}: labels the parts of tables of many parts, and all features are single "
                "files; leave it out, or name a folder or a pattern as features"
            ],
        )
