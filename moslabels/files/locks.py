"""One run writes an output: its lock beside it, and the removal of what a killed run left there.

The lock is one of the file system, on a hidden file that says who holds it. It ends with its process. If the system or
the file system has no such locks, that file is the lock: who makes it holds the output. The file of a run that was
killed is taken over if the same machine can tell that its process has ended; if not, only who knows can remove it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from moslabels.base.errors import TableError
from moslabels.files import platform
from moslabels.files.holders import Holder, holder_of, signature
from moslabels.files.places import Place
from moslabels.files.platform import owner_name

LEFT_BESIDE = "was left beside"
"""In each warning of what others left beside a target."""


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold a place, free of what a killed run left there. Raises TableError where another run holds it."""
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
            if not platform.system.abilities.moves_open_files:
                platform.system.release(handle)
                handle = -1
            # While it is locked: whoever opened it meanwhile sees that it has lost its name. Where something is left,
            # it stays, and makes the next run look for that.
            if not place.beside:
                with suppress(OSError):
                    platform.system.remove(place.folder, name)
        finally:
            platform.system.release(*([handle] if handle >= 0 else []))


def _open_locked(place: Place, name: str) -> int:
    """Return the handle of the lock of a place: of our own file, or of one that was left and only its owner may remove.

    A run that dies leaves its lock, and only such a run leaves more: what it left is then removed.
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
    """Sign a new lock file. Of one that was left: remove it with all else that was; True where it cannot be removed."""
    system = platform.system
    if is_new:
        try:
            with suppress(OSError):
                system.set_mode(handle, 0o644)  # Others may see who holds it, whatever the mask.
            system.write_at(handle, signature(has_locks), 0)
        except BaseException:
            with suppress(OSError):
                system.remove(place.folder, name)
            raise
    if not is_new or not has_locks:
        _remove_all_left(place)
    if is_new:
        return True
    try:
        system.remove(place.folder, name)
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
        platform.system.release(handle)


def _try_lock(place: Place, name: str, handle: int, left: Holder) -> bool:
    """Lock a lock file; False where there are no locks of files. Raises TableError where another run holds it."""
    found = os.fstat(handle)
    try:
        return platform.system.lock(handle)
    except BlockingIOError:
        raise TableError(
            f"{place.given}: {left.name} is writing it; run again when that is done (its lock is {place.full(name)}, "
            f"of {owner_name(found.st_uid)})",
            code="in-use",
            file=place.given,
        ) from None


def _check_ended(place: Place, name: str, found: os.stat_result, holder: Holder) -> None:
    """Refuse, with TableError, a place whose lock is a file, unless the process that holds it has surely ended."""
    if not holder.has_ended():
        raise _told(
            place,
            name,
            found,
            f"is the lock of {holder.name}, which began to write at {holder.since}; no lock of the file system tells "
            "whether it still does: if it has ended, remove that file",
            code="in-use",
        )


def _remove_ended(place: Place, name: str, holder: Holder) -> None:
    """Remove the lock file of a process that has ended.

    Only one process may do so at a time, and looks again before it does: else it could remove the lock of a run that
    has removed the same file meanwhile, and made its own.
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
        with suppress(OSError):
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
    return "a file with several names" if stat.S_ISREG(found.st_mode) else "no regular file"


def _remove_all_left(place: Place) -> None:
    starts = tuple(place.hidden(what) for what in ("staged-", "previous-"))
    for name in sorted(platform.system.names(place.folder)):
        if name.startswith(starts):
            _remove_left(place, name)


def _remove_left(place: Place, name: str) -> None:
    """Remove what a killed run left; what cannot be removed is in no way, and told."""
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
