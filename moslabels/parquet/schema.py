"""The schema in a Parquet footer: its elements, the columns at its top and their leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from moslabels.parquet.chunks import FooterError
from moslabels.parquet.fields import ELEMENT_TYPE, NAME, NUM_CHILDREN, REPETITION
from moslabels.parquet.thrift import ThriftError, binary, integer, need, read_struct, read_structs

_REPEATED = 2
_MOST_KEPT, _MOST_KEPT_BYTES = 4, 1 << 18


class Column(NamedTuple):
    """A column at the top of the schema, with its schema elements and its leaves as half-open ranges."""

    name: str
    elements: tuple[int, int]
    leaves: tuple[int, int]


class Schema(NamedTuple):
    """A schema: where it begins in the footer, its bytes, its elements by their places, its columns and leaves.

    ``flat`` says for each leaf whether it has one value per row.
    """

    start: int
    text: bytes
    elements: Sequence[tuple[int, int]]
    columns: Sequence[Column]
    flat: Sequence[bool]


_kept: tuple[Schema, ...] = ()
"""The last few schemas. The parts of a table have the same one, and it takes as long to read as their chunks."""


def read_schema(data: bytes, start: int, kind: int) -> Schema:
    """Return the schema at a place. Raise ThriftError or FooterError if it is damaged."""
    global _kept
    for known in _kept:
        # A list says how long it is, so a schema that begins with all bytes of another one is the same.
        if known.start == start and data.startswith(known.text, start):
            return known
    elements: list[tuple[int, int]] = []

    def read_element(data: bytes, place: int) -> int:
        _, end = read_struct(data, place)
        if end == place + 1:
            raise ThriftError("a list holds empty structs")
        elements.append((place, end))
        return end

    end = read_structs(data, start, kind, read_element)
    schema = Schema(start, data[start:end], elements, *_columns(data, elements))
    if end - start <= _MOST_KEPT_BYTES:
        _kept = (schema, *_kept[: _MOST_KEPT - 1])
    return schema


def name_of(value: bytes) -> str:
    """Return a name as text. Raise FooterError if it is not UTF-8."""
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
        own_name = name_of(binary(data, need(fields, NAME)))
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
