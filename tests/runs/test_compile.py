"""``moslabels compile``: the statements run as they are in a plain DuckDB, and give the same labels and counts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.command import moslabels
from helpers.tables import read_table, write_table
from moslabels import run_batch
from moslabels.engine.shell_text import filled_in
from moslabels.engine.statements import Statement

LABELS = 'clip_key,mos,split\nk1,3.1,it\'s\nk2,50,--\nk3,,\n"k;4",4,x\n'
TABLES: dict[str, tuple[str, Any, str, Any, dict[str, Any]]] = {
    "parquet": ("f.parquet", pa.table({"key": ["k2", "k1", None, "k;4", "x"]}), "l.csv", LABELS, {}),
    "csv": ("f'1.csv", "x,key\n1,k2\n2,k1\n3,\n4,k;4\n", "l.csv", LABELS, {}),
    "jsonl": ("f[1].jsonl", '{"key": "k1"}\n\n{"key": "x/k2"}\n', "l.csv", LABELS, {"key_normalize": "basename"}),
    "regex": (
        "f.csv",
        "path\nv/a_k1.mp4\nv/b_k2.mp4\n",
        "l.csv",
        LABELS,
        {"feature_key_regex": "_(k[0-9]+)[.]", "mos_tolerance": 0.1, "missing_values": ["'NA'"]},
    ),
    "several columns": (
        "f.parquet",
        pa.table({"a": ["x", "y"], "b": [1.0, 2.0]}),
        "l.jsonl",
        '{"a": "y", "b": 2, "mos": 3}\n{"a": "x", "b": 1, "mos": 4}\n',
        {"feature_key_column": ["a", "b"], "label_key_column": ["a", "b"], "match_rate_by": "a"},
    ),
    "scale": (
        "f.parquet",
        pa.table({"key": ["k1", "k2"]}),
        "l.jsonl",
        '{"key": "k1", "mos": 10}\n{"key": "k2", "mos": 101}\n',
        {"mos_scale": {"worst": 100, "best": 0.5}, "out_of_range": "clip", "max_clipped": 0.5},
    ),
    "what nobody sees": (
        "f\x1b\u202e.parquet",
        pa.table({"k\x1b\"\x9by": ["a\x7f", "b", "c"], "x\u200e": [1, 2, 3]}),
        "l\x9c.csv",
        "k\u2067ey,m\x07os,e\x1bx\na\x7f,3,q\nb,4,\x1b\nc,\x1b,r\n",
        {
            "feature_key_column": "k\x1b\"\x9by",
            "label_key_column": "k\u2067ey",
            "label_mos_column": "m\x07os",
            "extras": {"e\x1bx": "o\x1bx"},
            "status_column": "s\x9b",
            "match_rate_by": "x\u200e",
            "feature_key_regex": "(.[^\x1b]?)",
            "missing_values": ["\x1b"],
        },
    ),
}  # fmt: skip
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.sampled
@pytest.mark.parametrize("case", list(TABLES))
def test_every_statement_runs_in_a_plain_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.chdir(tmp_path)
    features, rows, labels, scores, options = TABLES[case]
    write_table(Path(features), rows)
    write_table(Path(labels), scores)
    options = {"mos_scale": "per-value", "missing_mos": "skip", "min_match_rate": 0, **options}
    tables = [
        {"id": f"t{n}", "features": features, "labels": [labels], "out": f"o{n}.jsonl", **options} for n in (1, 2)
    ]
    Path("m.json").write_text(json.dumps({"tables": tables}))
    report = run_batch("m.json")
    assert report["status"] == "ok", report
    done = moslabels("compile", "m.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not INVISIBLE.search(done.stdout)
    with duckdb.connect(":memory:") as connection:
        results = []
        names = re.findall(r"^-- sql/(.*)\.sql$", done.stdout, re.MULTILINE)
        for statement in connection.extract_statements(done.stdout):
            results.append(connection.execute(statement).fetchall())
    assert names[-4:] == ["labels/60_label_columns", "match/40_row_labels", "compile/labelled", "compile/labelled_rows"]
    columns, row_labels, _, labelled = results[-4:]
    # In the place of the path stands the number of the label file, of which there is one.
    paths = {None: "", 0: max(row["mos_label_source"] for row in read_table(Path("o2.jsonl")))}
    of_label = {row[-1]: (*row[:3], paths[row[3]], *row[4:-1]) for row in columns}
    found = [of_label[label_id][:4] for (label_id,) in row_labels]
    wanted = ("mos", "mos_raw_0_100", options.get("status_column", "mos_label_status"), "mos_label_source")
    assert found == [tuple(row[name] for name in wanted) for row in read_table(Path("o2.jsonl"))]
    width = len(columns[0]) - 1
    assert [row[-width:] for row in labelled] == [of_label[label_id] for (label_id,) in row_labels]
    assert all(len(row) > width for row in labelled)
    counts = [result for result in results if len(result) == 1 and len(result[0]) == 9]
    summary = report["tables"][1]["summary"]
    assert any((row[0], row[2]) == (summary["input_rows"], summary["matched_rows"]) for (row,) in counts)
    one = moslabels("compile", "m.json", "--table", "t1", cwd=tmp_path)
    assert one.stdout == done.stdout[: len(one.stdout) - 1] + "\n"


LABELLED = {
    "parquet": pa.table({"key": [f"k{n % 7}" for n in range(300_000)], "x": range(300_000)}),
    "csv": "x,key,mos\n007,k1,9\n1.50,k2,9\n,nobody,9\n",
    "jsonl": '{"key": "k1", "x": {"a": [1.50]}}\n{"x": "s", "key": "k2"}\n{"key": "k9"}\n',
}


@pytest.mark.parametrize("suffix", list(LABELLED))
@pytest.mark.parametrize("is_relative", [False, True])
def test_the_labelled_table_is_written_with_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, is_relative: bool
) -> None:
    """Its rows are those of the labelled table, in order. A stale label column is replaced."""
    folder = tmp_path / "a[1]" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    write_table(Path(f"../f.{suffix}"), LABELLED[suffix])
    write_table(Path("s3:l.csv"), [{"key": f"k{n}", "mos": 1 + n / 2, "split": f"s{n}"} for n in range(6)])
    table = {"id": "t", "features": f"../f.{suffix}", "labels": ["./s3:l.csv"], "out": f"o.{suffix}"}
    Path("m.json").write_text(json.dumps({"tables": [{**table, "min_match_rate": 0, "overwrite": True}]}))
    assert run_batch("m.json")["status"] == "ok"
    done = moslabels("compile", "m.json", *(["--relative"] if is_relative else []), cwd=folder)
    assert done.returncode == 0
    assert (str(tmp_path) in done.stdout) != is_relative
    if is_relative:
        assert f"'../f.{suffix}'" in done.stdout
        assert "'./s3:l.csv'" in done.stdout
    with duckdb.connect(":memory:") as connection:
        connection.execute(done.stdout + f"COPY labelled TO 'copy.{suffix}';")
    wanted, found = (read_table(Path(name)) for name in (f"o.{suffix}", f"copy.{suffix}"))
    if suffix == "jsonl":  # A column has a value in each row.
        wanted = [{"x": None, **row} for row in wanted]
    assert found == wanted


def test_what_sql_alone_cannot_read_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "f.json", [{"key": "a"}])
    (tmp_path / "l.csv").write_bytes("key,mos\na,3\n".encode("utf-16"))
    table = {"id": "t", "features": "f.json", "labels": ["l.csv"], "out": "o.csv", "label_csv": {"encoding": "utf-16"}}
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
    done = moslabels("compile", "m.json", cwd=tmp_path)
    assert "-- SQL alone cannot read f.json: save it as f.json.copy.jsonl," in done.stdout
    assert "-- SQL alone cannot read l.csv: save it as l.csv.copy.csv," in done.stdout
    assert f"'{tmp_path}/l.csv.copy.csv'" in done.stdout
    assert "moslabels-" not in done.stdout
    (tmp_path / "f.json.copy.jsonl").write_text('{"key": "a"}\n')
    (tmp_path / "l.csv.copy.csv").write_text("key,mos\na,3\n")
    with duckdb.connect(":memory:") as connection:
        assert connection.execute(done.stdout).fetchall() == [('"a"', 3.0, 50.0, "ok", "l.csv")]


def test_wrong_usage(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"key": "a"}])
    table = {"id": "t", "features": "f.csv", "labels": ["none.csv"], "out": "o.csv"}
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
    done = moslabels("compile", "m.json", "--table", "T", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'there is no table "T"; did you mean "t"?' in done.stderr
    done = moslabels("compile", "m.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "none.csv: there is no such file" in done.stderr


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=0) | st.lists(st.text(), max_size=3),
    max_leaves=4,
)


@given(VALUES)
def test_a_value_is_written_as_it_is_bound(value: Any) -> None:
    if isinstance(value, str) and any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        return
    statement = Statement("test", "SELECT $value AS x, '$value' AS y -- $value", {"value": value})
    with duckdb.connect() as connection:
        found, text = connection.execute(filled_in(statement)).fetchone() or (None, None)
    assert (found, text) == (value, "$value")
    assert type(found) is type(value)
