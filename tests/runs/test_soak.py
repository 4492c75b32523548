"""Many joins in one process take no more memory, threads, file handles or folders than the first of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = """
import json
import os
import sys
import pyarrow as pa
from moslabels import GateError, join, labeller

count, folder = int(sys.argv[1]), sys.argv[2]
options = {"feature_key_column": "clip", "label_key_column": "clip", "temp_dir": folder}
clips = [f"clip {number}" for number in range(1000)]
frames = pa.table({"clip": clips, "x": [[0.5] * 20] * 1000})
scores = pa.table({"clip": clips, "mos": [1 + number % 5 for number in range(1000)]})

def look():
    with open("/proc/self/statm") as file:
        memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return memory, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")), len(os.listdir(folder))

def joins(count):
    for number in range(count):
        prepared.join(frames) if sys.argv[3] == "labeller" else join(frames, scores, **options)
        if number % 50 == 0:
            try:
                join(pa.table({"clip": ["other"]}), scores, **options)
                raise SystemExit("no gate")
            except GateError:
                pass

with labeller(scores, **options) as prepared:
    looks = []
    for part in (count // 5, count - count // 5):
        joins(part)
        looks.append(look())
print(json.dumps(looks))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc says what a process holds")
@pytest.mark.parametrize("how", ["join", "labeller"])
def test_many_joins_hold_no_more_than_few(tmp_path: Path, how: str) -> None:
    count = 100
    done = subprocess.run(
        [sys.executable, "-c", SOAK, str(count), str(tmp_path), how], capture_output=True, text=True, timeout=3600
    )
    assert done.stderr == ""
    (memory, threads, *held), (memory_after, threads_after, *held_after) = json.loads(done.stdout)
    assert held_after == held
    assert threads_after < threads + count // 10  # The system may still count the last one, which has ended.
    assert memory_after - memory < 64 << 20
    assert list(tmp_path.iterdir()) == []
