"""What the page headers of a column chunk say: how large each page is once decompressed, and how many values it has.

A reader makes room by these numbers before it sees a value; the sums in the footer need not agree with them. Field
numbers are those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, NamedTuple

from moslabels.parquet.footer import Chunk, FooterError
from moslabels.parquet.thrift import Field, ThriftError, integer, read_struct

# PageHeader
_UNCOMPRESSED, _COMPRESSED = 2, 3
_KINDS = (5, 7, 8)  # a data page, a dictionary page, a data page of version 2; in each, field 1 counts the values
_WINDOW = 1 << 8
_MOST_BYTES = 1 << 24  # of a header, which may repeat the least and the greatest value


class Page(NamedTuple):
    """A page: its bytes once it is decompressed, and how many values it has, NULLs too."""

    uncompressed: int
    values: int


def pages(stream: IO[bytes], chunk: Chunk) -> Iterator[Page]:
    """Return the pages of a column chunk of an open file, a dictionary first. Raises FooterError."""
    if not chunk.values:
        return  # What the footer then says of its place may mean nothing.
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
    """Return the header at a place: the bytes that hold it, its fields, and its length."""
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
