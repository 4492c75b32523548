"""What moslabels needs of the operating system: the one module that asks what a system has, with another way for each.

Other modules call :data:`system` as ``platform.system``, so that a test can put another one in its place (``use``).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from types import ModuleType
from typing import Any

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
pwd: ModuleType | None
try:
    import pwd
except ImportError:
    pwd = None

UNSUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
"""What a system says of a call that it, or a file system, does not have."""
# The last: some network file systems lock only what may be written to, so a file of another user tells nothing.
_NO_LOCKS = (errno.ENOLCK, errno.EINVAL, *UNSUPPORTED, errno.EBADF)
_NO_SYNC = (errno.EINVAL, *UNSUPPORTED)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# A pipe is not waited for, no program that is started inherits a file, and no line end is translated.
_ALWAYS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class Abilities:
    """What a system has. Where one is missing, :class:`System` goes another way.

    - ``locks``: files are locked until their process ends (else a lock file says who holds it)
    - ``links``: a file can have a second name (else a copy is made)
    - ``positions``: writing at a position is one step (else seek and write, one thread at a time)
    - ``folder_handles``: files are reached by the handle of their folder (else by their path)
    - ``folder_sync``: a folder can be synced (else the file alone is)
    - ``no_follow``: opening can refuse a link (else its name is compared with what was opened)
    - ``modes`` and ``users``: files have modes and owners (else there are none to keep)
    - ``moves_open_files``: an open file can be renamed and removed (else it is closed before)
    - ``processes``: it can be asked whether a process runs, without disturbing it (else nobody knows)
    """

    locks: bool
    links: bool
    positions: bool
    folder_handles: bool
    folder_sync: bool
    no_follow: bool
    modes: bool
    users: bool
    moves_open_files: bool
    processes: bool

    @classmethod
    def found(cls) -> Abilities:
        """Return what the system has on which this runs."""
        is_posix = os.name == "posix"
        by_handle = {os.open, os.stat, os.unlink, os.mkdir, os.rmdir, os.rename, os.readlink, os.symlink}
        return cls(
            locks=fcntl is not None,
            links=hasattr(os, "link"),
            positions=hasattr(os, "pwrite") and hasattr(os, "pread"),
            folder_handles=(
                by_handle <= os.supports_dir_fd
                and os.listdir in os.supports_fd
                and shutil.rmtree.avoids_symlink_attacks
                and (not hasattr(os, "link") or os.link in os.supports_dir_fd)
            ),
            folder_sync=is_posix,
            no_follow=bool(_NO_FOLLOW),
            modes=hasattr(os, "fchmod"),
            users=hasattr(os, "geteuid"),
            moves_open_files=is_posix,
            processes=is_posix,
        )

    def without(self, *names: str) -> Abilities:
        """Return the same abilities without some of them."""
        return replace(self, **dict.fromkeys(names, False))

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of all abilities."""
        return [field.name for field in fields(cls)]


@dataclass(frozen=True)
class Folder:
    """An open folder.

    With a handle it stays the same folder, wherever it is moved and whatever takes its path. The handle is None on a
    system without handles of folders.
    """

    path: str
    handle: int | None


class System:
    """What is done to files. Each method is one step of the operating system; errors are its own (OSError)."""

    def __init__(self, abilities: Abilities) -> None:
        self.abilities = abilities
        self._seeking = threading.Lock()

    def open_folder(self, path: str, inside: Folder | None = None, *, follow: bool = True) -> Folder:
        """Open a folder, by its path or its name in another; ``follow=False`` refuses a link."""
        whole = path if inside is None else os.path.join(inside.path, path)
        if self.abilities.folder_handles:
            flags = _FOLDER if follow else _FOLDER | _NO_FOLLOW
            return Folder(whole, os.open(path, flags, dir_fd=None if inside is None else inside.handle))
        found = os.stat(whole, follow_symlinks=follow)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), whole)
        return Folder(whole, None)

    def make_folder(self, folder: Folder, name: str) -> None:
        path, inside = _at(folder, name)
        os.mkdir(path, dir_fd=inside)

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
        """Return the state of what stands at a name, of the link itself where it is one; None where nothing does."""
        path, inside = _at(folder, name)
        try:
            return os.stat(path, dir_fd=inside, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, folder: Folder, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a file in a folder, never through a link. A pipe is not waited for."""
        path, inside = _at(folder, name)
        if self.abilities.no_follow:
            flags |= _NO_FOLLOW
        handle = os.open(path, flags | _ALWAYS, mode, dir_fd=inside)
        if self.abilities.no_follow or flags & os.O_EXCL:  # What is made new is made through no link.
            return handle
        found = self.find(folder, name)
        if found is None or not os.path.samestat(found, os.fstat(handle)):
            os.close(handle)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        return handle

    def open_to_read(self, path: str | os.PathLike[str]) -> int:
        """Open whatever stands at a path. A pipe is not waited for, and no terminal becomes that of the process."""
        return os.open(path, os.O_RDONLY | _ALWAYS | getattr(os, "O_NOCTTY", 0))

    def close(self, handle: int) -> None:
        os.close(handle)

    def release(self, *opened: int | Folder) -> None:
        """Close files and folders in which nothing is left to be done: what mattered was synced before."""
        for handle in (item.handle if isinstance(item, Folder) else item for item in opened):
            if handle is not None:
                with suppress(OSError):
                    self.close(handle)

    def read_at(self, handle: int, size: int, position: int) -> bytes:
        if self.abilities.positions:
            return os.pread(handle, size, position)
        with self._seeking:
            os.lseek(handle, position, os.SEEK_SET)
            return os.read(handle, size)

    def write_at(self, handle: int, data: Any, position: int) -> int:
        """Write as much of some bytes as the system takes at once, and return how much. Threads may do so together."""
        if self.abilities.positions:
            return os.pwrite(handle, data, position)
        with self._seeking:
            os.lseek(handle, position, os.SEEK_SET)
            return os.write(handle, data)

    def set_waiting(self, handle: int) -> None:
        """Let reading an open file wait for its data again."""
        if getattr(os, "O_NONBLOCK", 0):
            os.set_blocking(handle, True)

    def sync(self, handle: int) -> None:
        """Bring an open file, or the names in an open folder, to the disk."""
        os.fsync(handle)

    def sync_folder(self, folder: Folder) -> bool:
        """Bring the names in a folder to the disk; return False where the system or file system has no way to."""
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
        """Give a file another name in its folder, in the place of what has that name, in one step."""
        (source, inside), (target, _) = _at(folder, old), _at(folder, new)
        os.replace(source, target, src_dir_fd=inside, dst_dir_fd=inside)

    def link(self, folder: Folder, old: str, new: str) -> None:
        """Give a file, or a link itself, a second name. Raises OSError with ENOSYS on a system without."""
        if not self.abilities.links:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), old)
        (source, inside), (target, _) = _at(folder, old), _at(folder, new)
        follow = {"follow_symlinks": False} if os.link in os.supports_follow_symlinks else {}
        os.link(source, target, src_dir_fd=inside, dst_dir_fd=inside, **follow)

    def copy_link(self, folder: Folder, old: str, new: str) -> None:
        """Make a link that leads where another one leads."""
        (source, inside), (target, _) = _at(folder, old), _at(folder, new)
        os.symlink(os.readlink(source, dir_fd=inside), target, dir_fd=inside)

    def remove(self, folder: Folder, name: str) -> None:
        """Remove a file, or a link itself."""
        path, inside = _at(folder, name)
        os.unlink(path, dir_fd=inside)

    def set_mode(self, handle: int, mode: int) -> None:
        """Set the mode of an open file. Raises OSError with ENOSYS on a system without."""
        if not self.abilities.modes:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        os.fchmod(handle, mode)

    def set_owner(self, handle: int, user: int, group: int) -> None:
        """Set owner (-1: as it is) and group of an open file. Raises OSError with ENOSYS on a system without."""
        if not self.abilities.users:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        os.fchown(handle, user, group)

    def flock(self, handle: int) -> None:
        """Lock an open file or folder until its handle is closed. Raises BlockingIOError where another holds it."""
        if fcntl is None or not self.abilities.locks:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock(self, handle: int | None) -> bool:
        """Lock an open file or folder; return False where the system or file system has no locks.

        Raises BlockingIOError where another holds it.
        """
        if handle is None:
            return False
        try:
            self.flock(handle)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        return True

    def lock_records(self, handle: int) -> None:
        """Lock an open file as DuckDB does to read it. Raises OSError where a program has it open to write.

        A system without such locks (Windows) does not open a file at all that DuckDB has open to write.
        """
        if fcntl is not None and self.abilities.locks:
            fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def user(self) -> int:
        """Return the number of the user who acts; on a system without it is 0, as the owner of each file is there."""
        return os.geteuid() if self.abilities.users else 0

    def may_write(self, path: str) -> bool:
        """Return whether the user who acts may write to a file."""
        return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

    def is_running(self, process: int) -> bool:
        """Return whether a process runs on this machine; True where nobody can tell."""
        if not self.abilities.processes:  # On Windows the same call would end it.
            return True
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            return True
        return True

    def machine(self) -> str | None:
        """Return what tells this machine, since it was started, from all others; None where nobody can tell.

        A container with process numbers of its own counts as a machine: one name of a host may stand for several.
        """
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
                return f"{stream.read().strip()}-{os.stat('/proc/self/ns/pid').st_ino}"
        except (OSError, ValueError):
            return None


def _at(folder: Folder, name: str) -> tuple[str, int | None]:
    """Return what to call with, for a name in a folder: a path, and the handle of a folder that it starts from."""
    return (os.path.join(folder.path, name), None) if folder.handle is None else (name, folder.handle)


def owner_name(number: int) -> str:
    """Return the name of a user, or the number where it has none."""
    if pwd is not None:
        with suppress(KeyError):
            return str(pwd.getpwuid(number).pw_name)
    return f"user {number}"


system = System(Abilities.found())


@contextmanager
def use(other: System) -> Iterator[None]:
    """Put another system in the place of :data:`system`, for all threads."""
    global system
    before, system = system, other
    try:
        yield
    finally:
        system = before
