"""``moslabels explain``: each step from a value to its key, then the label or the nearest ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.tables import read_table, write_table
from moslabels import UsageError, materialize
from moslabels import explain as moslabels_explain
from moslabels.base.settings import Settings
from moslabels.runs.explain import explain
from moslabels.spec.entry import input_spec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_table(tmp_path / "f.csv", [{"path": "x/A001.mp4", "n": 1}])
    write_table(tmp_path / "l.csv", [{"name": "A001.mp4", "mos": 54.2}, {"name": "A002.mp4", "mos": 75}])
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
    table |= {"feature_key_regex": "^([A-Z0-9]+)[.]", "label_key_regex": "^([A-Z0-9]+)[.]"}
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
    return tmp_path


RULE = ["--feature-key-regex", "^([A-Z0-9]+)[.]", "--label-key-regex", "^([A-Z0-9]+)[.]"]
FILES = ["--features", "f.csv", "--labels", "l.csv"]


@pytest.mark.parametrize("rule", [["--manifest", "m.json", "--table", "t"], [*FILES, *RULE]])
def test_each_step(folder: Path, rule: list[str]) -> None:
    before = sorted(folder.iterdir())
    done = moslabels("explain", " y/A001.mp4 ", "A003NEW.mp4", *rule, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        '" y/A001.mp4 " in column "path" of f.csv\n'
        '  as text     " y/A001.mp4 "\n'
        '  trimmed     "y/A001.mp4"\n'
        '  normalised  "A001.mp4"  (key_normalize basename)\n'
        '  extracted   "A001"  (feature_key_regex ^([A-Z0-9]+)[.])\n'
        '  key         "A001"\n'
        '  label       l.csv row 1, from "A001.mp4": score "54.2", mos 3.168, mos_raw_0_100 54.2\n'
        "\n"
        '"A003NEW.mp4" in column "path" of f.csv\n'
        '  as text     "A003NEW.mp4"\n'
        '  trimmed     "A003NEW.mp4"\n'
        '  normalised  "A003NEW.mp4"  (key_normalize basename)\n'
        '  extracted   "A003NEW"  (feature_key_regex ^([A-Z0-9]+)[.])\n'
        '  key         "A003NEW"\n'
        "  label       none has this key; nearest:\n"
        '    "A001" in l.csv row 1, from "A001.mp4"\n'
        '    "A002" in l.csv row 2, from "A002.mp4"\n'
    )
    assert sorted(folder.iterdir()) == before


def explained(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = moslabels("explain", *arguments, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["values"]


def test_a_value_without_a_key(folder: Path) -> None:
    (found,) = explained(folder, "--manifest", "m.json", "--table", "t", "no_match")
    assert (found["key"], found["label"], found["nearest"]) == (None, None, [])
    assert "none: the row gets no label" in moslabels("explain", "x", *FILES, *RULE, cwd=folder).stdout


def test_a_number_is_read_as_its_column(folder: Path) -> None:
    write_table(folder / "f.parquet", pa.table({"id": pa.array([10008004183.0])}))
    write_table(folder / "n.csv", [{"id": "10008004183", "mos": 3}])
    files = ["--features", "f.parquet", "--labels", "n.csv", "--feature-key-column", "id", "--label-key-column", "id"]
    whole, fraction = explained(folder, "10008004183.0", "1.5", *files)
    assert (whole["key"], whole["label"]["mos"]) == ("10008004183", 3)
    assert fraction["steps"][0]["fault"] == "a fractional number"


ROWS = [{"id": "12", "mos": 3}, {"id": "12.0", "mos": 4}]
AS_HELD: dict[str, tuple[str, Any, str, list[tuple[str | None, float | None]]]] = {
    "a JSON number": ("f.jsonl", '{"id": 12.0}\n', "12.0", [("12", 3)]),
    "a JSON number with an exponent": ("f.jsonl", '{"id": 12}\n', "1.2e1", [("12", 3)]),
    "a JSON text": ("f.jsonl", '{"id": "12.0"}\n', "12.0", [("12.0", 4)]),
    "JSON numbers and texts": ("f.jsonl", '{"id": 12.0}\n{"id": "x"}\n', "12.0", [("12", 3), ("12.0", 4)]),
    "a text among JSON numbers": ("f.jsonl", '{"id": 12.0}\n', "x", [("x", None)]),
    "a JSON fraction": ("f.json", '[{"id": 12.0}]', "12.1", [(None, None)]),
    "a CSV cell": ("f.csv", "id\n12.0\n", "12.0", [("12.0", 4)]),
    "BIGINT": ("f.parquet", pa.table({"id": [12]}), "12.0", [("12", 3)]),
    "DOUBLE": ("f.parquet", pa.table({"id": [12.0]}), "12", [("12", 3)]),
    "DECIMAL": ("f.parquet", pa.table({"id": pa.array([12], pa.decimal128(9, 2))}), "12.0", [("12", 3)]),
    "text": ("f.parquet", pa.table({"id": ["12.0"]}), "12.0", [("12.0", 4)]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(AS_HELD))
def test_a_value_is_taken_as_its_column_holds_it(tmp_path: Path, name: str) -> None:
    path, content, value, keys = AS_HELD[name]
    features, labels = write_table(tmp_path / path, content), write_table(tmp_path / "l.csv", ROWS)
    options = {"feature_key_column": "id", "label_key_column": "id", "mos_scale": "1-5", "min_match_rate": 0}
    found = explain(input_spec(features, [labels], options), [value], Settings())
    assert [(one["key"], one["label"] and one["label"]["mos"]) for one in found] == keys
    if name not in ("a JSON fraction", "a text among JSON numbers"):  # as labelling does
        materialize(features, [labels], tmp_path / "o.jsonl", **options)
        assert read_table(tmp_path / "o.jsonl")[0]["mos"] == keys[0][1]


@pytest.mark.parametrize("number", [pa.int16(), pa.uint64(), pa.float32(), pa.float64(), pa.decimal128(9, 2)])
def test_a_number_of_a_table_in_memory_is_read_as_its_column(number: pa.DataType) -> None:
    features = pa.table({"id": pa.array([12], pa.int16()).cast(number)})
    labels = pa.table({"id": ["12"], "mos": [3]})
    (found,) = moslabels_explain(
        "12.0", features, labels, feature_key_column="id", label_key_column="id", mos_scale="1-5"
    )
    assert (found["key"], found["label"] and found["label"]["mos"]) == ("12", 3)


@pytest.mark.parametrize("value", ["12.5", "x", "1e30"])
def test_a_value_that_its_column_cannot_hold(tmp_path: Path, value: str) -> None:
    features = write_table(tmp_path / "f.parquet", pa.table({"id": [12]}))
    labels = write_table(tmp_path / "l.csv", ROWS)
    with pytest.raises(UsageError, match='is not a value of column "id" of .*f.parquet, which is BIGINT'):
        explain(input_spec(features, [labels], {"mos_scale": "1-5", "feature_key_column": "id"}), [value], Settings())


def test_a_key_of_several_columns(folder: Path) -> None:
    write_table(folder / "f.csv", [{"test": "t", "clip": "c"}])
    write_table(folder / "l.csv", [{"test": "t1", "clip": "c", "mos": 3}])
    columns = [f for side in ("feature", "label") for c in ("test", "clip") for f in (f"--{side}-key-column", c)]
    (found,) = explained(folder, '["t1", " c "]', *FILES, *columns)
    assert (found["key"], found["label"]["row"]) == ('["t1","c"]', 1)
    for wrong in ("t1", '["t1"]', '["t1", 3]'):
        done = moslabels("explain", wrong, *FILES, *columns, cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert 'must be a JSON list of texts, ["…", "…"]' in done.stderr


WRONG = [
    ([], "explain needs --features and --labels, or --manifest and --table"),
    (["--features", "f.csv"], "explain needs --features and --labels"),
    (["--manifest", "m.json", "--table", "T"], 'there is no table "T"; did you mean "t"?'),
    (["--manifest", "m.json"], '--table is missing; it is one of "t"'),
    (["--manifest", "m.json", "--table", "t", "--overwrite"], "not from both"),
    ([*FILES, "--feature-key-regex", "("], "is not an RE2 pattern"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage(folder: Path, arguments: list[str], message: str) -> None:
    done = moslabels("explain", "x", *arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_labels_that_are_refused_are_refused_here_too(folder: Path) -> None:
    write_table(folder / "l.csv", [{"name": "a", "mos": 3}, {"name": "a", "mos": 4}])
    done = moslabels("explain", "a", *FILES, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "conflicting MOS labels for 1 keys" in done.stderr
