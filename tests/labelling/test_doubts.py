"""Warnings about label files that are hardly used or have other key columns: told everywhere, and not too often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.tables import write_table
from moslabels import GateError, join, run_batch
from moslabels.evidence.audit import json_text
from moslabels.runs.verify import verify

A, B = "a.jsonl", "b.jsonl"
BY_KEY = 'column "key"'
NONE = "no feature uses a label of it, of {}: leave it out if it is of other clips, or make its key ({}) that of the"
FEW = "features use {} of its {} labels: where all of its clips should be among the features, its key ({})"


def labels(first: int, last: int, column: str = "key", **others: Any) -> list[dict]:
    return [{column: f"k{number}", "mos": 1 + number % 4, **others} for number in range(first, last)]


def features(*numbers: int) -> list[dict]:
    return [{"key": f"k{number}"} for number in numbers]


def told(job: Job) -> list[str]:
    return [warning.replace(f"{job.folder}/", "") for warning in job.audit["warnings"]]


USED = [
    # features, label files, options, warnings: the file that each is about, and how it begins
    ("one file of all splits", features(1), {A: labels(0, 100)}, {}, []),
    ("train and test, all used", features(*range(10)), {A: labels(0, 8), B: labels(8, 10)}, {}, []),
    ("half of a file", features(*range(5), 10), {A: labels(0, 10), B: labels(10, 11)}, {}, []),
    ("a copy", features(*range(10)), {A: labels(0, 10), B: labels(0, 10)}, {}, []),
    (
        "less than half of a file",
        features(*range(4), 10),
        {A: labels(0, 10), B: labels(10, 11)},
        {},
        [(A, FEW.format(4, 10, BY_KEY))],
    ),
    (
        "few of a file, and none of another",
        features(10, *range(20)),
        {A: labels(0, 20), B: labels(10, 100), "c.jsonl": labels(200, 203)},
        {},
        [(B, FEW.format(10, 90, BY_KEY)), ("c.jsonl", NONE.format(3, BY_KEY))],
    ),
    (
        "the rule of its key",
        [{"src": "k1"}, {"src": "k2"}],
        {A: [{"path": "x/k1", "mos": 3}, {"path": "x/k2", "mos": 3}], B: [{"path": "x/k7", "mos": 3}]},
        {},
        [(B, NONE.format(1, 'column "path" (basename)'))],
    ),
    (
        "no label in a file",
        features(1, 2),
        {A: labels(1, 3), B: [{"key": "k7", "mos": None}, {"key": "k8", "mos": None}]},
        {"missing_mos": "skip"},
        [(B, "it holds no label: none of its 2 rows has a key and a score")],
    ),
    ("no label is used", features(7), {A: labels(1, 3)}, {"min_match_rate": 0}, [(A, NONE.format(2, BY_KEY))]),
    ("no features", [{"key": None}], {A: labels(1, 3), B: labels(3, 5)}, {"min_match_rate": 0}, []),
]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("rows", "files", "options", "warnings"), [case[1:] for case in USED], ids=[case[0] for case in USED]
)
def test_label_files_that_are_hardly_used(
    job: Job, rows: list, files: dict, options: dict, warnings: list[tuple[str, str]]
) -> None:
    job.run(rows, files, **options)
    assert len(told(job)) == len(warnings)
    for said, (file, begins) in zip(told(job), warnings, strict=True):
        assert said.startswith(f"{file}: {begins}")


def test_labels_of_a_key_in_two_files_and_rows_of_a_clip_count_once(job: Job) -> None:
    twice = [*labels(0, 3), *labels(0, 3)]
    job.run(features(*[0] * 9, 1), {A: twice, B: [*labels(0, 1), *labels(20, 22)]})
    assert [said.split(":")[1].strip() for said in told(job)] == ["features use 1 of its 3 labels"]
    assert told(job)[0].startswith(B)


KEYS = "the label files have different key columns: {}; name the key of each in its entry of labels"
COLUMNS = [
    # key columns of two files, their options, warning
    ("key", "key", {}, {}, None),
    ("Key", "key", {}, {}, None),
    ("key", "clip_id", {}, {}, 'column "key" of a.jsonl (inferred), column "clip_id" of b.jsonl (inferred)'),
    (
        "own",
        "clip_id",
        {"label_key_column": "own"},
        {},
        'column "own" of a.jsonl, column "clip_id" of b.jsonl (inferred)',
    ),
    ("own", "clip_id", {"label_key_column": "own"}, {"label_key_column": "clip_id"}, None),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("first", "second", "of_first", "of_second", "warning"), COLUMNS)
def test_key_columns_that_differ(
    job: Job, monkeypatch: pytest.MonkeyPatch, first: str, second: str, of_first: dict, of_second: dict, warning: str
) -> None:
    monkeypatch.chdir(job.folder)
    write_table(Path("f.jsonl"), features(1, 2, 3))
    write_table(Path(A), labels(1, 3, first))
    write_table(Path(B), labels(3, 4, second))
    entries = [{"path": A, **of_first}, {"path": B, **of_second}]
    table = {"id": "t", "features": "f.jsonl", "labels": entries, "out": "o.csv"}
    Path("m.json").write_text(json.dumps({"tables": [table]}))
    (found,) = run_batch("m.json")["tables"]
    assert found["status"] == "ok"
    said = found.get("warnings", [])
    assert len(said) == (warning is not None)
    assert all(one.startswith(KEYS.format(warning)) for one in said)


@pytest.fixture
def warned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A manifest of a table with a warning, and the warning."""
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.csv"), features(1, 2))
    write_table(Path("a.csv"), labels(1, 3))
    write_table(Path("b.csv"), labels(5, 9))
    table = {"id": "t", "features": "f.csv", "labels": ["a.csv", "b.csv"], "out": "o.csv", "audit_json": "a.json"}
    Path("m.json").write_text(json.dumps({"tables": [table]}))
    return f"b.csv: {NONE.format(4, BY_KEY)}"


def test_it_is_said_in_the_terminal_the_audit_the_report_and_the_page(warned: str) -> None:
    done = moslabels(
        "batch", "m.json", "--report-json", "r.json", "--report-md", "r.md", "--report-html", "r.html", cwd=Path()
    )
    assert done.returncode == 0
    assert f"t: warning: {warned}" in done.stderr
    (audited,) = json.loads(Path("a.json").read_text())["warnings"]
    assert audited.startswith(warned)
    assert json.loads(Path("r.json").read_text())["tables"][0]["warnings"] == [audited]
    assert "b.csv: no feature uses a label of it" in Path("r.md").read_text()
    assert "b.csv: no feature uses a label of it" in Path("r.html").read_text()


def test_an_audit_of_a_version_that_did_not_warn_holds(warned: str) -> None:
    run_batch("m.json")
    assert verify(["a.json"])["status"] == "ok"
    audit = json.loads(Path("a.json").read_text())
    audit["warnings"] = []
    Path("a.json").write_text(json_text(audit))
    (found,) = verify(["a.json"])["files"]
    assert [one["what"].split("[")[0] for one in found["differences"]] == ["warnings"]
    audit["run_provenance"]["versions"]["moslabels"] = "0.0.1"
    Path("a.json").write_text(json_text(audit))
    (found,) = verify(["a.json"])["files"]
    assert (found["status"], found["differences"]) == ("unknown", [])
    assert any(
        f"it lacks warnings of this version, which are not checked: {warned}" in said for said in found["unknown"]
    )
    audit["warnings"] = ["made up"]
    Path("a.json").write_text(json_text(audit))
    assert [one["what"] for one in verify(["a.json"])["files"][0]["differences"]] == ["warnings"]


def test_a_table_that_the_gate_stops_names_the_files(job: Job) -> None:
    with pytest.raises(GateError) as several:
        job.run(features(1, 2), {A: labels(1, 2), B: labels(5, 9)})
    assert f"{B}: {NONE.format(4, BY_KEY)}" in str(several.value)
    with pytest.raises(GateError) as one:
        job.run(features(1, 2), {A: labels(5, 9)})
    assert "no feature uses a label of it" not in str(one.value)


def test_tables_in_memory_have_the_names_that_they_were_given() -> None:
    given = {"clips": labels(1, 3), "others": labels(5, 9)}
    tables = [{"table": pa.Table.from_pylist(rows), "name": name} for name, rows in given.items()]
    (said,) = join(pa.Table.from_pylist(features(1, 2)), tables).audit["warnings"]
    assert said.startswith(f"others: {NONE.format(4, BY_KEY)}")
