"""A temporary folder that is gone when its run is, however the run ended."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import tempfile
import time
from contextlib import suppress
from types import TracebackType

from moslabels.files import platform
from moslabels.files.holders import holder_of, signature
from moslabels.files.platform import Folder

_PREFIX = "moslabels-"
_MARK = ".moslabels-workspace"  # A file that only the owner of a folder can have put there.
_SETTLED = 60  # seconds after which a folder is surely locked, if it is going to be


class Workspace:
    """A folder for copies of text that DuckDB cannot read as it is, and for what does not fit in its memory.

    Leaving it removes them. What a killed run left is removed by the next one of the same user. ``parent`` is where the
    folder is made, by default the system's folder for temporary files.
    """

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        system = platform.system
        self._parent = os.fspath(parent) if parent is not None else tempfile.gettempdir()
        _remove_abandoned(self._parent)
        try:
            # No TemporaryDirectory: a process that was forked meanwhile would remove the folder when it ends.
            self.folder = tempfile.mkdtemp(prefix=_PREFIX, dir=self._parent)
        except OSError as error:
            self._name(error)
            raise
        self._folder = system.open_folder(self.folder, follow=False)
        signed = signature(_try_lock(self._folder))
        mark = system.open(self._folder, _MARK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            system.write_at(mark, signed, 0)
        finally:
            system.release(mark)
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
            _remove(self._folder)
        finally:
            platform.system.release(self._folder)

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


def _try_lock(folder: Folder) -> bool:
    """Lock a folder for as long as its handle lives; False where the system has no locks."""
    try:
        return platform.system.lock(folder.handle)
    except OSError:
        return False


def _remove(folder: Folder) -> None:
    """Remove what is in an open folder, by its handle, and the folder where it still has its name.

    What cannot be removed is no fault of the run: the next one tries again.
    """
    system = platform.system
    with suppress(OSError):
        for name in system.names(folder):
            found = system.find(folder, name)
            if found is not None and stat.S_ISDIR(found.st_mode):
                system.remove_tree(folder, name)
            elif found is not None and name != _MARK:
                system.remove(folder, name)
        system.remove(folder, _MARK)
        if os.path.samestat(os.lstat(folder.path), system.folder_state(folder)):
            os.rmdir(folder.path)


def _remove_abandoned(parent: str) -> None:
    """Remove what killed runs left: folders that runs of this user made, and that no process holds."""
    with suppress(OSError):
        for entry in os.scandir(parent):
            if not entry.name.startswith(_PREFIX) or not entry.is_dir(follow_symlinks=False):
                continue
            with suppress(OSError):
                folder = platform.system.open_folder(entry.path, follow=False)
                try:
                    if _is_of_a_run(folder) and _is_free(folder):
                        _remove(folder)
                finally:
                    platform.system.release(folder)


def _is_of_a_run(folder: Folder) -> bool:
    """Return whether an open folder is one that a run of this user made a while ago: its name alone does not tell."""
    system = platform.system
    found, mark = system.folder_state(folder), system.find(folder, _MARK)
    if mark is None or not stat.S_ISREG(mark.st_mode) or {found.st_uid, mark.st_uid} != {system.user()}:
        return False
    return time.time() - found.st_mtime >= _SETTLED


def _is_free(folder: Folder) -> bool:
    """Return whether no process holds a folder: it can be locked, or, without locks, its process has ended."""
    mark = platform.system.open(folder, _MARK, os.O_RDONLY)
    try:
        holder = holder_of(mark)
    finally:
        platform.system.release(mark)
    return holder.has_ended() or (platform.system.lock(folder.handle) and holder.has_locks)
