"""confirm: what is left to confirm about a table is a warning wherever the table is told, until it is deleted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import join

NOTE = "the scores lie between 1.5 and 4.5: is <b>5</b> the best?"
WARNING = f"to confirm: {NOTE} (then delete this note from confirm)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_table(tmp_path / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 1.5}, {"key": "b", "mos": 4.5}])
    write_table(tmp_path / "none.csv", [{"key": "c", "mos": 1.5}])
    return tmp_path


def batch(folder: Path, *flags: str, labels: str = "l.csv", **options: Any) -> tuple[int, str, dict[str, Any]]:
    """The exit status, what was said, and the report."""
    entry = {"id": "t", "features": "f.csv", "labels": [labels], "out": "o.csv", "audit_json": "a.json", **options}
    write_table(folder / "m.json", json.dumps({"tables": [entry]}))
    reports = ["--report-json", "r.json", "--report-md", "r.md", "--report-html", "r.html"]
    done = moslabels("batch", "m.json", *reports, *flags, cwd=folder)
    return done.returncode, done.stderr, json.loads((folder / "r.json").read_text(encoding="utf-8"))


def test_it_is_said_everywhere_until_it_is_deleted(folder: Path) -> None:
    status, said, report = batch(folder, confirm=[NOTE])
    assert status == 0
    assert f"t: warning: {WARNING}\n" in said
    assert report["tables"][0]["warnings"] == [WARNING]
    assert report["tables"][0]["config"] == {"confirm": [NOTE]}
    audit = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert (audit["warnings"], audit["config"]) == ([WARNING], {"confirm": [NOTE]})
    assert "to confirm: the scores lie" in (folder / "r.md").read_text(encoding="utf-8")
    assert "is &lt;b&gt;5&lt;/b&gt; the best?" in (folder / "r.html").read_text(encoding="utf-8")
    assert moslabels("verify", "r.json", "a.json", cwd=folder).returncode == 0
    # An unchanged table still has its question; without the note, it is another job.
    assert WARNING in batch(folder, "--skip-unchanged", confirm=[NOTE])[1]
    _, said, report = batch(folder, "--skip-unchanged")
    assert "warning" not in said
    assert report["tables"][0]["status"] == "ok"
    assert "warnings" not in report["tables"][0]


def test_a_table_that_fails_says_it_too(folder: Path) -> None:
    status, said, report = batch(folder, labels="none.csv", confirm=[NOTE])
    assert status == 1
    assert said.index(f"t: warning: {WARNING}\n") < said.index("t: error: MOS label match rate 0.000")
    assert report["tables"][0]["warnings"] == [WARNING]
    assert moslabels("verify", "r.json", cwd=folder).returncode == 0


def test_in_a_call_and_in_defaults_it_is_an_option_like_any_other(folder: Path) -> None:
    assert join(folder / "f.csv", folder / "l.csv", confirm=[NOTE]).audit["warnings"] == [WARNING]
    flags = ("--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", "--quiet", "--confirm", json.dumps([NOTE]))
    assert f"moslabels: warning: {WARNING}\n" in moslabels("materialize", *flags, cwd=folder).stderr
    entry = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
    write_table(folder / "m.json", json.dumps({"defaults": {"confirm": [NOTE]}, "tables": [entry]}))
    assert f"t: warning: {WARNING}\n" in moslabels("batch", "m.json", cwd=folder).stderr
