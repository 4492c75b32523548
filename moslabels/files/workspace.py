"""A temporary folder that is gone when its run is, however the run ended."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from types import TracebackType

from moslabels.files.platform import check_locks, lock

_PREFIX = "moslabels-"
_MARK = ".moslabels-workspace"  # A file that only the owner of a folder can have put there.
_SETTLED = 60  # seconds after which a folder is surely locked, if it is going to be


class Workspace:
    """A folder for copies of text that DuckDB cannot read as it is, and for what does not fit in its memory.

    Leaving it removes them. What a killed run left is removed by the next one of the same user. ``parent`` is where the
    folder is made, by default the system's folder for temporary files.
    """

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        check_locks()
        self._parent = os.fspath(parent) if parent is not None else tempfile.gettempdir()
        _remove_abandoned(self._parent)
        try:
            # No TemporaryDirectory: a process that was forked meanwhile would remove the folder when it ends.
            self.folder = tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent)
        except OSError as error:
            self._name(error)
            raise
        self._handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        _try_lock(self._handle)
        os.close(os.open(_MARK, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self._handle))
        self._count = itertools.count()
        self.copies: dict[str, str] = {}

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, OSError) and self._is_here(error):
                self._name(error)
            _remove(self.folder, self._handle)
        finally:
            os.close(self._handle)

    def _is_here(self, error: OSError) -> bool:
        """Whether an error of the system is about the folder: writing elsewhere names what it writes."""
        if error.filename is None:
            return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return isinstance(error.filename, str) and error.filename.startswith(os.path.join(self.folder, ""))

    def _name(self, error: OSError) -> None:
        """Let an error name the folder that the user knows."""
        error.filename, error.filename2 = self._parent, None
        error.strerror = f"{error.strerror} (it is the folder for temporary files; name another as temp_dir)"

    def new_file(self, suffix: str) -> str:
        return os.path.join(self.folder, f"{next(self._count)}{suffix}")

    def new_copy(self, path: str, suffix: str) -> str:
        """Where a copy of a file is to be written; ``copies`` lists them, each with what it is a copy of."""
        copy = self.new_file(suffix)
        self.copies[copy] = path
        return copy


def _try_lock(handle: int) -> bool:
    """Lock a folder for as long as its handle lives; False where another run holds it, or the system cannot tell."""
    try:
        lock(handle)
    except OSError:
        return False
    return True


def _remove(folder: str, handle: int) -> None:
    """Remove what is in an open folder, by its handle, and the folder where it still has its name.

    What cannot be removed is no fault of the run: the next one tries again.
    """
    with suppress(OSError):
        for entry in list(os.scandir(handle)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.name, ignore_errors=True, dir_fd=handle)
            elif entry.name != _MARK:
                os.unlink(entry.name, dir_fd=handle)
        os.unlink(_MARK, dir_fd=handle)
        if os.path.samestat(os.lstat(folder), os.fstat(handle)):
            os.rmdir(folder)


def _remove_abandoned(parent: str) -> None:
    """Remove what killed runs left: folders that runs of this user made, and that no process holds."""
    with suppress(OSError):
        for entry in os.scandir(parent):
            if not entry.name.startswith(_PREFIX) or not entry.is_dir(follow_symlinks=False):
                continue
            with suppress(OSError):
                handle = os.open(entry.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    if _is_abandoned(handle) and _try_lock(handle):
                        _remove(entry.path, handle)
                finally:
                    os.close(handle)


def _is_abandoned(handle: int) -> bool:
    """Whether an open folder is one that a run of this user made a while ago: its name alone does not tell."""
    found, mark = os.fstat(handle), os.stat(_MARK, dir_fd=handle, follow_symlinks=False)
    owners = {found.st_uid, mark.st_uid, os.geteuid()}
    return len(owners) == 1 and stat.S_ISREG(mark.st_mode) and time.time() - found.st_mtime >= _SETTLED
