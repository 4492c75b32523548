"""CSV in which a run of delimiters is one: the same table as ordinary CSV, or a fault with its line."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, join, materialize
from moslabels.cli import main
from moslabels.suggestions.search import suggest

WHITE: dict[str, Any] = {"delimiter": "whitespace"}
TABS: dict[str, Any] = {"delimiter": "\t", "merge_delimiters": True}
BARS: dict[str, Any] = {"delimiter": "||", "merge_delimiters": True}
FEATURES = [{"key": "a"}, {"key": "b c"}]

RIGHT = [
    (WHITE, b'key mos\na 3\n"b c" 4\n'),
    (WHITE, b'\xef\xbb\xbf  key\t mos  \r\n\r\n \t \r\n\ta    3  \r\n"b c"\t"4"'),
    (WHITE, b'\r\rkey mos\ra 3\r"b c" 4'),
    ({**WHITE, "encoding": "utf-16"}, 'key mos\na 3\n"b c" 4\n'.encode("utf-16")),
    ({**WHITE, "column_names": ["key", "mos"]}, b'  a 3\n"b c" 4\n'),
    ("whitespace", b'key mos\na 3\n"b c" 4\n'),
    (TABS, b"\tkey\t\tmos\na\t\t\t3\t\n\nb c\t4"),
    (TABS, b'key\t\tmos\na\t "3"\n"b c"\t4\n'),
    (BARS, b"key||||mos\na||3\n||b c||||4||||\n"),
    ({"merge_delimiters": True}, b"key,,mos\na,,3\nb c,4,\n"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("dialect", "labels"), RIGHT)
def test_runs_of_delimiters_are_one(job: Job, dialect: Any, labels: bytes) -> None:
    found = job.run(FEATURES, labels, labels_name="l.csv", label_csv=dialect)
    assert [row["mos"] for row in found] == [3, 4]


FAULTS = [
    (WHITE, b"", "is empty: a CSV table has a header at least"),
    (WHITE, b"\n \t\n", "is empty: a CSV table has a header at least"),
    (WHITE, b"key mos\n", "no MOS labels loaded"),
    (WHITE, b"key mos\n\na 3\nb c 4\n", "l.csv: row 2: it has 3 cells where the table has 2 columns (line 4)"),
    (WHITE, b"key mos\na\n", 'row 1: it has 1 cells where the table has 2 columns; an empty cell must be written ""'),
    (WHITE, b'key mos\n"a 3\n', "l.csv: row 1: a quoted cell does not end in its line"),
    (WHITE, b'key mos\n"a\nb" 3\n', "l.csv: row 1: a quoted cell does not end in its line"),
    (WHITE, b'key mos\n"a"b 3\n', "or goes on after its closing quote (line 2)"),
    (WHITE, b'"key mos\n', "l.csv: header: a quoted cell does not end in its line"),
    (WHITE, b"key mos\n\xfc 3\n", "its bytes are not utf-8"),
    (WHITE, b"key\xc2\xa0mos\na\xc2\xa03\n", "no key column found"),
    (WHITE, b"key mos\r\na 3\rb 4\n", "its line ends are mixed"),
    (WHITE, b"key mos\na 3\r\nb 4\n", "write one kind of line end (line 2)"),
    (TABS, b"key\tmos\n\t3\n", "row 1: it has 1 cells where the table has 2 columns"),
    (TABS, b"key\tmos\na\t3\n\t\t\n", "row 2: it has 0 cells where the table has 2 columns"),
    ({**WHITE, "column_names": ["key", "mos"]}, b"key mos\na 3\n", "it has a header"),
    ({**WHITE, "column_names": ["key", "mos"]}, b"a 3 x\n", 'row 1: it has 3 cells, and "column_names" of label_csv'),
    ({"header": True}, b"key   mos\na   3\n", 'is it split by blanks? Then set label_csv {"delimiter": "whitespace"}'),
]


@pytest.mark.parametrize(("dialect", "labels", "said"), FAULTS)
def test_what_is_not_such_a_table(job: Job, dialect: Any, labels: bytes, said: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, labels, labels_name="l.csv", label_csv=dialect, min_match_rate=0)
    assert said in str(caught.value)


def test_a_delimiter_that_merges_cannot_be_told_not_to(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='"merge_delimiters" cannot be false'):
        job.run(FEATURES, LABELS, label_csv={**WHITE, "merge_delimiters": False})


LABELS = [{"key": "a", "mos": 3}, {"key": "b c", "mos": 4}]
PARTS = ["a", "é", "7", "x y", "x\ty", '"', '""', ",", ";", "'", "\u00a0", "\u2003", "\\", "|", "#", ""]


def _random_table(chance: random.Random) -> list[list[str]]:
    width = chance.randint(2, 5)
    header = [f"c{column}" for column in range(width)]
    rows = [["".join(chance.choices(PARTS, k=chance.randint(0, 3))) for _ in header[1:]] for _ in range(30)]
    return [["key", *header[1:]], *([f"k{number}", *row] for number, row in enumerate(rows))]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _ordinary(table: list[list[str]]) -> str:
    return "".join(",".join(map(_quoted, row)) + "\n" for row in table)


def _merged(table: list[list[str]], chance: random.Random, delimiters: str, end: str) -> str:
    def cell(text: str) -> str:
        is_special = not text or '"' in text or set(text) & {*delimiters, " "}
        return _quoted(text) if is_special or chance.random() < 0.2 else text

    def run(least: int) -> str:
        return "".join(chance.choices(delimiters, k=chance.randint(least, 3)))

    lines = [run(0) + "".join(cell(text) + run(1) for text in row) for row in table]
    return end.join(chance.choice(["", "", end]) + line for line in lines) + chance.choice(["", end])


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(12))
def test_a_random_table_is_the_same_as_ordinary_csv(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    table = _random_table(chance)
    delimiters, dialect = [(" \t", WHITE), ("\t", TABS), (";", {**TABS, "delimiter": ";"})][seed % 3]
    (tmp_path / "plain.csv").write_text(_ordinary(table), encoding="utf-8", newline="")
    text = _merged(table, chance, delimiters, chance.choice(["\n", "\r\n"]))
    (tmp_path / "merged.csv").write_text(text, encoding="utf-8", newline="")
    labels = write_table(tmp_path / "l.jsonl", [{"key": f"k{number}", "mos": 1 + number / 10} for number in range(29)])
    found = []
    for name, options in (("plain", {}), ("merged", {"feature_csv": dialect})):
        out = tmp_path / f"{name}.jsonl"
        materialize(tmp_path / f"{name}.csv", [labels], out, min_match_rate=0.5, **options)
        found.append(out.read_bytes())
    assert found[0] == found[1]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    (tmp_path / "f.csv").write_text('  key   x  note\n a   007 ""\n b\t1.5   "p ""q"""\n', encoding="utf-8")
    (tmp_path / "l.txt").write_text("  3.5   a\n  4.25  b\n", encoding="utf-8")
    table = {"id": "t", "features": "f.csv", "labels": ["l.txt"], "out": "o.csv", "audit_json": "a.json"}
    options = {"feature_csv": "whitespace", "label_csv": {**WHITE, "column_names": ["mos", "key"]}}
    return write_table(tmp_path / "m.json", json.dumps({"tables": [{**table, **options}]}))


def test_features_split_by_whitespace_are_written_with_commas(manifest: Path) -> None:
    folder = manifest.parent
    assert main(["batch", str(manifest), "--quiet", "--report-json", str(folder / "r.json")]) == 0
    assert (folder / "o.csv").read_text(encoding="utf-8") == (
        "key,x,note,mos,mos_raw_0_100,mos_label_status,mos_label_source\n"
        'a,007,"",3.5,62.5,ok,l.txt\n'
        'b,1.5,"p ""q""",4.25,81.25,ok,l.txt\n'
    )
    for command in (["verify", "r.json"], ["verify", "a.json"], ["diff", "r.json", "r.json"]):
        assert main([command[0], *(str(folder / name) for name in command[1:])]) == 0
    before = (folder / "o.csv").stat().st_mtime_ns
    assert main(["batch", str(manifest), "--quiet", "--skip-unchanged"]) == 0
    assert (folder / "o.csv").stat().st_mtime_ns == before
    config = json.loads((folder / "a.json").read_text(encoding="utf-8"))["config"]
    assert config["label_csv"] == {"delimiter": "whitespace", "column_names": ["mos", "key"]}


def test_explain_shows_a_label_of_such_a_file(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--manifest", str(manifest), "--table", "t", "b"]) == 0
    assert "4.25" in capsys.readouterr().out


def test_the_printed_sql_runs_alone(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(manifest)]) == 0
    sql = capsys.readouterr().out
    assert ".copy" not in sql
    with duckdb.connect() as shell:
        shell.execute(sql)
        assert shell.execute("SELECT key, mos FROM labels ORDER BY key").fetchall() == [("a", 3.5), ("b", 4.25)]


def test_join_reads_such_files(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("a   3\nb\t4", encoding="utf-8")
    joined = join(
        pa.table({"key": ["b", "a"]}), tmp_path / "l.txt", label_csv={**WHITE, "column_names": ["key", "mos"]}
    )
    assert joined.table.column("mos").to_pylist() == [4, 3]


def test_suggest_reads_such_files(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.jsonl", [{"key": f"clip{number}"} for number in range(9)])
    labels = write_table(tmp_path / "l.txt", "key   mos\n" + "".join(f"clip{n}  {1 + n % 4}.5 \n" for n in range(9)))
    found = suggest(features, [labels], label_csv="whitespace")["suggestions"][0]
    assert found["options"]["label_csv"] == WHITE
    materialize(features, [labels], tmp_path / "o.jsonl", **found["options"])
    assert [row["mos"] for row in read_table(tmp_path / "o.jsonl")] == [1.5, 2.5, 3.5, 4.5] * 2 + [1.5]
