"""How long tables and their steps took: a file of its own, and what ``on_table`` gets."""

# ruff: noqa: ARG002 (methods of Progress)

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.made import copied
from helpers.schemas import schema_of
from helpers.tables import write_table
from moslabels import Progress, TableError, UsageError, materialize, run_batch
from moslabels.base.progress import SILENT
from moslabels.base.stopwatch import Stopwatch

TABLES: list[dict[str, Any]] = [
    {"id": "one", "features": "f.csv", "labels": ["l.csv"], "out": "out/one.parquet", "audit_json": "out/one.json"},
    {"id": "bad", "features": "f.csv", "labels": ["none.csv"], "out": "out/bad.csv", "audit_json": "out/bad.json"},
    {"id": "parts", "features": "parts", "labels": ["l.csv"], "out": "out/parts", "audit_json": "out/parts.json"},
]
ONE = {"features": "f.csv", "label_paths": "l.csv", "out": "o.csv"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_table(folder / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(folder / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}])
    (folder / "parts").mkdir()
    for name in "pq":
        pq.write_table(pa.table({"key": ["a", "b"]}), folder / f"parts/{name}.parquet")
    (folder / "m.json").write_text(json.dumps({"tables": TABLES}))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


def timings(path: str = "t.json") -> dict[str, Any]:
    """Return what a file holds, which is valid."""
    found: dict[str, Any] = json.loads(Path(path).read_text())
    schema_of("timings").validate(found)
    return found


def test_steps_are_measured_by_the_events_of_a_run() -> None:
    ticks: Iterator[float] = iter([10.0, 10.0, 11.0, 11.5, 13.5, 14.0, 20.0, 20.5, 21.0])
    watch = Stopwatch(SILENT, lambda: next(ticks))
    for step in ("reading", "matching", "reading"):
        watch.step(step)
    assert watch.lap() == (4.0, {"starting": 1.0, "reading": 0.5 + 0.5, "matching": 2.0})
    watch.start()
    assert watch.lap() == (0.5, {"starting": 0.5})
    assert watch.seconds == 11.0


def test_what_the_file_and_on_table_say(folder: Path) -> None:
    told: list[Any] = []
    report = run_batch("m.json", timings="t.json", on_table=told.append)
    found = timings()
    assert [*found] == ["schema", "seconds", "tables", "versions"]
    assert found["schema"] == "moslabels-timings-v1"
    assert [(table["id"], table["status"]) for table in found["tables"]] == [
        ("one", "ok"), ("bad", "error"), ("parts", "ok")
    ]  # fmt: skip
    assert sum(table["seconds"] for table in found["tables"]) <= found["seconds"]
    sizes = [os.path.getsize("f.csv"), None, sum(path.stat().st_size for path in Path("parts").iterdir())]
    assert [(table["rows"], table["bytes"]) for table in found["tables"]] == list(zip([2, None, 4], sizes, strict=True))
    for table, entry, done in zip(found["tables"], report["tables"], told, strict=True):
        of_table = done.pop("timings")
        assert done == entry
        assert {name: table[name] for name in of_table} == of_table
        assert math.isclose(sum(step["seconds"] for step in of_table["steps"]), of_table["seconds"], abs_tol=1e-4)
        for count, rate in (("rows", "rows_per_second"), ("bytes", "bytes_per_second")):
            if of_table[count] is None:
                assert of_table[rate] is None
            else:
                assert math.isclose(of_table[rate], of_table[count] / of_table["seconds"], rel_tol=0.01, abs_tol=0.1)
    steps = [step["step"] for step in found["tables"][0]["steps"]]
    assert steps[:4] == ["starting", "reading features", "reading labels", "matching"]
    assert steps[-1] == "checking"
    assert "labelling" in [step["step"] for step in found["tables"][2]["steps"]]
    run_batch("m.json", timings="t.json", skip_unchanged=True, fail_fast=True)
    unchanged = timings()["tables"]
    assert [(table["status"], table["rows_per_second"]) for table in unchanged] == [
        ("unchanged", None),
        ("error", None),
    ]
    assert [step["step"] for step in unchanged[0]["steps"]] == ["starting", "comparing with the audit"]


def test_entries_tell_scores_and_hashes(folder: Path) -> None:
    first, *_ = run_batch("m.json")["tables"]
    audit = json.loads(Path("out/one.json").read_text())
    assert first["mos_stats"] == audit["mos_stats"]
    assert (first["mos_stats"]["mean"], first["output_sha256"]) == (3.5, audit["output_sha256"])


def written(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("t.json",)
    }


REPORTS = ["--report-json", "r.json", "--report-md", "r.md", "--report-html", "r.html", "--report-junit", "r.xml"]


def test_no_other_file_depends_on_it(folder: Path) -> None:
    files = []
    for flags in ([], ["--timings", "t.json"], ["--timings=t.json"]):
        shutil.rmtree("out", ignore_errors=True)
        done = moslabels("batch", *flags, "m.json", *REPORTS, cwd=folder)
        assert done.returncode == 1
        files.append((done.stderr, written(folder)))
        assert Path("t.json").exists() == bool(flags)
    assert files[0] == files[1] == files[2]
    files.clear()
    for flags in ([], ["--timings", "t.json"]):
        arguments = ["--features", "f.csv", "--labels", "l.csv", "--out", "o.parquet", "--audit-json", "o.json"]
        assert moslabels("materialize", *arguments, *flags, cwd=folder).returncode == 0
        files.append(("", written(folder)))
    assert files[0] == files[1]
    audits = [materialize(**ONE, **more) for more in ({}, {"timings": "t.json"})]  # type: ignore[arg-type]
    assert audits[0] == audits[1]
    reports = [run_batch("m.json", **more) for more in ({}, {"timings": "t.json"})]  # type: ignore[arg-type]
    assert reports[0] == reports[1]


WRONG = ["f.csv", "o.csv", "m.json", "./l.csv"]


@pytest.mark.parametrize("path", WRONG)
def test_it_is_no_other_file_of_the_run(folder: Path, path: str) -> None:
    before = Path(path).read_bytes() if Path(path).exists() else b""
    for call in (
        lambda: materialize(**ONE, timings=path),  # type: ignore[arg-type]
        lambda: run_batch("m.json", report_json="o.csv", timings=path),
    ):
        if path == "m.json" and call.__code__.co_names[0] == "materialize":
            continue  # It is no file of one table.
        with pytest.raises(UsageError, match="timings: .* is also "):
            call()
    assert (Path(path).read_bytes() if Path(path).exists() else b"") == before
    assert not Path("out").exists()


def test_a_file_that_cannot_be_written_is_told_before_anything_is_labelled(folder: Path) -> None:
    Path("file").write_text("")
    with pytest.raises(UsageError, match="the timings cannot be written: file"):
        run_batch("m.json", timings="file/t.json")
    with pytest.raises(TableError, match="taken"):
        Path("taken").mkdir()
        materialize(**ONE, timings="taken")  # type: ignore[arg-type]
    assert not Path("out").exists()
    assert not Path("o.csv").exists()


class Ends(Progress):
    """Ends a run at its first step."""

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        raise KeyboardInterrupt


def test_it_is_written_also_if_a_run_ends_early(folder: Path) -> None:
    for call in (
        lambda: run_batch("m.json", timings="t.json", progress=Ends()),
        lambda: materialize(**ONE, timings="t.json", progress=Ends()),  # type: ignore[arg-type]
    ):
        with pytest.raises(KeyboardInterrupt):
            call()
        assert [table["status"] for table in timings()["tables"]] == ["error"]
        os.remove("t.json")
    with pytest.raises(TableError):
        materialize("f.csv", "none.csv", "o.csv", timings="t.json")
    assert [(table["id"], table["status"], table["rows"]) for table in timings()["tables"]] == [(None, "error", None)]
