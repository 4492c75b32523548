"""``--skip-unchanged``: only what changed is run again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.made import copied, working_in
from helpers.mutants import mutants
from helpers.tables import write_table
from moslabels import TableError, UsageError, load_manifest, materialize, run_batch, verify
from moslabels.evidence import provenance, report
from moslabels.evidence.json_schema import audit_document
from moslabels.evidence.provenance import plain
from moslabels.evidence.run import Run
from moslabels.evidence.shape import fits
from moslabels.files.records import file_sha256
from moslabels.runs import unchanged

TABLES = [
    {"id": "one", "features": "f.csv", "labels": ["l.csv"], "out": "one.parquet", "audit_json": "one.json"},
    {"id": "two", "features": "f.csv", "labels": [{"path": "m.csv"}], "out": "two.csv", "audit_json": "two.json",
     "unmatched": "two_left.csv"},
]  # fmt: skip


def write_manifest(folder: Path, tables: list[dict[str, Any]], **defaults: Any) -> None:
    (folder / "manifest.json").write_text(
        json.dumps({"defaults": {"min_match_rate": 0.5, **defaults}, "tables": tables})
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("made")
    write_table(tmp_path / "f.csv", [{"key": "a"}, {"key": "b"}])
    for name in ("l.csv", "m.csv"):
        write_table(tmp_path / name, [{"key": "a", "mos": 3}])
    write_manifest(tmp_path, TABLES)
    with working_in(tmp_path):
        run_batch("manifest.json")
    return tmp_path


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


def statuses(**options: Any) -> list[str]:
    return [table["status"] for table in run_batch("manifest.json", skip_unchanged=True, **options)["tables"]]


def test_nothing_is_run_again(folder: Path) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    first = run_batch("manifest.json", dry_run=True)
    again = run_batch("manifest.json", skip_unchanged=True)
    assert [table["status"] for table in again["tables"]] == ["unchanged", "unchanged"]
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert again["summary"] == first["summary"]
    for table, same in zip(again["tables"], first["tables"], strict=True):
        assert {**table, "status": "ok"} == same
    assert again["run_provenance"]["inputs"] == first["run_provenance"]["inputs"]


def edit_audit(change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(Path("one.json").read_text())
    change(document)
    Path("one.json").write_text(json.dumps(document))


def touch_output() -> None:
    with open("one.parquet", "ab") as stream:
        stream.write(b" ")


CHANGES: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "a label file": (lambda: write_table(Path("l.csv"), [{"key": "a", "mos": 4}]), ["ok", "unchanged"]),
    "another label file": (lambda: write_table(Path("m.csv"), [{"key": "b", "mos": 4}]), ["unchanged", "ok"]),
    "the features": (lambda: write_table(Path("f.csv"), [{"key": "a"}]), ["ok", "ok"]),
    "the time of a file": (lambda: os.utime("l.csv", (0, 0)), ["unchanged", "unchanged"]),
    "the output": (touch_output, ["ok", "unchanged"]),
    "the output is gone": (lambda: os.remove("one.parquet"), ["ok", "unchanged"]),
    "the unmatched keys are gone": (lambda: os.remove("two_left.csv"), ["unchanged", "ok"]),
    "the unmatched keys were written by hand": (
        lambda: Path("two_left.csv").write_text("by hand"),
        ["unchanged", "ok"],
    ),
    "the audit holds what a newer version added": (
        lambda: edit_audit(lambda audit: audit.update(later=1)),
        ["ok", "unchanged"],
    ),
    "the audit is gone": (lambda: os.remove("one.json"), ["ok", "unchanged"]),
    "the audit is torn": (lambda: os.truncate("one.json", 100), ["ok", "unchanged"]),
    "the audit is another file": (lambda: Path("one.json").write_text("[]"), ["ok", "unchanged"]),
    "the audit lost a member": (lambda: edit_audit(lambda audit: audit.pop("config")), ["ok", "unchanged"]),
    "the audit has no histogram, as older ones": (
        lambda: edit_audit(lambda audit: audit.pop("mos_histogram")),
        ["ok", "unchanged"],
    ),
    "the audit has a text for its warnings": (
        lambda: edit_audit(lambda audit: audit.update(warnings="none")),
        ["ok", "unchanged"],
    ),
    "the audit has a text for a count": (
        lambda: edit_audit(lambda audit: audit["unused_label_keys"].update(count="1")),
        ["ok", "unchanged"],
    ),
    "the audit lost its provenance": (
        lambda: edit_audit(lambda audit: audit.update(run_provenance={})),
        ["ok", "unchanged"],
    ),
    "the audit has no hashes": (
        lambda: edit_audit(lambda audit: audit["run_provenance"]["inputs"]["features"].update(sha256=None)),
        ["ok", "unchanged"],
    ),
    "an option": (
        lambda: write_manifest(Path(), [{**TABLES[0], "missing_mos": "skip"}, TABLES[1]]),
        ["ok", "unchanged"],
    ),
    "a default": (lambda: write_manifest(Path(), TABLES, mos_tolerance=0.1), ["ok", "ok"]),
    "an option of a label file": (
        lambda: write_manifest(Path(), [TABLES[0], {**TABLES[1], "labels": [{"path": "m.csv", "mos_scale": "1-5"}]}]),
        ["unchanged", "ok"],
    ),
    "the path of unmatched": (
        lambda: write_manifest(Path(), [TABLES[0], {**TABLES[1], "unmatched": "u.csv"}]),
        ["unchanged", "ok"],
    ),
    "the name of a table": (lambda: write_manifest(Path(), [{**TABLES[0], "id": "uno"}, TABLES[1]]), ["unchanged"] * 2),
}


@pytest.mark.sampled
@pytest.mark.parametrize("what", list(CHANGES))
def test_what_changed_is_run_again(folder: Path, what: str) -> None:
    change, expected = CHANGES[what]
    change()
    assert statuses() == expected
    assert statuses() == ["unchanged", "unchanged"]


def test_other_versions_run_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "versions", lambda: {**provenance.versions(), "duckdb": "0.1"})
    assert statuses() == ["ok", "ok"]


def test_a_retry_runs_only_what_failed(folder: Path) -> None:
    write_table(folder / "m.csv", [{"key": "x", "mos": 3}])
    assert statuses() == ["unchanged", "error"]
    write_table(folder / "m.csv", [{"key": "b", "mos": 3}])
    assert statuses() == ["unchanged", "ok"]


def test_a_table_without_an_audit_says_so(folder: Path) -> None:
    write_manifest(folder, [{key: value for key, value in TABLES[0].items() if key != "audit_json"}, TABLES[1]])
    done = moslabels("batch", "manifest.json", "--skip-unchanged", "--report-json", "r.json", cwd=folder)
    assert done.returncode == 0
    assert "one: warning: has no audit_json, so it is never skipped; set one\n" in done.stderr
    assert "two: unchanged: match rate 0.500, 1 of 2 rows labelled -> two.csv\n" in done.stderr
    assert "1 of 2 tables labelled, 1 unchanged\n" in done.stderr


def test_an_edit_of_the_manifest_around_a_skipped_table_is_not_a_difference(folder: Path) -> None:
    """The report vouches that the manifest of now has the table. An audit alone has nothing but the hash of then."""
    write_manifest(folder, [*TABLES, {**TABLES[0], "id": "three", "out": "three.csv", "audit_json": "three.json"}])
    again = run_batch("manifest.json", skip_unchanged=True, report_json="r.json")
    assert [table["status"] for table in again["tables"]] == ["unchanged", "unchanged", "ok"]
    found = verify("r.json")
    assert (found["status"], [one["differences"] for one in found["files"]]) == ("ok", [[], [], [], []])
    says = ["manifest.json changed since it was written, and has the same table"]
    assert [one["notes"] for one in found["files"]] == [[], says, says, []]
    assert differing("one.json") == ["manifest manifest.json: sha256"]
    # The report does not vouch for a manifest that is not its own any more, or that has other tables than it says.
    write_manifest(folder, TABLES)
    assert differing("r.json") == ["manifest manifest.json: sha256"]
    document = json.loads(Path("r.json").read_text())
    document["run_provenance"]["inputs"]["manifest"]["sha256"] = file_sha256("manifest.json")
    Path("r.json").write_text(json.dumps(document))
    assert differing("r.json") == ["manifest manifest.json: sha256", "number of tables"]


def differing(path: str) -> list[str]:
    return sorted({difference["what"] for one in verify(path)["files"] for difference in one["differences"]})


def call(**more: Any) -> Any:
    return materialize("f.csv", "l.csv", "one.parquet", "one.json", min_match_rate=0.5, skip_unchanged=True, **more)


def test_one_table_is_skipped_by_the_audit_of_a_batch(folder: Path) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    arguments = ["materialize", "--features", "f.csv", "--labels", "l.csv", "--out", "one.parquet",
                 "--audit-json", "one.json", "--min-match-rate", "0.5", "--skip-unchanged"]  # fmt: skip
    says = "match rate 0.500, 1 of 2 rows labelled -> one.parquet\n"
    assert call() == json.loads(Path("one.json").read_text())
    assert moslabels(*arguments, cwd=folder).stderr == f"unchanged: {says}"
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    write_table(folder / "l.csv", [{"key": "a", "mos": 4}])
    assert call(dry_run=True)["mos_stats"]["mean"] == 4
    assert moslabels(*arguments, cwd=folder).stderr == says
    again = call()
    assert again["mos_stats"]["mean"] == 4
    assert again["run_provenance"]["args"]["skip_unchanged"] is True
    assert verify("one.json")["status"] == "ok"
    with pytest.raises(TableError, match=r"f\.csv: there is no such file"):
        os.remove("f.csv")
        call()


def test_what_could_never_be_skipped_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="skip_unchanged: needs audit_json"):
        materialize("f.csv", "l.csv", "one.parquet", skip_unchanged=True)
    done = moslabels(
        "materialize", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", "--skip-unchanged", cwd=folder
    )
    assert (done.returncode, "skip_unchanged: needs audit_json" in done.stderr) == (2, True)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    for run in (call, partial(run_batch, "manifest.json", skip_unchanged=True, report_json="r.json")):
        with pytest.raises(UsageError, match="skip_unchanged: run_provenance replaces the hashes"):
            run(run_provenance={})
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_no_mutant_of_an_audit_is_a_traceback_or_taken_for_one(folder: Path) -> None:
    (one, _) = load_manifest("manifest.json").tables
    original = json.loads(Path("one.json").read_text())
    run = Run()
    assert unchanged.audit_of_unchanged(one, run) is not None
    for place, way, mutant in mutants(original):
        Path("one.json").write_text(json.dumps(mutant))
        found = unchanged.audit_of_unchanged(one, run)
        if not fits(mutant, audit_document()):
            assert found is None, (place, way)
        if found is not None:
            report.markdown({"tables": [plain(report.table_entry(one, found, None, unchanged=True))]})


def test_an_audit_that_is_no_regular_file_is_not_waited_for(folder: Path) -> None:
    os.remove("one.json")
    os.mkfifo("one.json")
    (one, _) = load_manifest("manifest.json").tables
    assert unchanged.audit_of_unchanged(one, Run()) is None
