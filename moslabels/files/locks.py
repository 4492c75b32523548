"""Locks, so that only one run writes an output at a time. The holder of a lock also removes what killed runs left.

A lock is a hidden file beside the output. The file says which process holds it, and the file system locks it. Such a
lock ends with its process.

If the system or the file system cannot lock files, the hidden file itself is the lock: the run that creates it holds
the output. A killed run leaves that file. The next run takes it over if it runs on the same machine and finds that the
process has ended. If not, it refuses, and the user must remove the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from moslabels.base.errors import TableError, ignored
from moslabels.files import platform
from moslabels.files.holders import Holder, holder_of, signature
from moslabels.files.places import Place
from moslabels.files.users import owner_name

LEFT_BESIDE = "was left beside"
"""Words that stand in each warning about a file that others left beside a target."""


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold the lock of a place, and remove what killed runs left there. Raise TableError if another run holds it."""
    name = place.hidden("lock")
    handle = _open_locked(place, name)
    try:
        for old in ("staged", "previous"):  # Old versions used these names, without process and number.
            _remove_left(place, place.hidden(old))
        yield
    finally:
        try:
            for beside in sorted(place.beside):
                place.remove(beside)
            if not platform.system.abilities.moves_open_files:
                platform.system.release(handle)
                handle = -1
            # The file is removed while it is locked, so that a run that has opened it meanwhile sees that it has lost
            # its name. If something could not be removed, the file stays, so that the next run tries again.
            if not place.beside:
                with ignored(OSError):
                    platform.system.remove(place.folder, name)
        finally:
            platform.system.release(*([handle] if handle >= 0 else []))


def _open_locked(place: Place, name: str) -> int:
    """Return the open and locked lock file of a place.

    It is a new file, or one that a killed run of another user left and that this user may not remove. A lock file that
    was left shows that a run was killed. What else that run left is then removed too.
    """
    while True:
        is_new, handle = _open_lock(place, name)
        is_kept = False
        try:
            left = Holder() if is_new else holder_of(handle)
            has_locks = _try_lock(place, name, handle, left)
            is_held_by_file = not is_new and not (has_locks and left.has_locks)
            if is_held_by_file:
                _check_ended(place, name, os.fstat(handle), left)
            elif place.has(handle, name):
                is_kept = _make_own(place, name, handle, is_new, has_locks)
                if is_kept:
                    return handle
        finally:
            if not is_kept:
                platform.system.release(handle)
        if is_held_by_file:
            _remove_ended(place, name, left)


def _make_own(place: Place, name: str, handle: int, is_new: bool, has_locks: bool) -> bool:
    """Sign a new lock file, or remove one that was left. Return whether the open file is now the lock of this run.

    A file that was left is the lock of this run only if it cannot be removed. All else that was left is removed too.
    """
    system = platform.system
    if is_new:
        try:
            with ignored(OSError):
                system.set_mode(handle, 0o644)  # Others may see who holds it, whatever the mask.
            system.write_at(handle, signature(has_locks), 0)
        except BaseException:
            with ignored(OSError):
                system.remove(place.folder, name)
            raise
    if not is_new or not has_locks:
        _remove_all_left(place)
    if is_new:
        return True
    try:
        system.remove(place.folder, name)
    except PermissionError:
        return True  # The file of another user, in a sticky folder. This run can hold it as its own lock.
    return False


def _open_lock(place: Place, name: str) -> tuple[bool, int]:
    """Create the lock file, or open the one that is there. Return whether it is new, and its handle.

    A file that is there already is only read, never written to.
    """
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
        platform.system.release(handle)


def _try_lock(place: Place, name: str, handle: int, left: Holder) -> bool:
    """Lock a lock file; return False if the file system has no locks. Raise TableError if another run holds it."""
    found = os.fstat(handle)
    try:
        return platform.lock(handle)
    except BlockingIOError:
        raise TableError(
            f"{place.given}: {left.name} is writing it; run again when that is done (its lock is {place.full(name)}, "
            f"of {owner_name(found.st_uid)})",
            code="in-use",
            file=place.given,
        ) from None


def _check_ended(place: Place, name: str, found: os.stat_result, holder: Holder) -> None:
    """Raise TableError unless the process that made a lock file has surely ended."""
    if not holder.has_ended():
        raise _told(
            place,
            name,
            found,
            f"is the lock of {holder.name}, which began to write at {holder.since}; the file system does not tell "
            "whether it still writes: if it has ended, remove that file",
            code="in-use",
        )


def _remove_ended(place: Place, name: str, holder: Holder) -> None:
    """Remove the lock file of a process that has ended.

    Only one process may do so at a time, and it looks at the file again before it removes it. Otherwise it could remove
    the new lock of another run that has just removed the old one.
    """
    system, guard = platform.system, place.hidden("takeover")
    try:
        made = place.open(guard, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        found = place.find(guard)
        if found is None:
            return
        raise _told(
            place,
            guard,
            found,
            f"says that another run takes over from {holder.name}, which has ended; run again when that is done, and "
            "if no run is under way, remove that file",
            code="in-use",
        ) from None
    try:
        system.release(made)
        if _holder_at(place, name) == holder:
            system.remove(place.folder, name)
    finally:
        with ignored(OSError):
            system.remove(place.folder, guard)


def _holder_at(place: Place, name: str) -> Holder | None:
    try:
        handle = place.open(name, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return holder_of(handle)
    finally:
        platform.system.release(handle)


def _told(place: Place, name: str, found: os.stat_result, says: str, code: str = "file-system") -> TableError:
    path, owner = place.full(name), owner_name(found.st_uid)
    return TableError(f"{place.given}: {path}, of {owner}, {says}", code=code, file=place.given)


def _kind(found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return "a link"
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    return "a file with several names" if stat.S_ISREG(found.st_mode) else "a device, a pipe or a socket"


def _remove_all_left(place: Place) -> None:
    starts = tuple(place.hidden(what) for what in ("staged-", "previous-"))
    for name in sorted(platform.system.names(place.folder)):
        if name.startswith(starts):
            _remove_left(place, name)


def _remove_left(place: Place, name: str) -> None:
    """Remove a file that a killed run left. If that fails, add a warning to ``place.left``: the run goes on."""
    try:
        platform.system.remove(place.folder, name)
    except FileNotFoundError:
        pass
    except OSError as error:
        found = place.find(name)
        if found is not None:
            place.left.append(
                f"{place.full(name)}, of {owner_name(found.st_uid)}, {LEFT_BESIDE} {place.given} and cannot be "
                f"removed ({error.strerror}); remove it, or ask its owner to"
            )
