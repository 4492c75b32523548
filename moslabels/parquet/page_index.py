"""The page index of a Parquet file: for each page of a column its least and greatest value, and where it is.

Readers skip pages by it. If a file has one, appended columns have one too: readers that filter by a label then skip
pages as well. What it says of places is wrong if the pages are moved, so it is written anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from moslabels.parquet.chunks import Chunk, FooterError
from moslabels.parquet.fields import COLUMN_INDEX, COLUMN_INDEX_LENGTH, OFFSET_INDEX, OFFSET_INDEX_LENGTH
from moslabels.parquet.footer import Footer
from moslabels.parquet.thrift import (
    I32,
    I64,
    LIST,
    STRUCT,
    Field,
    ThriftError,
    changed_struct,
    integer,
    items,
    need,
    read_struct,
    write_integer,
    write_list,
)

Changes = Mapping[int, tuple[int, bytes] | None]
"""The fields of a column chunk that change, with their new values."""

_PAGE_LOCATIONS = 1  # of an OffsetIndex
_OFFSET, _PAGE_SIZE = 1, 2  # of a PageLocation


@dataclass(frozen=True)
class PageIndex:
    """The page index of the columns of a file, as it is written behind their pages.

    ``pages_end`` is where the pages end in that file. ``chunks`` has, for each row group and column, the fields that
    tell where its index is.
    """

    pages_end: int
    data: bytes
    chunks: Sequence[Sequence[Changes]]


def has_page_index(footer: Footer) -> bool:
    """Return whether a file has a page index. Its first row group with rows tells."""
    chunks = next((group.chunks for group in footer.groups if group.rows), ())
    return any(chunk.is_indexed for chunk in chunks)


def moved_page_index(stream: IO[bytes], footer: Footer, shift: int) -> PageIndex:
    """Return the page index of a file that pyarrow wrote, if all of its pages are ``shift`` bytes further on.

    It follows the pages: first what it says of values, then what it says of places.
    """
    if not any(chunk.is_indexed for group in footer.groups for chunk in group.chunks):
        return PageIndex(footer.start, b"", [[{}] * len(group.chunks) for group in footer.groups])
    found = [[read_struct(footer.data, chunk.start)[0] for chunk in group.chunks] for group in footer.groups]
    starts = [
        integer(footer.data, fields[name])
        for group in found
        for fields in group
        for name in (COLUMN_INDEX, OFFSET_INDEX)
        if name in fields
    ]
    pages_end = min(starts, default=footer.start)
    changes: list[list[dict[int, tuple[int, bytes] | None]]] = [[{} for _ in group] for group in found]
    blocks: list[bytes] = []
    place = pages_end + shift
    for name, length in ((COLUMN_INDEX, COLUMN_INDEX_LENGTH), (OFFSET_INDEX, OFFSET_INDEX_LENGTH)):
        for group, fields_of_group, changes_of_group in zip(footer.groups, found, changes, strict=True):
            for chunk, fields, changed in zip(group.chunks, fields_of_group, changes_of_group, strict=True):
                if name not in fields:
                    continue
                stream.seek(integer(footer.data, fields[name]))
                block = stream.read(integer(footer.data, need(fields, length)))
                if name == OFFSET_INDEX:
                    block = _moved_places(block, chunk, shift)
                changed[name] = (I64, write_integer(place))
                changed[length] = (I32, write_integer(len(block)))
                blocks.append(block)
                place += len(block)
    return PageIndex(pages_end, b"".join(blocks), changes)


def _moved_places(data: bytes, chunk: Chunk, shift: int) -> bytes:
    """Return the places of the pages of a column chunk with ``shift`` added. Raise FooterError if one is not in it."""
    try:
        fields, _ = read_struct(data, 0)
        places = []
        end = chunk.first_page
        for start, _ in items(data, need(fields, _PAGE_LOCATIONS), STRUCT):
            page: dict[int, Field] = read_struct(data, start)[0]
            offset = integer(data, need(page, _OFFSET))
            if offset < end:
                raise FooterError("its page index has pages in another order")
            end = offset + integer(data, need(page, _PAGE_SIZE))
            places.append(changed_struct(data, page, {_OFFSET: (I64, write_integer(offset + shift))}))
        if end > chunk.first_page + chunk.compressed:
            raise FooterError("its page index has pages outside of their column")
        return changed_struct(data, fields, {_PAGE_LOCATIONS: (LIST, write_list(STRUCT, places))})
    except ThriftError as error:
        raise FooterError(f"its page index is damaged: {error}") from None
