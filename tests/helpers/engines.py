"""Real engines: larger parts, the processes that an engine starts, and the run of a command that is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.command import ENVIRONMENT
from helpers.tables import write_table
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import Settings
from moslabels.parts.engines import EngineOfRun

LARGE = {"feature_key_column": "key", "label_key_column": "key"}
"""The options of the table of :func:`write_large_parts`."""


def write_large_parts(folder: Path, parts: int = 12, rows: int = 20_000, columns: int = 50) -> None:
    """Write parts of 4 MB, each of which takes a worker some time, and labels."""
    values = np.random.default_rng(1).random((columns, rows), dtype=np.float32)
    (folder / "features").mkdir(parents=True)
    for part in range(parts):
        keys = [f"{part}-{row // 10}" for row in range(rows)]
        table = pa.table({"key": keys, **{f"f{number}": column for number, column in enumerate(values)}})
        pq.write_table(table, folder / "features" / f"{part:03}.parquet", compression="none", use_dictionary=["key"])
    labels = [{"key": f"{part}-{clip}", "mos": 1 + clip % 4} for part in range(parts) for clip in range(rows // 10)]
    write_table(folder / "labels.csv", labels)


def engine(
    adapter: Callable[..., Any], address: str | None = None, progress: Progress = SILENT, **settings: Any
) -> EngineOfRun:
    return EngineOfRun({"engine": "any"}, partial(adapter, address, Settings(**settings), progress))


def processes_below(process: int) -> Iterator[tuple[int, str]]:
    """Yield the number and the command of each process that a process has started, and those of these."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        try:
            stat = Path("/proc", name, "stat").read_text() if name.isdigit() else ""
        except OSError:  # It has ended.
            continue
        if stat and (fields := stat.rpartition(")")[2].split())[0] != "Z":
            parents.setdefault(int(fields[1]), []).append(int(name))
    left = parents.get(process, [])
    while left:
        below = left.pop()
        left.extend(parents.get(below, []))
        try:
            yield below, Path("/proc", str(below), "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


class KillingWorkers(Progress):
    """Kills so many processes below this one that do a task now, as their command says."""

    def __init__(self, command: str, times: int) -> None:
        self.command = command
        self.left = times
        self.killed: set[int] = set()

    def running(self, *_: object) -> None:
        for process, command in list(processes_below(os.getpid())):
            if self.left and self.command in command and process not in self.killed:
                self.left -= 1
                self.killed.add(process)
                os.kill(process, signal.SIGKILL)


def ended_by(number: int, *arguments: str, cwd: Path, busy: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the command, and send it a signal as soon as a process below it does a task, as its command says.

    Return also the commands of the processes that outlived it.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "moslabels", *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        below: dict[int, str] = {}
        while not any(busy in command for command in below.values()):
            assert started.poll() is None, started.communicate()
            time.sleep(0.05)
            below = dict(processes_below(started.pid))
        started.send_signal(number)
        out, err = started.communicate(timeout=60)
    time.sleep(1)
    outlived = [command for process, command in below.items() if is_running(process)]
    return subprocess.CompletedProcess(arguments, started.returncode, out, err), outlived


def is_running(process: int) -> bool:
    try:
        return Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
