"""The test whether a folder holds labelled parts alone, so that a new version may replace it as a whole."""

from __future__ import annotations

import os

from moslabels.base.errors import TableError
from moslabels.evidence.embedded import SCHEMA
from moslabels.files.listing import SUFFIXES
from moslabels.files.regular import open_regular
from moslabels.parquet.footer import MAGIC

_MOST_BYTES = 1 << 26


def check_own(folder: str) -> None:
    """Raise TableError if a folder holds a file that moslabels did not write: replacing it would lose that file."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(above, name)
            if not name.lower().endswith(SUFFIXES) or os.path.islink(path) or not _is_labelled(path):
                raise TableError(
                    f"{path}: stands in the folder that is to be replaced as a whole, and is not a table that "
                    "moslabels labelled; move it, or write to another folder",
                    code="file-system",
                    file=path,
                )


def _is_labelled(path: str) -> bool:
    """Return whether the footer of a Parquet file holds the evidence of moslabels."""
    try:
        with open_regular(path) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - 8))
            tail = stream.read(8)
            length = int.from_bytes(tail[:4], "little")
            if tail[4:] != MAGIC or length > min(size - 12, _MOST_BYTES):
                return False
            stream.seek(size - 8 - length)
            return SCHEMA.encode() in stream.read(length)
    except OSError:
        return False
