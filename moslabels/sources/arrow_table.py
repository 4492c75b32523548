"""Tables in memory that ``join`` was given, as Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from moslabels.base.errors import StatementError
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.sources.arrays import longest
from moslabels.sources.columns import MOST_OF_A_KEY, Cell, Column
from moslabels.sources.faults import fault
from moslabels.sources.halves import check_halves
from moslabels.sources.part import Part
from moslabels.sources.source import Cells, Format, Source


class ArrowTable(Format):
    """An Arrow table. Statements read its columns by other names, because two columns may have one name."""

    reader = "arrow"
    cells = Cells.TYPED

    def open_table(self, engine: Engine, name: str, role: str, table: pa.Table) -> Source:
        """Make a table readable for statements, without a copy. Raise TableError if it has no columns."""
        if not table.column_names:
            raise fault(name, "has no columns")
        columns = [Column(name, f"column{index}") for index, name in enumerate(table.column_names)]
        values = [as_read(column) for column in table.columns]
        try:
            view = register(engine, pa.Table.from_arrays(values, [column.ident for column in columns]))
        except StatementError:  # A column of a type that DuckDB lacks is an error only if an option names it.
            columns = [
                column if _has_type(engine, part) else replace(column, ident="")
                for column, part in zip(columns, values, strict=True)
            ]
            readable = {column.ident: part for part, column in zip(values, columns, strict=True) if column.ident}
            view = engine.register(pa.table(readable)) if readable else ""
        kinds = [_value_type(part.type) for part in values]
        columns = [
            replace(column, type=_type(kind), is_text=is_text(kind), is_number=_is_number(kind))
            for column, kind in zip(columns, kinds, strict=True)
        ]
        return Source(name, role, self, (Part(name, view, table=table),), tuple(columns))

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def types_of(self, engine: Engine, source: Source, cell: Cell) -> list[str]:
        return [row["type"] for row in source.query(engine, "sources/arrow_type", [cell], cell=cell)]

    def check_name(self, source: Source, column: Column) -> None:
        if not column.ident:
            says = f"column {shown(column.name)} is of a type that DuckDB cannot read; convert it"
            raise fault(source.path, says, column=column.name)

    def check_values(self, source: Source, column: Column, role: str) -> None:
        """Refuse text that is not UTF-8, instants beyond the range of DuckDB, and keys that a 16-bit float rounds."""
        values = values_of(source, column)
        if role == "key" and pa.types.is_float16(values.type):
            check_halves(source.path, column.name, values.chunks)
        try:
            values.validate(full=True)
            if pa.types.is_timestamp(values.type) and values.type.unit in ("s", "ms"):
                values.cast(pa.timestamp("us", values.type.tz))
        except pa.ArrowInvalid as error:
            says = f"column {shown(column.name)} holds what cannot be read: {error}"
            raise fault(source.path, says, column=column.name) from error

    def typed_batches(
        self,
        engine: Engine,  # noqa: ARG002
        source: Source,
        columns: Sequence[Column],
        rows: int,
        keys: Sequence[str],  # noqa: ARG002
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        kept = {column.name for column in columns}
        table = self.as_arrow(source, [name for name in source.names if name not in kept])
        return table.schema, iter(table.to_batches(max_chunksize=rows))

    def as_arrow(self, source: Source, dropped: Sequence[str]) -> pa.Table:
        table = _table(source)
        return table.select([index for index, name in enumerate(table.column_names) if name not in dropped])


def register(engine: Engine, table: pa.Table) -> str:
    """Let statements read a table, see Engine.register. Raise StatementError if DuckDB lacks a type of it."""
    return engine.register(table, all(map(_is_known, table.schema.types)))


def _is_known(kind: pa.DataType) -> bool:
    """Return whether DuckDB has a type for sure, as it has for those of most columns."""
    of = pa.types
    return any(
        is_one(kind) for is_one in (of.is_string, of.is_large_string, of.is_integer, of.is_float32, of.is_float64)
    )


def values_of(source: Source, column: Column) -> pa.ChunkedArray:
    """Return the values of a column of a table in memory."""
    return _table(source).column(source.columns.index(column))


def _table(source: Source) -> pa.Table:
    table = source.part.table
    assert table is not None
    return table


def as_read(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as DuckDB can read it, if it has another type for its values."""
    return column.cast(pa.float32()) if pa.types.is_float16(column.type) else column


def _value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values of a column, however they are encoded."""
    return kind.value_type if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) else kind


def is_text(kind: pa.DataType) -> bool:
    """Return whether values of a type are texts."""
    return any(is_one(kind) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def all_fit(columns: Iterable[pa.ChunkedArray]) -> bool:
    """Return whether all values are known to fit as keys: they are whole numbers, and texts that are not too long."""
    return all(
        pa.types.is_integer(column.type) or (_has_lengths(column.type) and longest(column) <= MOST_OF_A_KEY)
        for column in columns
    )


def _has_lengths(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    """Return whether values of a type are numbers."""
    return any(is_one(kind) for is_one in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal))


def _type(kind: pa.DataType) -> str:
    """Return the type in DuckDB if keys or scores depend on it, and else the type of text."""
    if pa.types.is_float32(kind):
        return "FLOAT"
    if pa.types.is_nested(kind):
        return "STRUCT" if pa.types.is_struct(kind) else "MAP" if pa.types.is_map(kind) else "LIST"
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return "BLOB" if is_binary else "VARCHAR"


def _has_type(engine: Engine, values: pa.ChunkedArray) -> bool:
    """Return whether DuckDB has a type for an Arrow column."""
    try:
        engine.register(pa.Table.from_arrays([values.slice(0, 0)], ["column"]))
    except StatementError:
        return False
    return True
