"""Contract 3: every pair of formats; features pass through unchanged within one format, by rule between two."""

from __future__ import annotations

import datetime
import decimal
import itertools
import json
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.job import Job
from helpers.tables import Rows, read_table, write_table
from moslabels import MosLabelsError, materialize
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement

LONG = pytest.mark.long
LABELS = [{"key": "a", "mos": 3}, {"key": "b", "mos": 4.5}]
SUFFIXES = [".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".csv", ".tsv"]
# Two suffixes of one format are one line of a table: by default each stands once on each side.
OTHER = {".pq": ".csv", ".ndjson": ".pq", ".tsv": ".ndjson", ".csv": ".tsv"}
PAIRS = [
    pytest.param(*pair, marks=[] if OTHER.get(pair[0]) == pair[1] or not {".pq", ".ndjson", ".tsv"} & {*pair} else LONG)
    for pair in itertools.product(SUFFIXES, SUFFIXES)
]


@pytest.mark.sampled
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_pair(job: Job, source: str, target: str) -> None:
    features = [
        {"key": "b", "x": 1.5, "n": 7, "t": 'ü,\t"q"'},
        {"key": "c", "x": 2.0, "n": -1, "t": ""},
        {"key": "a", "x": 1e-7, "n": 0, "t": "x"},
    ]
    rows = job.run(features, LABELS, features_name=f"f{source}", out_name=f"o{target}", min_match_rate=0.6)
    assert list(rows[0]) == ["key", "x", "n", "t", "mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"]
    assert [row["key"] for row in rows] == ["b", "c", "a"]
    is_text = target in (".csv", ".tsv")
    none: Any = "" if is_text else None
    assert [float(row["x"]) for row in rows] == [1.5, 2.0, 1e-7]
    assert [int(row["n"]) for row in rows] == [7, -1, 0]
    # The empty cell of a CSV file is a missing value in another format.
    lost = source in (".csv", ".tsv") and not is_text
    assert [row["t"] for row in rows] == ['ü,\t"q"', None if lost else "", "x"]
    assert [row["mos"] for row in rows] == (["4.5", "", "3.0"] if is_text else [4.5, None, 3])
    assert [row["mos_raw_0_100"] for row in rows] == (["87.5", "", "50.0"] if is_text else [87.5, none, 50])
    assert [row["mos_label_status"] for row in rows] == ["ok", "missing-label", "ok"]
    path = str(job.folder / "labels.jsonl")
    assert [row["mos_label_source"] for row in rows] == [path, "", path]


@pytest.mark.sampled
@pytest.mark.parametrize("labels", [".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt"])
def test_every_format_of_labels(job: Job, labels: str) -> None:
    rows = job.run([{"key": "b"}, {"key": "a"}], {f"l{labels}": LABELS})
    assert [row["mos"] for row in rows] == [4.5, 3]


@pytest.mark.parametrize(("name", "option"), [("f.ods", "features"), ("f.txt", "features"), ("f", "features")])
def test_another_suffix_lists_the_known_ones(job: Job, name: str, option: str) -> None:
    with pytest.raises(MosLabelsError, match=rf"{option}: .*\.parquet \.pq \.jsonl \.ndjson \.json \.csv \.tsv"):
        job.run("x", LABELS, features_name=name)
    with pytest.raises(MosLabelsError, match=r"out: .*\.txt"):
        job.run("key\na\n", LABELS, features_name="f.csv", out_name="o.txt")


# Within one format


def test_json_lines_keep_their_text(job: Job) -> None:
    lines = [
        '  {"key":"a", "n": 1.10,"e":1e3 , "z":00}'.replace("00", "0"),
        '{"key":"b","id":"00042","d":"2024-01-01","big":12345678901234567890123}',
        '{"key": "c", "nested": {"a": [1, 2.50, {"b": null}]}, "u": "\\u00e9"}\t',
    ]
    job.run("\n".join([lines[0], "", lines[1], "  ", lines[2], ""]), LABELS, min_match_rate=0)
    written = job.out.read_text(encoding="utf-8").splitlines()
    for line, result in zip(lines, written, strict=True):
        assert result.startswith(line.rstrip()[:-1])
        assert json.loads(result)["mos_label_status"]


def test_json_rows_keep_their_text(job: Job) -> None:
    job.run(
        '[{"key": "a", "n": 1.10},\n {"key": "b",\n  "n": 2.50}]', LABELS, features_name="f.json", out_name="o.json"
    )
    text = job.out.read_text()
    assert '"n": 1.10,' in text
    assert '"n": 2.50,' in text
    assert set(json.loads(text)) == {"rows"}


def test_an_empty_object_gets_its_members(job: Job) -> None:
    rows = job.run('{}\n{"key": "a"}\n', LABELS, min_match_rate=0.5)
    assert rows[0]["mos"] is None
    assert rows[1]["mos"] == 3


def test_csv_keeps_its_cells(job: Job) -> None:
    text = 'key,id,x,d,"q,""r",e\na,00042,1.10,2024-01-01,"a\nb",""\nb, 7 ,-.5,,"plain",\n'
    job.run(text, LABELS, features_name="f.csv", out_name="o.csv")
    lines = job.out.read_text().split("\n")
    assert lines[0] == 'key,id,x,d,"q,""r",e,mos,mos_raw_0_100,mos_label_status,mos_label_source'
    assert lines[1:3] == ['a,00042,1.10,2024-01-01,"a', f'b","",3.0,50.0,ok,{job.folder}/labels.jsonl']
    assert lines[3].startswith("b, 7 ,-.5,,plain,,4.5,87.5,ok,")


ARROW_TYPES = {
    "int8": pa.array([1, None, -3], pa.int8()),
    "uint64": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "float16": pa.array([1.5, None, -2.0], pa.float16()),
    "float32": pa.array([0.1, None, float("nan")], pa.float32()),
    "float64": pa.array([0.1, float("inf"), float("-inf")], pa.float64()),
    "bool": pa.array([True, None, False]),
    "string": pa.array(["00042", None, ""]),
    "large_string": pa.array(["a", None, "é"], pa.large_string()),
    "dictionary": pa.array(["x", None, "y"], pa.dictionary(pa.int8(), pa.string())),
    "binary": pa.array([b"\x00\xff", None, b""]),
    "fixed_binary": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "decimal": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-5.00")], pa.decimal128(10, 2)),
    "date32": pa.array([datetime.date(2024, 2, 29), None, datetime.date(1969, 1, 1)]),
    "time32": pa.array([datetime.time(1, 2, 3), None, datetime.time(0)], pa.time32("s")),
    "time64": pa.array([datetime.time(1, 2, 3, 4), None, datetime.time(0)], pa.time64("us")),
    "timestamp": pa.array(
        [datetime.datetime(2024, 1, 2, 3, 4, 5), None, datetime.datetime(1960, 1, 1)], pa.timestamp("us")
    ),
    "zoned": pa.array(
        [datetime.datetime(2024, 7, 2, 3), None, datetime.datetime(2024, 1, 2, 3)], pa.timestamp("ms", "Europe/Berlin")
    ),
    "duration": pa.array([datetime.timedelta(seconds=1.5), None, datetime.timedelta(days=-1)], pa.duration("us")),
    "list": pa.array([[1.5, None], None, []], pa.list_(pa.float32())),
    "fixed_list": pa.array([[1, 2], [5, 6], [3, 4]], pa.list_(pa.int32(), 2)),
    "struct": pa.array([{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "null": pa.nulls(3),
}


def table_of(names: list[str]) -> pa.Table:
    return pa.table({"key": pa.array(["b", "x", "a"]), **{name: ARROW_TYPES[name] for name in names}})


def test_parquet_keeps_every_type(job: Job) -> None:
    table = table_of(list(ARROW_TYPES))
    job.run(table, LABELS, features_name="f.parquet", out_name="o.parquet", min_match_rate=0.6)
    result = pq.ParquetFile(job.out).read()
    assert result.schema.names[: table.num_columns] == table.schema.names
    for name in table.schema.names:
        assert result.schema.field(name).type == pq.ParquetFile(job.folder / "f.parquet").read().schema.field(name).type
        for before, after in zip(table[name].to_pylist(), result[name].to_pylist(), strict=True):
            assert before == after or (math.isnan(before) and math.isnan(after))


# Between formats

FROM_PARQUET = {
    "int8": [1, None, -3],
    "uint64": [2**64 - 1, None, 0],
    "float16": [1.5, None, -2.0],
    "float32": [0.1, None, None],
    "float64": [0.1, None, None],
    "bool": [True, None, False],
    "string": ["00042", None, ""],
    "large_string": ["a", None, "é"],
    "dictionary": ["x", None, "y"],
    "decimal": [1.1, None, -5.0],
    "date32": ["2024-02-29", None, "1969-01-01"],
    "time32": ["01:02:03.000", None, "00:00:00.000"],  # Parquet has no time in seconds
    "time64": ["01:02:03.000004", None, "00:00:00.000000"],
    "timestamp": ["2024-01-02T03:04:05.000000", None, "1960-01-01T00:00:00.000000"],
    "zoned": ["2024-07-02T03:00:00.000Z", None, "2024-01-02T03:00:00.000Z"],
    "duration": ["PT1.500000S", None, "-PT86400.000000S"],
    "list": [[1.5, None], None, []],
    "fixed_list": [[1, 2], [5, 6], [3, 4]],
    "struct": [{"a": 1, "b": ["x"]}, None, {"a": None, "b": []}],
    "map": [[{"key": "k", "value": 1}], None, []],
    "null": [None, None, None],
}
NESTED = ["list", "fixed_list", "struct", "map"]
BINARY = ["binary", "fixed_binary"]


@pytest.mark.parametrize("target", [".jsonl", ".json"])
def test_parquet_to_json(job: Job, target: str) -> None:
    rows = job.run(
        table_of(list(FROM_PARQUET)), LABELS, features_name="f.parquet", out_name=f"o{target}", min_match_rate=0.6
    )
    for name, values in FROM_PARQUET.items():
        assert [row[name] for row in rows] == values, name
    assert job.audit["nulled_numbers"] == 3


def test_parquet_to_csv(job: Job) -> None:
    flat = [name for name in FROM_PARQUET if name not in NESTED]
    rows = job.run(table_of(flat), LABELS, features_name="f.parquet", out_name="o.csv", min_match_rate=0.6)
    for name in flat:
        expected = ["" if value is None else value for value in FROM_PARQUET[name]]
        got = [row[name] for row in rows]
        if name == "bool":
            assert got == ["true", "", "false"]
        elif name == "decimal":
            assert got == ["1.10", "", "-5.00"]
        else:
            assert got == [str(value) for value in expected], name
    assert job.audit["nulled_numbers"] == 3


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "target"), [(n, t) for n in BINARY for t in (".jsonl", ".csv")] + [(n, ".csv") for n in NESTED]
)
def test_what_a_format_cannot_hold_is_refused(job: Job, name: str, target: str) -> None:
    with pytest.raises(MosLabelsError, match=f'column "{name}" is of type'):
        job.run(table_of([name]), LABELS, features_name="f.parquet", out_name=f"o{target}", min_match_rate=0.6)
    assert not job.out.exists()


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (5.0, "5.0"),
        (1e300, "1e+300"),
        (1 / 3, "0.3333333333333333"),
        (-0.0, "-0.0"),
        (123456789.0, "123456789.0"),
    ],
)
def test_the_shortest_number_that_reads_back(job: Job, value: float, text: str) -> None:
    job.run(pa.table({"key": ["a"], "x": [value]}), LABELS, features_name="f.parquet")
    assert f'"x": {text},' in job.out.read_text()


@pytest.mark.parametrize(
    ("features", "out", "nulled"),
    [("f.parquet", "o.csv", 3), ("f.parquet", "o.json", 3), ("f.jsonl", "o.jsonl", 2), ("f.csv", "o.tsv", 2)],
)
def test_numbers_written_as_null_are_counted_in_all_columns(job: Job, features: str, out: str, nulled: int) -> None:
    """Each in every row that has it: a label that is used twice counts twice, one that is not used does not."""
    nan, inf = float("nan"), float("inf")
    rows = [{"key": "a", "x": 1.5}, {"key": "b", "x": 2.5}, {"key": "a", "x": 3.5}]
    if features.endswith("parquet"):
        rows[1]["x"] = nan
    labels = pa.table({"key": ["a", "b", "c"], "mos": [3.0, 4.5, 2.0], "mos_std_dev": [nan, 0.5, inf]})
    written = job.run(rows, labels, features_name=features, labels_name="l.parquet", out_name=out)
    assert [row["mos_std_dev"] or None for row in written] == [None, "0.5" if out[-2:] == "sv" else 0.5, None]
    assert job.audit["nulled_numbers"] == nulled


CSV_TYPES = [
    # cells, type, values
    (["1", "-2"], pa.int64(), [1, -2]),
    (["9223372036854775807", ""], pa.int64(), [2**63 - 1, None]),
    (["00042", "7"], pa.string(), ["00042", "7"]),
    (["+5", "7"], pa.float64(), [5.0, 7.0]),
    (["1", "2.5"], pa.float64(), [1.0, 2.5]),
    (["1e3", ".5"], pa.float64(), [1000.0, 0.5]),
    (["inf", "-Infinity"], pa.float64(), [math.inf, -math.inf]),
    ([" 1.5", "2 "], pa.float64(), [1.5, 2.0]),
    (["1_000", "1"], pa.string(), ["1_000", "1"]),
    (["2024-01-01", ""], pa.string(), ["2024-01-01", None]),
    (["true", "false"], pa.string(), ["true", "false"]),
    (["9223372036854775808", "1"], pa.float64(), [2.0**63, 1.0]),
    (["12345678901234567891", "1"], pa.string(), ["12345678901234567891", "1"]),
    (["9007199254740993", "0.5"], pa.string(), ["9007199254740993", "0.5"]),
    (["", ""], pa.string(), [None, None]),
    (['""', "1"], pa.int64(), [None, 1]),
    (['""', "x"], pa.string(), [None, "x"]),
    (["1e400", "1"], pa.string(), ["1e400", "1"]),
    (["1.7976931348623159e308", "1"], pa.string(), ["1.7976931348623159e308", "1"]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("cells", "kind", "values"), CSV_TYPES)
def test_csv_to_parquet(job: Job, cells: list[str], kind: pa.DataType, values: list) -> None:
    text = f"key,x\na,{cells[0]}\nb,{cells[1]}\n"
    rows = job.run(text, LABELS, features_name="f.csv", out_name="o.parquet")
    assert pq.read_schema(job.out).field("x").type == kind
    assert [row["x"] for row in rows] == values


BLANKS = [chr(code) for code in (9, 11, 12, *range(28, 32), 133, 160, 0x1680, 0x2000, 0x2009, 0x2028, 0x202F, 0x3000)]
BLANKS += ["\u200b", "\ufeff"]
"""All kinds but line ends: what Unicode calls white space, a space of no width, and the mark of a byte order."""


@pytest.mark.sampled
@pytest.mark.parametrize("out", ["o.parquet", "o.csv", "o.jsonl", "o.json"])
def test_a_number_beside_a_blank_that_is_not_a_space_is_text(job: Job, out: str) -> None:
    """In features, keys and extras, in each format alike. Spaces are no part of a number."""
    cells = [
        cell for blank in BLANKS for number in ("5", "-0", "5.5", "inf") for cell in (number + blank, blank + number)
    ]
    columns = [f"x{index}" for index in range(len(cells))]
    features = [
        {"key": "7\xa0", "spaces": " 5 ", **dict(zip(columns, cells, strict=True))},
        {"key": "8", "spaces": "6", **dict.fromkeys(columns, "6")},
    ]
    labels = [{"key": "7", "mos": "3", "votes": "5\xa0"}, {"key": "8", "mos": "4", "votes": "6"}]
    first, second = job.run(
        features, labels, features_name="f.csv", labels_name="l.csv", out_name=out, extras={"votes": "votes"}
    )
    assert [first[column] for column in columns] == cells
    assert {second[column] for column in columns} == {"6"}
    assert (first["key"], float(first["mos"]), first["votes"]) == ("7\xa0", 3.0, "5\xa0")
    assert (second["key"], second["votes"]) == ("8", "6")
    assert (first["spaces"], second["spaces"]) == ((" 5 ", "6") if out == "o.csv" else (5, 6))


JSON_TYPES = [
    (["1", "-2"], pa.int64(), [1, -2]),
    (["1", "2.5"], pa.float64(), [1.0, 2.5]),
    (["1.0", "null"], pa.float64(), [1.0, None]),
    (["true", "null"], pa.bool_(), [True, None]),
    (['"00042"', '"2024-01-01"'], pa.string(), ["00042", "2024-01-01"]),
    (["[1, 2.5]", "[]"], pa.list_(pa.field("child", pa.float64())), [[1.0, 2.5], []]),
    (['{"b": 1, "a": "x"}', '{"a": null}'], None, [{"b": 1, "a": "x"}, {"b": None, "a": None}]),
    (["null", "null"], pa.string(), [None, None]),
    (["9007199254740993", "1"], pa.int64(), [9007199254740993, 1]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("values", "kind", "expected"), JSON_TYPES)
def test_json_to_parquet(job: Job, values: list[str], kind: pa.DataType | None, expected: list) -> None:
    text = f'{{"key": "a", "x": {values[0]}}}\n{{"key": "b", "x": {values[1]}}}\n'
    rows = job.run(text, LABELS, out_name="o.parquet")
    assert kind is None or pq.read_schema(job.out).field("x").type.equals(kind)
    assert [row["x"] for row in rows] == expected


JSON_REFUSED = [
    (["1", '"1"'], "mixed kinds"),
    (["1", "true"], "mixed kinds"),
    (["[1]", '{"a": 1}'], "mixed kinds"),
    (["9223372036854775808", "1"], "9223372036854775808"),
    (["123456789012345678901234567890", "1"], "123456789012345678901234567890"),
    (["[9223372036854775808]", "[]"], "9223372036854775808"),
    (["9007199254740993", "0.5"], "9007199254740993"),
    (["[9007199254740993]", "[0.5]"], "9007199254740993"),
    (["1e400", "1"], "1e400"),
    (['{"a": 1, "A": 2}', "null"], "differ only by case"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("values", "found"), JSON_REFUSED)
@pytest.mark.parametrize("target", [".parquet", ".csv"])
def test_json_that_no_column_can_hold(job: Job, values: list[str], found: str, target: str) -> None:
    text = f'{{"key": "a", "x": {values[0]}}}\n{{"key": "b", "x": {values[1]}}}\n'
    with pytest.raises(MosLabelsError, match=found):
        job.run(text, LABELS, out_name=f"o{target}")
    if target == ".csv":
        assert job.run(text, LABELS)[0]["mos"] == 3  # JSON lines keep it.


def test_json_columns_come_in_order_of_appearance(job: Job) -> None:
    text = '{"z": 1, "key": "a"}\n{"key": "b", "y": 2, "x": 1, "z": 3}\n'
    rows = job.run(text, LABELS, out_name="o.parquet")
    assert list(rows[0])[:4] == ["z", "key", "y", "x"]


LATE = 30_000


@pytest.mark.parametrize("source", [".csv", ".jsonl"])
def test_a_late_decimal_after_whole_numbers(job: Job, source: str) -> None:
    if source == ".csv":
        text = "key,x\n" + "a,3\n" * LATE + "b,3.75\n"
    else:
        text = '{"key": "a", "x": 3}\n' * LATE + '{"key": "b", "x": 3.75}\n'
    rows = job.run(text, LABELS, features_name=f"f{source}", out_name="o.parquet")
    assert (rows[0]["x"], rows[-1]["x"], len(rows)) == (3.0, 3.75, LATE + 1)
    # The same in a label table: 3.75 must not become 4.
    labels = text.replace("x", "mos", 1) if source == ".csv" else text.replace('"x"', '"mos"')
    assert job.run([{"key": "b"}], labels, labels_name=f"l{source}")[0]["mos"] == 3.75


KEYS: list[tuple[list[str], pa.DataType, list[Any]]] = [
    # what the key column of a CSV file holds, its type and its values in Parquet
    (["7", "-12"], pa.int64(), [7, -12]),
    (["9223372036854775807", ""], pa.int64(), [2**63 - 1, None]),
    (["12.1", "13.4"], pa.string(), ["12.1", "13.4"]),
    (["1.10", "1.1"], pa.string(), ["1.10", "1.1"]),
    (["1e5", "100000"], pa.string(), ["1e5", "100000"]),
    (["12.0", "12"], pa.string(), ["12.0", "12"]),
    (["007", "7"], pa.string(), ["007", "7"]),
    (["+7", "7"], pa.string(), ["+7", "7"]),
    (["-0", "0"], pa.string(), ["-0", "0"]),
    (["nan", "inf"], pa.string(), ["nan", "inf"]),
    (["9223372036854775808", "1"], pa.string(), ["9223372036854775808", "1"]),
    (["a", "7"], pa.string(), ["a", "7"]),
]
JSON_KEYS: list[tuple[list[str], pa.DataType, list[Any]]] = [
    # the same in JSON, where the number 12.0 is the key 12
    (["7", "-12"], pa.int64(), [7, -12]),
    (["7", "null"], pa.int64(), [7, None]),
    (["12.0", "13"], pa.string(), ["12", "13"]),
    (["1e3", "12"], pa.string(), ["1000", "12"]),
    (["-0.0", "12"], pa.string(), ["0", "12"]),
    (['"12.0"', "12"], pa.string(), ["12.0", "12"]),
    (['"007"', '"1e5"'], pa.string(), ["007", "1e5"]),
    (["9223372036854775808", "1"], pa.string(), ["9223372036854775808", "1"]),
    (["12345678901234567890123", "12"], pa.string(), ["12345678901234567890123", "12"]),
]
PARQUET_KEYS = [
    (pa.array([12.0, -0.0, None, float("nan")]), ["12", "0", "", ""]),
    (pa.array([2.0**53, 1e15, 1.0, None]), ["9007199254740992", "1000000000000000", "1", ""]),
    (pa.array([12.0, None, 7.0, 0.0], pa.float32()), ["12", "", "7", "0"]),
    (
        pa.array([decimal.Decimal("12.00"), None, decimal.Decimal("-7.00"), decimal.Decimal("0.00")]),
        ["12", "", "-7", "0"],
    ),
    (pa.array(["12.0", "1e5", "", None]), ["12.0", "1e5", "", ""]),
]


def keys_of(job: Job, features: Any, name: str, out: str, **options: Any) -> tuple[list[Any], list[Any]]:
    """The keys that have no label of a feature table, and those of what it is written to."""
    labels = [{**dict.fromkeys(options.get("label_key_column", ["key"]), "none"), "mos": 3}]
    found = []
    for content, source, target in ((features, name, out), (None, out, f"again_{out}")):
        path = write_table(job.folder / source, content) if content is not None else job.folder / source
        write_table(job.folder / "l.jsonl", labels)
        audit = materialize(
            path, [job.folder / "l.jsonl"], job.folder / target, min_match_rate=0, overwrite=content is None, **options
        )
        found.append([audit["unmatched_feature_keys"]["sample"], audit["rows_without_key"]])
    return found[0], found[1]


def json_lines(columns: dict[str, list[str]]) -> str:
    rows = zip(*columns.values(), strict=True)
    objects = [", ".join(f"{json.dumps(name)}: {v}" for name, v in zip(columns, row, strict=True)) for row in rows]
    return "".join(f"{{{members}}}\n" for members in objects)


def text_of(source: str, columns: dict[str, list[str]]) -> str:
    """A table of one column x and others as they are written, as CSV or JSON lines."""
    columns = {"x": ["1.5"] * 2, **columns}
    if source == "f.jsonl":
        return json_lines(columns)
    return "".join(",".join(row) + "\n" for row in [list(columns), *zip(*columns.values(), strict=True)])


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("source", "cells", "kind", "values"),
    [*(("f.csv", *case) for case in KEYS), *(("f.jsonl", *case) for case in JSON_KEYS)],
)
def test_a_key_stays_the_key_that_it_is(
    job: Job, source: str, cells: list[str], kind: pa.DataType, values: list[Any]
) -> None:
    before, after = keys_of(job, text_of(source, {"key": cells}), source, "o.parquet")
    assert before == after
    assert pq.read_schema(job.folder / "o.parquet").field("key").type == kind
    assert [row["key"] for row in read_table(job.folder / "o.parquet")] == values


@pytest.mark.sampled
@pytest.mark.parametrize("out", ["o.jsonl", "o.csv"])
@pytest.mark.parametrize(("source", "cases"), [("f.csv", KEYS), ("f.jsonl", JSON_KEYS)])
def test_keys_stay_the_keys_that_they_are(
    job: Job, source: str, cases: list[tuple[list[str], pa.DataType, list[Any]]], out: str
) -> None:
    """Each case is a column of one key. A case with a missing value would leave its row without a key."""
    columns = {f"k{index}": cells for index, (cells, _, values) in enumerate(cases) if None not in values}
    options: dict[str, Any] = {"feature_key_column": list(columns), "label_key_column": list(columns)}
    before, after = keys_of(job, text_of(source, columns), source, out, **options)
    assert before == after
    values = [[str(case[2][row]) for case in cases if None not in case[2]] for row in range(2)]
    assert sorted(before[0]) == sorted(json.dumps(row, separators=(",", ":")) for row in values)


@pytest.mark.sampled
@pytest.mark.parametrize("out", ["o.parquet", "o.jsonl", "o.csv"])
@pytest.mark.parametrize("source", ["f.csv", "f.jsonl"])
def test_each_column_of_a_compound_key_stays_what_it_is(job: Job, source: str, out: str) -> None:
    cells = {"a": ["12.0", "13"], "b": ["7", "8"], "c": ["12.5", "13"]}
    text = json_lines(cells) if source == "f.jsonl" else "a,b,c\n12.0,7,12.5\n13,8,13\n"
    labels = [{"a": "none", "b": "none", "mos": 3}]
    found = []
    for path, target, content in ((source, out, text), (out, f"again_{out}", None)):
        rows = write_table(job.folder / path, content) if content else job.folder / path
        write_table(job.folder / "l.jsonl", labels)
        options: dict[str, Any] = {"feature_key_column": ["a", "b"], "label_key_column": ["a", "b"]}
        audit = materialize(
            rows, [job.folder / "l.jsonl"], job.folder / target, min_match_rate=0, overwrite=not content, **options
        )
        found.append(audit["unmatched_feature_keys"])
    assert found[0] == found[1]
    if out == "o.parquet":
        schema = pq.read_schema(job.folder / out)
        assert [schema.field(name).type for name in "abc"] == [pa.string(), pa.int64(), pa.float64()]


@pytest.mark.sampled
@pytest.mark.parametrize(("keys", "cells"), PARQUET_KEYS)
def test_a_key_of_parquet_in_csv(job: Job, keys: pa.Array, cells: list[str]) -> None:
    before, after = keys_of(job, pa.table({"key": keys, "x": keys}), "f.parquet", "o.csv")
    assert before == after
    assert [row["key"] for row in read_table(job.folder / "o.csv")] == cells


def test_a_key_that_join_reads_from_a_file(job: Job) -> None:
    from moslabels import join

    features = write_table(job.folder / "f.csv", "key,x\n1.10,1.5\n12,2\n")
    joined = join(features, pa.table({"key": ["1.10", "12"], "mos": [3.0, 4.0]}))
    assert joined.table.column("key").to_pylist() == ["1.10", "12"]


WIDE = 4_000


@pytest.mark.parametrize(("source", "out"), [("f.csv", "o.parquet"), ("f.jsonl", "o.parquet"), ("f.json", "o.csv")])
def test_a_wide_table(job: Job, source: str, out: str) -> None:
    """Every third column whole, every third with a late fraction, every third text; values are what they were."""
    rows = [{"key": key, **{f"x{index}": index * (row + 1) for index in range(WIDE)}} for row, key in enumerate("ab")]
    for index in range(1, WIDE, 3):
        rows[1][f"x{index}"] = index + 0.25
    for row in rows:
        row |= {f"x{index}": f"t{index}" for index in range(2, WIDE, 3)}
    written = job.run(rows, LABELS, features_name=source, out_name=out)
    for before, after in zip(rows, written, strict=True):
        assert list(after)[: len(before)] == list(before)
        for name, value in before.items():
            kind = str if out == "o.csv" or isinstance(value, str) else float
            got = after[name] if kind is str else float(after[name])
            assert got == value or float(got) == value
    if out == "o.parquet":
        types = pq.read_schema(job.out).types[1:4]
        assert types == [pa.int64(), pa.float64(), pa.string()]


@pytest.mark.sampled
@pytest.mark.parametrize("source", ["f.csv", "f.jsonl"])
@pytest.mark.parametrize("out", ["o.parquet", "o.csv", "o.jsonl"])
def test_the_work_for_a_column_does_not_grow_with_their_number(
    job: Job, monkeypatch: pytest.MonkeyPatch, source: str, out: str
) -> None:
    """A statement names a column once, or not at all; none has an operator or a function call per column."""
    ran: list[Statement] = []
    for method in ("_execute", "stream"):
        original = getattr(Engine, method)

        def told(engine: Engine, statement: Statement, *rest: Any, original: Any = original, **more: Any) -> Any:
            ran.append(statement)
            return original(engine, statement, *rest, **more)

        monkeypatch.setattr(Engine, method, told)

    def calls(columns: int) -> dict[str, tuple[int, int]]:
        ran.clear()
        rows = [{"key": "a", **{f"x{index}": index + 0.5 for index in range(columns)}}]
        job.run(rows, LABELS, features_name=source, out_name=out, overwrite=True)
        return {
            statement.name: (statement.sql.count("("), len(re.findall("SELECT|UNION|CASE", statement.sql)))
            for statement in ran
        }

    assert calls(3) == calls(60)


@pytest.mark.parametrize("side", ["features", "labels"])
def test_a_csv_file_of_too_many_columns(job: Job, side: str) -> None:
    text = "key,mos" + ",x" * 20_000 + "\na,3" + ",1" * 20_000 + "\n"
    with pytest.raises(MosLabelsError, match="has 20002 columns, and a CSV table may have 20000 at most") as caught:
        if side == "features":
            job.run(text, LABELS, features_name="f.csv")
        else:
            job.run([{"key": "a"}], text, labels_name="l.csv")
    assert caught.value.file == str(job.folder / ("f.csv" if side == "features" else "l.csv"))


@pytest.mark.parametrize("out", ["o.parquet", "o.csv"])
def test_a_json_file_of_too_many_members_for_columns(job: Job, out: str) -> None:
    rows = [{"key": "a", **{f"x{index}": 1 for index in range(20_000)}}]
    with pytest.raises(MosLabelsError, match="has 20001 members, and 20000 at most become columns of another format"):
        job.run(rows, LABELS, out_name=out)
    assert job.run(rows, LABELS)[0]["mos"] == 3


@pytest.mark.sampled
@pytest.mark.parametrize("source", ["f.jsonl", "f.json"])
@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"": 1}, "a member has no name"),
        ({"x": {"": 1}}, 'column "x": a member has no name'),
        ({"x": [{"y": {"z": 1, "": 1}}]}, 'column "x": a member has no name'),
        ({"x": {"a\0b": 1}}, r'column "x": the member "a\\u0000b" has a NUL in its name'),
    ],
)
def test_a_member_that_no_column_can_be_named_for(job: Job, source: str, value: dict[str, Any], where: str) -> None:
    rows = [{"key": "b"}, {"key": "a", **value}]
    assert [row["mos"] for row in job.run(rows, LABELS, features_name=source)] == [4.5, 3]
    for out in ("o.parquet", "o.csv"):
        with pytest.raises(MosLabelsError, match=f"{source}: row 2: {where}; rename it, or write JSON") as caught:
            job.run(rows, LABELS, features_name=source, out_name=out)
        assert caught.value.row == 2
    # As labels, such members are none that is asked for.
    labels = [{**row, "mos": 3} for row in rows]
    assert [row["mos"] for row in job.run([{"key": "a"}], labels, labels_name=f"l{source}")] == [3]


TWICE = [
    ('{"key": "a", "x": 1, "x": 2}\n' * 3, "row 1: an object has one member twice .3 such rows."),
    ('{"key": "a", "x": 1}\n{"key": "b", "x": 1, "x": 2}\n' * 2, "row 2: an object has one member twice .2 such rows."),
    ('{"key": "a", "y": {"x": 1, "x": 2}}\n[]\n{"key": "a", "x": 2, "x": {"x": 1, "x": 1}}', "row 1: .*3 such rows."),
    ('{"key": "a", "x": 1, "x": 2}\nno\n{"key": "a", "x": 1, "x": 2}\n{"key": "c"}', "row 1: .*3 such rows."),
    ('no\n{"key": "a", "x": {"y": 1, "y": 2}, "z": NaN}\n', "row 1: it is not JSON .2 such rows."),
]


@pytest.mark.parametrize(("text", "said"), TWICE)
def test_all_rows_of_a_fault_are_counted(job: Job, text: str, said: str) -> None:
    with pytest.raises(MosLabelsError, match=said):
        job.run(text, LABELS)


def test_a_dropped_column_is_not_looked_at(job: Job) -> None:
    text = '{"key": "a", "mos": 12345678901234567890123, "x": 1}\n{"key": "b", "mos": "", "x": 2}\n'
    rows = job.run(text, LABELS, out_name="o.parquet", overwrite=True)
    assert [row["mos"] for row in rows] == [3, 4.5]


NAMES = ['quo"te', "sp ace", "d.ot", "ünï", "{{x}}", "{% raw %}", "a'b", "a;b--", "$path", "*", "a/b~c", "", "select"]


@pytest.fixture(scope="module")
def oddly_named(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Rows]:
    """The labelled rows of a table with all odd names: its format and that of the output, each pair labelled once."""

    @cache
    def rows(source: str, target: str) -> Rows:
        names = [name for name in NAMES if name or source != ".jsonl" or target == ".jsonl"]
        nothing = "" if source == ".csv" else None
        features = [{"id": "a", **dict.fromkeys(names, "v")}, {"id": "b", **dict.fromkeys(names, nothing)}]
        job = Job(tmp_path_factory.mktemp("named"))
        return job.run(features, LABELS, features_name=f"f{source}", out_name=f"o{target}", feature_key_column="id")

    return rows


@pytest.mark.sampled
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", [".parquet", ".jsonl", ".csv"])
@pytest.mark.parametrize("target", [".parquet", ".jsonl", ".csv"])
def test_odd_column_names(
    job: Job, oddly_named: Callable[[str, str], Rows], name: str, source: str, target: str
) -> None:
    if name == "" and source == ".jsonl" and target != ".jsonl":
        with pytest.raises(MosLabelsError, match="a member has no name"):
            job.run([{"id": "a", "": 1}], LABELS, out_name=f"o{target}", feature_key_column="id")
        return
    rows = oddly_named(source, target)
    assert [row[name] for row in rows] == ["v", "" if target == ".csv" else None]


ODD = [
    pytest.param(name, suffix, marks=[] if index % 3 == turn else LONG)
    for index, name in enumerate(name for name in NAMES if name)
    for turn, suffix in enumerate([".parquet", ".jsonl", ".csv"])
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "suffix"), ODD)
def test_odd_names_of_key_score_and_extra(job: Job, name: str, suffix: str) -> None:
    features = [{name: "a"}]
    labels = [{f"{name}1": "a", f"{name}2": 3.5, f"{name}3": "x"}]
    rows = job.run(
        features,
        labels,
        features_name=f"f{suffix}",
        labels_name=f"l{suffix}",
        feature_key_column=name,
        label_key_column=f"{name}1",
        label_mos_column=f"{name}2",
        extras=[f"{name}3"],
        key_normalize="raw",
    )
    assert (rows[0]["mos"], rows[0][f"{name}3"]) == (3.5, "x")


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv", ".json"])
def test_a_path_is_one_file(job: Job, suffix: str) -> None:
    folder = job.folder / "run=3"
    for name, key in [("a[1]", "a"), ("a1", "b"), ("a*", "b"), ("a?", "b"), ("ab", "b")]:
        Job(folder).run([{"key": key}], [{"key": key, "mos": 3}], features_name=f"{name}{suffix}")
    rows = job.run([{"key": "a", "v": 1}], LABELS, features_name=f"run=3/a[1]{suffix}", out_name=f"run=3/o[1]{suffix}")
    assert [row["key"] for row in rows] == ["a"]
    assert "run" not in rows[0]
    rows = job.run(
        [{"key": "a"}], {f"run=3/l[1]{suffix}": [{"key": "a", "mos": 3}], f"run=3/l*{suffix}": [{"key": "b", "mos": 4}]}
    )
    assert rows[0]["mos"] == 3


BROKEN = [
    ("f.jsonl", '{"key": "a"}\n{"key": "b"\n', "row 2: it is not JSON"),
    ("f.jsonl", '{"key": "a"}\n\n[1]\n', "row 2: it is not a JSON object"),
    ("f.jsonl", '{"key": "a", "x": 1, "x": 2}\n', "row 1: an object has one member twice"),
    ("f.jsonl", '{"key": "a", "x": {"y": [{"z": 1, "z": 2}]}}\n', "row 1: an object has one member twice"),
    ("f.jsonl", '{"key": "a", "x": NaN}\n', "row 1: .*NaN"),
    ("f.jsonl", '{"key": "a", "x": -Infinity}\n', "row 1: .*Infinity"),
    ("f.jsonl", '{"key": "a", "x": 1,}\n', "row 1: .*trailing commas"),
    ("f.jsonl", '{"key": "a"} {"key": "b"}\n', "row 1: it is not JSON"),
    (
        "f.jsonl",
        '{"key": "a"}\n\n\ufeff{"key": "b"}\n',
        "row 2: it is not JSON: a byte order mark .U.FEFF. stands before it.* .line 3",
    ),
    ("f.jsonl", '\ufeff\ufeff{"key": "a"}\n', "row 1: it is not JSON: a byte order mark .U.FEFF. stands before it"),
    ("f.jsonl", '{"key": "\\ud800"}\n', "row 1: it is not JSON"),
    ("f.jsonl", b'{"key": "\xff"}\n', "utf-8"),
    ("f.json", '{"rows": [{"key": "a"}], "rows": []}', 'it has "rows" twice'),
    ("f.json", '{"key": "a"}', 'it has no "rows"'),
    ("f.json", '{"rows": {"key": "a"}}', 'its "rows" is not a list'),
    ("f.json", '[{"key": "a"},]', "line 1: it is not JSON"),
    ("f.json", '[{"key": "a", "key": "b"}]', "row 1: an object has one member twice"),
    ("f.json", '[{"key": "a"}, 5]', "row 2: it is not a JSON object"),
    ("f.json", "3", "it is another JSON value"),
    ("f.json", "", "it is not JSON"),
    ("f.csv", "key,x\na,1\nb\n", "row 2: it has 1 cells where the table has 2 columns"),
    ("f.csv", "key,x\na,1,2\n", "row 1: it has 3 cells where the table has 2 columns"),
    ("f.csv", 'key,x\na,"1\n', "row 1: a quoted cell"),
    ("f.csv", "key,x\na,1,\nb,2\n", "row 1: it ends in a delimiter too many"),
    ("f.csv", 'key,x\na,"1\n2"\nb,"2",\n', "row 2: it ends in a delimiter too many"),
    ("f.csv", 'key,x\na,"1\n2",\nb,"2"\n', "row 1: it ends in a delimiter too many"),
    ("f.csv", 'key,x\n"a\nb,c",2\nb,2,\n', "row 2: it ends in a delimiter too many"),
    ("f.csv", 'key,x\na,5",\nb,6\n', "row 1: it ends in a delimiter too many"),
    ("f.csv", 'key,x\na"b,c,\nb"x,2\n', "row 1: it ends in a delimiter too many"),
    ("f.csv", 'key,x\na"b",c,\nb,2\n', "row 1: it ends in a delimiter too many"),
    ("f.csv", 'key,x\n "a,b",c,\nb,2\n', "row 1: it ends in a delimiter too many"),
    ("f.csv", "key,x\n\n\na,1\n\nb\n", "row 2: it has 1 cells"),
    ("f.csv", 'key,x\na,"1\n2"\nb\n', "row 2: it has 1 cells"),
    ("f.csv", "key,x\r\na,1\nb,2\n", "line ends are mixed"),
    ("f.csv", 'key,"x\n' + "a,1\n" * 50_000, "does a quoted cell of it not end"),
    ("f.csv", b"key,x\na,\xff\n", 'feature_csv {"encoding": …} to one of utf-8, utf-16, latin-1'),
    ("f.csv", "", "is empty"),
    ("f.parquet", "key,mos\n", "is not a Parquet file, but text"),
    ("f.parquet", b"", "is not a readable Parquet file"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "content", "found"), BROKEN)
def test_broken_files(job: Job, name: str, content: Any, found: str) -> None:
    with pytest.raises(MosLabelsError, match=found) as caught:
        job.run(content, LABELS, features_name=name)
    assert caught.value.file == str(job.folder / name)
    assert name in str(caught.value)
    assert not job.out.exists()


def test_a_missing_file_and_a_folder(job: Job, tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    job.run([{"key": "a"}], LABELS)
    for path, found in [("none.csv", "there is no such file"), ("d.csv", "is a folder")]:
        with pytest.raises(MosLabelsError, match=found):
            materialize(tmp_path / path, tmp_path / "labels.jsonl", tmp_path / "o.csv")
        with pytest.raises(MosLabelsError, match=found):
            materialize(tmp_path / "features.jsonl", [tmp_path / path], tmp_path / "o.jsonl")


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_no_rows(job: Job, suffix: str) -> None:
    content = {".jsonl": "", ".csv": "key,x\n", ".parquet": pa.table({"key": pa.array([], pa.string())})}[suffix]
    if suffix == ".jsonl":
        with pytest.raises(MosLabelsError, match="no key column found"):
            job.run(content, LABELS, min_match_rate=0)
        return
    assert job.run(content, LABELS, features_name=f"f{suffix}", out_name=f"o{suffix}", min_match_rate=0) == []
    assert (job.audit["input_rows"], job.audit["match_rate"]) == (0, 0)
    with pytest.raises(MosLabelsError, match=r"\(0/0 keys\)"):
        job.run(content, LABELS, features_name=f"f{suffix}", out_name=f"o{suffix}")


@pytest.mark.sampled
@pytest.mark.parametrize("columns", [700, 1400])
@pytest.mark.parametrize("target", [".csv", ".parquet"])
def test_wide_csv(job: Job, columns: int, target: str) -> None:
    names = ["key", *(f"x{index}" for index in range(columns))]
    text = ",".join(names) + "\n" + ",".join(["a", *["1.5"] * columns]) + "\n"
    rows = job.run(text, LABELS, features_name="f.csv", out_name=f"o{target}", overwrite=True)
    assert list(rows[0])[: columns + 1] == names


@pytest.mark.parametrize("name", ["file:x.parquet", "s3:/x.parquet", "http:/x.parquet"])
def test_a_path_is_no_uri(job: Job, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(job.folder)
    write_table(Path(name).absolute(), [{"key": "a"}])
    write_table(Path("l.jsonl"), LABELS)
    assert materialize(name, "l.jsonl", "o.jsonl")["matched_rows"] == 1
    assert materialize(name, "l.jsonl", "o.parquet")["matched_rows"] == 1


def test_names_that_differ_by_case_where_the_format_can_hold_them(job: Job) -> None:
    features = pa.table({"key": ["a"], "x": [1], "X": [2]})
    rows = job.run(features, LABELS, features_name="f.parquet", out_name="o.jsonl")
    assert (rows[0]["x"], rows[0]["X"]) == (1, 2)
    with pytest.raises(MosLabelsError, match='columns "x", "X" have one name, but for case'):
        job.run('{"key": "a", "x": 1, "X": 2}\n', LABELS, out_name="o.parquet")


def test_a_column_called_file_row_number(job: Job) -> None:
    features = pa.table({"key": ["b", "a"], "file_row_number": [9, 9]})
    rows = job.run(features, LABELS, features_name="f.parquet", out_name="o.parquet")
    assert [(row["mos"], row["file_row_number"]) for row in rows] == [(4.5, 9), (3.0, 9)]


def test_metadata_and_row_groups_of_parquet_stay(job: Job) -> None:
    path = job.folder / "f.parquet"
    table = pa.table({"key": ["a", "b"] * 50}).replace_schema_metadata({"made": "by hand"})
    pq.write_table(table, path, row_group_size=30)
    content = path.read_bytes()
    job.run(content, LABELS, features_name="f.parquet", out_name="o.parquet")
    result = pq.ParquetFile(job.out)
    assert [result.metadata.row_group(index).num_rows for index in range(4)] == [30, 30, 30, 10]
    assert result.schema_arrow.metadata[b"made"] == b"by hand"
    assert read_table(job.out)[99]["mos"] == 4.5


@pytest.mark.parametrize(
    ("suffix", "out"), [(".csv", ".csv"), (".jsonl", ".jsonl"), (".parquet", ".parquet"), (".parquet", ".csv")]
)
def test_dots_after_a_link(job: Job, suffix: str, out: str) -> None:
    """``link/..`` is the folder that the link's target is in, not the one that the link is in."""
    folder = job.folder
    (folder / "data/deep").mkdir(parents=True)
    (folder / "link").symlink_to(folder / "data/deep")
    for here, key in ((folder, "wrong"), (folder / "data", "right")):
        write_table(here / f"a[1]{suffix}", [{"key": key}])
        write_table(here / "l.csv", [{"key": key, "mos": 3}])
    materialize(folder / f"link/../a[1]{suffix}", [folder / "link/../l.csv"], folder / f"o{out}")
    assert [(row["key"], float(row["mos"])) for row in read_table(folder / f"o{out}")] == [("right", 3.0)]


BEYOND = [
    ('{"key": "a", "v": 9223372036854775808}', "v", "9223372036854775808"),
    ('{"key": "9223372036854775808", "w": [{"x": 1}, {"x": 9223372036854775808}]}', "w", "9223372036854775808"),
    ('{"key": "a", "v": 1, "w": 1e999}', "w", "1e999"),
    ('{"key": "a", "v": 9007199254740993, "w": 9007199254740993}\n{"key": "b", "w": 0.5}', "w", "9007199254740993"),
    ('{"key": "a", "v": [0.5, 9007199254740993]}', "v", "9007199254740993"),
]


@pytest.mark.sampled
@pytest.mark.parametrize("before", ["", '\ufeff\n{"key": "b"}\n \n'])
@pytest.mark.parametrize(("rows", "column", "number"), BEYOND)
@pytest.mark.parametrize("out", ["o.parquet", "o.csv"])
def test_a_number_that_does_not_fit(job: Job, out: str, rows: str, column: str, number: str, before: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(f"{before}{rows}\n", [{"key": "a", "mos": 3}], out_name=out, min_match_rate=0)
    row = 2 if before else 1
    said = f'features.jsonl: row {row}: column "{column}": the number {number} does not fit: whole numbers are BIGINT'
    assert said in str(caught.value)
    assert (caught.value.column, caught.value.row, caught.value.code) == (column, row, "cannot-hold")
