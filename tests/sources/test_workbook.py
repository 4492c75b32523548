"""Sheets of Excel workbooks, as labels and as features."""

from __future__ import annotations

import datetime
import sys
from typing import Any

import pytest

from helpers.job import Job
from helpers.tables import write_table
from helpers.workbooks import Sheets, write_workbook
from moslabels import MosLabelsError, materialize
from moslabels.files.records import file_sha256
from moslabels.runs.compile import compiled
from moslabels.runs.verify import verify
from moslabels.spec.entry import table_spec
from moslabels.suggestions.search import suggest

pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")


def labelled(job: Job, sheets: Sheets, keys: list[Any], **options: Any) -> dict[Any, Any]:
    """The mos of each key, by labels in a workbook."""
    labels = write_workbook(job.folder / "l.xlsx", sheets)
    rows = job.run([{"key": key} for key in keys], labels, min_match_rate=0, **options)
    return {row["key"]: row["mos"] for row in rows}


LABELS = [["name", "MOS"], ["a.mp4", 3.5], ["b.mp4", 4]]
SHAPES: dict[str, tuple[list[list[Any]], dict[Any, Any]]] = {
    "numbers": (LABELS, {"a.mp4": 3.5, "b.mp4": 4, "c": None}),
    "numbers as text": ([["name", "MOS"], ["a.mp4", "3.5"]], {"a.mp4": 3.5}),
    "ids as numbers": ([["name", "MOS"], [10007436115, 3.5], [7, 2]], {"10007436115": 3.5, "7": 2}),
    "ids as numbers and as text": ([["name", "MOS"], [12, 3.5], ["A12", 2]], {"12": 3.5, "A12": 2}),
    "rows and columns without a value": (
        [["name", None, "MOS"], ["a.mp4", None, 3], [None, None, None], ["b.mp4", None, 4], [None, None, None]],
        {"a.mp4": 3, "b.mp4": 4},
    ),
    "a table that begins below": ([[None], [None, None], [None, "name", "MOS"], [None, "a.mp4", 3]], {"a.mp4": 3}),
    "dates beside": ([["name", "MOS", "day"], ["a.mp4", 3, datetime.date(2024, 5, 1)]], {"a.mp4": 3}),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", SHAPES)
def test_what_a_sheet_holds(job: Job, name: str) -> None:
    rows, expected = SHAPES[name]
    assert labelled(job, {"Sheet1": rows}, list(expected)) == expected


REFUSED: dict[str, tuple[Sheets, str]] = {
    "several sheets": ({"MOS": LABELS, "raw": LABELS}, 'has 2 sheets with values: "MOS", "raw"; name one by .*"sheet"'),
    "no values": ({"MOS": []}, "has no sheet that holds values"),
    "a title above": (
        {"MOS": [["Scores of 2024"], ["name", "MOS"], ["a", 3]]},
        "its first row names 1 of 2 columns, and column 2 holds values .row 1.",
    ),
    "an error in the place of a score": (
        {"MOS": [["name", "MOS"], ["a", "#N/A"]]},
        "row 1: .*has no score: null in row 1",
    ),
    "a formula that was never computed": (
        {"MOS": [["name", "MOS"], ["a", "=1+2"]]},
        "row 1: .*has no score: null in row 1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(job: Job, name: str) -> None:
    sheets, says = REFUSED[name]
    with pytest.raises(MosLabelsError, match=f"^{job.folder}/l.xlsx: {says}"):
        labelled(job, sheets, ["a"])


def test_a_sheet_by_its_name(job: Job) -> None:
    sheets = {"one": [["name", "MOS"], ["a", 1]], "two": [["name", "MOS"], ["a", 2]], "empty": []}
    assert labelled(job, sheets, ["a"], label_csv={"sheet": "two"}) == {"a": 2}
    for wrong, says in (
        ("three", 'has no sheet "three"; there are "one", "two", "empty"'),
        ("empty", "holds no values"),
    ):
        with pytest.raises(MosLabelsError, match=says):
            labelled(job, sheets, ["a"], label_csv={"sheet": wrong})


@pytest.mark.parametrize("out", ["o.parquet", "o.csv", "o.jsonl"])
def test_features(job: Job, out: str) -> None:
    rows = [["key", "x", "n", "t", "is"], ["a", 1.5, 3, "ü", True], ["b", 2, 4, None, False]]
    features = write_workbook(job.folder / "f.xlsx", {"f": rows})
    found = job.run(features, [{"key": "a", "mos": 3}], out_name=out, min_match_rate=0)
    assert [str(row["x"]) for row in found] == ["1.5", "2.0"]
    assert [str(row["n"]) for row in found] == ["3", "4"]
    assert [row["t"] or None for row in found] == ["ü", None]
    assert [str(row["is"]).lower() for row in found] == ["true", "false"]
    assert [float(row["mos"]) if row["mos"] else None for row in found] == [3, None]


def test_a_file_that_is_something_else(job: Job) -> None:
    (job.folder / "l.xlsx").write_text("name,mos\na,3\n")
    with pytest.raises(MosLabelsError, match="l.xlsx: cannot be read as an Excel workbook: "):
        job.run([{"key": "a"}], job.folder / "l.xlsx")


def test_the_reader_is_missing(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(MosLabelsError, match=r"l.xlsx: is an Excel .* pip install 'moslabels\[xlsx\]'$"):
        labelled(job, {"MOS": LABELS}, ["a"])


def test_a_sheet_of_what_is_not_a_workbook(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='l.csv: label_csv names the sheet "MOS", and this is not a workbook'):
        job.run([{"key": "a"}], "key,mos\na,3\n", labels_name="l.csv", label_csv={"sheet": "MOS"})
    with pytest.raises(ValueError, match='"sheet" names one of an Excel workbook, which has none of the others'):
        job.run([{"key": "a"}], "key,mos\na,3\n", labels_name="l.csv", label_csv={"sheet": "MOS", "delimiter": ";"})


def test_what_comes_after(job: Job) -> None:
    """A workbook is verified, explained and searched as other files are, and its sheet is part of the evidence."""
    sheets = {"MOS": LABELS, "raw": LABELS}
    labels = write_workbook(job.folder / "l.xlsx", sheets)
    features = write_table(job.folder / "f.csv", [{"name": "x/a.mp4"}, {"name": "x/b.mp4"}])
    options = {"label_csv": {"sheet": "MOS"}, "key_normalize": "basename"}
    audit = materialize(features, [labels], job.folder / "o.csv", audit_json=job.folder / "a.json", **options)
    assert audit["run_provenance"]["inputs"]["labels"][0]["sha256"] == file_sha256(str(labels))
    assert audit["config"]["label_csv"] == {"sheet": "MOS"}
    assert verify([str(job.folder / "a.json")])["status"] == "ok"
    found = suggest(features, [labels], label_csv={"sheet": "MOS"})
    assert found["suggestions"][0]["options"]["label_csv"] == {"sheet": "MOS"}
    with pytest.raises(MosLabelsError, match="l.xlsx: .*no DuckDB shell reads"):
        compiled([table_spec(features, [labels], job.folder / "o.csv", None, None, options)])
