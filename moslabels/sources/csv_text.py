"""The text of a CSV file in UTF-8, as DuckDB reads it, and the dialect that its first bytes show."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from moslabels.base.text import shown
from moslabels.files.contents import other_than_text
from moslabels.files.workspace import Workspace
from moslabels.sources.faults import fault
from moslabels.sources.part import Dialect, Part
from moslabels.spec.dialect import ENCODINGS


def open_text(
    workspace: Workspace, part: Part, role: str, options: Mapping[str, Any], delimiter: str
) -> tuple[str, Dialect]:
    """Return the file that statements read, in UTF-8, and the dialect as far as options and first bytes show it.

    Raise TableError if it is not such a text.
    """
    path, file = part.path, part.file
    encoding = options.get("encoding", "utf-8")
    if "sheet" in options:
        raise fault(path, f"{role}_csv names the sheet {shown(options['sheet'])}, and this is not a workbook")
    if problem := other_than_text(file, encoding):
        raise fault(path, problem)
    with open(file, "rb") as stream:
        start = stream.read(4)
    if encoding == "utf-8" and (start[::2] == b"\0\0" or start[1::2] == b"\0\0"):
        raise fault(path, f"{undecodable('utf-8', role)} (every other byte is NUL: utf-16?)")
    try:
        if encoding != "utf-8":
            file = _transcode(file, encoding, workspace.new_copy(path, ".csv"))
    except UnicodeError as error:
        raise fault(path, f"{undecodable(encoding, role)} ({error})") from error
    return file, Dialect(
        delimiter=delimiter,
        header=options.get("header", "column_names" not in options),
        encoding=encoding,
        decimal=options.get("decimal", "."),
        has_bom=start.startswith(codecs.BOM_UTF8),
    )


def undecodable(encoding: str, role: str) -> str:
    """Return the message about bytes that are not in the encoding."""
    return f'its bytes are not {encoding}; set {role}_csv {{"encoding": …}} to one of {", ".join(ENCODINGS)}'


def _transcode(path: str, encoding: str, target: str) -> str:
    """Write a copy of a text as UTF-8."""
    with open(path, encoding=encoding, newline="") as source, open(target, "w", encoding="utf-8", newline="") as copy:
        while text := source.read(1 << 20):
            copy.write(text)
    return target
