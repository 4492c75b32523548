"""Keys in columns of 16-bit floats, which hold few whole numbers exactly."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.text import shown
from moslabels.sources.faults import fault

MOST = 2048
"""The first whole number that another one may have become: 2049 is no 16-bit float."""


def check_halves(path: str, name: str, columns: Iterable[pa.Array]) -> None:
    """Raise TableError if a key column holds a whole number that may have been another one.

    DuckDB reads these floats as FLOAT, in which more whole numbers are exact.
    """
    for column in columns:
        values = column.cast(pa.float32())
        beyond = values.filter(pc.and_(pc.is_finite(values), pc.greater_equal(pc.abs(values), MOST)))
        if len(beyond):
            raise fault(
                path,
                f"column {shown(name)} holds {beyond[0].as_py():.0f}, a 16-bit float, which may have been another "
                f"whole number (only those below {MOST} are exact); write the column anew, as integers or text",
                "bad-key",
                column=name,
            )
