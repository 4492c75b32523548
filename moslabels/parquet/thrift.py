"""The Thrift compact protocol, as far as a Parquet footer needs it: values are skipped and sliced, not decoded.

A struct is read as the slices of its fields. A field is decoded only on request. The input may be hostile, so there are
limits: a varint has at most 10 bytes, a list has at most as many items as bytes are left, values nest at most 32 deep,
and no read leaves the data.

Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(1, 14)
_VARINTS = (I16, I32, I64)
_SIZES = {BYTE: 1, DOUBLE: 8, UUID: 16}
_MOST_DEPTH = 32


class ThriftError(ValueError):
    """The bytes are not a Thrift compact struct, or not one that a writer of Parquet makes."""


Reader = Callable[[bytes, int, int], int]
"""A function that reads a value, given the data, its place and its type, and returns the place after the value."""


class Field(NamedTuple):
    """The value of a field: its type, and where its bytes start and end."""

    type: int
    start: int
    end: int


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the unsigned varint at a place, and the place after it."""
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ThriftError("a number does not end")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def read_struct(
    data: bytes, place: int, depth: int = 0, inner: Mapping[int, Reader] | None = None
) -> tuple[dict[int, Field], int]:
    """Return the fields of the struct at a place, by id, and the place after it.

    ``inner`` holds readers of structs and lists inside it, by field id. They save a second pass over what they read.
    """
    fields: dict[int, Field] = {}
    new = tuple.__new__  # This takes half the time of Field(…), and a footer may have millions of fields.
    identifier = 0
    try:
        while header := data[place]:
            place += 1
            kind = header & 0x0F
            if header >> 4:
                identifier += header >> 4
            else:
                raw, place = read_varint(data, place)
                identifier = (raw >> 1) ^ -(raw & 1)
            if identifier in fields:
                raise ThriftError(f"field {identifier} is there twice")
            start = place
            if I16 <= kind <= I64:
                while data[place] >= 0x80:
                    place += 1
                place += 1
                if place - start > 10:
                    raise ThriftError("a number does not end")
            elif kind == BINARY and data[place] < 0x80:
                place += 1 + data[place]
            elif inner is not None and identifier in inner and kind in (LIST, STRUCT):
                place = inner[identifier](data, place, kind)
            elif kind > FALSE:
                place = skip(data, place, kind, depth + 1)
            elif kind == 0:
                raise ThriftError("a field has no type")
            fields[identifier] = new(Field, (kind, start, place))
    except IndexError:
        raise ThriftError("the data ends inside a struct") from None
    return fields, place + 1


def read_list(data: bytes, place: int) -> tuple[int, int, int]:
    """Return the type of the items of the list at a place, their number, and the place of the first."""
    if place >= len(data):
        raise ThriftError("the data ends before a list")
    header = data[place]
    count, place = (header >> 4, place + 1) if header < 0xF0 else read_varint(data, place + 1)
    if count > len(data) - place:
        raise ThriftError(f"a list of {count} items in {len(data) - place} bytes")
    return header & 0x0F, count, place


def structs(data: bytes, place: int, kind: int) -> tuple[int, int]:
    """Return the number of structs in the list at a place, whose type is ``kind``, and the place of the first."""
    if kind != LIST:
        raise ThriftError("a field that must be a list has another type")
    item_kind, count, place = read_list(data, place)
    if count and item_kind != STRUCT:
        raise ThriftError("a list holds items of another type")
    return count, place


def read_structs(data: bytes, place: int, kind: int, read: Callable[[bytes, int], int]) -> int:
    """Read the list of structs at a place, each by ``read``. Like ``read``, return the place after what was read."""
    count, place = structs(data, place, kind)
    for _ in range(count):
        place = read(data, place)
    return place


def items(data: bytes, field: Field, kind: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each item of a list field. Raise ThriftError if the items are not of type ``kind``."""
    if field.type != LIST:
        raise ThriftError("a field that must be a list has another type")
    item_kind, count, place = read_list(data, field.start)
    if count and item_kind != kind:
        raise ThriftError("a list holds items of another type")
    before = b""
    for _ in range(count):
        start = place
        # Many lists hold one value again and again. A value says where it ends, so the same bytes are as long.
        place = place + len(before) if before and data.startswith(before, place) else skip(data, place, kind, 1)
        before = data[start:place]
        yield start, place


def skip(data: bytes, place: int, kind: int, depth: int = 0) -> int:
    """Return the place after the value of type ``kind`` at a place."""
    if depth > _MOST_DEPTH:
        raise ThriftError("values nest too deep")
    if kind == STRUCT:
        return read_struct(data, place, depth)[1]
    if kind in _VARINTS:
        return read_varint(data, place)[1]
    if kind == BINARY:
        length, place = read_varint(data, place)
        place += length
    elif kind in (LIST, SET):
        item_kind, count, place = read_list(data, place)
        if item_kind in _VARINTS:
            return _skip_varints(data, place, count)
        last = b""
        for _ in range(count):
            # Many lists hold one value again and again. A value says where it ends, so the same bytes are as long.
            if last and data.startswith(last, place):
                place += len(last)
                continue
            before = place
            # As an item of a list, a truth value takes a byte.
            place = place + 1 if item_kind in (TRUE, FALSE) else skip(data, place, item_kind, depth + 1)
            if item_kind == STRUCT and place == before + 1:
                raise ThriftError("a list holds empty structs")
            last = data[before:place]
    elif kind == MAP:
        place = _skip_map(data, place, depth)
    elif kind in _SIZES:
        place += _SIZES[kind]
    else:
        raise ThriftError(f"there is no type {kind}")
    if place > len(data):
        raise ThriftError("the data ends inside a value")
    return place


def _skip_varints(data: bytes, place: int, count: int) -> int:
    """Return the place after ``count`` varints. The last byte of a varint is below 0x80, and at most 9 precede it."""
    last = place
    try:
        for _ in range(count):
            while data[place] >= 0x80:
                place += 1
            place += 1
            if place - last > 10:
                raise ThriftError("a number does not end")
            last = place
    except IndexError:
        raise ThriftError("the data ends inside a list") from None
    return place


def _skip_map(data: bytes, place: int, depth: int) -> int:
    count, place = read_varint(data, place)
    if not count:
        return place
    if count > len(data) - place:
        raise ThriftError(f"a map of {count} entries in {len(data) - place} bytes")
    kinds = data[place]
    place += 1
    for _ in range(count):
        for kind in (kinds >> 4, kinds & 0x0F):
            place = place + 1 if kind in (TRUE, FALSE) else skip(data, place, kind, depth + 1)
    return place


def need(fields: Mapping[int, Field], identifier: int) -> Field:
    """Return a field. Raise ThriftError if the struct does not have it."""
    try:
        return fields[identifier]
    except KeyError:
        raise ThriftError(f"field {identifier} is missing") from None


def integer(data: bytes, field: Field) -> int:
    """Return the value of a whole-number field."""
    if field.type not in _VARINTS:
        raise ThriftError("a field that must be a whole number has another type")
    raw, _ = read_varint(data, field.start)
    return (raw >> 1) ^ -(raw & 1)


def binary(data: bytes, field: Field) -> bytes:
    """Return the value of a binary field."""
    if field.type != BINARY:
        raise ThriftError("a field that must be binary has another type")
    length, start = read_varint(data, field.start)
    return data[start : start + length]


def write_varint(value: int) -> bytes:
    """Return an unsigned varint as bytes."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def write_integer(value: int) -> bytes:
    """Return a whole number of any width as bytes."""
    return write_varint(value << 1 if value >= 0 else (-value << 1) - 1)


def write_binary(value: bytes) -> bytes:
    """Return bytes with their length before them."""
    return write_varint(len(value)) + value


def write_list(kind: int, values: Sequence[bytes]) -> bytes:
    """Return a list of values of type ``kind`` as bytes. The values are bytes already."""
    count = len(values)
    header = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + write_varint(count)
    return header + b"".join(values)


def write_struct(fields: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Return a struct as bytes, in order of id, from fields given as (id, type, value as bytes)."""
    parts = []
    last = 0
    for identifier, kind, value in sorted(fields):
        delta = identifier - last
        last = identifier
        if 0 < delta <= 15:
            parts.append(bytes([delta << 4 | kind]))
        else:
            parts.append(bytes([kind]) + write_integer(identifier))
        parts.append(value)
    parts.append(b"\0")
    return b"".join(parts)


def changed_struct(data: bytes, fields: Mapping[int, Field], changes: Mapping[int, tuple[int, bytes] | None]) -> bytes:
    """Return a struct with some fields replaced by (type, value), or left out if None. The others are copied."""
    kept = [(name, field.type, data[field.start : field.end]) for name, field in fields.items() if name not in changes]
    return write_struct([*kept, *((name, *change) for name, change in changes.items() if change is not None)])
