"""The footer codec: exact on what writers write, quick and clear on what nobody would."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moslabels.parquet import thrift
from moslabels.parquet.chunks import FooterError, any_chunk, typical_chunk
from moslabels.parquet.footer import parse, read_footer
from moslabels.parquet.thrift import (
    BINARY,
    BYTE,
    I32,
    I64,
    LIST,
    MAP,
    STRUCT,
    Field,
    ThriftError,
    binary,
    changed_struct,
    integer,
    items,
    read_struct,
    skip,
    write_binary,
    write_integer,
    write_list,
    write_struct,
    write_varint,
)


def test_a_footer_that_nothing_changes_is_written_byte_for_byte(tmp_path: Path) -> None:
    table = pa.table({"a": [1, None], "b": [["x"], []], "c": [{"d": 1.5}, None]})
    pq.write_table(table, tmp_path / "f.parquet", row_group_size=1, write_page_index=True)
    with (tmp_path / "f.parquet").open("rb") as stream:
        footer = read_footer(stream)
    assert changed_struct(footer.data, footer.fields, {}) == footer.data
    assert [column.name for column in footer.columns] == ["a", "b", "c"]
    assert list(footer.flat) == [True, False, True]


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_round_trip(value: int) -> None:
    data = write_struct([(1, I64, write_integer(value))])
    fields, end = read_struct(data, 0)
    assert (integer(data, fields[1]), end) == (value, len(data))


@given(st.dictionaries(st.integers(1, 3000), st.binary(max_size=300), max_size=8))
def test_structs_round_trip(values: dict[int, bytes]) -> None:
    data = write_struct([(name, BINARY, write_binary(value)) for name, value in values.items()])
    fields, end = read_struct(data, 0)
    assert {name: binary(data, field) for name, field in fields.items()} == values
    assert end == len(data)


@given(st.lists(st.binary(max_size=20), max_size=40))
def test_lists_round_trip(values: list[bytes]) -> None:
    data = write_list(BINARY, [write_binary(value) for value in values])
    found = [data[start:end] for start, end in items(data, Field(LIST, 0, len(data)), BINARY)]
    assert found == [write_binary(value) for value in values]


LIST_OF_STRUCTS = 0xF0 | STRUCT
HOSTILE = {
    "an endless number": b"\x15" + b"\xff" * 1_000_000,
    "a list of 2^60 items": bytes([0x19, 0xF0 | I32]) + write_varint(2**60),
    "20 MB of empty structs": bytes([0x19, LIST_OF_STRUCTS]) + write_varint(20_000_000) + b"\0" * 20_000_000,
    "a million nested structs": b"\x1c" * 1_000_000,
    "a million nested lists": b"\x19" + b"\x19" * 1_000_000,
    "a text of 2^62 bytes": b"\x18" + write_varint(2**62),
    "a field twice": b"\x15\x02\x05\x02\x02\x00",
    "a field of no type": b"\x1f\x00",
    "a map of 2^40 entries": b"\x1b" + write_varint(2**40) + b"\x88",
    "nothing": b"",
    "an end that is missing": b"\x15\x02",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_refused_at_once(name: str) -> None:
    start = time.process_time()
    with pytest.raises(ThriftError):
        read_struct(HOSTILE[name], 0)
    with pytest.raises(FooterError, match="damaged"):
        parse(HOSTILE[name], 100)
    assert time.process_time() - start < 2


def test_maps_and_truth_values_are_skipped() -> None:
    data = write_varint(2) + bytes([BINARY << 4 | BYTE]) + b"\x01a\x05" + b"\x01b\x06"
    assert skip(data, 0, MAP) == len(data)
    assert skip(b"\x21\x01\x02", 0, LIST) == 3
    assert read_struct(b"\x11\x00", 0)[0] == {1: Field(thrift.TRUE, 1, 1)}


def element(name: bytes, **fields: int) -> bytes:
    known = {"type": 1, "repetition": 3, "children": 5}
    pairs = [(known[key], I32, write_integer(value)) for key, value in fields.items()]
    return write_struct([*pairs, (4, BINARY, write_binary(name))])


def chunk(values: int = 1, offset: int = 4, size: int = 10, **more: int) -> bytes:
    meta = [(5, I64, values), (6, I64, size), (7, I64, size), (9, I64, offset)]
    fields = [(3, STRUCT, write_struct([(name, kind, write_integer(value)) for name, kind, value in meta]))]
    if "file_path" in more:
        fields.append((1, BINARY, write_binary(b"x")))
    if "crypto" in more:
        fields.append((8, STRUCT, b"\0"))
    return write_struct(fields)


def footer(elements: list[bytes], groups: list[tuple[int, list[bytes]]], rows: int, **more: bytes) -> bytes:
    written = [
        write_struct(
            [(1, LIST, write_list(STRUCT, chunks)), (2, I64, write_integer(1)), (3, I64, write_integer(count))]
        )
        for count, chunks in groups
    ]
    fields = [
        (1, I32, write_integer(2)),
        (2, LIST, write_list(STRUCT, elements)),
        (3, I64, write_integer(rows)),
        (4, LIST, write_list(STRUCT, written)),
    ]
    if "encryption" in more:
        fields.append((8, STRUCT, more["encryption"]))
    return write_struct(fields)


ROOT, LEAF = element(b"schema", children=1), element(b"a", type=1, repetition=0)
WRONG = [
    (footer([ROOT, LEAF], [(1, [chunk()])], 1) + b"\0", "bytes too many"),
    (footer([], [], 0), "schema is empty"),
    (footer([ROOT], [], 0), "fewer columns than it says"),
    (footer([ROOT, LEAF, LEAF], [], 0), "more columns than it says"),
    (footer([element(b"s", children=-1)], [], 0), "group of -1 columns"),
    (footer([ROOT, element(b"\xff", type=1)], [], 0), "not UTF-8"),
    (footer([ROOT, LEAF], [(1, [chunk()])], 2), "claims 2 rows, and its row groups 1"),
    (footer([ROOT, LEAF], [(-1, [chunk(-1)])], -1), "row group of -1 rows"),
    (footer([ROOT, LEAF], [(1, [])], 1), "0 column chunks for 1 columns"),
    (footer([ROOT, LEAF], [(1, [chunk(), chunk()])], 1), "2 column chunks for 1 columns"),
    (footer([ROOT, LEAF], [(10**12, [chunk()])], 10**12), "claims 1 values, and its row group 1000000000000 rows"),
    (footer([ROOT, LEAF], [(1, [chunk(size=10**12)])], 1), "outside the file"),
    (footer([ROOT, LEAF], [(1, [chunk(offset=-5)])], 1), "outside the file"),
    (footer([ROOT, LEAF], [(1, [chunk(size=-1)])], 1), "outside the file"),
    (footer([ROOT, LEAF], [(1, [chunk(file_path=1)])], 1), "in other files"),
    (footer([ROOT, LEAF], [(1, [chunk(crypto=1)])], 1), "encrypted"),
    (footer([ROOT, LEAF], [(1, [chunk()])], 1, encryption=b"\0"), "encrypted"),
]


@pytest.mark.parametrize(("data", "found"), WRONG)
def test_what_does_not_add_up_is_refused(data: bytes, found: str) -> None:
    with pytest.raises(FooterError, match=found):
        parse(data, 100)


def test_what_adds_up_is_read() -> None:
    read = parse(footer([ROOT, LEAF], [(1, [chunk()])], 1), 100)
    assert (read.num_rows, [column.name for column in read.columns]) == (1, ["a"])


def written_by_pyarrow(folder: Path) -> Path:
    table = pa.table({name: pa.array(range(40)) for name in "abcd"} | {"t": ["x" * n for n in range(40)]})
    pq.write_table(table, folder / "f.parquet", row_group_size=10, write_page_index=True)
    return folder / "f.parquet"


def written_by_duckdb(folder: Path) -> Path:
    path = folder / "f.parquet"
    duckdb.sql(f"COPY (SELECT i a, i / 7 b, 'k' || i c FROM range(40) t(i)) TO '{path}'")
    return path


def written_by_polars(folder: Path) -> Path:
    table = pytest.importorskip("polars").DataFrame(
        {"a": range(40), "b": [n / 7 for n in range(40)], "c": [f"k{n}" for n in range(40)]}
    )
    table.write_parquet(folder / "f.parquet", row_group_size=10)
    return folder / "f.parquet"


@pytest.mark.parametrize("write", [written_by_pyarrow, written_by_duckdb, written_by_polars])
def test_typical_chunks_are_read_as_field_by_field(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    with write(tmp_path).open("rb") as stream:
        footer = read_footer(stream)
    chunks = [chunk for group in footer.groups for chunk in group.chunks]
    assert [typical_chunk(footer.data, chunk.start) for chunk in chunks] == chunks
    assert [any_chunk(footer.data, chunk.start) for chunk in chunks] == chunks
    assert {chunk.is_indexed for chunk in chunks} == {write is not written_by_duckdb}


@pytest.mark.parametrize("other", ["itself", "with another name", "without its last column", "of other values"])
def test_a_footer_is_read_the_same_beside_one_that_is_known(tmp_path: Path, other: str) -> None:
    table = pa.table({name: pa.array(range(40)) for name in "abcd"})
    tables = {
        "itself": table,
        "with another name": table.rename_columns(["a", "x", "c", "d"]),
        "without its last column": table.select(["a", "b", "c"]),
        "of other values": table.set_column(1, "b", pa.array([7] * 40)),
    }
    for name, written in (("f", table), ("known", tables[other])):
        pq.write_table(written, tmp_path / name, row_group_size=10)
    with (tmp_path / "f").open("rb") as stream, (tmp_path / "known").open("rb") as beside:
        assert read_footer(stream, read_footer(beside)) == read_footer(stream)


def test_a_list_of_equal_structs_is_as_long_as_its_items() -> None:
    one, two = write_struct([(1, I32, write_integer(3))]), write_struct([(1, I32, write_integer(300))])
    for values in ([one] * 20, [one, one, two, two, one], [two, one] * 9):
        data = write_list(STRUCT, values) + b"more"
        assert skip(data, 0, LIST) == len(data) - 4
        assert [data[start:end] for start, end in items(data, Field(LIST, 0, len(data)), STRUCT)] == values
    with pytest.raises(ThriftError, match="ends inside"):
        skip(write_list(STRUCT, [one] * 20)[:-1], 0, LIST)


def test_what_is_read_as_typical_would_be_read_field_by_field_too(tmp_path: Path) -> None:
    """Chunks of which any byte is another one: an offset, the number of a field, a type, a length."""
    with written_by_pyarrow(tmp_path).open("rb") as stream:
        footer = read_footer(stream)
    typical = 0
    for chunk in (footer.groups[1].chunks[0], footer.groups[1].chunks[4]):
        for place in range(chunk.start, chunk.end):
            for byte in range(256):
                data = footer.data[:place] + bytes([byte]) + footer.data[place + 1 :]
                if (found := typical_chunk(data, chunk.start)) is not None:
                    typical += 1
                    assert any_chunk(data, chunk.start) == found, (place, byte)
    assert typical > 5000


def test_the_schema_of_another_footer_is_not_taken_for_its_own() -> None:
    """Not if one is the start of the other, nor if they differ in the last byte."""
    other = element(b"b", type=6, repetition=1)
    for elements, names in (
        ([ROOT, LEAF], ["a"]),
        ([ROOT, other], ["b"]),
        ([ROOT, LEAF], ["a"]),
        ([element(b"r", children=2), LEAF, other], ["a", "b"]),
    ):
        chunks = [chunk() for _ in names]
        read = parse(footer(elements, [(1, chunks)], 1), 100)
        assert [column.name for column in read.columns] == names
        assert [read.data[start:end] for start, end in read.elements] == elements
