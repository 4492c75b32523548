"""A few rows of numbers as Arrow arrays."""

from __future__ import annotations

from array import array

import pyarrow as pa

from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement

MOST_ROWS = 1 << 11
"""So many rows are few: for DuckDB to make Arrow of them takes as long as to find them."""
_CODES = {pa.int32(): "i", pa.int64(): "q", pa.float64(): "d"}


def few_rows(engine: Engine, statement: Statement, *kinds: pa.DataType) -> list[pa.Array]:
    """Return the columns of a query that returns at least one row of numbers of these types, none of them NULL."""
    columns = engine.columns(statement)
    data = [array(_CODES[kind], column) for kind, column in zip(kinds, columns, strict=True)]
    return [
        pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])
        for kind, numbers in zip(kinds, data, strict=True)
    ]
