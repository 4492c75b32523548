"""Every error carries what a script needs: a code, and the table, file, column and row that it is about."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from conftest import write_table

import moslabels
from moslabels import CODES, MosLabelsError, join, materialize, run_batch

FEATURES = [{"clip_id": "a", "x": 1}, {"clip_id": "b", "x": 2}]
LABELS = "clip_id,mos\na,3.5\nb,4.5\n"
HERE: dict[str, tuple[Any, dict[str, Any], tuple[str, str | None, str | None, int | None]]] = {
    # labels, options -> code, file, column, row
    "a wrong option": (LABELS, {"min_match_rate": 2}, ("usage", None, None, None)),
    "no file": (None, {}, ("no-file", "labels.csv", None, None)),
    "not the encoding": (b"clip_id,mos\n\xff,1\n", {}, ("unreadable", "labels.csv", None, None)),
    "a ragged row": ("clip_id,mos\na,3.5\nb\n", {}, ("unreadable", "labels.csv", None, 2)),
    "no key column": ("a,mos\na,3.5\n", {}, ("no-column", "labels.csv", None, None)),
    "a column that is not there": (LABELS, {"label_mos_column": "moss"}, ("no-column", "labels.csv", "moss", None)),
    "two columns": ("mos,clip_id,mos\n1,a,1\n", {}, ("ambiguous-column", "labels.csv", "mos", None)),
    "a score that is none": ("clip_id,mos\na,3.5\nb,n/a\n", {}, ("bad-score", "labels.csv", "mos", 2)),
    "a score that is missing": ("clip_id,mos\na,\nb,3\n", {}, ("missing-score", "labels.csv", "mos", 1)),
    "a score too high": ("clip_id,mos\na,3\nb,7\n", {"mos_scale": "1-5"}, ("out-of-range", "labels.csv", "mos", 2)),
    "two scales": ("clip_id,mos\na,3\nb,70\n", {}, ("mixed-scale", "labels.csv", "mos", None)),
    "no labels": ("clip_id,mos\n", {}, ("no-labels", "labels.csv", None, None)),
    "a conflict": (LABELS + "b,2\n", {}, ("conflict", "labels.csv", "mos", 3)),
    "too few": ("clip_id,mos\na,3\n", {}, ("match-rate", "features.jsonl", "clip_id", None)),
    "label columns": (LABELS, {"status_column": "x"}, ("label-columns", "features.jsonl", "x", None)),
    "an extra that is none": (LABELS, {"extras": ["sos"]}, ("no-column", "labels.csv", "sos", None)),
}


@pytest.mark.parametrize("name", HERE)
def test_what_an_error_is_about(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels, options, (code, file, column, row) = HERE[name]
    write_table(Path("features.jsonl"), FEATURES)
    if labels is not None:
        write_table(Path("labels.csv"), labels)
    for call in (
        lambda: materialize("features.jsonl", ["labels.csv"], "out.jsonl", **options),
        lambda: join("features.jsonl", ["labels.csv"], **options),
    ):
        with pytest.raises(MosLabelsError) as caught:
            call()
        error = caught.value
        assert (error.code, error.file, error.column, error.row) == (code, file, column, row)
        assert (error.exit_status == 2) == (code == "usage")


def test_the_table_of_a_batch_and_the_code_in_its_report(tmp_path: Path) -> None:
    write_table(tmp_path / "f.jsonl", FEATURES)
    write_table(tmp_path / "l.csv", "clip_id,mos\na,3\na,4\n")
    (tmp_path / "m.json").write_text(
        '{"tables": [{"id": "one", "features": "f.jsonl", "labels": ["l.csv"], "out": "o.jsonl"}]}'
    )
    report = run_batch(tmp_path / "m.json")
    assert report["tables"][0]["error_code"] == "conflict"
    (spec,) = moslabels.load_manifest(tmp_path / "m.json").tables
    from moslabels.labelling import Run, label_table

    with pytest.raises(MosLabelsError) as caught:
        label_table(spec, Run())
    assert caught.value.table == "one"


def test_every_code_is_used_and_no_other() -> None:
    """A code is written where the error is raised, so that a program can rely on the list."""
    used = set()
    for path in (Path(moslabels.__file__).parent).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                used |= {leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)} - {"bad"}
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_code":
                used.add(ast.literal_eval(node.value))
    assert {code for code in used if isinstance(code, str)} - {"mos_state"} == set(CODES)
