"""JSON lines and JSON documents: objects in which each value has its own type."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from moslabels.engine.connection import Engine
from moslabels.engine.statements import SqlText
from moslabels.files.contents import other_than_text
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.sources import json_types
from moslabels.sources.columns import Cell, Column
from moslabels.sources.faults import fault, line_in, meaning
from moslabels.sources.json_document import unpack
from moslabels.sources.long_lines import check_lines
from moslabels.sources.part import Part
from moslabels.sources.source import Cells, FileFormat, Source


class JsonLinesFile(FileFormat):
    """JSON lines: each line is an object."""

    reader = "jsonl"
    cells = Cells.JSON
    ignores_case = True  # Typed rows are structs in DuckDB.
    table_function = SqlText("read_json")

    def open(self, engine: Engine, workspace: Workspace, part: Part, role: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG002
        path = part.path
        if problem := other_than_text(part.file):
            raise fault(path, problem)
        lines = self.lines(workspace, part)
        check_lines(path, lines)
        source = Source(path, role, self, (Part(path, lines),))
        (objects,) = source.query(engine, "sources/json_objects")
        faults = [{**objects["fault"], "total": objects["faults"]}] if objects["faults"] else []
        if objects["is_nested"]:
            faults += source.query(engine, "sources/json_inner_fault")
        if faults:
            first = min(faults, key=lambda found: int(found["row"]))
            total = sum(found["total"] for found in faults)
            more = f" ({total} such rows)" if total > 1 else ""
            says = f"row {first['row']}: {first['fault']}{more}{self.line_text(part.file, first['row'])}"
            raise fault(path, says, row=first["row"])
        return replace(source, columns=tuple(Column(name, _pointer(name), "JSON") for name in objects["members"]))

    def lines(self, workspace: Workspace, part: Part) -> str:  # noqa: ARG002
        """Return the path of a file with an object on each line."""
        return part.file

    def line_text(self, file: str, row: int) -> str:
        """Return the line of a data row, as text for an error. This reads the file, so it is used only for errors."""
        with open(file, "rb") as stream:
            lines = (number for number, line in enumerate(stream, start=1) if line.strip(b" \t\r\n"))
            return f" (line {next(itertools.islice(lines, row - 1, None), row)})"

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:
        return {
            # An absolute path without globs, so that neither ~ nor a scheme such as s3: has a meaning.
            "path": glob.escape(absolute(source.file)),
            "compression": "none",
            "pointers": [cell.column.ident for cell in cells],
        }

    def types_of(self, engine: Engine, source: Source, cell: Cell) -> list[str]:
        return [row["type"] for row in source.query(engine, "sources/json_types", [cell], cell=cell)]

    def unreadable(self, source: Source, message: str) -> tuple[str, int | None]:  # noqa: ARG002
        line = line_in(message)
        says = meaning(message, "its bytes are not utf-8")
        return (f"row {line}: {says} (line {line})" if line else says), line

    def typed_batches(
        self, engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        return json_types.typed_batches(engine, source, columns, rows, keys)


class JsonFile(JsonLinesFile):
    """A JSON document: a list of objects, or one in ``{"rows": [...]}``. Statements read a copy as JSON lines."""

    is_document = True

    def lines(self, workspace: Workspace, part: Part) -> str:
        return unpack(part.path, part.file, workspace.new_copy(part.path, ".jsonl"))

    def line_text(self, file: str, row: int) -> str:  # noqa: ARG002
        return ""


def _pointer(member: str) -> str:
    """Return the name of a member as a JSON Pointer (RFC 6901)."""
    return "/" + member.replace("~", "~0").replace("/", "~1")
