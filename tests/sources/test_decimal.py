"""Decimal commas: scores, extras and typed columns are the numbers of the same file with points, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, join, materialize
from moslabels.cli import main

COMMA: dict[str, Any] = {"delimiter": ";", "decimal": ","}
FEATURES = [{"key": "1,5"}, {"key": "b"}]


@pytest.mark.parametrize(
    ("dialect", "labels"),
    [
        (COMMA, "key;mos\n1,5;3,5\nb; +4 \n"),
        ({"decimal": ","}, 'key,mos\n"1,5","35e-1"\nb,"4,0"\n'),
        ({"delimiter": "whitespace", "decimal": ","}, 'key mos\n"1,5"  3,5\n b  4,\n'),
        ({"delimiter": ";", "decimal": "."}, "key;mos\n1,5;3.5\nb;4\n"),
    ],
)
def test_scores_have_commas_and_keys_stay(job: Job, dialect: Any, labels: str) -> None:
    found = job.run(FEATURES, labels, labels_name="l.csv", label_csv=dialect)
    assert [(row["key"], row["mos"]) for row in found] == [("1,5", 3.5), ("b", 4)]


@pytest.mark.parametrize("score", ["1.234,5", "3.5", "3.", "1,234,5", "1.234", ",", "3,5,", "3;5"])
def test_what_is_not_such_a_number_is_refused(job: Job, score: str) -> None:
    labels = f'key;mos\n1,5;3,5\nb;"{score}"\n'
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, labels, labels_name="l.csv", label_csv=COMMA, mos_scale="0-9999")
    assert f'"{score}" in row 2; label_csv says "decimal": ",": a number has no point' in str(caught.value)


def test_a_comma_without_the_option_names_it(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r'set label_csv \{"decimal": ","\}'):
        job.run(FEATURES, "key;mos\n1,5;3,5\nb;4\n", labels_name="l.csv", label_csv=";")


def test_missing_values_are_what_the_file_holds(job: Job) -> None:
    labels = "key;mos\n1,5;3,5\nb;-1,0\n"
    options = {"missing_values": "-1,0", "missing_mos": "skip", "min_match_rate": 0.5}
    found = job.run(FEATURES, labels, labels_name="l.csv", label_csv=COMMA, **options)
    assert [row["mos"] for row in found] == [3.5, None]


EXTRAS = "key;mos;spread;votes;text;version\n1,5;3,5;0,25;24;1,5;1.10\nb;4;1;25,0;x;1.2\n"


def test_extras(job: Job) -> None:
    extras = {
        "spread": "spread",
        "votes": {"type": "BIGINT"},
        "text": "text",
        "version": {"type": "VARCHAR"},
    }
    found = job.run(FEATURES, EXTRAS, labels_name="l.csv", label_csv=COMMA, extras=extras)
    assert [(row["spread"], row["votes"], row["text"], row["version"]) for row in found] == [
        (0.25, 24, "1,5", "1.10"),
        (1.0, 25, "x", "1.2"),
    ]


@pytest.mark.parametrize(
    ("extras", "said"),
    [
        (
            ["version"],
            'column "version": label_csv says "decimal": ",", and "1.10" in row 1 has a decimal point',
        ),
        ({"version": {"type": "DOUBLE"}}, '"1.10"'),
    ],
)
def test_an_extra_with_points(job: Job, extras: Any, said: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, EXTRAS, labels_name="l.csv", label_csv=COMMA, extras=extras)
    assert said in str(caught.value)


def test_labels_that_differ_are_compared_as_numbers(job: Job) -> None:
    labels = "key;mos;spread\n1,5;3,5;0,5\n1,5;3,50;,5\nb;4;1\n"
    found = job.run(FEATURES, labels, labels_name="l.csv", label_csv=COMMA, extras=["spread"])
    assert [(row["mos"], row["spread"]) for row in found] == [(3.5, 0.5), (4, 1)]


TYPED = "key;whole;number;mixed;text\n1,5;7;0,5;1;1,5\nb;8;+2;1,5e1;x.y\n"


def test_columns_are_typed(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(TYPED, encoding="utf-8")
    labels = write_table(tmp_path / "l.jsonl", [{"key": "1,5", "mos": 3}, {"key": "b", "mos": 4}])
    materialize(tmp_path / "f.csv", [labels], tmp_path / "o.parquet", feature_csv=COMMA)
    rows = [{name: row[name] for name in ("key", "whole", "number", "mixed", "text")} for row in _rows(tmp_path)]
    assert rows == [
        {"key": "1,5", "whole": 7, "number": 0.5, "mixed": 1.0, "text": "1,5"},
        {"key": "b", "whole": 8, "number": 2.0, "mixed": 15.0, "text": "x.y"},
    ]
    assert join(tmp_path / "f.csv", labels, feature_csv=COMMA).table.column("number").to_pylist() == [0.5, 2]


def _rows(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "o.parquet").to_pylist()
    return rows


def test_a_column_of_numbers_with_points_is_refused(job: Job) -> None:
    features = "key;x;y\na;1.5;1.5\nb;x;2,5\n"
    with pytest.raises(MosLabelsError) as caught:
        job.run(features, [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}], features_name="f.csv", feature_csv=COMMA)
    assert 'f.csv: column "y": feature_csv says "decimal": ",", and "1.5" in row 1 has a decimal point' in str(
        caught.value
    )


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "f.csv").write_text("key;x\na;0,5\nb;1\n", encoding="utf-8")
    (tmp_path / "l.csv").write_text("key;mos\na;3,5\nb;4\n", encoding="utf-8")
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv", "audit_json": "a.json"}
    options = {"feature_csv": COMMA, "label_csv": COMMA}
    tsv = {**table, "id": "u", "out": "o.tsv", "audit_json": "u.json"}
    return write_table(tmp_path / "m.json", json.dumps({"defaults": options, "tables": [table, tsv]}))


def test_an_output_of_features_with_commas_has_commas(manifest: Path) -> None:
    folder = manifest.parent
    assert main(["batch", str(manifest), "--quiet", "--report-json", str(folder / "r.json")]) == 0
    assert (folder / "o.csv").read_text(encoding="utf-8") == (
        "key;x;mos;mos_raw_0_100;mos_label_status;mos_label_source\na;0,5;3,5;62,5;ok;l.csv\nb;1;4,0;75,0;ok;l.csv\n"
    )
    assert (folder / "o.tsv").read_text(encoding="utf-8").splitlines()[1] == "a\t0,5\t3,5\t62,5\tok\tl.csv"
    for command, *names in (
        ["verify", "r.json"],
        ["verify", "a.json"],
        ["verify", "u.json"],
        ["diff", "r.json", "r.json"],
    ):
        assert main([command, *(str(folder / name) for name in names)]) == 0
    (folder / "o.csv").write_text((folder / "o.csv").read_text("utf-8").replace(";3,5;", ";3,6;"), "utf-8")
    assert main(["verify", str(folder / "a.json")]) == 1


def test_the_printed_sql_runs_alone(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(manifest), "--table", "t"]) == 0
    with duckdb.connect() as shell:
        shell.execute(capsys.readouterr().out)
        assert shell.execute("SELECT key, mos FROM labels ORDER BY key").fetchall() == [("a", 3.5), ("b", 4)]


def test_explain_and_flags(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--manifest", str(manifest), "--table", "t", "a"]) == 0
    assert '"3,5", mos 3.5' in capsys.readouterr().out
    paths = ["--features", str(manifest.parent / "f.csv"), "--labels", str(manifest.parent / "l.csv")]
    flags = ["--label-csv", json.dumps(COMMA), "--feature-csv", json.dumps(COMMA)]
    assert main(["materialize", *paths, *flags, "--out", str(manifest.parent / "flag.jsonl"), "--quiet"]) == 0
    assert [(row["x"], row["mos"]) for row in read_table(manifest.parent / "flag.jsonl")] == [(0.5, 3.5), (1, 4)]
