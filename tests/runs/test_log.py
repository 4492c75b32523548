"""The log ``moslabels``, and the events of ``progress=``."""

# ruff: noqa: ARG002 (methods of Progress)

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels, python
from helpers.tables import write_table
from moslabels import MosLabelsError, Progress, UsageError, join, labeller, materialize, run_batch

TABLES = [
    {"id": "one", "features": "f.csv", "labels": ["l.csv"], "out": "one.csv"},
    {"id": "few", "features": "f.csv", "labels": ["weak.csv"], "out": "few.csv"},
    {"id": "warned", "features": "f.csv", "labels": ["l.csv"], "out": "warned.csv", "confirm": ["the\nscale"]},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}])
    write_table(tmp_path / "weak.csv", [{"key": "a", "mos": 3}])
    (tmp_path / "m.json").write_text(json.dumps({"tables": TABLES}))
    return tmp_path


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    records = [record for record in caplog.records if record.name == "moslabels"]
    return [(record.levelname, record.__dict__["table"], record.getMessage().split("\n")[0]) for record in records]


def test_what_is_logged_of_a_batch(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "moslabels")
    run_batch("m.json", skip_unchanged=True, tables=["few", "warned"])
    found = told(caplog)
    assert [one[:2] for one in found] == [
        ("INFO", "few"), ("ERROR", "few"), ("INFO", "warned"), ("WARNING", "warned"), ("INFO", "warned"),
        ("WARNING", "warned"),
    ]  # fmt: skip
    assert [one[2][:80] for one in found] == [
        "few: begins -> few.csv",
        "few: match-rate: MOS label match rate 0.500 below min_match_rate 0.950 (1/2 keys"[:80],
        "warned: begins -> warned.csv",
        "warned: to confirm: the",
        "warned: ok: match rate 1.000, 2 of 2 rows labelled -> warned.csv",
        "warned: has no audit_json, so it is never skipped; set one",
    ]


def test_what_is_logged_of_one_table(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "moslabels")
    materialize("f.csv", "l.csv", "o.csv")
    assert told(caplog) == []
    with pytest.raises(MosLabelsError):
        materialize("f.csv", "none.csv", "o.csv")
    assert told(caplog) == [("ERROR", "f.csv", "f.csv: no-file: none.csv: there is no such file")]


def test_a_dry_run_says_that_nothing_is_written(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "moslabels")
    run_batch("m.json", tables=["one"], dry_run=True)
    assert [one[2] for one in told(caplog)] == [
        "one: begins (dry run: no table is written)",
        "one: ok: match rate 1.000, 2 of 2 rows labelled (dry run: no table is written)",
    ]


FEATURES = pa.table({"key": ["a", "b"]})


def test_what_is_logged_of_a_join(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "moslabels")
    join("f.csv", "l.csv", confirm=["the scale"])
    with pytest.raises(MosLabelsError):
        join(FEATURES, "weak.csv")
    assert [(level, name, text[:50]) for level, name, text in told(caplog)] == [
        ("WARNING", "f.csv", "f.csv: to confirm: the scale (then delete this not"),
        ("INFO", "f.csv", "f.csv: ok: match rate 1.000, 2 of 2 rows labelled"),
        ("ERROR", "features", "features: match-rate: MOS label match rate 0.500 b"),
    ]


def test_what_is_logged_of_a_labeller_that_cannot_be_made(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(MosLabelsError):
        labeller("none.csv")
    assert told(caplog) == [("ERROR", "features", "features: no-file: none.csv: there is no such file")]


def test_what_is_logged_of_a_labeller(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "moslabels")
    others = pa.table({"key": ["a", "x"]})
    with labeller("l.csv") as prepared:
        assert told(caplog) == []
        prepared.join("f.csv")
        for _ in prepared.batches(FEATURES):
            pass
        assert [text for _, _, text in told(caplog)] == [
            "f.csv: ok: match rate 1.000, 2 of 2 rows labelled", "features: ok: match rate 1.000, 2 of 2 rows labelled"
        ]  # fmt: skip
        caplog.clear()
        for label in (prepared.join, lambda features: list(prepared.batches(features))):
            with pytest.raises(MosLabelsError):
                label(others)
        assert [one[:2] for one in told(caplog)] == [("ERROR", "features")] * 2


def test_a_reader_that_stops_before_the_last_batch_is_no_failure(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with labeller("l.csv") as prepared:
        batches = prepared.batches(FEATURES.to_batches(max_chunksize=1), FEATURES.schema)
        next(batches)
        del batches
    assert told(caplog) == []


class Stops(Progress):
    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        raise TimeoutError("too long")


def test_a_table_that_was_not_finished_has_its_exception(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TimeoutError):
        run_batch("m.json", progress=Stops())
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "one: not finished: TimeoutError"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], TimeoutError)


def test_nothing_is_said_if_nobody_has_set_up_logging(folder: Path) -> None:
    done = python("-c", "import moslabels; moslabels.run_batch('m.json', skip_unchanged=True)", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert moslabels("batch", "m.json", "--quiet", cwd=folder).stderr.count("few: error") == 1


class Seen(Progress):
    """Shows two of the events: the others do nothing."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def table(self, name: str, number: int, count: int) -> None:
        self.events.append((name, (number, count)))

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        self.events.append((name, unit))


def test_progress_of_one_table_and_of_a_batch(folder: Path) -> None:
    seen = Seen()
    materialize("f.csv", "l.csv", "o.csv", progress=seen)
    assert seen.events[:2] == [("f.csv", (1, 1)), ("reading features", "bytes")]
    seen = Seen()
    run_batch("m.json", progress=seen)
    assert [event for event in seen.events if isinstance(event[1], tuple)] == [
        ("one", (1, 3)), ("few", (2, 3)), ("warned", (3, 3))
    ]  # fmt: skip


def test_progress_of_joins(folder: Path) -> None:
    seen = Seen()
    join(FEATURES, "l.csv", progress=seen)
    steps = [event for event, _ in seen.events]
    assert steps == ["features", "reading features", "reading labels", "matching", "joining"]
    seen = Seen()
    with labeller("l.csv", progress=seen) as prepared:
        assert seen.events == [("reading labels", "bytes")]
        for _ in range(2):
            seen.events.clear()
            prepared.join(FEATURES)
            assert [event for event, _ in seen.events] == ["features", "reading features", "matching", "joining"]
    with pytest.raises(TimeoutError):
        join(FEATURES, "l.csv", progress=Stops())


class Half:
    """Has some of the methods, and is not a subclass."""

    def table(self, name: str, number: int, count: int) -> None: ...

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None: ...


@pytest.mark.parametrize("progress", [Half(), print, None])
def test_a_progress_without_a_method_is_refused(folder: Path, progress: Any) -> None:
    says = "progress: must be a moslabels.Progress; it lacks .*advance, running, ended, note, unforeseen"
    with pytest.raises(UsageError, match=says):
        run_batch("m.json", progress=progress)
    with pytest.raises(UsageError, match=says):
        materialize("f.csv", "l.csv", "o.csv", progress=progress)
    with pytest.raises(UsageError, match=says):
        join("f.csv", "l.csv", progress=progress)
    with pytest.raises(UsageError, match=says):
        labeller("l.csv", progress=progress)


def test_a_class_in_place_of_its_object_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"progress: must be an object; make one of the class: Seen\(\)"):
        join("f.csv", "l.csv", progress=Seen)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["on_table", "on_report"])
def test_a_callback_that_cannot_be_called_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f'{name}: must be a function, not "int"'):
        run_batch("m.json", **{name: 5})  # type: ignore[arg-type]
    assert not Path("one.csv").exists()
