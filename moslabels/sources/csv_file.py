"""CSV files in which each delimiter counts. DuckDB reads their cells once the dialect is known."""

from __future__ import annotations

import codecs
import glob
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moslabels.base.errors import ResourceError, StatementError
from moslabels.engine.connection import Engine
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.sources.columns import Cell
from moslabels.sources.csv_cells import CsvCells, check_width, dialect_of, empty, named, unnamed
from moslabels.sources.csv_merged import MergedCsvFile
from moslabels.sources.csv_records import first_record, place, records
from moslabels.sources.csv_text import open_text, undecodable
from moslabels.sources.faults import fault, meaning
from moslabels.sources.long_lines import check_lines
from moslabels.sources.part import Dialect, Part
from moslabels.sources.source import Source
from moslabels.spec.dialect import merges

_BLOCK = 1 << 20


class CsvFile(CsvCells):
    """CSV as DuckDB reads it. If options merge delimiters, :class:`MergedCsvFile` reads it."""

    reader = "csv"

    def open(self, engine: Engine, workspace: Workspace, part: Part, role: str, options: Mapping[str, Any]) -> Source:
        if merges(options):
            return MergedCsvFile(self.delimiter).open(engine, workspace, part, role, options)
        path = part.path
        delimiter = options.get("delimiter", self.delimiter)
        file, dialect = open_text(workspace, part, role, options, delimiter)
        try:
            record, width, dialect = first_record(path, file, dialect)
        except UnicodeError as error:
            raise fault(path, f"{undecodable(dialect.encoding, role)} ({error})") from error
        if not record:
            raise empty(path)
        check_lines(path, file)
        check_width(path, width)
        cells = record.split(delimiter)
        if '"' in record:
            copy = Part(path, workspace.new_copy(path, ".csv"))
            cells = _quoted_record(engine, Source(path, role, self, (copy,), unnamed(width), dialect), dialect, record)
        if any(set("\r\n") & set(cell) for cell in cells):
            # DuckDB takes the first line end that it sees for that of all records, even if it is inside of a cell.
            file = _after_a_blank_line(file, dialect.line_end, workspace.new_copy(path, ".csv"))
            dialect = replace(dialect, blank_lines=dialect.blank_lines + 1, added_lines=1)
        columns = named(path, role, cells, dialect, options.get("column_names"))
        source = Source(path, role, self, (Part(path, file),), columns, dialect)
        _check_line_ends(engine, source, dialect)
        return source

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:  # noqa: ARG002
        dialect = dialect_of(source)
        return {
            # An absolute path without globs, so that neither ~ nor a scheme such as s3: has a meaning.
            "path": glob.escape(absolute(source.file)),
            "columns": {column.ident: "VARCHAR" for column in source.columns},
            "compression": "none",
            "delimiter": dialect.delimiter,
            "header": dialect.header,
            "blank_lines": dialect.blank_lines,
        }

    def unreadable(self, source: Source, message: str) -> tuple[str, int | None]:
        row, line = place(source, dialect_of(source), message)
        says = meaning(message, undecodable("utf-8", source.role), self.split_advice(source))
        return (f"row {row}: {says} (line {line})" if row else says), row


def _after_a_blank_line(path: str, line_end: str, target: str) -> str:
    """Write a copy of a text that begins with a blank line."""
    with open(path, "rb") as source, open(target, "wb") as copy:
        if source.read(3) != codecs.BOM_UTF8:
            source.seek(0)
        copy.write(line_end.encode())
        shutil.copyfileobj(source, copy)
    return target


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
        says = meaning(str(error), undecodable("utf-8", copy.role), copy.split_advice())
        raise fault(copy.path, f"its first record cannot be read: {says}") from error
    return [row[cell.value] or "" for cell in cells]


def _check_line_ends(engine: Engine, source: Source, dialect: Dialect) -> None:
    """Raise TableError if a line ends in a delimiter too many, because DuckDB would ignore it."""
    if not _ends_in_delimiter(engine, source.file, dialect.delimiter.encode()):
        return
    width = len(source.columns)
    (found,) = source.query(engine, "sources/csv_fault", values={"width": width})
    if found["goes_on"]:
        wrong = (record for record in records(source, dialect) if record.cells > width)
    elif found["line_number"] is not None:
        line = found["line_number"] - dialect.added_lines
        wrong = (record for record in records(source, dialect) if record.last_line >= line)
    else:
        return
    for record in wrong:
        where = f"row {record.row}" if record.row else "header"
        raise fault(source.path, f"{where}: it ends in a delimiter too many (line {record.last_line})", row=record.row)


def _ends_in_delimiter(engine: Engine, path: str, delimiter: bytes) -> bool:
    """Return whether a line of a text ends in a delimiter. In most texts none does, and no closer look is needed."""
    before = b""
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            engine.progress.advance(0)  # It ends a run that was cancelled.
            text = before + block
            # Two bytes are found in half the time from the end. A carriage return is in few texts, and found sooner.
            if text.rfind(delimiter + b"\n") >= 0 or (b"\r" in text and delimiter + b"\r" in text):
                return True
            before = text[-len(delimiter) :]
    return before == delimiter
