"""MATLAB files (.mat), as Arrow tables. The extra ``mat`` reads them: scipy up to version 7, h5py from 7.3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import pyarrow as pa

from moslabels.base.errors import is_from_outside
from moslabels.base.text import listed, shown
from moslabels.sources.cell_values import as_column
from moslabels.sources.faults import fault

MISSING = "is a MATLAB file, and a package that reads it is missing: pip install 'moslabels[mat]'"
AS_CSV = (
    "write the ones that you want as CSV: import scipy.io, pandas; m = scipy.io.loadmat(FILE, squeeze_me=True); "
    "pandas.DataFrame({'name': m['NAMES'], 'mos': m['SCORES']}).to_csv('labels.csv', index=False)"
)
_HDF5 = b"\x89HDF\r\n\x1a\n"

Variables = Mapping[str, list[Any]]
"""Vectors by their names: numbers, or texts."""


def read_mat(path: str, _: Mapping[str, Any]) -> pa.Table:
    """Return the variables of one length as the columns of a table: those of the file, or the fields of one struct.

    A vector of numbers, a cell array of texts or numbers, the rows of a char matrix and a field of a struct array are
    columns. Other variables are left out. Raise TableError if the reader is not installed, if the file cannot be read,
    or if not exactly one length has several variables.
    """
    with open(path, "rb") as stream:
        head = stream.read(512 + len(_HDF5))
    is_hdf5 = head.startswith(_HDF5) or head[512:] == _HDF5
    try:
        found = dict(_of_hdf5(path) if is_hdf5 else _of_scipy(path))
    except ImportError:
        raise fault(path, MISSING) from None
    except Exception as error:  # Readers raise errors of many kinds for a damaged file.
        if is_from_outside(error):
            raise
        raise fault(path, f"cannot be read as a MATLAB file: {error}") from error
    return _table(path, found)


def _table(path: str, found: Mapping[str, Variables]) -> pa.Table:
    """Return the table of the one place and length that has several variables. Places are "" and names of structs."""
    tables: list[tuple[str, dict[str, list[Any]]]] = []
    for place, variables in found.items():
        by_length: dict[int, dict[str, list[Any]]] = {}
        for name, values in variables.items():
            by_length.setdefault(len(values), {})[name] = values
        tables += [(place, columns) for columns in by_length.values() if len(columns) > 1]
    if not tables:
        names = [f"{place}.{name}" if place else name for place, one in found.items() for name in one]
        says = f"holds no two variables of one length that could be keys and scores; its vectors are {listed(names)}"
        raise fault(path, f"{says}; {AS_CSV}")
    if len(tables) > 1:
        each = "; ".join(
            f"{listed([*columns], 6)}{f' of {shown(place)}' if place else ''} "
            f"({len(next(iter(columns.values())))} values each)"
            for place, columns in tables
        )
        raise fault(path, f"holds several tables, and does not say which is meant: {each}; {AS_CSV}")
    columns = tables[0][1]
    return pa.Table.from_arrays([as_column(values) for values in columns.values()], [*columns])


def _of_scipy(path: str) -> Iterator[tuple[str, Variables]]:
    """Yield the vectors of a file, and those of each struct in it."""
    content = import_module("scipy.io").loadmat(path)
    own: dict[str, list[Any]] = {}
    for name, value in content.items():
        if name.startswith("__"):
            continue
        if value.dtype.names is not None:
            fields = {field: _vector(_of_field(value, field)) for field in value.dtype.names}
            yield name, {field: values for field, values in fields.items() if values is not None}
        elif (values := _vector(value)) is not None:
            own[name] = values
    yield "", own


def _of_field(struct: Any, name: str) -> Any:
    """Return what a field of a struct holds, or an array of what it holds in each of several structs."""
    return struct[name].reshape(-1)[0] if struct.size == 1 else struct[name]


def _vector(array: Any) -> list[Any] | None:
    """Return the values of a vector; None if it is a matrix, a scalar or of a kind that no column can have."""
    kind = array.dtype.kind
    if kind in "US" and array.ndim == 1 and array.size > 1:  # The rows of a char matrix.
        return [str(text).rstrip() for text in array]
    if array.size < 2 or max(array.shape) != array.size:
        return None
    values = array.reshape(-1)
    if kind in "biuf":
        return _numbers(values)
    return _items(values) if kind == "O" else None


def _numbers(values: Any) -> list[Any]:
    """Return numbers as those of Python; NaN, which MATLAB writes for what is missing, is None."""
    return [None if value != value else value for value in values.tolist()]


def _items(values: Sequence[Any]) -> list[Any] | None:
    """Return the texts or numbers of a cell array; None if a cell holds something else."""
    found: list[Any] = []
    for value in values:
        if value.dtype.kind in "US" and value.size <= 1:
            found.append(str(value.reshape(-1)[0]) if value.size else "")
        elif value.dtype.kind in "biuf" and value.size <= 1:
            found += _numbers(value.reshape(-1)) if value.size else [None]
        elif value.dtype.kind == "O" and value.size == 1 and (inner := _items(value.reshape(-1))) is not None:
            found += inner  # A cell in a cell.
        else:
            return None
    return found


def _of_hdf5(path: str) -> Iterator[tuple[str, Variables]]:
    """Yield the vectors of a file of version 7.3, and those of each struct in it."""
    h5py = import_module("h5py")
    with h5py.File(path, "r") as file:
        own: dict[str, list[Any]] = {}
        for name, item in _own_items(file):
            if name.startswith("#"):  # What cells refer to.
                continue
            if isinstance(item, h5py.Group):
                fields = {field: _hdf5_vector(file, value) for field, value in _own_items(item)}
                yield name, {field: values for field, values in fields.items() if values is not None}
            elif (values := _hdf5_vector(file, item)) is not None:
                own[name] = values
        yield "", own


def _own_items(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a group holds itself. A link may lead into another file, and MATLAB writes none."""
    hard = import_module("h5py").HardLink
    for name in group:
        if isinstance(group.get(name, getlink=True), hard):
            yield name, group[name]


def _is_elsewhere(item: Any) -> bool:
    """Return whether the values of a dataset are in other files, which its file names and moslabels does not open."""
    return bool(item.external) or item.is_virtual


def _hdf5_vector(file: Any, item: Any) -> list[Any] | None:
    if not hasattr(item, "dtype") or "MATLAB_empty" in item.attrs or _is_elsewhere(item):
        return None
    if _class_of(item) == "char":  # Columns of it are the rows of a char matrix.
        codes = item[()]
        return [_characters(codes[:, row]).rstrip() for row in range(codes.shape[1])] if codes.shape[1] > 1 else None
    if item.size < 2 or max(item.shape) != item.size:
        return None
    values = item[()].reshape(-1)
    if values.dtype.kind in "biuf":
        return _numbers(values)
    found: list[Any] = []
    for reference in values:
        value = file[reference]
        if not hasattr(value, "dtype") or _is_elsewhere(value):
            return None
        if _class_of(value) == "char":
            found.append("" if "MATLAB_empty" in value.attrs else _characters(value[()].reshape(-1)))
        elif value.dtype.kind in "biuf" and value.size == 1 and "MATLAB_empty" not in value.attrs:
            found += _numbers(value[()].reshape(-1))
        elif "MATLAB_empty" in value.attrs:
            found.append(None)
        else:
            return None
    return found


def _class_of(item: Any) -> str:
    name = item.attrs.get("MATLAB_class", b"")
    return name.decode() if isinstance(name, bytes) else str(name)


def _characters(codes: Any) -> str:
    """Return the text of a char array, which holds units of UTF-16."""
    return bytes(codes.astype("<u2").tobytes()).decode("utf-16-le", "replace")
