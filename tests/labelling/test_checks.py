"""The checks of labels and feature keys: each is one statement, and its error carries the rows that it found."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from moslabels import TableError, join
from moslabels.base.errors import CODES
from moslabels.engine.statements import sql_folder
from moslabels.labelling import label_checks, match


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
