"""What a run may take of the machine: memory, threads, and a folder for what does not fit."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import MosLabelsError, UsageError, materialize, run_batch
from moslabels.base.settings import Settings
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement
from moslabels.files.workspace import Workspace
from moslabels.runs import table as runs_table

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"memory_limit": "lots"}, 'memory_limit: must be a size such as "4GB"'),
    ({"memory_limit": "4"}, "memory_limit: must be a size"),
    ({"memory_limit": "-1"}, "memory_limit: must be a size"),
    ({"memory_limit": "0.0GB"}, "memory_limit: must be a size"),
    ({"memory_limit": 4}, "memory_limit: must be a size"),
    ({"threads": 0}, "threads: must be a whole number from 1 on"),
    ({"threads": True}, "threads: must be a whole number from 1 on"),
    ({"threads": "2"}, "threads: must be a whole number from 1 on"),
    ({"temp_dir": "nowhere"}, "temp_dir: .* is not a folder"),
    ({"temp_dir": "a\0b"}, "temp_dir: .* is not a folder"),
    ({"temp_dir": 3}, "temp_dir: must be a folder"),
]


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4_000_000_000), ("1.5 kb", 1500), ("512MiB", 512 << 20), ("2TiB", 2 << 40), ("50%", None), (None, None)],
)
def test_the_bytes_of_a_memory_limit(text: str | None, size: int | None) -> None:
    assert Settings(memory_limit=text).memory == size


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_a_wrong_setting(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        materialize(tmp_path / "f.csv", [tmp_path / "l.csv"], tmp_path / "o" / "o.csv", **settings)
    assert list(tmp_path.iterdir()) == []


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        Settings(memory_limit="x", threads=0, temp_dir="nowhere")
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["memory_limit", "threads", "temp_dir"]


@pytest.mark.parametrize(("given", "found"), [("1GB", "953.6 MiB"), ("512MiB", "512.0 MiB"), ("0.5 gb", "476.8 MiB")])
def test_settings_reach_duckdb(given: str, found: str, tmp_path: Path) -> None:
    names = ("memory_limit", "threads", "temp_directory")
    sql = "SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    with Engine(Settings(memory_limit=given, threads=3), str(tmp_path)) as engine:
        assert engine.row(Statement("test", sql)) == dict(zip(names, (found, 3, str(tmp_path)), strict=True))


@pytest.fixture
def table(tmp_path: Path) -> dict[str, Any]:
    """A table whose join does not fit in its memory limit, and arguments that label it."""
    keys = pa.array([f"a_rather_long_name_of_a_clip_{index:09}.mp4" for index in range(400_000)])
    pq.write_table(pa.table({"key": keys}), tmp_path / "f.parquet")
    pq.write_table(pa.table({"key": keys, "mos": pa.array([3.0] * len(keys))}), tmp_path / "l.parquet")
    (tmp_path / "temp").mkdir()
    return {
        "features": tmp_path / "f.parquet",
        "label_paths": [tmp_path / "l.parquet"],
        "out": tmp_path / "o.parquet",
        "temp_dir": tmp_path / "temp",
        "memory_limit": "120MB",
        "threads": 1,
    }


def spilled(monkeypatch: pytest.MonkeyPatch, folder: Path, fails: bool) -> list[str]:
    """The files that stood in the temporary folder while the table was written."""
    seen: list[str] = []
    real = runs_table.write_labelled

    def look(*arguments: Any) -> Any:
        seen.extend(name for _, _, names in os.walk(folder) for name in names)
        if fails:
            raise MosLabelsError("failed on purpose", code="changed")
        return real(*arguments)

    monkeypatch.setattr(runs_table, "write_labelled", look)
    return seen


@pytest.mark.sampled
@pytest.mark.parametrize("fails", [False, True])
def test_what_does_not_fit_is_spilled_and_removed(
    table: dict[str, Any], monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    seen = spilled(monkeypatch, table["temp_dir"], fails)
    if fails:
        with pytest.raises(MosLabelsError, match="failed on purpose"):
            materialize(**table)
    else:
        assert materialize(**table)["matched_rows"] == 400_000
    assert any(name.startswith("duckdb_temp") for name in seen)
    assert list(table["temp_dir"].iterdir()) == []


def test_what_a_killed_run_spilled_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in ("moslabels-dead", "moslabels-young", "moslabels-held", "mine"):
        write_table(tmp_path / name / "0.csv", "x")
        (tmp_path / name / ".moslabels-workspace").touch()
        os.utime(tmp_path / name, (0, 0) if name != "moslabels-young" else None)
    (tmp_path / "moslabels-link").symlink_to(tmp_path / "mine")
    held = os.open(tmp_path / "moslabels-held", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with Workspace(tmp_path) as workspace:
        os.utime(workspace.folder, (0, 0))
        with Workspace(tmp_path) as another:
            kept = {"moslabels-young", "moslabels-held", "moslabels-link", "mine"}
            kept |= {os.path.basename(space.folder) for space in (workspace, another)}
            assert {path.name for path in tmp_path.iterdir()} == kept
    os.close(held)
    assert not os.path.exists(workspace.folder)


def test_a_limit_that_is_too_low_says_what_to_do(table: dict[str, Any]) -> None:
    with pytest.raises(MosLabelsError, match="Out of Memory.*; raise memory_limit, lower threads, or"):
        materialize(**{**table, "memory_limit": "5MB"})
    assert not table["out"].exists()
    assert list(table["temp_dir"].iterdir()) == []


def test_the_flags(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"key": "a"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3}])
    (tmp_path / "m.json").write_text(
        json.dumps({"tables": [{"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}]})
    )
    flags = ["--memory-limit", "1GB", "--threads", "1", "--temp-dir", str(tmp_path)]
    for command in (
        ["batch", "m.json"],
        ["materialize", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv"],
    ):
        done = moslabels(*command, *flags, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        args = json.loads(done.stdout)["run_provenance"]["args"]
        assert (args["memory_limit"], args["threads"], args["temp_dir"]) == ("1GB", 1, str(tmp_path))
        for wrong in (["--threads", "0"], ["--threads", "x"], ["--memory-limit", "x"], ["--temp-dir", "nowhere"]):
            done = moslabels(*command, *wrong, cwd=tmp_path)
            assert (done.returncode, done.stdout) == (2, "")
    report = run_batch(tmp_path / "m.json", memory_limit="1GB", threads=1, temp_dir=tmp_path)
    assert report["run_provenance"]["args"]["threads"] == 1


PLACES = (
    {"TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"TZ": "America/New_York", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)


@pytest.mark.sampled
def test_neither_time_zone_nor_locale_changes_a_byte(tmp_path: Path) -> None:
    clips = [f"clip_é{number}" for number in range(6)]
    instants = pa.array([1_700_000_000_123_456 + 17 * 3_600_000_000 * n for n in range(6)], pa.timestamp("us", "UTC"))
    fine, berlin = instants.cast(pa.timestamp("ns", "UTC")), instants.cast(pa.timestamp("us", "Europe/Berlin"))
    features = pa.table({"key": clips, "when": berlin, "fine": fine, "day": instants.cast(pa.date32())})
    labels = pa.table({"key": clips, "mos": [1 + n / 2 for n in range(6)], "rated": berlin, "rated_fine": fine})
    tables = [
        {
            "id": f"t{number}",
            "features": "f.parquet",
            "labels": ["l.parquet", "l.csv"],
            "out": f"o{number}{suffix}",
            "audit_json": f"a{number}.json",
            "unmatched": f"u{number}.csv",
            "match_rate_by": by,
            "extras": ["rated", "rated_fine", "instant"],
            "min_match_rate": 0,
        }
        for number, (suffix, by) in enumerate([(".csv", "when"), (".jsonl", "fine"), (".parquet", "day")])
    ]
    outcomes = []
    for number, place in enumerate(PLACES):
        folder = tmp_path / str(number)
        folder.mkdir()
        pq.write_table(features, folder / "f.parquet")
        pq.write_table(labels, folder / "l.parquet")
        write_table(
            folder / "l.csv", "key,mos,instant\nclip_é7,3,2024-03-10T02:30:00\nclip_É,3,2024-03-10 02:30:00+05\n"
        )
        (folder / "m.json").write_text(json.dumps({"tables": tables}), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **place}
        run = [sys.executable, "-m", "moslabels", "batch", "m.json", "--report-md", "r.md", "--report-html", "r.html"]
        done = subprocess.run(run, cwd=folder, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        outcomes.append((done.stdout, done.stderr, {path.name: path.read_bytes() for path in folder.iterdir()}))
    assert outcomes[0] == outcomes[1]
    assert b"2023-11-14T22:13:20.123456Z" in outcomes[0][2]["o0.csv"]
