"""The distinct rows that Arrow finds are those that a dict of Python finds, for keys of every type."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moslabels import join
from moslabels.sources.distinct import distinct, merged

COLUMNS: dict[str, Callable[[list[Any]], pa.Array]] = {
    "text": lambda values: pa.array(values, pa.string()),
    "large text": lambda values: pa.array(values, pa.large_string()),
    "views": lambda values: pa.array(values, pa.string_view()),
    "dictionary": lambda values: pa.array(values, pa.string()).dictionary_encode(),
    "dictionary with a value twice": lambda values: pa.DictionaryArray.from_arrays(
        pa.array([None if value is None else ord(value) % 8 for value in values], pa.int8()),
        pa.array(["a", "b", "c", "a", "b", "c", "a", None]),
    ),
    "runs": lambda values: pc.run_end_encode(pa.array(values, pa.string())),
    "numbers": lambda values: pa.array([None if value is None else ord(value) for value in values], pa.uint8()),
    "floats": lambda values: pa.array([None if value is None else ord(value) / 2 for value in values]),
    "instants": lambda values: pa.array(
        [None if value is None else ord(value) for value in values], pa.timestamp("ns", "UTC")
    ),
    "nothing": lambda values: pa.nulls(len(values)),
}
values = st.lists(st.sampled_from(["a", "b", "c", "ä", None]), max_size=12)


def counted(rows: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """How many rows are equal, and the number of the first of them, by what they hold."""
    found: dict[tuple[Any, ...], tuple[int, int]] = {}
    for number, row in enumerate(rows, start=1):
        count, first = found.get(row, (0, number))
        found[row] = (count + 1, first)
    return found


def rows_of(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def in_chunks(array: pa.Array, chunks: int) -> pa.ChunkedArray:
    if not chunks:
        return pa.chunked_array([], array.type) if not len(array) else pa.chunked_array([array])
    size = -(-len(array) // chunks)
    return pa.chunked_array([array.slice(place * size, size) for place in range(chunks)], array.type)


@settings(max_examples=200, deadline=None)
@given(values, st.lists(st.sampled_from([*COLUMNS]), min_size=1, max_size=3), st.integers(0, 3))
def test_it_finds_what_a_dict_finds(rows: list[str | None], kinds: list[str], chunks: int) -> None:
    columns = [
        in_chunks(COLUMNS[kind](rows[place:] + rows[:place]), chunks)
        for place, kind in enumerate(kinds)
        if kind != "runs" or rows
    ] or [in_chunks(COLUMNS["text"](rows), chunks)]
    table = pa.Table.from_arrays(columns, [f"column{place}" for place in range(len(columns))])
    plain = [tuple(row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    found = distinct(table)
    wanted = counted(plain)
    assert rows_of(found.values) == [(*row, *of_row) for row, of_row in wanted.items()]
    assert [[*wanted][code] for code in found.codes.to_pylist()] == plain


RUNS = [
    value
    for value, rows in (("a", 3000), ("b", 2500), (None, 1), ("a", 700), ("ä", 1), ("b", 800))
    for _ in range(rows)
]


@pytest.mark.parametrize("chunks", [1, 2, 7, len(RUNS)])
@pytest.mark.parametrize("kind", COLUMNS)
def test_it_finds_what_a_dict_finds_where_equal_rows_follow_each_other(kind: str, chunks: int) -> None:
    column = in_chunks(COLUMNS[kind](RUNS), chunks)
    found = distinct(pa.table({"column0": column}))
    plain = [(value,) for value in column.to_pylist()]
    wanted = counted(plain)
    assert rows_of(found.values) == [(*row, *of_row) for row, of_row in wanted.items()]
    assert [[*wanted][code] for code in found.codes.to_pylist()] == plain


@settings(max_examples=100, deadline=None)
@given(st.lists(values, min_size=1, max_size=5))
def test_distinct_rows_of_several_tables_are_those_of_all(parts: list[list[str | None]]) -> None:
    tables, start = [], 0
    for part in parts:
        found = distinct(pa.table({"column0": COLUMNS["text"](part), "column1": COLUMNS["numbers"](part)})).values
        first = pa.array([row + start for row in found["first_row"].to_pylist()], pa.int64())
        tables.append(found.set_column(3, "first_row", first))
        start += len(part)
    all_rows = [row for part in parts for row in part]
    whole = distinct(pa.table({"column0": COLUMNS["text"](all_rows), "column1": COLUMNS["numbers"](all_rows)}))
    assert merged(pa.concat_tables(tables)).equals(whole.values)


NAMES = {
    "text": ["a", "b", "a", None, "c"],
    "floats": [0.0, -0.0, float("nan"), None, 7.0],
    "numbers": [7, None, 7, 0, 8],
}


@pytest.mark.parametrize("kind", NAMES)
def test_groups_and_keys_of_a_table_in_memory_are_those_of_a_file(kind: str, tmp_path: Any) -> None:
    """Arrow tells apart what DuckDB does not, such as 0.0 and -0.0: that changes no count."""
    features = pa.table({"key": NAMES[kind], "corpus": ["x", "x", None, "y", "y"], "part": [1, 1, 1, 2, 2]})
    features = pa.concat_tables([features, features.slice(1)])
    labels = pa.table({"key": ["a", "0", "7"], "part": [1, 1, 2], "mos": [2, 3, 4]})

    pq.write_table(features, tmp_path / "f.parquet")
    keys: dict[str, Any] = {"feature_key_column": ["key", "part"], "label_key_column": ["key", "part"]}
    one: dict[str, Any] = {"feature_key_column": "key"}
    for options in ({**keys, "match_rate_by": "corpus"}, {**one, "match_rate_by": "key"}, keys, one):
        of_memory, of_file = (
            join(table, labels, min_match_rate=0, **options) for table in (features, tmp_path / "f.parquet")
        )
        assert repr(of_memory.table.to_pydict()) == repr(of_file.table.to_pydict())
        told = [{**one.audit, "feature_table": None, "run_provenance": None} for one in (of_memory, of_file)]
        assert repr(told[0]).replace("'features'", "") == repr(told[1]).replace(f"'{tmp_path}/f.parquet'", "")


WITHOUT_PANDAS = """
import sys
import pyarrow as pa
from moslabels.sources.distinct import distinct, merged

table = pa.ipc.open_stream(sys.stdin.buffer).read_all()
print(len(distinct(table).values), len(merged(distinct(table).values)))
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    "table",
    [pa.table({"key": ["a", "b"], "n": [1, 2], "m": [1, 2]}), pa.table({"key": ["a"] * 4096 + ["b"] * 4096})],
    ids=["rows", "runs"],
)
def test_it_does_without_pandas(table: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PANDAS], input=sink.getvalue().to_pybytes(), capture_output=True, check=True
    )
    assert done.stdout.decode().split() == ["2", "2", "False"]
