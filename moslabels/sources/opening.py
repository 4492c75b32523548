"""The formats of tables by name, and the function that opens a table."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from moslabels.base.errors import is_from_outside
from moslabels.engine.connection import Engine
from moslabels.files.contents import absence_advice
from moslabels.files.workspace import Workspace
from moslabels.sources.arrow_file import read_arrow
from moslabels.sources.arrow_table import ArrowTable
from moslabels.sources.csv_file import CsvFile
from moslabels.sources.faults import fault
from moslabels.sources.json_file import JsonFile, JsonLinesFile
from moslabels.sources.mat_file import read_mat
from moslabels.sources.packed import unpack
from moslabels.sources.parquet_file import ParquetFile
from moslabels.sources.part import Part
from moslabels.sources.source import FileFormat, Source
from moslabels.sources.whole_file import WholeFile
from moslabels.sources.workbook import read_workbook
from moslabels.spec.formats import format_of, known_format

READERS: dict[str, FileFormat] = {
    "parquet": ParquetFile(),
    "jsonl": JsonLinesFile(),
    "json": JsonFile(),
    "csv": CsvFile(","),
    "tsv": CsvFile("\t"),
    "arrow": WholeFile(read_arrow),
    "xlsx": WholeFile(read_workbook),
    "mat": WholeFile(read_mat),
}
"""The formats of ``spec/formats``, by name."""

IN_MEMORY = ArrowTable()


def reader_of(path: str) -> FileFormat:
    """Return the format of a path by its suffix, which must be that of a table."""
    return READERS[format_of(path)]


def reader_at(path: str) -> FileFormat | None:
    """Return the format of a path by its suffix, or None if the suffix is not one of a table."""
    name = known_format(path)
    return READERS[name] if name is not None else None


def open_table(
    engine: Engine,
    workspace: Workspace,
    path: str,
    role: str,
    options: Mapping[str, Any],
    tables: Mapping[str, pa.Table] | None = None,
) -> Source:
    """Open a table: find its columns, and check that it can be read. Raise TableError.

    ``role`` is ``feature`` or ``label``. ``options`` is the value of ``feature_csv`` or ``label_csv``. ``tables`` are
    Arrow tables by the name that replaces their path.
    """
    if tables and path in tables:
        return IN_MEMORY.open_table(engine, path, role, tables[path])
    reader, size = reader_of(path), check_regular_file(path)
    if reader.is_read_whole:
        engine.expect(size)
    return reader.open(engine, workspace, Part(path, unpack(engine, workspace, path)), role, options)


def check_regular_file(path: str, file: str | None = None) -> int:
    """Return the size of a regular file in bytes. Raise TableError if it cannot be read.

    Messages show ``path``. The file is opened as ``file``, if that is another path of it.
    """
    file = file or path
    try:
        found = os.stat(file)
        mode = found.st_mode
        if stat.S_ISREG(mode):
            with open(file, "rb"):
                return found.st_size
    except FileNotFoundError:
        advice = absence_advice(path)
        if not advice and glob.has_magic(path):
            advice = "; a path is one file, and not a pattern: name each"
        raise fault(path, f"there is no such file{advice}", "no-file") from None
    except (OSError, ValueError) as error:
        if is_from_outside(error):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise fault(path, f"cannot be read: {reason}") from error
    kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
    raise fault(path, f"is {kind}; a table is one file")
