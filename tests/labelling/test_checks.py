"""The checks of labels and feature keys: each is one statement, and its error carries the rows that it found."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from moslabels import TableError, join
from moslabels.base.errors import CODES
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render, sql_folder
from moslabels.files.workspace import Workspace
from moslabels.labelling import label_checks, match
from moslabels.labelling.label_inputs import judge_scales, make_scores, open_labels, read_rows
from moslabels.spec.options import Options
from moslabels.spec.table import LabelSpec, TableSpec


def test_each_statement_of_a_check_is_a_row_of_a_table() -> None:
    checks = [*match.CHECKS, *(check for checks in label_checks.CHECKS.values() for check in checks)]
    assert {check.code for check in checks} <= set(CODES)
    files = [path for folder in ("labels", "match") for path in (sql_folder() / folder / "checks").glob("*.sql")]
    names = {str(path.relative_to(sql_folder()))[:-4] for path in files}
    counted_in_arrow = {"match/checks/41_rows_of_labels"}  # Not of rows that are wrong: it is compared with the join.
    assert {check.statement for check in checks} == names - counted_in_arrow


def test_the_checks_of_a_table_run_in_the_order_of_their_files() -> None:
    statements = [check.statement for checks in label_checks.CHECKS.values() for check in checks]
    assert statements == sorted(statements)


COUNTED: list[tuple[list[str], dict[str, Any]]] = [
    (["key,mos\na,1\nb,2.5\n"], {}),
    (["key,mos\n"], {}),
    (["key,mos\n,1\n,x\n"], {}),
    (["key,mos\na,x\n,y\nb,\nc,nan\n"], {}),
    (["key,mos\na,x\nb,\n", "key,mos\nc,inf\n"], {"missing_mos": "skip"}),
    (["key,mos\na,1\na,1\nb,2\n", "key,mos\nb,3\nc,1\n"], {}),
    (["key,mos\na,1\na,1.5\n"], {"mos_tolerance": 1}),
    (["key,mos\na,1\nb,80\n", "key,mos\nc,90\n"], {}),
    (["key,mos\na,1\nb,80\nc,101\n"], {"mos_scale": "0-100"}),
    (["key,mos\na,1\nb,80\nc,101\n"], {"mos_scale": "0-100", "out_of_range": "clip"}),
    (["key,mos\na,1\nb,80\nc,101\n"], {"mos_scale": "0-100", "out_of_range": "clip", "max_clipped": 1}),
    (["key,mos\na,1\nb,0\n", "key,mos\nc,4\n"], {"mos_scale": "1-5"}),
    (["key,mos,scale\na,1,1-5\nb,80,0-100\nc,2,\nd,,zz\n"], {"mos_scale_column": "scale", "missing_mos": "skip"}),
    (["key,mos,scale\na,1,1-5\nb,80,0-100\n,2,\n"], {"mos_scale_column": "scale"}),
    (["key,mos,mos_raw_0_100\na,3,50\nb,3,60\nc,,20\nd,2,\n"], {}),
    (["key,mos,mos_raw_0_100\na,3,50\nb,3,101\n"], {"mos_tolerance": 4}),
    (["key,mos\n" + "a" * 65537 + ",1\nb,2\n"], {}),
]
MAY_AGREE = {"labels/checks/52_conflicts"}  # Its count has later labels of a key, which may say the same as the first.


def test_a_check_finds_rows_if_its_count_is_not_0(tmp_path: Path) -> None:
    found: set[str] = set()
    for texts, given in COUNTED:
        paths = [tmp_path / f"{number}.csv" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        options = Options(**given)
        labels = tuple(LabelSpec(str(path), str(path), options, given) for path in paths)
        spec = TableSpec("t", "f.csv", labels, "o.csv", None, None, options, given)
        with Workspace() as workspace, Engine() as engine:
            inputs = open_labels(engine, workspace, spec)
            read_rows(engine, inputs)
            files = judge_scales(engine, inputs)
            make_scores(engine, inputs, may_be_outside=True)
            values = {"tolerance": inputs.tolerance}
            scores = sum(file["scores"] for file in files)
            outside = engine.row(render("labels/41_score_counts", values))
            may_be_outside = any(file["may_be_outside"] for file in files)
            # What load_labels runs the statement by: without either, all of its counts are 0.
            assert (may_be_outside or inputs.any_mos_100) >= any(outside.values()), texts
            engine.run(render("labels/44_label_repeats"))
            repeats = engine.row(render("labels/45_repeat_count"))
            has_repeats = repeats["repeats"] > 0
            assert (scores != files[0]["hashes"]) == has_repeats, texts
            counts = [*files, {**outside, "no_labels": int(not scores), **repeats}]
            engine.run(render("labels/50_labels", typed_extras=(), has_repeats=has_repeats, are_held=True))
            for check in (
                check for table, checks in label_checks.CHECKS.items() if table != "extras" for check in checks
            ):
                rows = engine.rows(render(check.statement, values, typed_extras=()))
                is_counted = any(row.get(check.count) for row in counts)
                assert is_counted >= bool(rows), (texts, check)
                assert is_counted == bool(rows) or check.statement in MAY_AGREE, (texts, check)
                found |= {check.statement} if rows else set()
    known = {check.statement for table, checks in label_checks.CHECKS.items() if table != "extras" for check in checks}
    assert found == known, "each check finds something in one of these"


FOUND = {
    "bad-score": ("key,mos\na,x\nb,2\nc,y\n", [{"row": 1, "mos_text": "x", "total": 2}, {"row": 3, "mos_text": "y"}]),
    "missing-score": ("key,mos\na,1\nb,\n", [{"row": 2, "mos_text": None, "total": 1}]),
    "mixed-scale": ("key,mos\na,1\nb,80\nc,2\n", [{"low": 2, "high": 1, "least": 1.0, "greatest": 80.0}]),
    "no-labels": ("key,mos\n,1\n,2\n", [{"rows": 2, "rows_without_key": 2}]),
    "conflict": ("key,mos,split\na,1,x\na,2,y\n", [{"columns": ["mos", "split"], "key": "a"}]),
    "conflict ": ("key,mos\na,1\na,2\n", [{"key": "a", "first_file": "l.csv", "first_row": 1, "row": 2, "keys": 1}]),
}


@pytest.mark.parametrize("code", FOUND)
def test_an_error_carries_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    labels, expected = FOUND[code]
    monkeypatch.chdir(tmp_path)
    Path("f.csv").write_text("key\na\nb\n")
    Path("l.csv").write_text(labels)
    with pytest.raises(TableError) as caught:
        join("f.csv", "l.csv")
    assert caught.value.code == code.strip()
    assert len(caught.value.found) == len(expected)
    for row, some in zip(caught.value.found, expected, strict=True):
        assert {name: row[name] for name in some} == some
        assert row.get("file", "l.csv") == "l.csv"
    assert pickle.loads(pickle.dumps(caught.value)).found == caught.value.found


def test_the_first_file_that_has_a_fault_is_named_and_others_are_named_beside_it(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("f.csv", "1.csv", "2.csv")]
    for path, text in zip(paths, ("key\na\n", "key,mos\na,1\nb,x\n", "key,mos\nc,y\n"), strict=True):
        path.write_text(text)
    features, first, second = map(str, paths)
    with pytest.raises(TableError, match="2 scores are not finite numbers") as caught:
        join(features, [first, second])
    assert (caught.value.file, caught.value.row) == (first, 2)
    assert f'"x" in row 2, "y" in {second} row 1;' in str(caught.value)
    assert [row["file"] for row in caught.value.found] == [first, second]
