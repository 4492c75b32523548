"""File records: what evidence says about a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from moslabels.base.errors import is_from_outside
from moslabels.files.regular import open_regular


def file_sha256(path: str | Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_record(path: str, sha256: str | None = None, *, is_to_hash: bool = True) -> dict[str, Any]:
    """Return ``path``, ``exists``, ``kind`` (file, directory, other or missing) and ``sha256`` of a path.

    Pass ``sha256`` if the file was hashed already. The hash is None if the file cannot be read or is not to be hashed.
    """
    try:
        exists = os.path.lexists(path)
        kind = "missing"
        if exists:
            kind = "file" if os.path.isfile(path) else "directory" if os.path.isdir(path) else "other"
        if kind == "file" and sha256 is None and is_to_hash:
            sha256 = file_sha256(path)
    except (OSError, ValueError) as error:
        if is_from_outside(error):
            raise
        exists, kind, sha256 = False, "missing", None
    return {"path": path, "exists": exists, "kind": kind, "sha256": sha256 if kind == "file" else None}
