"""Reports for machines that build and test: JUnit XML, and annotations of GitHub Actions."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import run_batch

HOSTILE = 'a"]]></failure>&\x00\x1b[31m\u202e\ufffe,::error::%0A'


@pytest.fixture(autouse=True)
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch of four tables: labelled with a warning, refused by the gate, refused for its labels, never run."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "f.csv", "key\na\nb\n")
    write_table(tmp_path / "l.csv", "key,mos\na,3\nb,4\n")
    write_table(tmp_path / "few.csv", "key,mos\na,3\n")
    table = {"features": "f.csv", "labels": ["l.csv"]}
    tables = [
        {**table, "id": "good", "out": "o1.csv", "confirm": ["is this\nright?"]},
        {**table, "id": "gate", "out": "o2.csv", "labels": ["few.csv"]},
        {**table, "id": HOSTILE, "out": "o3.csv", "labels": ["gone.csv"]},
    ]
    (tmp_path / "m.json").write_text(json.dumps({"tables": tables}))
    return "m.json"


def test_junit_has_a_case_for_each_table(manifest: str) -> None:
    report = run_batch(manifest, report_junit="j.xml")
    text = Path("j.xml").read_text(encoding="utf-8")
    (suite,) = ElementTree.fromstring(text)
    assert suite.attrib == {"name": "m.json", "tests": "3", "failures": "2", "errors": "0", "skipped": "0"}
    good, gate, hostile = suite
    assert (good.attrib["name"], [part.tag for part in good]) == ("good", ["system-out"])
    assert "right?" in (good[0].text or "")
    assert gate[0].attrib["type"] == "match-rate"
    assert gate[0].attrib["message"].startswith("MOS label match rate 0.500 below min_match_rate 0.950")
    assert gate[0].text == report["tables"][1]["error"]
    assert hostile.attrib["name"] == 'a"]]></failure>&\\u0000\\u001b[31m\\u202e\\ufffe,::error::%0A'
    assert hostile[0].attrib["type"] == "no-file"
    run_batch(manifest, report_junit="k.xml")
    assert Path("k.xml").read_text(encoding="utf-8") == text


def test_a_table_that_was_not_run_is_skipped(manifest: str) -> None:
    run_batch(manifest, report_junit="j.xml", fail_fast=True)
    (suite,) = ElementTree.parse("j.xml").getroot()
    assert (suite.attrib["failures"], suite.attrib["skipped"]) == ("1", "1")
    assert [part.tag for part in suite[2]] == ["skipped"]


def test_annotations_are_one_line_each_whatever_a_name_holds(manifest: str) -> None:
    done = moslabels("batch", manifest, "--report-github", "--quiet", cwd=Path.cwd())
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "failed"
    commands = [line for line in done.stderr.splitlines() if line.startswith("::")]
    warning, gate, hostile = commands
    assert warning.startswith("::warning file=m.json,title=good::")
    assert gate.startswith("::error file=m.json,title=gate (match-rate)::MOS label match rate 0.500 below")
    assert "%0A" in gate
    assert hostile.startswith(
        '::error file=m.json,title=a"]]></failure>&\\u0000\\u001b[31m\\u202e\ufffe%2C%3A%3Aerror%3A%3A%250A (no-file)::'
    )
    assert "::" not in moslabels("batch", manifest, "--quiet", cwd=Path.cwd()).stderr.replace("::error::%0A", "")
