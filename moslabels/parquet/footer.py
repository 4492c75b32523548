"""The columns and row groups that a Parquet footer describes, checked before anything relies on them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from moslabels.parquet.chunks import Chunk, FooterError, read_chunks
from moslabels.parquet.fields import (
    COLUMNS,
    ENCRYPTION,
    GROUP_ROWS,
    KEY_VALUES,
    META,
    NULL_COUNT,
    NUM_ROWS,
    ROW_GROUPS,
    SCHEMA,
    SIGNING_KEY,
    STATISTICS,
    TYPE_LENGTH,
)
from moslabels.parquet.schema import Column, Schema, name_of, read_schema
from moslabels.parquet.thrift import (
    STRUCT,
    Field,
    ThriftError,
    binary,
    integer,
    items,
    need,
    read_struct,
    read_structs,
)

MAGIC = b"PAR1"
_MOST_BYTES = 1 << 29


@dataclass(frozen=True)
class RowGroup:
    fields: Mapping[int, Field]
    rows: int
    chunks: Sequence[Chunk]


@dataclass(frozen=True)
class Footer:
    """A footer whose sizes and counts agree with one another and with the file.

    ``data`` is the Thrift struct, and ``start`` is where it begins in the file. ``flat`` says for each leaf whether it
    has one value per row.
    """

    data: bytes
    start: int
    fields: Mapping[int, Field]
    elements: Sequence[tuple[int, int]]
    columns: Sequence[Column]
    flat: Sequence[bool]
    num_rows: int
    groups: Sequence[RowGroup]

    def key_values(self) -> dict[str, bytes | None]:
        """Return the key-value metadata."""
        found: dict[str, bytes | None] = {}
        if KEY_VALUES in self.fields:
            for start, _ in items(self.data, self.fields[KEY_VALUES], STRUCT):
                fields, _ = read_struct(self.data, start)
                value = binary(self.data, fields[2]) if 2 in fields else None
                found[name_of(binary(self.data, need(fields, 1)))] = value
        return found

    def may_be_half(self, column: int) -> bool:
        """Return whether a column has values of two bytes, such as 16-bit floats. Raise FooterError."""
        try:
            fields, _ = read_struct(self.data, self.elements[self.columns[column].elements[0]][0])
            return TYPE_LENGTH in fields and integer(self.data, fields[TYPE_LENGTH]) == 2
        except ThriftError as error:
            raise FooterError(f"its footer is damaged: {error}") from None

    def groups_of_nulls(self, leaf: int) -> list[int]:
        """Return the row groups in which a column is all NULL. Raise FooterError if the footer is damaged."""
        try:
            return [
                index
                for index, group in enumerate(self.groups)
                if (chunk := group.chunks[leaf]).values and _null_count(self.data, chunk) >= chunk.values
            ]
        except ThriftError as error:
            raise FooterError(f"its footer is damaged: {error}") from None


def _null_count(data: bytes, chunk: Chunk) -> int:
    """Return how many NULLs a column chunk has according to its statistics, or 0 if they do not say."""
    fields, _ = read_struct(data, chunk.start)
    meta, _ = read_struct(data, need(fields, META).start)
    if STATISTICS not in meta:
        return 0
    statistics, _ = read_struct(data, meta[STATISTICS].start)
    return integer(data, statistics[NULL_COUNT]) if NULL_COUNT in statistics else 0


def read_footer(stream: IO[bytes], known: Footer | None = None) -> Footer:
    """Read and check the footer of an open file. Raise FooterError if it is damaged or not supported.

    With another footer that is ``known``, column chunks that both have are not read again.
    """
    return parse(*footer_bytes(stream), known)


def footer_bytes(stream: IO[bytes]) -> tuple[bytes, int]:
    """Return the bytes of the footer of an open file, and where they begin. Raise FooterError if it has none."""
    size = stream.seek(0, os.SEEK_END)
    if size < 12:
        raise FooterError(f"it has {size} bytes")
    stream.seek(0)
    head = stream.read(4)
    stream.seek(size - 8)
    tail = stream.read(8)
    if tail[4:] == b"PARE" or head == b"PARE":
        raise FooterError("its footer is encrypted")
    if head != MAGIC or tail[4:] != MAGIC:
        raise FooterError("it does not begin and end with PAR1, as a whole Parquet file does")
    length = int.from_bytes(tail[:4], "little")
    if length > min(size - 12, _MOST_BYTES):
        raise FooterError(f"its footer claims {length} bytes, and the file has {size}")
    start = size - 8 - length
    stream.seek(start)
    data = stream.read(length)
    if len(data) != length:
        raise FooterError("it ends inside its footer")
    return data, start


def parse(data: bytes, start: int, known: Footer | None = None) -> Footer:
    """Check and parse a footer that begins at ``start`` of its file. Raise FooterError if it is wrong."""
    try:
        with without_gc():
            return _parse(data, start, known)
    except ThriftError as error:
        raise FooterError(f"its footer is damaged: {error}") from None


@contextmanager
def without_gc() -> Iterator[None]:
    """Stop the garbage collector in this block.

    A large footer makes many small objects at once. None of them is in a cycle, so looking for cycles is wasted time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parse(data: bytes, start: int, known: Footer | None) -> Footer:
    groups: list[RowGroup] = []
    known_groups = iter(known.groups if known is not None else ())

    def read_groups(data: bytes, place: int, kind: int) -> int:
        return read_structs(data, place, kind, read_group)

    def read_group(data: bytes, place: int) -> int:
        same = next(known_groups, None)
        group, end = _row_group(data, place, (known.data, same.chunks) if known and same else (b"", ()))
        groups.append(group)
        return end

    schema: list[Schema] = []

    def read_columns(data: bytes, place: int, kind: int) -> int:
        schema.append(read_schema(data, place, kind))
        return schema[0].start + len(schema[0].text)

    # Row groups are most of a footer, so they are read in the same pass.
    fields, end = read_struct(data, 0, inner={SCHEMA: read_columns, ROW_GROUPS: read_groups})
    if end != len(data):
        raise FooterError(f"its footer has {len(data) - end} bytes too many")
    if ENCRYPTION in fields or SIGNING_KEY in fields:
        raise FooterError("its columns are encrypted")
    need(fields, SCHEMA)
    need(fields, ROW_GROUPS)
    if not schema:
        raise ThriftError("a field that must be a list has another type")
    num_rows = integer(data, need(fields, NUM_ROWS))
    for group in groups:
        _check_group(group, schema[0].flat, start)
    rows = sum(group.rows for group in groups)
    if rows != num_rows:
        raise FooterError(f"its footer claims {num_rows} rows, and its row groups {rows}")
    (_, _, elements, columns, flat), *_ = schema
    return Footer(data, start, fields, elements, columns, flat, num_rows, groups)


def _row_group(data: bytes, place: int, known: tuple[bytes, Sequence[Chunk]]) -> tuple[RowGroup, int]:
    chunks: list[Chunk] = []

    def read_columns(data: bytes, place: int, kind: int) -> int:
        nonlocal chunks
        chunks, end = read_chunks(data, place, kind, known)
        return end

    fields, end = read_struct(data, place, inner={COLUMNS: read_columns})
    need(fields, COLUMNS)
    return RowGroup(fields, integer(data, need(fields, GROUP_ROWS)), chunks), end


def _check_group(group: RowGroup, flat: Sequence[bool], footer_start: int) -> None:
    """Raise FooterError if a row group does not agree with the schema, or if a chunk lies outside the file."""
    if group.rows < 0:
        raise FooterError(f"its footer claims a row group of {group.rows} rows")
    if len(group.chunks) != len(flat):
        raise FooterError(f"a row group has {len(group.chunks)} column chunks for {len(flat)} columns")
    for chunk, is_flat in zip(group.chunks, flat, strict=True):
        if chunk.values < 0 or (is_flat and chunk.values != group.rows):
            raise FooterError(f"a column chunk claims {chunk.values} values, and its row group {group.rows} rows")
        end = chunk.first_page + chunk.compressed
        if chunk.compressed < 0 or (chunk.values and not 4 <= chunk.first_page <= end <= footer_start):
            raise FooterError("a column chunk lies outside the file")
