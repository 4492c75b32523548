"""A temporary folder that is gone when its run is, however the run ended."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from contextlib import suppress

from moslabels.locks import check_locks, lock

_PREFIX = "moslabels-"
_SETTLED = 60  # seconds after which a folder is surely locked, if it is going to be


class Workspace:
    """A folder for copies of text that DuckDB cannot read as it is, and for what does not fit in its memory.

    Leaving it removes them. What a killed run left is removed by the next one of the same user. ``parent`` is where the
    folder is made, by default the system's folder for temporary files.
    """

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        check_locks()
        parent = os.fspath(parent) if parent is not None else tempfile.gettempdir()
        _remove_abandoned(parent)
        # No TemporaryDirectory: a process that was forked meanwhile would remove the folder when it ends.
        self.folder = tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
        self._lock = _locked(self.folder)
        self._count = itertools.count()
        self.copies: dict[str, str] = {}

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            shutil.rmtree(self.folder)
        finally:
            if self._lock is not None:
                os.close(self._lock)

    def new_file(self, suffix: str) -> str:
        return os.path.join(self.folder, f"{next(self._count)}{suffix}")

    def new_copy(self, path: str, suffix: str) -> str:
        """Where a copy of a file is to be written; ``copies`` lists them, each with what it is a copy of."""
        copy = self.new_file(suffix)
        self.copies[copy] = path
        return copy


def _locked(folder: str) -> int | None:
    """A handle that locks a folder, for as long as the process lives; None where another holds it, or none can."""
    handle = None
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        lock(handle)
    except OSError:
        if handle is not None:
            os.close(handle)
        return None
    return handle


def _remove_abandoned(parent: str) -> None:
    """Remove what killed runs left: folders of this user that no process holds."""
    with suppress(OSError):
        for entry in os.scandir(parent):
            if not entry.name.startswith(_PREFIX) or not entry.is_dir(follow_symlinks=False):
                continue
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if found.st_uid != os.geteuid() or time.time() - found.st_mtime < _SETTLED:
                    continue
                if (handle := _locked(entry.path)) is not None:
                    shutil.rmtree(entry.path, ignore_errors=True)
                    os.close(handle)
