"""examples: values of the key columns and the keys that they must give, checked before rows are joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers import many
from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import TableError, join, labeller, load_manifest, materialize, run_batch
from moslabels.runs.compile import compiled

RULE = {"feature_key_regex": "^([0-9]+)_", "feature_key_column": "name", "label_key_column": "clip"}
RIGHT = {"12_960.mp4": "12", "x/3_a": "3", "y.mp4": None, "": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_table(tmp_path / "f.csv", [{"name": "x/12_540.mp4"}, {"name": "13_540.mp4"}])
    write_table(tmp_path / "l.csv", [{"clip": "12", "mos": 1.5}, {"clip": "13", "mos": 4.5}])
    return tmp_path


def labelled(folder: Path, examples: dict[str, Any], **options: Any) -> dict[str, Any]:
    return materialize(folder / "f.csv", folder / "l.csv", folder / "o.csv", examples=examples, **{**RULE, **options})


def test_examples_that_hold_change_nothing_but_what_the_evidence_says_was_asked(folder: Path) -> None:
    labelled(folder, {})
    plain = (folder / "o.csv").read_bytes()
    assert labelled(folder, RIGHT)["config"]["examples"] == RIGHT
    assert (folder / "o.csv").read_bytes() == plain


def test_all_that_do_not_hold_are_told_in_one_error(folder: Path) -> None:
    wrong = {"12_960.mp4": "12_960", "13_1.mp4": "13", "x.mp4": "x", "7_1.mp4": None}
    with pytest.raises(TableError) as caught:
        labelled(folder, wrong)
    assert str(caught.value) == (
        f"{folder}/f.csv: 3 of 4 examples do not give the key that they must give: "
        '"12_960.mp4": it gives the key "12", and must give "12_960"; '
        '"x.mp4": it gives no key, and must give the key "x"; '
        '"7_1.mp4": it gives the key "7", and must give no key; '
        'the rule is column "name" (basename, by "^([0-9]+)_"): change it, or the example if the rule is right '
        "(moslabels explain shows the steps of a value)"
    )
    error = caught.value
    assert (error.code, error.file, error.column) == ("bad-example", f"{folder}/f.csv", "name")
    assert [(one["value"], one["key"], one["wanted"]) for one in error.found] == [
        ("12_960.mp4", "12", "12_960"),
        ("x.mp4", None, "x"),
        ("7_1.mp4", "7", None),
    ]
    assert not (folder / "o.csv").exists()


JSON_OF_BOTH = '{"id": 12.0}\n{"id": "12.0"}\n'
# The features, further options, and what holds.
HELD: dict[str, tuple[str, Any, dict[str, Any], dict[str, Any]]] = {
    "a number of Parquet": ("f.parquet", pa.table({"id": [12]}), {}, {"12": "12", "12.0": "12"}),
    "a float": ("f.parquet", pa.table({"id": [12.0]}), {}, {"12": "12", "1.2e1": "12"}),
    "a text of Parquet": ("f.parquet", pa.table({"id": ["12.0"]}), {}, {"12": "12", "12.0": "12.0", " ": None}),
    "a dictionary": ("f.parquet", pa.table({"id": pa.array(["12"]).dictionary_encode()}), {}, {"x ": "x"}),
    "a CSV cell": ("f.csv", "id\n12\n", {}, {"12.0": "12.0"}),
    "a JSON number": ("f.jsonl", '{"id": 12.0}\n', {}, {"12.0": "12", "x": "x"}),
    "a JSON text": ("f.jsonl", '{"id": "x"}\n', {}, {"12.0": "12.0"}),
    "a JSON column of both": ("f.jsonl", JSON_OF_BOTH, {}, {"12": "12", "x": "x"}),
    "without case": ("f.csv", "id\nX\n", {"key_case": "fold"}, {"STRASSE": "strasse", "Straße": "strasse"}),
    "a base name": ("f.csv", "id\nX\n", {"key_normalize": "stem"}, {"a/b.c.mp4": "b.c", "a\\b": "b"}),
    "a key that looks like a list": ("f.csv", "id\nX\n", {}, {'["a"]': '["a"]', "[1, 2]": "[1, 2]"}),
    "several columns": (
        "f.csv",
        "id,b\n1,2\n",
        {"feature_key_column": ["id", "b"], "label_key_column": ["id", "mos"]},
        {'["1", " x"]': ["1", "x"], '["", "x"]': None},
    ),
    "one column twice": (
        "f.csv",
        "id\n1-2\n",
        {
            "feature_key_column": ["id", "id"],
            "feature_key_regex": ["^([^-]+)", "-(.+)"],
            "label_key_column": ["id", "mos"],
        },
        {"a-b": ["a", "b"], "ab": None},
    ),
    "a template": (
        "f.csv",
        "id,b\n1,2\n",
        {"feature_key_column": ["id", "b"], "feature_key_template": "{1}_{0}.mp4", "key_normalize": "stem"},
        {'["x", "a/y"]': "y_x", '["x", ""]': None},
    ),
}


@pytest.mark.parametrize("name", list(HELD))
def test_a_value_is_what_explain_takes(tmp_path: Path, name: str) -> None:
    path, content, options, examples = HELD[name]
    features = write_table(tmp_path / path, content)
    labels = write_table(tmp_path / "l.csv", [{"id": "12", "mos": 3}])
    rule = {"feature_key_column": "id", "label_key_column": "id", "mos_scale": "1-5", "min_match_rate": 0, **options}
    assert join(features, labels, examples=examples, **rule).audit["input_rows"] > 0
    # Each of them is looked at.
    other = ["not", "it"] if any(isinstance(key, list) for key in examples.values()) else "not it"
    with pytest.raises(TableError) as caught:
        join(features, labels, examples=dict.fromkeys(examples, other), **rule)
    assert {one["value"]: one["key"] for one in caught.value.found} == examples


REFUSED: list[tuple[str, Any, str, str]] = [
    ("f.parquet", pa.table({"id": [12]}), "12.5", '"12.5": column "id" cannot hold "12.5": it is BIGINT'),
    ("f.parquet", pa.table({"id": [12]}), "x", '"x": column "id" cannot hold "x": it is BIGINT'),
    ("f.parquet", pa.table({"id": [12.0]}), "12.5", '"12.5": it cannot be a key: a fractional number'),
    ("f.json", '[{"id": 12}]', "12.5", '"12.5": it cannot be a key: a fractional number'),
    (
        "f.jsonl",
        JSON_OF_BOTH,
        "12.0",
        '"12.0": it gives the key "12" as DOUBLE and the key "12.0" as VARCHAR, and the features hold both: ',
    ),
]


@pytest.mark.parametrize("key", [None, "12", "12.5"])
@pytest.mark.parametrize(("path", "content", "value", "message"), REFUSED)
def test_what_cannot_be_told_is_refused_whatever_key_it_must_give(
    tmp_path: Path, path: str, content: Any, value: str, message: str, key: str | None
) -> None:
    features = write_table(tmp_path / path, content)
    labels = write_table(tmp_path / "l.csv", [{"id": "12", "mos": 3}])
    rule = {"feature_key_column": "id", "label_key_column": "id", "mos_scale": "1-5", "min_match_rate": 0}
    with pytest.raises(TableError) as caught:
        join(features, labels, examples={value: key}, **rule)
    assert caught.value.code == "bad-example"
    assert message in str(caught.value)


def test_keys_that_look_the_same_are_told_apart(folder: Path) -> None:
    with pytest.raises(TableError, match=r'gives the key "caf\\u00e9", and must give "cafe\\u0301"'):
        labelled(folder, {"café": "cafe\u0301"}, feature_key_regex="")


def test_they_are_checked_over_many_parts_with_the_values_of_folders(tmp_path: Path) -> None:
    many.write_parts(tmp_path)
    right = {'["A b", " 7"]': ["A b", "7"], '["C", ""]': None}
    plain = many.label(tmp_path)
    assert many.label(tmp_path, out="asked", **many.OPTIONS, examples=right)["match_rate"] == plain["match_rate"]
    with pytest.raises(
        TableError, match=r'1 of 1 examples do.*gives the key \["A b", "7"\], and must give \["A b"'
    ) as caught:
        many.label(tmp_path, out="wrong", **many.OPTIONS, examples={'["A b", "7"]': ["A b", "8"]})
    assert caught.value.code == "bad-example"
    assert not (tmp_path / "wrong").exists()
    write_table(tmp_path / "corpora.csv", [{"corpus": "A b", "mos": 3}])
    only: dict[str, Any] = {"partitions": ["corpus"], "feature_key_column": "corpus", "labels": "corpora.csv"}
    only["label_key_column"] = "corpus"
    with pytest.raises(TableError, match='"A%20b": it gives the key "A%20b", and must give "A b"'):
        many.label(tmp_path, out="wrong", **only, examples={"A%20b": "A b"})


def test_a_batch_goes_on_and_its_report_names_the_code(folder: Path) -> None:
    entry = {"features": "f.csv", "labels": ["l.csv"], **RULE}
    tables = [
        {**entry, "id": "bad", "out": "bad.csv", "examples": {"a": "b"}},
        {**entry, "id": "good", "out": "good.csv", "examples": RIGHT},
        {**entry, "id": "of defaults", "out": "other.csv"},
    ]
    write_table(folder / "m.json", json.dumps({"defaults": {"examples": {"1_": "2"}}, "tables": tables}))
    done = moslabels("batch", "m.json", "--report-json", "r.json", cwd=folder)
    assert done.returncode == 1
    assert "bad: error: f.csv: 1 of 1 examples do" in done.stderr
    told = json.loads((folder / "r.json").read_text(encoding="utf-8"))["tables"]
    assert [(one["id"], one["status"], one.get("error_code")) for one in told] == [
        ("bad", "error", "bad-example"),
        ("good", "ok", None),
        ("of defaults", "error", "bad-example"),
    ]
    assert sorted(path.name for path in folder.glob("*.csv")) == ["f.csv", "good.csv", "l.csv"]
    dry = run_batch(folder / "m.json", dry_run=True)
    assert [one["status"] for one in dry["tables"]] == ["error", "ok", "error"]
    bad, good, _ = load_manifest(folder / "m.json").tables
    assert "explain/20_key_steps" in compiled([good])
    with pytest.raises(TableError, match="do not give the key"):
        compiled([bad])


def test_a_labeller_checks_them_for_each_table(folder: Path) -> None:
    options: dict[str, Any] = {"feature_key_column": "id", "label_key_column": "clip", "examples": {"12.0": "12"}}
    with labeller(folder / "l.csv", **options) as prepared:
        assert prepared.join(pa.table({"id": [12]})).table["mos"].to_pylist() == [1.5]
        with pytest.raises(TableError, match='"12.0": it gives the key "12.0"'):
            prepared.join(pa.table({"id": ["12"]}))
        assert prepared.join(pa.table({"id": [13]})).table["mos"].to_pylist() == [4.5]


def test_explain_shows_the_key_that_an_example_must_give(folder: Path) -> None:
    entry = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv", **RULE}
    write_table(folder / "m.json", json.dumps({"tables": [{**entry, "examples": {"12_a": "13", "x": None}}]}))
    done = moslabels("explain", "12_a", "x", "7_a", "--manifest", "m.json", "--table", "t", cwd=folder)
    assert done.returncode == 0  # It shows what is wrong with the examples, so it does not refuse them.
    lines = [line.strip() for line in done.stdout.split("\n")]
    assert [line for line in lines if line.startswith(("key ", "example"))] == [
        'key         "12"',
        'example     must give "13"',
        "key         none: the row gets no label",
        "example     must give no key",
        'key         "7"',
    ]
