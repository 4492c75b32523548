"""The test whether a folder holds labelled parts alone, so that a new version may replace it as a whole."""

from __future__ import annotations

import os

from moslabels.base.errors import TableError, ignored
from moslabels.evidence.embedded import SCHEMA
from moslabels.files.listing import SUFFIXES, files_below
from moslabels.files.regular import open_regular
from moslabels.parquet.chunks import FooterError
from moslabels.parquet.footer import footer_bytes


def check_own(folder: str) -> None:
    """Raise TableError if a folder holds a file that moslabels did not write: replacing it would lose that file."""
    for path in files_below(folder):
        if not path.lower().endswith(SUFFIXES) or os.path.islink(path) or not _is_labelled(path):
            raise TableError(
                f"{path}: stands in the folder that is to be replaced as a whole, and is not a table that moslabels "
                "labelled; move it, or write to another folder",
                code="file-system",
                file=path,
            )


def _is_labelled(path: str) -> bool:
    """Return whether the footer of a Parquet file holds the evidence of moslabels. It is not parsed."""
    with ignored(OSError, FooterError), open_regular(path) as stream:
        return SCHEMA.encode() in footer_bytes(stream)[0]
    return False
