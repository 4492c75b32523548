"""CSV files. Their cells are texts, which DuckDB reads once the dialect is known."""

from __future__ import annotations

import codecs
import glob
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import ResourceError, StatementError
from moslabels.base.text import counted, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import SqlText
from moslabels.files.contents import other_than_text
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.sources.batches import text_batches
from moslabels.sources.columns import MOST_COLUMNS, Cell, Column
from moslabels.sources.csv_records import first_record, place, records
from moslabels.sources.faults import fault, meaning
from moslabels.sources.source import Cells, Dialect, FileFormat, Part, Source
from moslabels.spec.dialect import ENCODINGS

_DELIMITERS = (";", "\t", "|", ",")
_UNNAMED = re.compile("column[0-9]+")  # as the columns of a file without a header are named
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")


class CsvFile(FileFormat):
    """CSV, with a delimiter that holds unless an option names another."""

    reader = "csv"
    cells = Cells.TEXT
    has_dialect = True
    table_function = SqlText("read_csv")

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter

    def open(self, engine: Engine, workspace: Workspace, path: str, role: str, options: Mapping[str, Any]) -> Source:
        encoding = options.get("encoding", "utf-8")
        if problem := other_than_text(path, encoding):
            raise fault(path, problem)
        with open(path, "rb") as stream:
            start = stream.read(4)
        if encoding == "utf-8" and (start[::2] == b"\0\0" or start[1::2] == b"\0\0"):
            raise fault(path, f"{_undecodable('utf-8', role)} (every other byte is NUL: utf-16?)")
        dialect = Dialect(
            delimiter=options.get("delimiter", self.delimiter),
            header=options.get("header", "column_names" not in options),
            encoding=encoding,
            has_bom=start.startswith(codecs.BOM_UTF8),
        )
        file = path
        try:
            if encoding != "utf-8":
                file = _transcode(path, encoding, workspace.new_copy(path, ".csv"))
            record, width, dialect = first_record(path, file, dialect)
        except UnicodeError as error:
            raise fault(path, f"{_undecodable(encoding, role)} ({error})") from error
        if not record:
            raise fault(path, "is empty: a CSV table has a header at least")
        if width > MOST_COLUMNS:
            raise fault(
                path,
                f"has {width} columns, and a CSV table may have {MOST_COLUMNS} at most; write it as Parquet or JSON "
                "lines",
            )
        cells = record.split(dialect.delimiter)
        if '"' in record:
            copy = Part(path, workspace.new_copy(path, ".csv"))
            cells = _quoted_record(engine, Source(path, role, self, (copy,), _unnamed(width), dialect), dialect, record)
        if any(set("\r\n") & set(cell) for cell in cells):
            # DuckDB takes the first line end that it sees for that of all records, even if it is inside of a cell.
            file = _after_a_blank_line(file, dialect.line_end, workspace.new_copy(path, ".csv"))
            dialect = replace(dialect, blank_lines=dialect.blank_lines + 1, added_lines=1)
        columns = _unnamed(len(cells))
        if names := _names(path, role, cells, dialect, options.get("column_names")):
            columns = tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))
        source = Source(path, role, self, (Part(path, file),), columns, dialect)
        _check_line_ends(engine, source, dialect)
        return source

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:  # noqa: ARG002
        dialect = dialect_of(source)
        return {
            # An absolute path without globs, so that neither ~ nor a scheme such as s3: has a meaning.
            "path": glob.escape(absolute(source.file)),
            "columns": {column.ident: "VARCHAR" for column in source.columns},
            "delimiter": dialect.delimiter,
            "header": dialect.header,
            "blank_lines": dialect.blank_lines,
        }

    def types_of(self, engine: Engine, source: Source, cell: Cell) -> list[str]:  # noqa: ARG002
        return ["VARCHAR"]

    def split_advice(self, source: Source) -> str:
        if len(source.names) != 1:
            return ""
        delimiter = max(_DELIMITERS, key=source.names[0].count)
        found = f'is it split by {shown(delimiter)}? Then set {source.role}_csv {{"delimiter": {shown(delimiter)}}}'
        return found if delimiter in source.names[0] else ""

    def header_advice(self, source: Source, named: str = "") -> str:
        if not dialect_of(source).header:
            return ""
        is_likely = _UNNAMED.fullmatch(named) or any(_NUMBER.fullmatch(name.strip()) for name in source.names)
        return f'if it has no header, set {source.role}_csv {{"header": false}}' if is_likely else ""

    def unreadable(self, source: Source, message: str) -> tuple[str, int | None]:
        row, line = place(source, dialect_of(source), message)
        says = meaning(message, _undecodable("utf-8", source.role), self.split_advice(source))
        return (f"row {row}: {says} (line {line})" if row else says), row

    def typed_batches(
        self, engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        cells = source.cells({column.ident: column for column in columns})
        types = ["VARCHAR"] * len(cells)  # for a table without rows
        for row in source.query(engine, "convert/csv_types", cells):
            index = row["place"] - 1
            types[index] = row["key_type" if columns[index].name in keys else "sql_type"]
        schema = pa.schema([pa.field(column.name, _TYPES[kind]) for column, kind in zip(columns, types, strict=True)])
        texts = text_batches(engine, source, columns, rows)

        def typed() -> Iterator[pa.RecordBatch]:
            for batch in texts:
                try:
                    values = [_converted(text, field.type) for text, field in zip(batch.columns, schema, strict=True)]
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


def _undecodable(encoding: str, role: str) -> str:
    return f'its bytes are not {encoding}; set {role}_csv {{"encoding": …}} to one of {", ".join(ENCODINGS)}'


def _transcode(path: str, encoding: str, target: str) -> str:
    """Write a copy of a text as UTF-8."""
    with open(path, encoding=encoding, newline="") as source, open(target, "w", encoding="utf-8", newline="") as copy:
        while text := source.read(1 << 20):
            copy.write(text)
    return target


def _after_a_blank_line(path: str, line_end: str, target: str) -> str:
    """Write a copy of a text that begins with a blank line."""
    with open(path, "rb") as source, open(target, "wb") as copy:
        if source.read(3) != codecs.BOM_UTF8:
            source.seek(0)
        copy.write(line_end.encode())
        shutil.copyfileobj(source, copy)
    return target


def _unnamed(columns: int) -> tuple[Column, ...]:
    return tuple(Column(f"column{index}", f"column{index}") for index in range(columns))


def _names(
    path: str, role: str, cells: list[str], dialect: Dialect, given: Sequence[str] | None
) -> Sequence[str] | None:
    """Return the names of the columns, None if they have none. Raises TableError if the given ones are not theirs."""
    if given is None:
        return cells if dialect.header else None
    if [cell.strip().lower() for cell in cells] == [name.strip().lower() for name in given]:
        raise fault(path, f'its first record is the names in {role}_csv: it has a header; leave out "column_names"')
    if len(cells) != len(given):
        has, names = counted(len(cells), "cell", "cells"), counted(len(given), "name", "names")
        raise fault(path, f'row 1: it has {has}, and "column_names" of {role}_csv has {names}', row=1)
    return given


def _quoted_record(engine: Engine, copy: Source, dialect: Dialect, record: str) -> list[str]:
    """Return the cells of a record that holds quotes, as DuckDB reads them, so that a header is read like all rows."""
    with open(copy.file, "w", encoding="utf-8", newline="") as stream:
        stream.write(dialect.line_end + record + dialect.line_end)
    copy = replace(copy, dialect=replace(dialect, header=False, blank_lines=1))
    cells = copy.cells({column.ident: column for column in copy.columns})
    try:
        (row,) = engine.rows(copy.statement("sources/rows", cells))
    except ResourceError:
        raise
    except StatementError as error:
        says = meaning(str(error), _undecodable("utf-8", copy.role), copy.split_advice())
        raise fault(copy.path, f"its first record cannot be read: {says}") from error
    return [row[cell.value] or "" for cell in cells]


def _check_line_ends(engine: Engine, source: Source, dialect: Dialect) -> None:
    """Raise TableError if a line ends in a delimiter too many, because DuckDB would ignore it."""
    for found in source.query(engine, "sources/csv_fault", values={"width": len(source.columns)}):
        line = found["line_number"] - dialect.added_lines
        row = next((record.row for record in records(source, dialect) if record.last_line >= line), None)
        where = f"row {row}" if row else "header"
        raise fault(source.path, f"{where}: it ends in a delimiter too many (line {line})", row=row)


_TYPES = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
# A Python constant would make pyarrow import pandas.
_EMPTY = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(bytes(8)), pa.py_buffer(b"")])[0]
_MISSING = pa.nulls(1, pa.string())[0]


def _converted(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return cells as values of the type of all cells of their column. An empty cell is missing."""
    if kind != pa.string():
        text = pc.utf8_trim(text, characters=" ")
    empty = pc.equal(text, _EMPTY)
    if pc.any(empty).as_py():
        text = pc.if_else(empty, _MISSING, text)
    if kind == pa.float64() and pc.any(pc.starts_with(text, "+")).as_py():
        text = pc.replace_substring_regex(text, r"^\+", "")
    return text.cast(kind)
