"""One run writes an output: its lock beside it, and the removal of what a killed run left there."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from moslabels.base.errors import TableError
from moslabels.files.places import Place, close_handle, owner_name
from moslabels.files.platform import lock

LEFT_BESIDE = "was left beside"
"""In each warning of what others left beside a target."""


UNSUPPORTED = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)
_NO_LOCKS = (errno.ENOLCK, errno.EINVAL, *UNSUPPORTED)
_HOLDER = re.compile(r"(process \d+ on [\w.-]+)\nsince ([\dT:Z-]+)\n(without locks of files\n)?")


@contextmanager
def locked(place: Place) -> Iterator[None]:
    name = place.hidden("lock")
    handle = _open_locked(place, name)
    try:
        for old in ("staged", "previous"):  # Their names before each attempt had its own.
            _remove_left(place, place.hidden(old))
        yield
    finally:
        try:
            for beside in sorted(place.beside):
                place.remove(beside)
            # While it is locked: whoever opened it meanwhile sees that it has lost its name. Where something is left,
            # it stays, and makes the next run look for that.
            if not place.beside:
                with suppress(OSError):
                    os.unlink(name, dir_fd=place.folder)
        finally:
            close_handle(handle)


def _open_locked(place: Place, name: str) -> int:
    """The handle of the lock of a place: of our own file, or of one that was left and only its owner may remove.

    A run that dies leaves its lock, and only such a run leaves more: what it left is then removed.
    """
    while True:
        is_new, handle = _open_lock(place, name)
        is_kept = False
        try:
            has_locks = _try_lock(place, name, handle, is_new)
            if place.has(handle, name):
                is_kept = _make_own(place, name, handle, is_new, has_locks)
                if is_kept:
                    return handle
        finally:
            if not is_kept:
                close_handle(handle)


def _make_own(place: Place, name: str, handle: int, is_new: bool, has_locks: bool) -> bool:
    """Sign a new lock file. Of one that was left: remove it with all else that was; True where it cannot be removed."""
    if is_new:
        try:
            _sign(handle, has_locks)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=place.folder)
            raise
    if not is_new or not has_locks:
        _remove_all_left(place)
    if is_new:
        return True
    try:
        os.unlink(name, dir_fd=place.folder)
    except PermissionError:
        return True  # Of another user, in a sticky folder. It serves as well.
    return False


def _open_lock(place: Place, name: str) -> tuple[bool, int]:
    """Make the lock file, or open what stands there to look at it: it is never written to. Whether it is new."""
    while True:
        with suppress(FileExistsError):
            return True, place.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        found = place.find(name)
        if found is None:
            continue
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise _told(place, name, found, f"{_kind(found)} stands where the lock of a run belongs; remove it")
        try:
            handle = place.open(name, os.O_RDWR)
        except FileNotFoundError:
            continue
        except PermissionError:
            try:
                handle = place.open(name, os.O_RDONLY)
            except PermissionError:
                raise _told(
                    place, name, found, "is the lock of a run and cannot be read; if that run has ended, remove it"
                ) from None
        if os.fstat(handle).st_nlink == 1 and stat.S_ISREG(os.fstat(handle).st_mode):
            return False, handle
        close_handle(handle)


def _try_lock(place: Place, name: str, handle: int, is_new: bool) -> bool:
    """Lock a lock file; False where the file system has no locks and the file is new, which then is the lock itself.

    Raises TableError where another run holds it, or may hold it.
    """
    signed = None if is_new else _HOLDER.match(os.pread(handle, 300, 0).decode("utf-8", "replace"))
    holder, since = signed.group(1, 2) if signed else ("another process", "a time unknown")
    found = os.fstat(handle)
    has_locks = True
    try:
        lock(handle)
    except BlockingIOError:
        raise TableError(
            f"{place.given}: {holder} is writing it; run again when that is done (its lock is {place.full(name)}, "
            f"of {owner_name(found.st_uid)})",
            code="in-use",
            file=place.given,
        ) from None
    except OSError as error:
        # A network file system that locks only what may be written to: a file of another user tells nothing.
        if error.errno not in (*_NO_LOCKS, errno.EBADF):
            raise
        has_locks = False
    if not is_new and (not has_locks or (signed and signed.group(3))):
        raise _told(
            place,
            name,
            found,
            f"is the lock of {holder}, which began to write at {since}; no lock of the file system tells whether it "
            "still does: if it has ended, remove that file",
            code="in-use",
        )
    return has_locks


def _sign(handle: int, has_locks: bool) -> None:
    """Write into a new lock file who holds it; others may read it, whatever the mask, to see that it is held."""
    with suppress(OSError):
        os.fchmod(handle, 0o644)
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"process {os.getpid()} on {socket.gethostname()}\nsince {since}\n"
    os.pwrite(handle, (text if has_locks else f"{text}without locks of files\n").encode(), 0)


def _told(place: Place, name: str, found: os.stat_result, says: str, code: str = "file-system") -> TableError:
    path, owner = place.full(name), owner_name(found.st_uid)
    return TableError(f"{place.given}: {path}, of {owner}, {says}", code=code, file=place.given)


def _kind(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "a link"
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    return "a file with several names" if stat.S_ISREG(found.st_mode) else "no regular file"


def _remove_all_left(place: Place) -> None:
    starts = tuple(place.hidden(what) for what in ("staged-", "previous-"))
    for name in sorted(os.listdir(place.folder)):
        if name.startswith(starts):
            _remove_left(place, name)


def _remove_left(place: Place, name: str) -> None:
    """Remove what a killed run left; what cannot be removed is in no way, and told."""
    try:
        os.unlink(name, dir_fd=place.folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        found = place.find(name)
        if found is not None:
            place.left.append(
                f"{place.full(name)}, of {owner_name(found.st_uid)}, {LEFT_BESIDE} {place.given} and cannot be "
                f"removed ({error.strerror}); remove it, or ask its owner to"
            )
