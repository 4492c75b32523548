"""Workers: who does tasks, in which groups, and what becomes of a task whose worker is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.many import files, label, write_parts
from moslabels import CancelledError, TableError
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import Settings
from moslabels.labelling.match import PartCounts
from moslabels.parts import workers
from moslabels.parts.examine import examine_task
from moslabels.parts.label import GroupTask, PartTask, label_task
from moslabels.parts.messages import pack, unpack
from moslabels.parts.worker import memory_of, request, send
from moslabels.parts.workers import InProcess, Local, Processes, groups


@pytest.mark.parametrize(
    ("sizes", "most_parts", "most_bytes", "found"),
    [
        ([], 3, 10, []),
        ([5], 3, 10, [1]),
        ([1, 1, 1, 1], 3, 10, [3, 1]),
        ([6, 6, 6], 3, 10, [1, 1, 1]),
        ([6, 4, 6], 3, 10, [2, 1]),
        ([100, 1, 1], 3, 10, [1, 2]),
        ([0, 0, 0, 0], 2, 10, [2, 2]),
    ],
)
def test_groups_are_neighbours(sizes: list[int], most_parts: int, most_bytes: int, found: list[int]) -> None:
    made = groups(sizes, most_parts, most_bytes)
    assert [len(group) for group in made] == found
    assert [number for group in made for number in group] == list(range(len(sizes)))


def test_a_message_holds_a_header_and_tables() -> None:
    tables = {"a": pa.table({"x": ["é", None], "y": [1.5, 2.5]}), "b": pa.table({"x": pa.array([], pa.int32())})}
    header = {"text": "ü", "list": [1, None, True]}
    assert unpack(pack(header, tables)) == (header, tables)
    assert unpack(pack({})) == ({}, {})


def test_a_message_does_not_repeat_texts() -> None:
    text = "/a/folder/of/labels/all.csv"
    message = pack({}, {"labels": pa.table({"source": [text] * 1000})})
    assert len(message) < 250 * len(text)
    assert unpack(message)[1]["labels"]["source"].to_pylist() == [text] * 1000


@pytest.mark.parametrize(("wanted", "size", "tasks", "number"), [(None, 100, 9, 1), (3, 100, 9, 3), (3, 100, 2, 2)])
def test_processes_are_started_if_they_are_worth_it(wanted: int | None, size: int, tasks: int, number: int) -> None:
    with Local(wanted, SILENT) as local:
        local.begin(size, tasks)
        assert local.number == number


class Killing(Progress):
    """Kills workers while they are waited for, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.killed: list[int] = []
        self.processes: Processes | None = None

    def running(self, *_: object) -> None:
        assert self.processes is not None
        for process in self.processes.running():
            if self.times > 0 and process not in self.killed:
                self.times -= 1
                self.killed.append(process)
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A task for workers that waits until it is killed."""
    code = "import json, sys, time; sys.path[:] = json.loads(sys.argv[1]); time.sleep(600)"
    monkeypatch.setattr(workers, "START", code)
    return b"any"


def test_a_task_whose_worker_is_killed_twice_is_an_error(waiting: bytes) -> None:
    killing = Killing(2)
    with Processes(1, killing) as processes:
        killing.processes = processes
        with pytest.raises(TableError, match="a worker process ended by signal 9 before its task was done, twice"):
            list(processes.map("examine", [waiting], Settings()))
    assert len(killing.killed) == 2


def test_a_cancelled_run_ends_its_workers(waiting: bytes) -> None:
    class Cancelling(Progress):
        def running(self, *_: object) -> None:
            raise CancelledError("enough")

    with pytest.raises(CancelledError), Processes(2, Cancelling()) as processes:
        started = processes.running
        list(processes.map("examine", [waiting, waiting], Settings()))
    assert started() == []


def test_a_run_goes_on_if_a_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parts(tmp_path)
    label(tmp_path, out="one")
    real: Callable[..., Any] = Processes.take
    killed: list[int] = []

    def take(self: Processes) -> Any:
        process = real(self)
        if not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        return process

    monkeypatch.setattr(Processes, "take", take)
    label(tmp_path, out="two", most_parts=1, workers=2)
    assert killed
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_results_are_told_with_the_number_of_their_task() -> None:
    task = examine_task([], {}, 1)
    assert dict(InProcess().map("examine", [task, task], Settings())) == dict.fromkeys(
        (0, 1), pack({"names": {}, "parts": []})
    )


def test_rows_and_labels_of_a_task_take_memory() -> None:
    def task(rows: int, labels: int) -> bytes:
        shared = GroupTask("root", "base", (), (), (), {}, None)
        part = PartTask(
            0,
            "p",
            "o",
            (),
            (1, 2),
            PartCounts(
                input_rows=rows, rows_without_key=0, total_feature_keys=1, matched_feature_keys=1, matched_rows=rows
            ),
        )
        table = pa.table({"key": pa.array(range(labels), pa.int64())})
        return request("label", label_task(shared, [part, part], table, table), Settings())

    least = memory_of(task(0, 0))
    assert memory_of(task(1_000_000, 0)) - least >= 2 * 4 * 1_000_000
    assert memory_of(task(0, 1_000_000)) - least >= 2 * 8 * 1_000_000
    assert memory_of(request("examine", examine_task([], {}, 1), Settings())) == least == 0


def test_a_worker_whose_driver_was_killed_ends_without_a_word() -> None:
    """It is still at work when the other end of both pipes is gone."""
    code = workers.START
    with subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        send(process.stdin, request("examine", examine_task([], {}, 1), Settings()))
        process.stdout.close()
        process.stdin.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)
