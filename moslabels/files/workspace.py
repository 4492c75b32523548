"""A temporary folder that is removed when its run ends. The next run removes that of a killed run."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import tempfile
import time
from types import TracebackType

from moslabels.base.errors import ignored
from moslabels.files import platform
from moslabels.files.holders import holder_of, signature
from moslabels.files.platform import Folder

_PREFIX = "moslabels-"
_MARK = ".moslabels-workspace"  # This file shows that moslabels made the folder.
_SETTLED = 60  # Seconds after which the run that made a folder has surely locked it.


class Workspace:
    """A folder for copies of text that DuckDB cannot read as it is, and for data that does not fit in its memory.

    Leaving the context removes the folder. If a run is killed, the next run of the same user removes it. ``parent`` is
    where the folder is made, by default the system's folder for temporary files.
    """

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        system = platform.system
        self._parent = os.fspath(parent) if parent is not None else tempfile.gettempdir()
        _remove_abandoned(self._parent)
        try:
            # TemporaryDirectory does not do: a process that was forked meanwhile would remove the folder when it ends.
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
        self.unpacked: dict[str, tuple[str, str]] = {}

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
        """Return whether an error of the system is about this folder. Errors of other writers name their own file."""
        if error.filename is None:
            return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return isinstance(error.filename, str) and error.filename.startswith(os.path.join(self.folder, ""))

    def _name(self, error: OSError) -> None:
        """Change an error of the system so that it names the parent folder, which the user knows."""
        error.filename, error.filename2 = self._parent, None
        error.strerror = f"{error.strerror} (it is the folder for temporary files; name another as temp_dir)"

    def new_file(self, suffix: str) -> str:
        return os.path.join(self.folder, f"{next(self._count)}{suffix}")

    def new_copy(self, path: str, suffix: str) -> str:
        """Return the path at which to write a copy of a file, and note in ``copies`` what it is a copy of."""
        copy = self.new_file(suffix)
        self.copies[copy] = path
        return copy

    def new_unpacked(self, path: str, codec: str) -> str:
        """Return the path at which to write what is in a compressed file, and note both in ``unpacked``."""
        unpacked = self.new_file(".unpacked")
        self.unpacked[unpacked] = (path, codec)
        return unpacked


def _try_lock(folder: Folder) -> bool:
    """Lock a folder until its handle is closed; return False if the system cannot lock it."""
    with ignored(OSError):
        return platform.lock(folder.handle)
    return False


def _remove(folder: Folder) -> None:
    """Remove all that is in an open folder, by its handle, and the folder itself if it still has its path.

    Ignore what cannot be removed: the next run tries again.
    """
    system = platform.system
    with ignored(OSError):
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
    """Remove the folders that killed runs left: those that runs of this user made and no process holds."""
    with ignored(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if not entry.name.startswith(_PREFIX) or not entry.is_dir(follow_symlinks=False):
                continue
            with ignored(OSError):
                folder = platform.system.open_folder(entry.path, follow=False)
                try:
                    if _is_of_a_run(folder) and _is_free(folder):
                        _remove(folder)
                finally:
                    platform.system.release(folder)


def _is_of_a_run(folder: Folder) -> bool:
    """Return whether a run of this user made an open folder some time ago. Its name alone does not prove that."""
    system = platform.system
    found, mark = system.folder_state(folder), system.find(folder, _MARK)
    if mark is None or not stat.S_ISREG(mark.st_mode) or {found.st_uid, mark.st_uid} != {system.user()}:
        return False
    return time.time() - found.st_mtime >= _SETTLED


def _is_free(folder: Folder) -> bool:
    """Return whether no process holds a folder: it can be locked or, if there are no locks, its process has ended."""
    mark = platform.system.open(folder, _MARK, os.O_RDONLY)
    try:
        holder = holder_of(mark)
    finally:
        platform.system.release(mark)
    return holder.has_ended() or (platform.lock(folder.handle) and holder.has_locks)
