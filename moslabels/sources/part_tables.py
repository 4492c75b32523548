"""The Arrow tables of many parts, put together."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from moslabels.base.text import listed, shown
from moslabels.sources.faults import fault


def one_table(parts: Iterable[tuple[str, pa.Table]]) -> pa.Table:
    """Return the rows of all parts, which are tables by their paths. Raise TableError if one has other columns."""
    tables: list[pa.Table] = []
    first = ""
    for path, table in parts:
        first = first or path
        tables.append(table)
        if says := _other_columns(tables[0].schema, table.schema):
            raise fault(path, f"{says} in {first}; write all parts with the same columns to join them", "parts")
    schema = tables[0].schema
    for index, column in enumerate(schema):
        is_nullable = any(table.schema.field(index).nullable for table in tables)
        schema = schema.set(index, column.with_nullable(is_nullable))
    return pa.concat_tables([pa.Table.from_arrays(table.columns, schema=schema) for table in tables])


def _other_columns(first: pa.Schema, other: pa.Schema) -> str:
    """Return how the columns of a part differ from those of the first, or nothing."""
    lacks = [name for name in first.names if name not in other.names]
    added = [name for name in other.names if name not in first.names]
    if lacks:
        return f"has no column {shown(lacks[0])}, which is"
    if added:
        return f"has a column {shown(added[0])}, which is not"
    if first.names != other.names:
        return f"has its columns in another order, {listed(other.names)}, and not as {listed(first.names)}"
    for column, found in zip(first, other, strict=True):
        if column.type != found.type:
            return f"column {shown(column.name)} is of type {found.type}, and of type {column.type}"
    return ""
