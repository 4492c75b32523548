"""The shared part of all CSV formats: cells that are texts, names of columns, and types from all cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.base.text import counted, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import SqlText
from moslabels.sources.batches import text_batches
from moslabels.sources.columns import MOST_COLUMNS, Cell, Column
from moslabels.sources.faults import fault
from moslabels.sources.part import Dialect
from moslabels.sources.source import Cells, FileFormat, Source

_DELIMITERS = (";", "\t", "|", ",")
_BLANKS = re.compile(r"\S\s+\S")
_UNNAMED = re.compile("column[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class CsvCells(FileFormat):
    """A way to read CSV. Its delimiter holds unless an option names another."""

    cells = Cells.TEXT
    tells_texts = True
    has_dialect = True
    table_function = SqlText("read_csv")

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter

    def types_of(self, engine: Engine, source: Source, cell: Cell) -> list[str]:  # noqa: ARG002
        return ["VARCHAR"]

    def split_advice(self, source: Source) -> str:
        if len(source.names) != 1:
            return ""
        name = source.names[0]
        delimiter = max(_DELIMITERS, key=name.count)
        if delimiter not in name:
            if not _BLANKS.search(name):
                return ""
            return f'is it split by blanks? Then set {source.role}_csv {{"delimiter": "whitespace"}}'
        return f'is it split by {shown(delimiter)}? Then set {source.role}_csv {{"delimiter": {shown(delimiter)}}}'

    def header_advice(self, source: Source, named: str = "") -> str:
        if not dialect_of(source).header:
            return ""
        is_likely = is_unnamed(named) or any(_NUMBER.fullmatch(name.strip()) for name in source.names)
        return f'if it has no header, set {source.role}_csv {{"header": false}}' if is_likely else ""

    def typed_batches(
        self, engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        cells = source.cells({column.ident: column for column in columns})
        types = ["VARCHAR"] * len(cells)  # for a table without rows
        for row in source.query(engine, "convert/csv_types", cells):
            index = row["place"] - 1
            is_key = columns[index].name in keys
            types[index] = row["key_type" if is_key else "sql_type"]
            if not is_key and (pointed := row.get("pointed")):
                raise _pointed(source, columns[index].name, pointed)
        schema = pa.schema([pa.field(column.name, _TYPES[kind]) for column, kind in zip(columns, types, strict=True)])
        decimal = dialect_of(source).decimal
        texts = text_batches(engine, source, columns, rows)

        def typed() -> Iterator[pa.RecordBatch]:
            for batch in texts:
                try:
                    values = [
                        _converted(text, field.type, decimal) for text, field in zip(batch.columns, schema, strict=True)
                    ]
                except pa.ArrowInvalid as error:
                    raise fault(
                        source.path,
                        f"a cell has changed since the types were decided ({error}); run again when nothing "
                        "writes to it",
                        "changed",
                    ) from error
                yield pa.RecordBatch.from_arrays(values, schema=schema)

        return schema, typed()


def dialect_of(source: Source) -> Dialect:
    """Return how an open CSV file is written."""
    assert source.dialect is not None
    return source.dialect


def empty(path: str) -> TableError:
    """Return the error that a file has no record."""
    return fault(path, "is empty: a CSV table has a header at least")


def check_width(path: str, width: int) -> None:
    """Raise TableError if there are more columns than DuckDB splits in good time."""
    if width > MOST_COLUMNS:
        raise fault(
            path,
            f"has {width} columns, and a CSV table may have {MOST_COLUMNS} at most; write it as Parquet or JSON lines",
        )


def unnamed(columns: int) -> tuple[Column, ...]:
    """Return the columns of a file without a header."""
    return tuple(Column(f"column{index}", f"column{index}", place=index + 1) for index in range(columns))


def is_unnamed(name: str) -> bool:
    """Return whether a name is one of those that the columns of a file without a header get."""
    return _UNNAMED.fullmatch(name) is not None


def named(
    path: str, role: str, cells: Sequence[str], dialect: Dialect, given: Sequence[str] | None
) -> tuple[Column, ...]:
    """Return the columns of a file by the cells of its first record.

    ``given`` are the names in an option. Raise TableError if they do not fit the columns.
    """
    names = cells if dialect.header else [column.name for column in unnamed(len(cells))]
    if given is not None:
        if [cell.strip().lower() for cell in cells] == [name.strip().lower() for name in given]:
            raise fault(path, f'its first record is the names in {role}_csv: it has a header; leave out "column_names"')
        if len(cells) != len(given):
            has, names_said = counted(len(cells), "cell", "cells"), counted(len(given), "name", "names")
            raise fault(path, f'row 1: it has {has}, and "column_names" of {role}_csv has {names_said}', row=1)
        names = given
    return tuple(replace(column, name=name) for column, name in zip(unnamed(len(cells)), names, strict=True))


_TYPES = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
# A Python constant would make pyarrow import pandas.
_EMPTY = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(bytes(8)), pa.py_buffer(b"")])[0]
_MISSING = pa.nulls(1, pa.string())[0]


def _pointed(source: Source, column: str, pointed: Mapping[str, Any]) -> TableError:
    return fault(
        source.path,
        f'column {shown(column)}: {source.role}_csv says "decimal": ",", and {shown(pointed["text"])} in row '
        f"{pointed['row']} has a decimal point; write all numbers in one way",
        "cannot-hold",
        column=column,
        row=pointed["row"],
    )


def _converted(text: pa.Array, kind: pa.DataType, decimal: str) -> pa.Array:
    """Return cells as values of the type of all cells of their column. An empty cell is missing."""
    if kind != pa.string():
        text = pc.utf8_trim(text, characters=" ")
    is_empty = pc.equal(text, _EMPTY)
    if pc.any(is_empty).as_py():
        text = pc.if_else(is_empty, _MISSING, text)
    if kind == pa.float64() and pc.any(pc.starts_with(text, "+")).as_py():
        text = pc.replace_substring_regex(text, r"^\+", "")
    if kind == pa.float64() and decimal != ".":
        text = pc.replace_substring(text, decimal, ".")
    return text.cast(kind)
