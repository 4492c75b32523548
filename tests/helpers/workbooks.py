"""Excel workbooks to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Sheets = Mapping[str, Iterable[list[Any]]]


def write_workbook(path: Path, sheets: Sheets) -> Path:
    """Write the rows of each sheet, by its name."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path
