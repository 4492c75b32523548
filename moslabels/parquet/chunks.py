"""The column chunks that a Parquet footer lists.

Most chunks of most writers have the same fields in the same order, and a footer may list a million. These are matched
by one regular expression, which takes a tenth of the time of reading them field by field. It allows only what reading
field by field would accept, so both say the same; what it does not match is read field by field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from moslabels.parquet.fields import (
    COMPRESSED,
    CRYPTO,
    DATA_PAGE,
    DICTIONARY_PAGE,
    ENCRYPTED_META,
    FILE_PATH,
    META,
    NUM_VALUES,
    OFFSET_INDEX,
    UNCOMPRESSED,
)
from moslabels.parquet.thrift import (
    BINARY,
    FALSE,
    I32,
    I64,
    LIST,
    STRUCT,
    TRUE,
    Field,
    ThriftError,
    integer,
    need,
    read_struct,
    structs,
)

_WORTH_A_PATTERN = 400
"""From so many chunks on, compiling the expression takes less time than reading them field by field."""
_MOST_TEXT, _MOST_ITEMS = 64, 8


class FooterError(ValueError):
    """The file is not a Parquet file to which columns can be added. The text says why, for a message."""


class Chunk(NamedTuple):
    """A column chunk.

    ``start`` and ``end`` are where its struct is in the footer. ``first_page`` is where its pages begin in the file.
    ``compressed`` and ``uncompressed`` are the sizes of the pages in bytes, and ``values`` how many values they hold.
    ``is_indexed`` says whether the page index tells where its pages are.
    """

    start: int
    end: int
    first_page: int
    compressed: int
    uncompressed: int
    values: int
    is_indexed: bool


_read = 0


def read_chunks(data: bytes, place: int, kind: int, known: tuple[bytes, Sequence[Chunk]]) -> tuple[list[Chunk], int]:
    """Return the column chunks of a list at a place, and the place after it.

    ``known`` are chunks of another footer, and its bytes: what is the same there, in the same order, is not read again.
    Raise ThriftError or FooterError if a chunk is damaged or not supported.
    """
    global _read
    count, place = structs(data, place, kind)
    _read += count
    is_worth_a_pattern = _read >= _WORTH_A_PATTERN
    other, left = known[0], iter(known[1])
    chunks: list[Chunk] = []
    following = next(left, None)
    for _ in range(count):
        chunk = None
        if following is not None:
            start, end = following[:2]
            # A struct says where it ends, so one that begins with all bytes of another is the same.
            if data.startswith(other[start:end], place):
                chunk = Chunk(place, place + end - start, *following[2:])
                following = next(left, None)
        if chunk is None and is_worth_a_pattern:
            chunk = typical_chunk(data, place)
        chunk = chunk or any_chunk(data, place)
        chunks.append(chunk)
        place = chunk.end
    return chunks, place


def any_chunk(data: bytes, start: int) -> Chunk:
    """Do the same field by field."""
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
        first_page = _first_page(first_page, integer(data, meta[DICTIONARY_PAGE]))
    values = integer(data, need(meta, NUM_VALUES))
    uncompressed = integer(data, need(meta, UNCOMPRESSED))
    return Chunk(start, end, first_page, compressed, uncompressed, values, OFFSET_INDEX in fields)


def typical_chunk(data: bytes, start: int) -> Chunk | None:
    """Return the column chunk at a place if it has the fields that most have, and None if not."""
    match = _pattern().match(data, start)
    if match is None:
        return None
    values, uncompressed, compressed, data_page, dictionary_page, index = match.groups()
    first_page = _number(data_page)
    if dictionary_page is not None:
        first_page = _first_page(first_page, _number(dictionary_page))
    sizes = _number(compressed), _number(uncompressed), _number(values)
    return Chunk(start, match.end(), first_page, *sizes, index != b"")


def _first_page(data_page: int, dictionary_page: int) -> int:
    return dictionary_page if 0 < dictionary_page < data_page else data_page


@lru_cache(1 << 12)  # Columns have pages of one size, and parts of a table pages at the same places.
def _number(text: bytes) -> int:
    value = shift = 0
    for byte in text:
        value |= (byte & 0x7F) << shift
        shift += 7
    return (value >> 1) ^ -(value & 1)


@cache
def _pattern() -> re.Pattern[bytes]:
    """Return the expression of a column chunk in the Thrift compact protocol.

    A field begins with a byte: how much its number is above that of the field before, and its type. A list begins
    with one too: how many items it has, and their type. Numbers of fields only rise, so that no field is there twice.
    Where a field matters by its number, the byte is given.
    """
    number = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
    captured = b"(" + number + b")"
    text = b"(?:" + b"|".join(re.escape(bytes([size])) + b".{%d}" % size for size in range(_MOST_TEXT + 1)) + b")"
    numbers = b"(?:" + _items(I32, number) + b"|" + _items(I64, number) + b")"
    fields = b"|".join(
        [_headers(I32, I64) + number, _headers(BINARY) + text, _headers(TRUE, FALSE), _headers(LIST) + numbers]
    )
    struct = b"(?:" + fields + rb")*+\x00"
    page_kinds = b"(?:" + _items(STRUCT, (rb"\x15" + number) * 3 + rb"\x00") + b")"
    meta = [
        rb"\x15" + number,  # 1: the type of its values
        rb"\x19(?:" + _items(I32, number) + b")",  # 2: encodings
        rb"\x19\x18" + text,  # 3: the name of its column
        rb"\x15" + number,  # 4: codec
        *(rb"\x16" + captured for _ in (NUM_VALUES, UNCOMPRESSED, COMPRESSED)),
        rb"\x26" + captured,  # 9: where its first data page is
        # 11: where its dictionary is. Without one, statistics (12), encodings of pages (13) or nothing follows.
        rb"(?:\x26" + captured + rb"|(?=[\x3c\x49\x00]))",
        b"(?:" + b"|".join([_headers(STRUCT) + struct, _headers(I32, I64) + number, _headers(LIST) + page_kinds]),
        rb")*+\x00",
    ]
    # 2: where it is, 3: all of the above, 4 to 7: where its indexes are, of places first
    index = rb"\x16" + number + rb"\x15" + number
    return re.compile(rb"\x26" + number + rb"\x1c" + b"".join(meta) + b"((?:" + index + b"){0,2})\x00", re.DOTALL)


def _headers(*kinds: int) -> bytes:
    """Return the expression of the byte before a field of these types, whatever its number."""
    return b"[" + b"".join(re.escape(bytes([step << 4 | kind])) for kind in kinds for step in range(1, 16)) + b"]"


def _items(kind: int, item: bytes) -> bytes:
    """Return the expression of a list of few items of one type."""
    sizes = range(_MOST_ITEMS + 1)
    return b"|".join(re.escape(bytes([size << 4 | kind])) + b"(?:" + item + b"){%d}" % size for size in sizes)
