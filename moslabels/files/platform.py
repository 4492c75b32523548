"""Calls of the operating system, with another way for each ability that a system may lack.

Only this module asks what a system can do. Other modules call :data:`system` as ``platform.system``, so that a test can
replace it (:func:`use`).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from moslabels.base.errors import ignored
from moslabels.files.abilities import Abilities
from moslabels.files.exchange import exchange_names

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

UNSUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
"""The error numbers of a call that the system or the file system does not support."""
# EBADF: some network file systems lock a file only if it may be written to. The file of another user cannot be locked.
_NO_LOCKS = (errno.ENOLCK, errno.EINVAL, *UNSUPPORTED, errno.EBADF)
NO_EXCHANGE = (errno.EINVAL, *UNSUPPORTED)
"""The error numbers of a file system that cannot let two names change places in one step."""
_NO_SYNC = (errno.EINVAL, *UNSUPPORTED)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# Do not wait for a pipe, do not let started programs inherit a file, and do not translate line ends.
_ALWAYS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class Folder:
    """An open folder.

    With a handle it stays the same folder, even if it is moved or something else takes its path. The handle is None on
    a system without handles of folders.
    """

    path: str
    handle: int | None


class System:
    """The operations on files. Each method is one operation of the operating system, and raises its OSError."""

    def __init__(self, abilities: Abilities) -> None:
        self.abilities = abilities
        self._seeking = threading.Lock()

    def open_folder(self, path: str, inside: Folder | None = None, *, follow: bool = True) -> Folder:
        """Open a folder by its path, or by its name in another folder. Refuse a link if ``follow`` is False."""
        whole = path if inside is None else os.path.join(inside.path, path)
        if self.abilities.folder_handles:
            flags = _FOLDER if follow else _FOLDER | _NO_FOLLOW
            return Folder(whole, os.open(path, flags, dir_fd=None if inside is None else inside.handle))
        found = os.stat(whole, follow_symlinks=follow)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), whole)
        return Folder(whole, None)

    def make_folder(self, folder: Folder, name: str, mode: int = 0o777) -> None:
        path, inside = _at(folder, name)
        os.mkdir(path, mode, dir_fd=inside)

    def remove_folder(self, folder: Folder, name: str) -> None:
        """Remove an empty folder."""
        path, inside = _at(folder, name)
        os.rmdir(path, dir_fd=inside)

    def remove_tree(self, folder: Folder, name: str) -> None:
        """Remove a folder with all that is in it, as far as that is allowed."""
        path, inside = _at(folder, name)
        shutil.rmtree(path, ignore_errors=True, dir_fd=inside)

    def folder_state(self, folder: Folder) -> os.stat_result:
        return os.stat(folder.path if folder.handle is None else folder.handle)

    def names(self, folder: Folder) -> list[str]:
        """Return the names of all that is in a folder, in any order."""
        return os.listdir(folder.path if folder.handle is None else folder.handle)

    def find(self, folder: Folder, name: str) -> os.stat_result | None:
        """Return the state of the file at a name, or of the link itself if it is one; None if nothing is there."""
        path, inside = _at(folder, name)
        try:
            return os.stat(path, dir_fd=inside, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, folder: Folder, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a file in a folder, never through a link, and without waiting if it is a pipe."""
        path, inside = _at(folder, name)
        if self.abilities.no_follow:
            flags |= _NO_FOLLOW
        handle = os.open(path, flags | _ALWAYS, mode, dir_fd=inside)
        if self.abilities.no_follow or flags & os.O_EXCL:  # With O_EXCL the system does not follow a link.
            return handle
        found = self.find(folder, name)
        if found is None or not os.path.samestat(found, os.fstat(handle)):
            os.close(handle)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        return handle

    def open_to_read(self, path: str | os.PathLike[str]) -> int:
        """Open what stands at a path, without waiting for a pipe, and without making a terminal that of the process."""
        return os.open(path, os.O_RDONLY | _ALWAYS | getattr(os, "O_NOCTTY", 0))

    def close(self, handle: int) -> None:
        os.close(handle)

    def release(self, *opened: int | Folder) -> None:
        """Close files and folders, and ignore errors: all that matters was synced before."""
        for handle in (item.handle if isinstance(item, Folder) else item for item in opened):
            if handle is not None:
                with ignored(OSError):
                    self.close(handle)

    def read_at(self, handle: int, size: int, position: int) -> bytes:
        if self.abilities.positions:
            return os.pread(handle, size, position)
        with self._seeking:
            os.lseek(handle, position, os.SEEK_SET)
            return os.read(handle, size)

    def write_at(self, handle: int, data: Any, position: int) -> int:
        """Write as many bytes as the system takes at once, and return how many. Several threads may do so together."""
        if self.abilities.positions:
            return os.pwrite(handle, data, position)
        with self._seeking:
            os.lseek(handle, position, os.SEEK_SET)
            return os.write(handle, data)

    def copy(self, source: int, target: int, size: int, position: int) -> int:
        """Let the kernel copy bytes of an open file to the same position of another; return how many it copied.

        File systems that can share data between files then do so. Return 0 if the kernel, or a file system, does not
        copy. It gives many reasons for that, so no error is looked at: the caller reads and writes instead, which meets
        the error of a disk again, at the file that has it.
        """
        if self.abilities.kernel_copies:
            with ignored(OSError):
                return os.copy_file_range(source, target, size, position, position)
        return 0

    def set_waiting(self, handle: int) -> None:
        """Let reads of an open file wait for data again, after it was opened without waiting."""
        if getattr(os, "O_NONBLOCK", 0):
            os.set_blocking(handle, True)

    def sync(self, handle: int) -> None:
        """Write an open file, or the names in an open folder, to the disk."""
        os.fsync(handle)

    def sync_folder(self, folder: Folder) -> bool:
        """Write the names in a folder to the disk; return False if the system or the file system cannot do so."""
        if folder.handle is None or not self.abilities.folder_sync:
            return False
        try:
            self.sync(folder.handle)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise
            return False
        return True

    def replace(self, folder: Folder, old: str, new: str) -> None:
        """Rename a file in its folder, in one step. It replaces what has the new name."""
        (source, inside), (target, _) = _at(folder, old), _at(folder, new)
        os.replace(source, target, src_dir_fd=inside, dst_dir_fd=inside)

    def move(self, folder: Folder, old: str, target: Folder, new: str) -> None:
        """Rename a file or folder into another folder, in one step. It replaces a file, or an empty folder."""
        (source, inside), (path, other) = _at(folder, old), _at(target, new)
        os.replace(source, path, src_dir_fd=inside, dst_dir_fd=other)

    def exchange(self, folder: Folder, name: str, other: Folder, other_name: str) -> None:
        """Let two names change places, in one step. Raise OSError with one of ``NO_EXCHANGE`` if that cannot be."""
        if not self.abilities.exchanges or folder.handle is None or other.handle is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
        exchange_names(folder.handle, name, other.handle, other_name)

    def link(self, folder: Folder, old: str, target: Folder, new: str) -> None:
        """Give a file, or a link itself, a second name. Raise OSError with ENOSYS if the system has no links."""
        if not self.abilities.links:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), old)
        (source, inside), (path, other) = _at(folder, old), _at(target, new)
        follow = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}
        os.link(source, path, src_dir_fd=inside, dst_dir_fd=other, **follow)

    def copy_link(self, folder: Folder, old: str, new: str) -> None:
        """Make a link with the same destination as another one."""
        (source, inside), (target, _) = _at(folder, old), _at(folder, new)
        os.symlink(os.readlink(source, dir_fd=inside), target, dir_fd=inside)

    def remove(self, folder: Folder, name: str) -> None:
        """Remove a file, or a link itself."""
        path, inside = _at(folder, name)
        os.unlink(path, dir_fd=inside)

    def set_mode(self, handle: int, mode: int) -> None:
        """Set the mode of an open file. Raise OSError with ENOSYS if the system has no modes."""
        if not self.abilities.modes:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        os.fchmod(handle, mode)

    def set_owner(self, handle: int, user: int, group: int) -> None:
        """Set owner (-1 keeps it) and group of an open file. Raise OSError with ENOSYS if the system has no owners."""
        if not self.abilities.users:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        os.fchown(handle, user, group)

    def flock(self, handle: int) -> None:
        """Lock an open file or folder until its handle is closed. Raise BlockingIOError if another process holds it."""
        if fcntl is None or not self.abilities.locks:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock_records(self, handle: int) -> None:
        """Lock an open file as DuckDB does to read it. Raise OSError if a program has it open to write.

        A system without such locks (Windows) does not even open a file that DuckDB has open to write.
        """
        if fcntl is not None and self.abilities.locks:
            fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def user(self) -> int:
        """Return the number of the user who runs this; 0 if the system has no users, as each owner is then 0."""
        return os.geteuid() if self.abilities.users else 0

    def may_write(self, path: str) -> bool:
        """Return whether the user who runs this may write to a file."""
        return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

    def is_running(self, process: int) -> bool:
        """Return whether a process runs on this machine; True if that is unknown."""
        if not self.abilities.processes:  # On Windows, os.kill would end the process.
            return True
        try:
            os.kill(process, 0)
        except (OSError, OverflowError) as error:
            return not isinstance(error, ProcessLookupError)
        return True


def _at(folder: Folder, name: str) -> tuple[str, int | None]:
    """Return the arguments of a call for a name in a folder: a path, and the handle of the folder to start from."""
    return (os.path.join(folder.path, name), None) if folder.handle is None else (name, folder.handle)


system = System(Abilities.found())


def lock(handle: int | None) -> bool:
    """Lock an open file or folder; return False if the system or the file system has no locks.

    Raise BlockingIOError if another process holds it.
    """
    if handle is None:
        return False
    try:
        system.flock(handle)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


@contextmanager
def use(other: System) -> Iterator[None]:
    """Replace :data:`system` in this block, for all threads."""
    global system
    before, system = system, other
    try:
        yield
    finally:
        system = before
