"""Sheets of Excel workbooks (.xlsx), as Arrow tables. A reader of the extra ``xlsx`` opens them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pyarrow as pa

from moslabels.base.errors import TableError, is_from_outside
from moslabels.base.text import listed, shown
from moslabels.sources.cell_values import as_column
from moslabels.sources.faults import fault

READER = "python_calamine"
MISSING = "is an Excel workbook, and the package that reads it is missing: pip install 'moslabels[xlsx]'"

Cells = list[list[Any]]
"""The values of a sheet, row by row. An empty cell is an empty text."""


def read_workbook(path: str, options: Mapping[str, Any]) -> pa.Table:
    """Return one sheet of a workbook: its first row names the columns, and each other row that holds a value is a row.

    ``options`` may name the ``sheet``. Without, the workbook must have one sheet with values. A cell with an error,
    such as #N/A, is empty, and a formula is the value that was saved with it. Raise TableError if the reader is not
    installed, if the file or sheet cannot be read, or if the first row does not name each column.
    """
    try:
        reader = import_module(READER)
    except ImportError:
        raise fault(path, MISSING) from None
    try:
        with reader.CalamineWorkbook.from_path(path) as workbook:
            cells = _cells_of_sheet(workbook, path, options.get("sheet"))
    except TableError:
        raise
    except (reader.CalamineError, reader.PasswordError, reader.ZipError, reader.XmlError, OSError, ValueError) as error:
        if is_from_outside(error):
            raise
        raise fault(path, f"cannot be read as an Excel workbook: {error}") from error
    return _table(path, cells)


def _cells_of_sheet(workbook: Any, path: str, sheet: str | None) -> Cells:
    names = list(workbook.sheet_names)
    if sheet is None:
        filled: dict[str, Cells] = {
            name: found for name in names if (found := workbook.get_sheet_by_name(name).to_python())
        }
        if len(filled) == 1:
            (only,) = filled.values()
            return only
        if filled:
            says = f"has {len(filled)} sheets with values: {listed([*filled], 20)}"
            raise fault(path, f'{says}; name one by label_csv or feature_csv {{"sheet": …}}')
        raise fault(path, "has no sheet that holds values")
    if sheet not in names:
        raise fault(path, f"has no sheet {shown(sheet)}; there are {listed(names, 20)}")
    cells: Cells = workbook.get_sheet_by_name(sheet).to_python()
    if not cells:
        raise fault(path, f"its sheet {shown(sheet)} holds no values")
    return cells


def _table(path: str, cells: Cells) -> pa.Table:
    header, *rows = cells
    rows = [row for row in rows if any(value != "" for value in row)]
    names, columns = [], []
    for place, name in enumerate(header):
        values = [row[place] if place < len(row) else "" for row in rows]
        if name == "" and all(value == "" for value in values):
            continue
        if name == "":
            row = next(number for number, value in enumerate(values, start=1) if value != "")
            says = (
                f"its first row names {sum(cell != '' for cell in header)} of {len(header)} columns, and column "
                f"{place + 1} holds values (row {row}); the first row of a sheet must name each column"
            )
            raise fault(path, says, row=row)
        names.append(name if isinstance(name, str) else as_column([name, "x"])[0].as_py())
        columns.append(as_column(values))
    return pa.Table.from_arrays(columns, names)
