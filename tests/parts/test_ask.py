"""What helps to find a rule, and what prints one, with tables of many parts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.many import OPTIONS, PARTS, SCORES, expected_rows, label, write_parts
from helpers.tables import write_table
from moslabels import explain

FLAGS = [
    *("--partitions", "corpus", "--feature-key-column", "corpus", "--feature-key-column", "clip"),
    *("--label-key-column", "corpus", "--label-key-column", "clip"),
]
FEATURES: dict[str, Any] = {
    "a folder": "features",
    "a pattern": {"glob": "features/**/*"},
    "a list": ["features/corpus=A%20b", "features/corpus=C"],
}


def manifest(folder: Path, features: Any = "features", **options: Any) -> Path:
    table = {"id": "t", "features": features, "labels": ["labels.csv"], "out": "out", **OPTIONS, **options}
    path = folder / "m.json"
    path.write_text(json.dumps({"tables": [table]}))
    return path


@pytest.mark.parametrize("named", list(FEATURES))
def test_a_value_is_explained_with_the_value_of_its_folder(tmp_path: Path, named: str) -> None:
    write_parts(tmp_path)
    features = FEATURES[named]
    given = features if isinstance(features, str) else json.dumps(features)
    value = json.dumps(["A b", "2"])
    flags = ["--features", given, "--labels", "labels.csv", *FLAGS, "--json"]
    by_flags = moslabels("explain", value, *flags, cwd=tmp_path)
    manifest(tmp_path, features)
    by_manifest = moslabels("explain", value, "--manifest", "m.json", "--table", "t", "--json", cwd=tmp_path)
    for done in (by_flags, by_manifest):
        assert (done.returncode, done.stderr) == (0, "")
        (explained,) = json.loads(done.stdout)["values"]
        assert [step["column"] for step in explained["steps"]] == ["corpus", "clip"]
        assert explained["label"]["mos"] == SCORES["A b", "2"]
        assert Path(explained["features"]).name == "features"


def test_a_value_is_explained_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_parts(tmp_path))
    options = {name: OPTIONS[name] for name in ("partitions", "feature_key_column", "label_key_column")}
    for features in (*FEATURES.values(), Path("features"), [Path("features/corpus=A%20b"), Path("features/corpus=C")]):
        (explained,) = explain('["C", "1"]', features, "labels.csv", **options)
        assert explained["label"] is not None
        assert explained["label"]["mos"] == SCORES["C", "1"]


def run_in_duckdb(
    script: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the names of the columns of the last result, and its rows."""
    monkeypatch.chdir(folder)
    with duckdb.connect(":memory:") as connection:
        connection.execute(script)
        found = connection.execute("FROM labelled")
        return [name for name, *_ in found.description or ()], found.fetchall()


@pytest.mark.parametrize("hides", [False, True], ids=["plain", "columns named file_index and file_row_number"])
@pytest.mark.parametrize("is_relative", [False, True])
def test_the_labelled_view_has_the_rows_of_all_parts(
    tmp_path: Path, hides: bool, is_relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path, hides=hides)
    manifest(tmp_path)
    done = moslabels("compile", "m.json", *(["--relative"] if is_relative else []), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (str(tmp_path) in done.stdout) != is_relative
    assert "-- Its rows are those of 4 parts, in the order of their paths." in done.stdout
    assert done.stdout.endswith("FROM labelled;\n")
    columns, rows = run_in_duckdb(done.stdout, monkeypatch, tmp_path)
    # The values in the names of folders are keys. They are not columns of the files.
    assert columns == ["clip", "feature", "mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"]
    assert [(row[0], row[2], row[4]) for row in rows] == [row for name in PARTS for row in expected_rows(name)]
    assert [row[1] for row in rows] == list(range(12))
    left_out = re.findall(r'^-- The view labelled leaves out "(.*?)"', done.stdout, re.MULTILINE)
    assert left_out == (["FILE_INDEX", "file_row_number"] if hides else [])


def test_the_text_of_compile_grows_with_the_parts_and_not_with_their_square(tmp_path: Path) -> None:
    """Parts that must be read one by one are named as often as those that are read as a list."""
    named = {}
    for hides in (False, True):
        folder = tmp_path / str(hides)
        write_parts(folder, hides=hides)
        manifest(folder)
        text = re.sub("^--.*", "", moslabels("compile", "m.json", cwd=folder).stdout, flags=re.MULTILINE)
        assert ("UNION ALL\n    SELECT 4 AS part" in text) == hides
        named[hides] = [text.count(one) for one in ("x/empty.parquet'", "q[*].pq'", "[0, 4, 7, 7]", "['A b', 'C'")]
    assert named[True] == named[False]


@pytest.mark.parametrize("hides", [False, True])
def test_key_columns_may_have_the_names_of_what_numbers_parts_and_rows(tmp_path: Path, hides: bool) -> None:
    for number, clip in enumerate("abc"):
        row = {"part": f"p{clip}", "row": f"r{clip}", **({"file_index": 7} if hides else {})}
        write_table(tmp_path / "features" / f"{number}.parquet", [row, row])
    write_table(tmp_path / "labels.csv", [{"part": f"p{clip}", "row": f"r{clip}", "mos": 2} for clip in "abc"])
    audit = label(tmp_path, feature_key_column=["part", "row"], label_key_column=["part", "row"])
    assert (audit["matched_rows"], audit["matched_feature_keys"]) == (6, 3)


def test_a_column_that_the_view_cannot_have_is_named_with_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path)
    pq.write_table(pa.table({"feature": ["text"], "clip": ["1"]}), tmp_path / "features" / "corpus=C" / "r.parquet")
    manifest(tmp_path)
    done = moslabels("compile", "m.json", cwd=tmp_path)
    assert re.search(r'-- The view labelled leaves out "feature": .*r.parquet: column "feature" is of', done.stdout)
    columns, rows = run_in_duckdb(done.stdout, monkeypatch, tmp_path)
    assert columns[:2] == ["clip", "mos"]
    assert [row[:2] for row in rows][7:8] == [("1", SCORES["C", "1"])]


def test_two_tables_of_many_parts_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_parts(tmp_path)
    table = {"features": "features", "labels": ["labels.csv"], **OPTIONS}
    tables = [{"id": name, "out": f"out_{name}", **table} for name in "ab"]
    (tmp_path / "m.json").write_text(json.dumps({"tables": tables}))
    done = moslabels("compile", "m.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(run_in_duckdb(done.stdout, monkeypatch, tmp_path)[1]) == 12
