"""Workers on this machine: processes of this Python, each of which does one task at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from threading import Lock
from typing import Protocol

from moslabels.base.errors import TableError, ignored
from moslabels.base.progress import Progress
from moslabels.base.settings import Settings
from moslabels.engine.databases import kept
from moslabels.files.staged_folder import StagedFolder
from moslabels.parts.answers import opened
from moslabels.parts.worker import TASKS, receive, request, send

START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from moslabels.base.imports import leave_out_numpy
leave_out_numpy()
from moslabels.parts.worker import main
main()
"""
_SECONDS_BETWEEN_LOOKS = 0.1
_TRIES = 2
_WORTH_A_START = 1 << 26
"""From so many bytes on, other processes take less time than they take to start."""
MOST_PARTS, MOST_BYTES = 64, 1 << 28
"""The most parts of a task, and the most bytes of several. With one part a task, engines are busy with themselves."""


class Workers(Protocol):
    """Whoever does the tasks of one table: this process, other processes, or an engine.

    ``hosts`` are the machines of an engine that have done tasks.
    """

    hosts: set[str]

    def begin(self, size: int, tasks: int, staged: StagedFolder | None) -> None:
        """Make ready for so many bytes in so many tasks. ``staged`` is where parts will be written, if they are."""

    def share(self, settings: Settings, memory: float) -> Settings:
        """Return what one worker may take of its machine. ``memory`` are the bytes that DuckDB may take here."""

    def map(self, name: str, tasks: Iterable[bytes], settings: Settings) -> Generator[tuple[int, bytes]]:
        """Do tasks by the function of a name in ``worker.TASKS``. Yield each number and result, in any order.

        Raise TableError for a task that cannot be done, or if a worker ends before its task does.
        """


class InProcess:
    """Does tasks in this process, one after the other."""

    def map(self, name: str, tasks: Iterable[bytes], settings: Settings) -> Generator[tuple[int, bytes]]:
        for number, task in enumerate(tasks):
            yield number, TASKS[name](task, settings)


class Processes:
    """Does tasks in processes, as a context manager that ends them. ``progress`` may end the wait for them."""

    def __init__(self, number: int, progress: Progress) -> None:
        self._number = number
        self._progress = progress
        self._idle: list[_Process] = []
        self._all: list[_Process] = []
        self._lock = Lock()
        self._is_closed = False
        self._threads = ThreadPoolExecutor(number)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_closed = True
            started = list(self._all)
        for process in started:
            process.end()
        self._threads.shutdown(cancel_futures=True)

    def map(self, name: str, tasks: Iterable[bytes], settings: Settings) -> Generator[tuple[int, bytes]]:
        left = enumerate(tasks)
        running: dict[Future[bytes], int] = {}
        while True:
            # One task more than there are workers is kept ready. Each holds its values and labels.
            while len(running) <= self._number and (following := next(left, None)) is not None:
                number, task = following
                running[self._threads.submit(self._do, request(name, task, settings))] = number
            if not running:
                return
            done, _ = wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
            self._progress.running(name, None, 0)
            for future in done:
                yield running.pop(future), future.result()

    def _do(self, wanted: bytes) -> bytes:
        """Do one task in a process. If the process ends, try once more: the system may have taken its memory."""
        for number in range(_TRIES):
            process = self.take()
            answer = process.do(wanted)
            if answer is not None:
                with self._lock:
                    self._idle.append(process)
                return opened(answer).result
            status = process.end()
            if self._is_closed or number == _TRIES - 1:
                break
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise TableError(
            f"a worker process ended by {how} before its task was done, twice: where it was killed for want of memory, "
            "set fewer workers or a smaller memory_limit",
            code="resources",
        )

    def running(self) -> list[int]:
        """Return the numbers of the processes that run."""
        with self._lock:
            return [process.pid for process in self._all if process.is_running]

    def take(self) -> _Process:
        """Return an idle process, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if self._is_closed:
                raise TableError("the run has ended", code="interrupted")
            process = _Process()
            self._all.append(process)
            return process


class _Process:
    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (the same Python, with a text of this module)
            [sys.executable, "-c", START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C goes to all processes of a terminal. The driver ends its workers itself.
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def do(self, wanted: bytes) -> bytes | None:
        """Let it do what a request asks for. Return its answer, or None if the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, wanted)
            return receive(self._process.stdout)
        except (OSError, ValueError):
            return None

    def end(self) -> int:
        """End the process, and return its exit status."""
        self._process.kill()
        status = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with ignored(OSError):
                if stream is not None:
                    stream.close()
        return status


def groups(sizes: Sequence[int], most_parts: int = MOST_PARTS, most_bytes: int = MOST_BYTES) -> list[range]:
    """Return the numbers of parts by the groups that one task takes: neighbours of at most so many bytes together."""
    found: list[range] = []
    start, size = 0, 0
    for number, own in enumerate(sizes):
        if number > start and (number - start >= most_parts or size + own > most_bytes):
            found.append(range(start, number))
            start, size = number, 0
        size += own
    return [*found, range(start, len(sizes))] if sizes else []


class Local:
    """The workers of one table, as a context manager: processes, if so many bytes are worth their start.

    ``wanted`` is how many the user asked for; by default one for each processor.
    """

    def __init__(self, wanted: int | None, progress: Progress) -> None:
        self._wanted = wanted
        self._progress = progress
        self._workers: InProcess | Processes = InProcess()
        self._opened = ExitStack()
        self.number = 1
        self.hosts: set[str] = set()

    def begin(self, size: int, tasks: int, _staged: StagedFolder | None = None) -> None:
        usual = (os.cpu_count() or 1) if size >= _WORTH_A_START and sys.executable else 1
        self.number = max(1, min(self._wanted or usual, tasks))
        if self.number == 1:
            self._opened.enter_context(kept())
        else:
            self._workers = self._opened.enter_context(Processes(self.number, self._progress))

    def share(self, settings: Settings, memory: float) -> Settings:
        if self.number == 1:
            return replace(settings, workers=None)
        threads = max(1, (settings.threads or os.cpu_count() or 1) // self.number)
        own = max(1 << 26, int(memory) // (self.number + 1)) >> 20
        return replace(settings, workers=None, threads=threads, memory_limit=f"{own}MiB")

    def map(self, name: str, tasks: Iterable[bytes], settings: Settings) -> Generator[tuple[int, bytes]]:
        return self._workers.map(name, tasks, settings)

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
