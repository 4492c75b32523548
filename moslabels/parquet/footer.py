"""The columns and row groups that a Parquet footer describes, checked before anything relies on them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NamedTuple

from moslabels.parquet.fields import (
    COLUMNS,
    COMPRESSED,
    CRYPTO,
    DATA_PAGE,
    DICTIONARY_PAGE,
    ELEMENT_TYPE,
    ENCRYPTED_META,
    ENCRYPTION,
    FILE_PATH,
    GROUP_ROWS,
    KEY_VALUES,
    META,
    NAME,
    NULL_COUNT,
    NUM_CHILDREN,
    NUM_ROWS,
    NUM_VALUES,
    REPETITION,
    ROW_GROUPS,
    SCHEMA,
    SIGNING_KEY,
    STATISTICS,
    UNCOMPRESSED,
)
from moslabels.parquet.thrift import (
    STRUCT,
    Field,
    ThriftError,
    binary,
    integer,
    items,
    read_struct,
    read_structs,
)

MAGIC = b"PAR1"
_MOST_BYTES = 1 << 29
_REPEATED = 2


class FooterError(ValueError):
    """The file is not a Parquet file to which columns can be added. The text says why, for a message."""


class Column(NamedTuple):
    """A column at the top of the schema, with its schema elements and its leaves as half-open ranges."""

    name: str
    elements: tuple[int, int]
    leaves: tuple[int, int]


class Chunk(NamedTuple):
    """A column chunk.

    ``start`` and ``end`` are where its struct is in the footer. ``first_page`` is where its pages begin in the file.
    ``compressed`` and ``uncompressed`` are the sizes of the pages in bytes, and ``values`` how many values they hold.
    """

    start: int
    end: int
    first_page: int
    compressed: int
    uncompressed: int
    values: int


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
                found[_text(binary(self.data, need(fields, 1)))] = value
        return found

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


Known = Iterable[Iterable[tuple[bytes, Chunk]]]
"""For each row group, column chunks by their bytes. Where these stand in a footer, they are not parsed again."""


def read_footer(stream: IO[bytes], known: Known = ()) -> Footer:
    """Read and check the footer of an open file. Raise FooterError if it is damaged or not supported."""
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
    return parse(data, start, known)


def parse(data: bytes, start: int, known: Known = ()) -> Footer:
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


def _parse(data: bytes, start: int, known: Known) -> Footer:
    groups: list[RowGroup] = []
    known_groups = iter(known)

    def read_groups(data: bytes, place: int, kind: int) -> int:
        return read_structs(data, place, kind, read_group)

    def read_group(data: bytes, place: int) -> int:
        group, end = _row_group(data, place, next(known_groups, ()))
        groups.append(group)
        return end

    # Row groups are most of a footer, so they are read in the same pass.
    fields, end = read_struct(data, 0, inner={ROW_GROUPS: read_groups})
    if end != len(data):
        raise FooterError(f"its footer has {len(data) - end} bytes too many")
    if ENCRYPTION in fields or SIGNING_KEY in fields:
        raise FooterError("its columns are encrypted")
    elements = list(items(data, need(fields, SCHEMA), STRUCT))
    columns, flat = _columns(data, elements)
    need(fields, ROW_GROUPS)
    num_rows = integer(data, need(fields, NUM_ROWS))
    for group in groups:
        _check_group(group, flat, start)
    rows = sum(group.rows for group in groups)
    if rows != num_rows:
        raise FooterError(f"its footer claims {num_rows} rows, and its row groups {rows}")
    return Footer(data, start, fields, elements, columns, flat, num_rows, groups)


def need(fields: Mapping[int, Field], identifier: int) -> Field:
    try:
        return fields[identifier]
    except KeyError:
        raise ThriftError(f"field {identifier} is missing") from None


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise FooterError(f"a name in its footer is not UTF-8: {value[:40]!r}") from None


def _columns(data: bytes, elements: Sequence[tuple[int, int]]) -> tuple[list[Column], list[bool]]:
    """Return the columns at the top of the schema, and for each leaf whether it has one value per row."""
    if not elements:
        raise FooterError("its schema is empty")
    columns: list[Column] = []
    flat: list[bool] = []
    # For each open group: how many of its children are still to come, and whether anything above is repeated.
    open_groups = [(_children(data, elements[0]), False)]
    name, first_element, first_leaf = "", 1, 0
    for index, (place, _) in enumerate(elements[1:], start=1):
        fields, _ = read_struct(data, place)
        own_name = _text(binary(data, need(fields, NAME)))
        if len(open_groups) == 1:
            name, first_element, first_leaf = own_name, index, len(flat)
        left, repeated = open_groups[-1]
        if left < 1:
            raise FooterError("its schema has more columns than it says")
        open_groups[-1] = (left - 1, repeated)
        repeated = repeated or (REPETITION in fields and integer(data, fields[REPETITION]) == _REPEATED)
        if ELEMENT_TYPE in fields:
            flat.append(not repeated)
        else:
            open_groups.append((_children(data, elements[index]), repeated))
        while len(open_groups) > 1 and open_groups[-1][0] == 0:
            open_groups.pop()
        if len(open_groups) == 1:
            columns.append(Column(name, (first_element, index + 1), (first_leaf, len(flat))))
    if len(open_groups) != 1 or open_groups[0][0] != 0:
        raise FooterError("its schema has fewer columns than it says")
    return columns, flat


def _children(data: bytes, element: tuple[int, int]) -> int:
    fields, _ = read_struct(data, element[0])
    count = integer(data, fields[NUM_CHILDREN]) if NUM_CHILDREN in fields else 0
    if count < 0:
        raise FooterError(f"its schema has a group of {count} columns")
    return count


def _row_group(data: bytes, place: int, known: Iterable[tuple[bytes, Chunk]]) -> tuple[RowGroup, int]:
    chunks: list[Chunk] = []
    known_chunks = iter(known)

    def read_chunks(data: bytes, place: int, kind: int) -> int:
        return read_structs(data, place, kind, read_chunk)

    def read_chunk(data: bytes, place: int) -> int:
        text, parsed = next(known_chunks, (b"", None))
        if parsed is not None and data.startswith(text, place):
            chunk = parsed._replace(start=place, end=place + len(text))
        else:
            chunk = _chunk(data, place)
        chunks.append(chunk)
        return chunk.end

    fields, end = read_struct(data, place, inner={COLUMNS: read_chunks})
    need(fields, COLUMNS)
    return RowGroup(fields, integer(data, need(fields, GROUP_ROWS)), chunks), end


def _chunk(data: bytes, start: int) -> Chunk:
    meta: dict[int, Field] = {}

    def read_meta(data: bytes, place: int, kind: int) -> int:
        nonlocal meta
        if kind != STRUCT:
            raise ThriftError("the metadata of a column chunk is not a struct")
        meta, end = read_struct(data, place)
        return end

    fields, end = read_struct(data, start, inner={META: read_meta})
    if FILE_PATH in fields:
        raise FooterError("its columns are in other files")
    if CRYPTO in fields or ENCRYPTED_META in fields:
        raise FooterError("its columns are encrypted")
    compressed = integer(data, need(meta, COMPRESSED))
    first_page = integer(data, need(meta, DATA_PAGE))
    if DICTIONARY_PAGE in meta:
        dictionary_page = integer(data, meta[DICTIONARY_PAGE])
        if 0 < dictionary_page < first_page:
            first_page = dictionary_page
    values = integer(data, need(meta, NUM_VALUES))
    return Chunk(start, end, first_page, compressed, integer(data, need(meta, UNCOMPRESSED)), values)


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
