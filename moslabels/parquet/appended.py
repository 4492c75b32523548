"""A new Parquet footer: the columns of another file are appended to those of an old footer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from moslabels.parquet.chunks import Chunk, FooterError
from moslabels.parquet.fields import (
    BLOOM_FILTER,
    BYTES,
    CHUNK_OFFSET,
    COLUMN_ORDERS,
    COLUMNS,
    COMPRESSED_BYTES,
    DATA_PAGE,
    DICTIONARY_PAGE,
    GROUP_OFFSET,
    INDEX_PAGE,
    KEY_VALUES,
    META,
    NUM_CHILDREN,
    ROW_GROUPS,
    SCHEMA,
    SORTING,
)
from moslabels.parquet.footer import Footer, RowGroup, without_gc
from moslabels.parquet.page_index import Changes, PageIndex
from moslabels.parquet.thrift import (
    BINARY,
    I32,
    I64,
    LIST,
    STRUCT,
    Field,
    changed_struct,
    integer,
    items,
    need,
    read_struct,
    write_binary,
    write_integer,
    write_list,
    write_struct,
)


def moved(labels: Footer, shift: int, index: PageIndex) -> list[list[bytes]]:
    """Return the column chunks of each row group, if all pages are ``shift`` bytes further on than the footer says.

    ``index`` is their page index, moved as well.
    """
    with without_gc():
        return [
            [
                _shifted(labels.data, chunk, shift, changes)
                for chunk, changes in zip(group.chunks, of_group, strict=True)
            ]
            for group, of_group in zip(labels.groups, index.chunks, strict=True)
        ]


def alone(labels: Footer, chunks: Sequence[Sequence[bytes]]) -> bytes:
    """Return a footer with other column chunks (:func:`moved`)."""
    groups = [
        changed_struct(labels.data, group.fields, {COLUMNS: (LIST, write_list(STRUCT, own))})
        for group, own in zip(labels.groups, chunks, strict=True)
    ]
    return changed_struct(labels.data, labels.fields, {ROW_GROUPS: (LIST, write_list(STRUCT, groups))})


@without_gc()
def appended(
    footer: Footer,
    dropped: Collection[int],
    labels: Footer,
    chunks: Sequence[Sequence[bytes]],
    key_values: Mapping[str, bytes | None],
) -> bytes:
    """Return the footer with the columns of another file appended, whose chunks are ``chunks`` (:func:`moved`).

    ``dropped`` holds the positions of columns to leave out. Everything else is copied as it is.
    """
    kept = [column for index, column in enumerate(footer.columns) if index not in dropped]
    kept_elements = [footer.elements[index] for column in kept for index in range(*column.elements)]
    leaves = [index for column in kept for index in range(*column.leaves)]
    new_elements = [labels.data[start:end] for start, end in labels.elements[1:]]
    elements = [
        _root(footer, len(kept) + len(labels.columns)),
        *(footer.data[start:end] for start, end in kept_elements),
        *new_elements,
    ]
    groups = [
        _extended(footer, group, leaves, label_group, new_chunks)
        for group, label_group, new_chunks in zip(footer.groups, labels.groups, chunks, strict=True)
    ]
    changes: dict[int, tuple[int, bytes] | None] = {
        SCHEMA: (LIST, write_list(STRUCT, elements)),
        ROW_GROUPS: (LIST, write_list(STRUCT, groups)),
    }
    if key_values:
        changes[KEY_VALUES] = (LIST, write_list(STRUCT, [_key_value(*pair) for pair in key_values.items()]))
    if COLUMN_ORDERS in footer.fields:
        orders = list(items(footer.data, footer.fields[COLUMN_ORDERS], STRUCT))
        if len(orders) != len(footer.flat):
            raise FooterError(f"its footer has {len(orders)} column orders for {len(footer.flat)} columns")
        own = [footer.data[slice(*orders[leaf])] for leaf in leaves]
        new = [labels.data[start:end] for start, end in items(labels.data, labels.fields[COLUMN_ORDERS], STRUCT)]
        changes[COLUMN_ORDERS] = (LIST, write_list(STRUCT, [*own, *new]))
    return changed_struct(footer.data, footer.fields, changes)


def _root(footer: Footer, children: int) -> bytes:
    fields, _ = read_struct(footer.data, footer.elements[0][0])
    return changed_struct(footer.data, fields, {NUM_CHILDREN: (I32, write_integer(children))})


def _key_value(key: str, value: bytes | None) -> bytes:
    pairs = [(1, BINARY, write_binary(key.encode("utf-8")))]
    return write_struct(pairs if value is None else [*pairs, (2, BINARY, write_binary(value))])


def _shifted(data: bytes, chunk: Chunk, shift: int, index: Changes) -> bytes:
    """Return a column chunk with the new offsets of its pages, and its ``index``.

    An offset of 0 means that there is no such page.
    """

    def moved(fields: Mapping[int, Field], names: Sequence[int]) -> dict[int, tuple[int, bytes] | None]:
        offsets = {name: integer(data, fields[name]) for name in names if name in fields}
        return {name: (I64, write_integer(offset + shift)) for name, offset in offsets.items() if offset > 0}

    meta: dict[int, Field] = {}

    def read_meta(data: bytes, place: int, _kind: int) -> int:
        nonlocal meta
        meta, end = read_struct(data, place)
        return end

    fields, _ = read_struct(data, chunk.start, inner={META: read_meta})
    changed = changed_struct(data, meta, moved(meta, (DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, BLOOM_FILTER)))
    return changed_struct(data, fields, {**moved(fields, (CHUNK_OFFSET,)), **index, META: (STRUCT, changed)})


def _extended(
    footer: Footer, group: RowGroup, kept_leaves: Sequence[int], labels: RowGroup, new_chunks: Sequence[bytes]
) -> bytes:
    """Return a row group with the kept chunks, then the new ones, and with the sizes of all of them.

    Spark picks row groups by the middle of their bytes, so sizes and the first offset must be those of the chunks.
    """
    data = footer.data
    kept = [group.chunks[leaf] for leaf in kept_leaves]
    chunks = [*(data[chunk.start : chunk.end] for chunk in kept), *new_chunks]
    everything = [*kept, *labels.chunks]
    changes: dict[int, tuple[int, bytes] | None] = {
        COLUMNS: (LIST, write_list(STRUCT, chunks)),
        BYTES: (I64, write_integer(sum(chunk.uncompressed for chunk in everything))),
    }
    if COMPRESSED_BYTES in group.fields:
        changes[COMPRESSED_BYTES] = (I64, write_integer(sum(chunk.compressed for chunk in everything)))
    is_shorter = len(kept) < len(group.chunks)
    if is_shorter and kept and GROUP_OFFSET in group.fields and integer(data, group.fields[GROUP_OFFSET]) > 0:
        changes[GROUP_OFFSET] = (I64, write_integer(kept[0].first_page))
    if is_shorter and SORTING in group.fields:
        changes[SORTING] = _renumbered(data, group.fields[SORTING], kept_leaves)
    return changed_struct(data, group.fields, changes)


def _renumbered(data: bytes, sorting: Field, kept_leaves: Sequence[int]) -> tuple[int, bytes] | None:
    """Return the sorting columns by their new positions, up to the first that is dropped.

    The rows are not sorted by those after it alone.
    """
    positions = {leaf: position for position, leaf in enumerate(kept_leaves)}
    entries = []
    for start, _ in items(data, sorting, STRUCT):
        fields, _ = read_struct(data, start)
        leaf = integer(data, need(fields, 1))
        if leaf not in positions:
            break
        entries.append(changed_struct(data, fields, {1: (I32, write_integer(positions[leaf]))}))
    return (LIST, write_list(STRUCT, entries)) if entries else None
