"""Files of Arrow's IPC format (.arrow, .feather), as Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from moslabels.sources.faults import fault

_FILE, _FEATHER_1 = b"ARROW1", b"FEA1"
_AGAIN = "write it again as Feather version 2, Arrow or Parquet"


def read_arrow(path: str, _: Mapping[str, Any]) -> pa.Table:
    """Return the table of an Arrow file or stream. Raise TableError if it is damaged or of another kind.

    All of it is read first: a file that is mapped into memory and cut meanwhile would end the process.
    """
    with open(path, "rb") as stream:
        content = stream.read()
    if content.startswith(_FEATHER_1):
        raise fault(path, f"is a Feather file of version 1, which is not read: {_AGAIN}")
    buffer = pa.py_buffer(content)
    try:
        reader = pa.ipc.open_file(buffer) if content.startswith(_FILE) else pa.ipc.open_stream(buffer)
        table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise fault(path, f"is not a readable Arrow file: {error}") from error
    return table
