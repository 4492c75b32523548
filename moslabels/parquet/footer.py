"""What a Parquet footer says of columns and row groups, checked before anything relies on it, and written anew.

Field numbers are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import gc
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NamedTuple

from moslabels.parquet.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    Field,
    ThriftError,
    binary,
    changed_struct,
    integer,
    items,
    read_struct,
    read_structs,
    write_binary,
    write_integer,
    write_list,
    write_struct,
)

MAGIC = b"PAR1"
_MOST_BYTES = 1 << 29
_REPEATED = 2

# FileMetaData
_VERSION, _SCHEMA, _NUM_ROWS, _ROW_GROUPS, _KEY_VALUES, _CREATED_BY, _COLUMN_ORDERS = range(1, 8)
_ENCRYPTION, _SIGNING_KEY = 8, 9
# SchemaElement
_ELEMENT_TYPE, _REPETITION, _NAME, _NUM_CHILDREN = 1, 3, 4, 5
# RowGroup
_COLUMNS, _BYTES, _GROUP_ROWS, _SORTING, _GROUP_OFFSET, _COMPRESSED_BYTES = range(1, 7)
# ColumnChunk
_FILE_PATH, _CHUNK_OFFSET, _META, _CRYPTO, _ENCRYPTED_META = 1, 2, 3, 8, 9
# ColumnMetaData
_NUM_VALUES, _UNCOMPRESSED, _COMPRESSED = 5, 6, 7
_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _STATISTICS, _BLOOM_FILTER = 9, 10, 11, 12, 14
# Statistics
_NULL_COUNT = 3


class FooterError(ValueError):
    """The file is no Parquet file whose columns can be added to. The text says why, for a message."""


class Column(NamedTuple):
    """A column at the top of the schema: which schema elements and which leaves are its own (half-open ranges)."""

    name: str
    elements: tuple[int, int]
    leaves: tuple[int, int]


class Chunk(NamedTuple):
    """A column chunk: where its struct stands in the footer, where its pages begin in the file, their bytes, and how
    many values they hold.
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

    ``data`` is the Thrift struct; ``start`` is where it begins in the file. ``flat`` says of each leaf whether it has
    one value a row.
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
        """The key-value metadata."""
        found: dict[str, bytes | None] = {}
        if _KEY_VALUES in self.fields:
            for start, _ in items(self.data, self.fields[_KEY_VALUES], STRUCT):
                fields, _ = read_struct(self.data, start)
                value = binary(self.data, fields[2]) if 2 in fields else None
                found[_text(binary(self.data, _need(fields, 1)))] = value
        return found

    def groups_of_nulls(self, leaf: int) -> list[int]:
        """The row groups that hold nothing but NULL in a column, by what the footer says. Raises FooterError."""
        try:
            return [
                index
                for index, group in enumerate(self.groups)
                if (chunk := group.chunks[leaf]).values and _null_count(self.data, chunk) >= chunk.values
            ]
        except ThriftError as error:
            raise FooterError(f"its footer is damaged: {error}") from None


def _null_count(data: bytes, chunk: Chunk) -> int:
    """How many NULLs a column chunk has, by its statistics; 0 where these do not say."""
    fields, _ = read_struct(data, chunk.start)
    meta, _ = read_struct(data, _need(fields, _META).start)
    if _STATISTICS not in meta:
        return 0
    statistics, _ = read_struct(data, meta[_STATISTICS].start)
    return integer(data, statistics[_NULL_COUNT]) if _NULL_COUNT in statistics else 0


def read_footer(stream: IO[bytes]) -> Footer:
    """Read and check the footer of an open file. Raises FooterError."""
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
        raise FooterError("it ends inside of its footer")
    return parse(data, start)


def parse(data: bytes, start: int) -> Footer:
    """Check the bytes of a footer that begins at ``start`` of its file. Raises FooterError."""
    try:
        with _without_gc():
            return _parse(data, start)
    except ThriftError as error:
        raise FooterError(f"its footer is damaged: {error}") from None


@contextmanager
def _without_gc() -> Iterator[None]:
    """A large footer makes many small objects at once, none of them in a cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parse(data: bytes, start: int) -> Footer:
    groups: list[RowGroup] = []

    def read_groups(data: bytes, place: int, kind: int) -> int:
        return read_structs(data, place, kind, read_group)

    def read_group(data: bytes, place: int) -> int:
        group, end = _row_group(data, place)
        groups.append(group)
        return end

    # Row groups are most of a footer: they are read in the one pass over it.
    fields, end = read_struct(data, 0, inner={_ROW_GROUPS: read_groups})
    if end != len(data):
        raise FooterError(f"its footer has {len(data) - end} bytes too many")
    if _ENCRYPTION in fields or _SIGNING_KEY in fields:
        raise FooterError("its columns are encrypted")
    elements = list(items(data, _need(fields, _SCHEMA), STRUCT))
    columns, flat = _columns(data, elements)
    _need(fields, _ROW_GROUPS)
    num_rows = integer(data, _need(fields, _NUM_ROWS))
    for group in groups:
        _check_group(group, flat, start)
    rows = sum(group.rows for group in groups)
    if rows != num_rows:
        raise FooterError(f"its footer claims {num_rows} rows, and its row groups {rows}")
    return Footer(data, start, fields, elements, columns, flat, num_rows, groups)


def _need(fields: Mapping[int, Field], identifier: int) -> Field:
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
    """The columns at the top of the schema, and of each leaf whether it has one value a row."""
    if not elements:
        raise FooterError("its schema is empty")
    columns: list[Column] = []
    flat: list[bool] = []
    # For each open group: how many of its children are still to come, and whether anything above is repeated.
    open_groups = [(_children(data, elements[0]), False)]
    name, first_element, first_leaf = "", 1, 0
    for index, (place, _) in enumerate(elements[1:], start=1):
        fields, _ = read_struct(data, place)
        own_name = _text(binary(data, _need(fields, _NAME)))
        if len(open_groups) == 1:
            name, first_element, first_leaf = own_name, index, len(flat)
        left, repeated = open_groups[-1]
        if left < 1:
            raise FooterError("its schema has more columns than it says")
        open_groups[-1] = (left - 1, repeated)
        repeated = repeated or (_REPETITION in fields and integer(data, fields[_REPETITION]) == _REPEATED)
        if _ELEMENT_TYPE in fields:
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
    count = integer(data, fields[_NUM_CHILDREN]) if _NUM_CHILDREN in fields else 0
    if count < 0:
        raise FooterError(f"its schema has a group of {count} columns")
    return count


def _row_group(data: bytes, place: int) -> tuple[RowGroup, int]:
    chunks: list[Chunk] = []

    def read_chunks(data: bytes, place: int, kind: int) -> int:
        return read_structs(data, place, kind, read_chunk)

    def read_chunk(data: bytes, place: int) -> int:
        chunk = _chunk(data, place)
        chunks.append(chunk)
        return chunk.end

    fields, end = read_struct(data, place, inner={_COLUMNS: read_chunks})
    _need(fields, _COLUMNS)
    return RowGroup(fields, integer(data, _need(fields, _GROUP_ROWS)), chunks), end


def _chunk(data: bytes, start: int) -> Chunk:
    meta: dict[int, Field] = {}

    def read_meta(data: bytes, place: int, kind: int) -> int:
        nonlocal meta
        if kind != STRUCT:
            raise ThriftError("the metadata of a column chunk is no struct")
        meta, end = read_struct(data, place)
        return end

    fields, end = read_struct(data, start, inner={_META: read_meta})
    if _FILE_PATH in fields:
        raise FooterError("its columns are in other files")
    if _CRYPTO in fields or _ENCRYPTED_META in fields:
        raise FooterError("its columns are encrypted")
    compressed = integer(data, _need(meta, _COMPRESSED))
    first_page = integer(data, _need(meta, _DATA_PAGE))
    if _DICTIONARY_PAGE in meta:
        dictionary_page = integer(data, meta[_DICTIONARY_PAGE])
        if 0 < dictionary_page < first_page:
            first_page = dictionary_page
    values = integer(data, _need(meta, _NUM_VALUES))
    return Chunk(start, end, first_page, compressed, integer(data, _need(meta, _UNCOMPRESSED)), values)


def _check_group(group: RowGroup, flat: Sequence[bool], footer_start: int) -> None:
    """Refuse a row group that does not agree with the schema, or whose chunks do not lie in the file."""
    if group.rows < 0:
        raise FooterError(f"its footer claims a row group of {group.rows} rows")
    if len(group.chunks) != len(flat):
        raise FooterError(f"a row group has {len(group.chunks)} column chunks for {len(flat)} columns")
    for chunk, is_flat in zip(group.chunks, flat, strict=True):
        if chunk.values < 0 or (is_flat and chunk.values != group.rows):
            raise FooterError(f"a column chunk claims {chunk.values} values, and its row group {group.rows} rows")
        end = chunk.first_page + chunk.compressed
        if chunk.compressed < 0 or (chunk.values and not 4 <= chunk.first_page <= end <= footer_start):
            raise FooterError("a column chunk lies outside of the file")


def appended(
    footer: Footer, dropped: Collection[int], labels: Footer, shift: int, key_values: Mapping[str, bytes | None]
) -> tuple[bytes, bytes]:
    """The footer with the columns of another file appended, and one that lists the appended columns alone.

    ``dropped`` are the positions of columns to leave out; the pages of ``labels`` stand ``shift`` bytes behind the
    place where its own footer says. What is not named here is copied as it is.
    """
    with _without_gc():
        return _appended(footer, dropped, labels, shift, key_values)


def _appended(
    footer: Footer, dropped: Collection[int], labels: Footer, shift: int, key_values: Mapping[str, bytes | None]
) -> tuple[bytes, bytes]:
    kept = [column for index, column in enumerate(footer.columns) if index not in dropped]
    kept_elements = [footer.elements[index] for column in kept for index in range(*column.elements)]
    kept_leaves = [index for column in kept for index in range(*column.leaves)]
    new_elements = [labels.data[start:end] for start, end in labels.elements[1:]]
    elements = [
        _root(footer, len(kept) + len(labels.columns)),
        *(footer.data[start:end] for start, end in kept_elements),
        *new_elements,
    ]
    groups = []
    label_groups = []
    for group, label_group in zip(footer.groups, labels.groups, strict=True):
        new_chunks = [_shifted(labels.data, chunk, shift) for chunk in label_group.chunks]
        groups.append(_extended(footer, group, kept_leaves, label_group, new_chunks))
        label_groups.append(
            changed_struct(labels.data, label_group.fields, {_COLUMNS: (LIST, write_list(STRUCT, new_chunks))})
        )
    changes: dict[int, tuple[int, bytes] | None] = {
        _SCHEMA: (LIST, write_list(STRUCT, elements)),
        _ROW_GROUPS: (LIST, write_list(STRUCT, groups)),
    }
    if key_values:
        changes[_KEY_VALUES] = (LIST, write_list(STRUCT, [_key_value(*pair) for pair in key_values.items()]))
    if _COLUMN_ORDERS in footer.fields:
        orders = list(items(footer.data, footer.fields[_COLUMN_ORDERS], STRUCT))
        if len(orders) != len(footer.flat):
            raise FooterError(f"its footer has {len(orders)} column orders for {len(footer.flat)} columns")
        own = [footer.data[slice(*orders[leaf])] for leaf in kept_leaves]
        new = [labels.data[start:end] for start, end in items(labels.data, labels.fields[_COLUMN_ORDERS], STRUCT)]
        changes[_COLUMN_ORDERS] = (LIST, write_list(STRUCT, [*own, *new]))
    alone: dict[int, tuple[int, bytes] | None] = {_ROW_GROUPS: (LIST, write_list(STRUCT, label_groups))}
    return changed_struct(footer.data, footer.fields, changes), changed_struct(labels.data, labels.fields, alone)


def _root(footer: Footer, children: int) -> bytes:
    fields, _ = read_struct(footer.data, footer.elements[0][0])
    return changed_struct(footer.data, fields, {_NUM_CHILDREN: (I32, write_integer(children))})


def _key_value(key: str, value: bytes | None) -> bytes:
    pairs = [(1, BINARY, write_binary(key.encode("utf-8")))]
    return write_struct(pairs if value is None else [*pairs, (2, BINARY, write_binary(value))])


def _shifted(data: bytes, chunk: Chunk, shift: int) -> bytes:
    """A column chunk whose pages were moved. An offset of 0 stands for none."""

    def moved(fields: Mapping[int, Field], names: Sequence[int]) -> dict[int, tuple[int, bytes] | None]:
        offsets = {name: integer(data, fields[name]) for name in names if name in fields}
        return {name: (I64, write_integer(offset + shift)) for name, offset in offsets.items() if offset > 0}

    fields, _ = read_struct(data, chunk.start)
    meta, _ = read_struct(data, fields[_META].start)
    changed = changed_struct(data, meta, moved(meta, (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE, _BLOOM_FILTER)))
    return changed_struct(data, fields, {**moved(fields, (_CHUNK_OFFSET,)), _META: (STRUCT, changed)})


def _extended(
    footer: Footer, group: RowGroup, kept_leaves: Sequence[int], labels: RowGroup, new_chunks: Sequence[bytes]
) -> bytes:
    """A row group with other chunks: those kept, then the new ones, and the sizes of them all.

    Spark picks row groups by the middle of their bytes, so sizes and the first offset must be those of the chunks.
    """
    data = footer.data
    kept = [group.chunks[leaf] for leaf in kept_leaves]
    chunks = [*(data[chunk.start : chunk.end] for chunk in kept), *new_chunks]
    everything = [*kept, *labels.chunks]
    changes: dict[int, tuple[int, bytes] | None] = {
        _COLUMNS: (LIST, write_list(STRUCT, chunks)),
        _BYTES: (I64, write_integer(sum(chunk.uncompressed for chunk in everything))),
    }
    if _COMPRESSED_BYTES in group.fields:
        changes[_COMPRESSED_BYTES] = (I64, write_integer(sum(chunk.compressed for chunk in everything)))
    is_shorter = len(kept) < len(group.chunks)
    if is_shorter and kept and _GROUP_OFFSET in group.fields and integer(data, group.fields[_GROUP_OFFSET]) > 0:
        changes[_GROUP_OFFSET] = (I64, write_integer(kept[0].first_page))
    if is_shorter and _SORTING in group.fields:
        changes[_SORTING] = _renumbered(data, group.fields[_SORTING], kept_leaves)
    return changed_struct(data, group.fields, changes)


def _renumbered(data: bytes, sorting: Field, kept_leaves: Sequence[int]) -> tuple[int, bytes] | None:
    """The sorting columns by their new positions, up to the first that is gone: rows are not sorted by what follows."""
    positions = {leaf: position for position, leaf in enumerate(kept_leaves)}
    entries = []
    for start, _ in items(data, sorting, STRUCT):
        fields, _ = read_struct(data, start)
        leaf = integer(data, _need(fields, 1))
        if leaf not in positions:
            break
        entries.append(changed_struct(data, fields, {1: (I32, write_integer(positions[leaf]))}))
    return (LIST, write_list(STRUCT, entries)) if entries else None
