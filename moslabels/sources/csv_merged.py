"""CSV in which a run of delimiters is one: each line is a record, and SQL splits it."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moslabels.engine.connection import Engine
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.sources.columns import Cell
from moslabels.sources.csv_cells import CsvCells, check_width, dialect_of, empty, named
from moslabels.sources.csv_text import open_text, undecodable
from moslabels.sources.faults import fault, line_in, meaning
from moslabels.sources.long_lines import check_lines
from moslabels.sources.part import Part
from moslabels.sources.source import Source
from moslabels.spec.dialect import WHITESPACE


class MergedCsvFile(CsvCells):
    """CSV whose cells are separated by runs of one delimiter, or of blanks and tabs."""

    reader = "csv_merged"

    def open(self, engine: Engine, workspace: Workspace, part: Part, role: str, options: Mapping[str, Any]) -> Source:
        path = part.path
        merged = options.get("delimiter", self.delimiter)
        # An output has one delimiter between two cells: whitespace is none that could be written.
        written = self.delimiter if merged == WHITESPACE else merged
        file, dialect = open_text(workspace, part, role, options, written)
        check_lines(path, file)
        dialect = replace(dialect, merged=merged, line_end=_line_end(path, file))
        source = Source(path, role, self, (Part(path, file),), dialect=dialect)
        cells = next((row["cells"] for row in source.query(engine, "sources/csv_merged_first")), None)
        if cells is None:
            raise empty(path)
        check_width(path, len(cells))
        columns = named(path, role, cells, dialect, options.get("column_names"))
        source = replace(source, columns=columns)
        _check_lines(engine, source)
        return source

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:  # noqa: ARG002
        dialect = dialect_of(source)
        is_white = dialect.merged == WHITESPACE
        delimiter = " " if is_white else dialect.merged
        spelled = "".join(f"\\x{{{ord(character):x}}}" for character in delimiter)
        run = r"[ \t]" if is_white else f"(?:{spelled})"
        bare = r"[^ \t]+" if is_white else ".+?"
        return {
            # An absolute path without globs, so that neither ~ nor a scheme such as s3: has a meaning.
            "path": glob.escape(absolute(source.file)),
            "compression": "none",
            "header": dialect.header,
            "delimiter": delimiter,
            "also": "\t" if is_white else delimiter,
            "padding": f"^{run}+",
            "cell": f'( ?"(?:[^"]|"")*"|{bare})(?:{run}+|$)',
        }

    def unreadable(self, source: Source, message: str) -> tuple[str, int | None]:
        line = line_in(message)
        says = meaning(message, undecodable("utf-8", source.role))
        return (f"{says} (line {line})" if line else says), None


def _line_end(path: str, file: str) -> str:
    """Return the one line end of a text. Raise TableError if there are several: DuckDB would lose characters."""
    found: Counter[bytes] = Counter()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            if block.endswith(b"\r"):
                block += stream.read(1)
            both = block.count(b"\r\n")
            found += Counter({b"\r\n": both, b"\n": block.count(b"\n") - both, b"\r": block.count(b"\r") - both})
    if len(found) < 2:
        return next((end.decode() for end in found), "\n")
    with open(file, encoding="utf-8", errors="replace", newline="") as text:
        ends = ((number, line[len(line.rstrip("\r\n")) :]) for number, line in enumerate(text, start=1))
        _, first = next(ends)
        line = next(number for number, end in ends if end not in (first, ""))
    raise fault(path, f"its line ends are mixed (\\n, \\r\\n, \\r); write one kind of line end (line {line})")


def _check_lines(engine: Engine, source: Source) -> None:
    """Raise TableError if a line does not have a cell for each column."""
    for found in source.query(engine, "sources/csv_merged_fault", values={"width": len(source.columns)}):
        row = max(found["row"], 0) or None
        where = f"row {row}" if row else "header"
        if found["is_open"]:
            says = "a quoted cell does not end in its line, or goes on after its closing quote"
        else:
            says = f"it has {found['cells']} cells where the table has {len(source.columns)} columns"
            if found["cells"] < len(source.columns):
                says += '; an empty cell must be written ""'
        raise fault(source.path, f"{where}: {says} (line {found['line_number']})", row=row)
