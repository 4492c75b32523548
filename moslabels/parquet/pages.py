"""The page headers of a column chunk: how large each page is once decompressed, and how many values it has.

A reader allocates memory by these numbers before it sees a value. The sums in the footer need not agree with them.
Field numbers are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

from moslabels.parquet.chunks import Chunk, FooterError
from moslabels.parquet.thrift import Field, ThriftError, integer, read_struct

# PageHeader
_UNCOMPRESSED, _COMPRESSED = 2, 3
_KINDS = (5, 7, 8)  # A data page, a dictionary page, a data page of version 2. In each, field 1 counts the values.
_WINDOW = 1 << 8
_MOST_BYTES = 1 << 24  # The largest header that is read: it may hold the least and the greatest value of its page.


class Page(NamedTuple):
    """A page: its size in bytes once it is decompressed, and how many values it has, with NULLs."""

    uncompressed: int
    values: int


def pages(stream: IO[bytes], chunk: Chunk) -> Iterator[Page]:
    """Yield the pages of a column chunk of an open file, a dictionary first. Raise FooterError if one is damaged."""
    if not chunk.values:
        return  # Without values, the offset in the footer may be meaningless.
    place, end = chunk.first_page, chunk.first_page + chunk.compressed
    while place < end:
        try:
            data, fields, length = _header(stream, place, end)
            uncompressed, compressed = (integer(data, fields[name]) for name in (_UNCOMPRESSED, _COMPRESSED))
            kinds = [read_struct(data, fields[kind].start)[0] for kind in _KINDS if kind in fields]
            values = sum(integer(data, kind[1]) for kind in kinds)
        except (ThriftError, KeyError) as error:
            raise FooterError(f"a page header is damaged: {error}") from None
        if min(uncompressed, compressed, values) < 0:
            raise FooterError("a page header claims a size below 0")
        yield Page(uncompressed, values)
        place += length + compressed


def _header(stream: IO[bytes], place: int, end: int) -> tuple[bytes, dict[int, Field], int]:
    """Return the page header at a position: the bytes that hold it, its fields and its length."""
    size = _WINDOW
    while True:
        stream.seek(place)
        data = stream.read(min(size, end - place))
        try:
            return data, *read_struct(data, 0)
        except ThriftError:
            if len(data) < size or size >= _MOST_BYTES:
                raise
        size *= 16
