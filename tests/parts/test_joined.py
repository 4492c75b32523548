"""join() takes tables of many parts: one Arrow table in the order of the paths."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.many import OPTIONS, PARTS, expected_rows, write_parts
from helpers.tables import write_table
from moslabels import GateError, MosLabelsError, TableError, UsageError, join, labeller
from moslabels.runs import joined

FEATURES: dict[str, Any] = {
    "a folder": "features",
    "a path": Path("features"),
    "a pattern": {"glob": "features/**/*"},
    "a list": [Path("features/corpus=C"), "features/corpus=A%20b"],
}

GIVEN = {"a path": "features"}


@pytest.mark.parametrize("named", list(FEATURES))
def test_the_rows_of_all_parts_follow_each_other(tmp_path: Path, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_parts(tmp_path))
    done = join(FEATURES[named], "labels.csv", **OPTIONS)
    # The values in the names of folders are keys. They are not columns of the files.
    assert done.table.column_names == ["clip", "feature", *done.label_columns]
    rows = done.table.to_pylist()
    wanted = [row for name in PARTS for row in expected_rows(name)]
    assert [(row["clip"], row["mos"], row["mos_label_status"]) for row in rows] == wanted
    assert [row["feature"] for row in rows] == list(range(12))
    assert len(done.to_pandas()) == 12
    audit = done.audit
    assert [group["matched_feature_keys"] for group in audit["match_rate_by"]["groups"]] == [2, 2]
    assert audit["features"] == (
        [str(path) for path in FEATURES[named]]
        if named == "a list"
        else FEATURES["a folder" if named == "a path" else named]
    )
    assert [
        (part["path"], part["rows"], part["matched_rows"], part["sha256"], part["bytes"]) for part in audit["parts"]
    ] == [
        (name, len(clips), matched, None, None)
        for (name, clips), matched in zip(sorted(PARTS.items()), (3, 3, 0, 4), strict=True)
    ]
    assert [part["features_sha256"] for part in audit["parts"]] == [
        hashlib.sha256((tmp_path / "features" / name).read_bytes()).hexdigest() for name in sorted(PARTS)
    ]


def test_a_labeller_takes_one_table_of_many_parts_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_parts(tmp_path))
    with labeller("labels.csv", **OPTIONS) as prepared:
        for features in ("features", "features", ["features/corpus=C"]):
            told, alone = prepared.join(features), join(features, "labels.csv", **OPTIONS)
            assert told.table.equals(alone.table)
            assert told.audit["parts"] == alone.audit["parts"]


def two_parts(folder: Path, other: pa.Table) -> None:
    first = pa.table({"key": ["a", "b"], "x": pa.array([1.0, 2.0])})
    (folder / "features").mkdir()
    pq.write_table(first, folder / "features" / "0.parquet")
    pq.write_table(other, folder / "features" / "1.parquet")
    write_table(folder / "labels.csv", [{"key": key, "mos": 3} for key in "abc"])


DIFFERENT: dict[str, tuple[pa.Table, str]] = {
    "a column is missing": (pa.table({"key": ["c"]}), '1.parquet: has no column "x", which is in .*0.parquet'),
    "a column is there too": (
        pa.table({"key": ["c"], "x": [1.0], "y": [2]}),
        '1.parquet: has a column "y", which is not in .*0.parquet',
    ),
    "another order": (
        pa.table({"x": [1.0], "key": ["c"]}),
        '1.parquet: has its columns in another order, "x", "key", and not as "key", "x" in .*0.parquet',
    ),
    "another type": (
        pa.table({"key": ["c"], "x": ["7"]}),
        '1.parquet: column "x" is of type string, and of type double in .*0.parquet',
    ),
    "another width": (
        pa.table({"key": ["c"], "x": pa.array([1.0], pa.float32())}),
        '1.parquet: column "x" is of type float, and of type double in .*0.parquet',
    ),
    "another name by case": (pa.table({"key": ["c"], "X": [1.0]}), '1.parquet: has no column "x", which is in'),
    "another type of the key": (pa.table({"key": [3], "x": [1.0]}), '1.parquet: column "key" is of type BIGINT'),
}


@pytest.mark.parametrize("case", list(DIFFERENT))
def test_parts_with_other_columns_are_not_mixed(tmp_path: Path, case: str) -> None:
    other, says = DIFFERENT[case]
    two_parts(tmp_path, other)
    with pytest.raises(TableError, match=says) as refused:
        join(tmp_path / "features", tmp_path / "labels.csv", min_match_rate=0)
    assert refused.value.file == str(tmp_path / "features" / "1.parquet")


def test_a_part_that_was_labelled_before_is_no_other_if_label_columns_are_replaced(tmp_path: Path) -> None:
    two_parts(tmp_path, pa.table({"key": ["c"], "x": [3.0], "mos": [9.0]}))
    with pytest.raises(TableError, match="refusing to overwrite existing MOS columns: mos"):
        join(tmp_path / "features", tmp_path / "labels.csv")
    done = join(tmp_path / "features", tmp_path / "labels.csv", overwrite=True)
    assert done.table.select(["x", "mos"]).to_pylist() == [{"x": x, "mos": 3.0} for x in (1.0, 2.0, 3.0)]


def test_a_column_that_must_have_values_in_one_part_may_lack_them_in_another(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("key", pa.string()), pa.field("x", pa.float64(), nullable=False)])
    two_parts(tmp_path, pa.table({"key": ["c"], "x": [3.0]}, schema=schema))
    done = join(tmp_path / "features", tmp_path / "labels.csv")
    assert done.table["x"].to_pylist() == [1.0, 2.0, 3.0]
    assert done.table.schema.field("x").nullable


def test_the_gate_holds_over_all_parts_and_the_part_without_labels_is_named(tmp_path: Path) -> None:
    two_parts(tmp_path, pa.table({"key": ["none"], "x": [3.0]}))
    features, labels = tmp_path / "features", tmp_path / "labels.csv"
    assert join(features, labels, min_match_rate=0.6).audit["warnings"] == ["1 of 2 parts without any label: 1.parquet"]
    with pytest.raises(GateError, match="match rate 0.667 below min_match_rate 0.700"):
        join(features, labels, min_match_rate=0.7)


def link(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "features" / "more").symlink_to(folder / "elsewhere")


def hive_clash(folder: Path) -> None:
    (folder / "features" / "x=1").mkdir()
    for name in ("0.parquet", "1.parquet"):
        (folder / "features" / name).rename(folder / "features" / "x=1" / name)


REFUSED: dict[str, tuple[Callable[[Path], Any], dict[str, Any], type[MosLabelsError], str]] = {
    "a link to a folder": (link, {}, TableError, "more: is a link to a folder"),
    "a folder named as a column": (hive_clash, {"partitions": ["x"]}, TableError, 'has a column "x", and partitions'),
    "an empty list": (lambda _: None, {"features": []}, UsageError, "features: must name one file at least"),
    "a CSV file in a list": (
        lambda _: None,
        {"features": ["labels.csv"]},
        UsageError,
        r"features\[0\]: \"labels.csv\" must be a folder that is there, or a file of Parquet",
    ),
    "a pattern of nothing": (lambda _: None, {"features": {"glob": "n/*"}}, TableError, "no Parquet file has a path"),
    "a list in a list": (lambda _: None, {"features": [["f"]]}, UsageError, r"features\[0\]: must be a path"),
    "a column as a dict": (lambda _: None, {"features": {"key": ["a"]}}, UsageError, "features: must be a path, an"),
    "a folder named as a table": (
        lambda _: None,
        {"features": {"glob": "labels/*"}, "labels": pa.table({"key": ["a"], "mos": [3]})},
        UsageError,
        'features: "labels" is a folder and the name of a table in memory',
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_names_no_table_is_refused(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_parts(tmp_path, pa.table({"key": ["c"], "x": [3.0]}))
    change, given, kind, says = REFUSED[case]
    change(tmp_path)
    with pytest.raises(kind, match=says):
        join(**{"features": "features", "labels": "labels.csv", **given})


def test_a_csv_file_among_parts_is_not_a_part(tmp_path: Path) -> None:
    two_parts(tmp_path, pa.table({"key": ["c"], "x": [3.0]}))
    write_table(tmp_path / "features" / "more.csv", [{"key": "a", "x": 9.0}])
    assert len(join(tmp_path / "features", tmp_path / "labels.csv").table) == 3


CHANGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "changes": (lambda folder: os.utime(folder / "1.parquet", ns=(1, 1)), "1.parquet: changed while"),
    "comes": (lambda folder: shutil.copy(folder / "0.parquet", folder / "2.parquet"), "2.parquet: came or went while"),
    "goes": (lambda folder: (folder / "1.parquet").unlink(), "1.parquet: came or went while"),
}


@pytest.mark.parametrize("case", list(CHANGES))
def test_a_part_that_changes_while_the_table_is_read(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_parts(tmp_path, pa.table({"key": ["c"], "x": [3.0]}))
    change, says = CHANGES[case]
    real = joined.judge
    monkeypatch.setattr("moslabels.runs.joined.judge", lambda *args: [real(*args), change(tmp_path / "features")][0])
    with pytest.raises(TableError, match=says):
        join(tmp_path / "features", tmp_path / "labels.csv")


def test_a_folder_named_features_is_not_the_table_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_parts(tmp_path))
    rows = pa.table({"corpus": ["C"], "clip": ["2"]})
    options = {name: OPTIONS[name] for name in ("feature_key_column", "label_key_column")}
    assert join(rows, "labels.csv", **options).table["mos"].to_pylist() == [4.5]
