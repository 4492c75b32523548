"""Files that are old or new, never half: written beside their target, synced, then renamed over it.

If a target is a link, it is followed only to a writable regular file that does not belong to a store. In all other
cases the link itself is replaced.

The files that a run keeps beside a target are hidden and do not have the suffix of a table. Their names begin the same
in every run, so that the next run finds what a killed one left. A file found under a hidden name is never written to.

The folder of a target is opened once, and all work in it goes by its handle. So it does not matter if others move or
replace the folder meanwhile. On a system without handles of folders, nobody may do so.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from moslabels.base.errors import TableError, ignored
from moslabels.files import platform
from moslabels.files.locks import locked
from moslabels.files.places import Place, check_target, named, written_path
from moslabels.files.platform import Folder
from moslabels.files.users import owner_name


@contextmanager
def reserved(targets: Iterable[str]) -> Iterator[dict[str, Place]]:
    """Check and lock targets for this run, remove what killed runs left beside them, and give the place of each.

    Raise TableError if another run holds one, or if one cannot be replaced. The locks end with the process.
    """
    places = {}
    with ExitStack() as cleanup:
        for target in targets:
            check_target(target)
            with named(target):
                folder, name = os.path.split(written_path(target))
                places[target] = place = Place(target, _open_folder(folder, cleanup), name)
                _check_replaceable(place)
                cleanup.enter_context(locked(place))
        yield places


@contextmanager
def reserved_folder(target: str) -> Iterator[Place]:
    """Check and lock the target of a whole folder for this run, and give its place.

    Raise TableError if another run holds it, or if something else than a folder stands there.
    """
    folder, name = os.path.split(os.path.abspath(target))
    with ExitStack() as cleanup, named(target):
        place = Place(target, _open_folder(folder, cleanup), name)
        found = place.find(name)
        if found is not None and not stat.S_ISDIR(found.st_mode):
            kind = "a link" if stat.S_ISLNK(found.st_mode) else "not a folder"
            raise TableError(
                f"{target}: is {kind}, and a table of many parts is written as a folder; write to another path",
                code="file-system",
                file=target,
            )
        _check_replaceable(place)
        cleanup.enter_context(locked(place))
        yield place


@contextmanager
def set_aside(targets: Iterable[str], folder: str) -> Iterator[dict[str, Place]]:
    """Give places in a temporary folder instead of those of the targets: a dry run publishes nothing."""
    opened = platform.system.open_folder(folder)
    try:
        yield {
            target: Place(target, opened, hashlib.sha256(os.fsencode(target)).hexdigest(), is_aside=True)
            for target in targets
        }
    finally:
        platform.system.release(opened)


def _open_folder(path: str, cleanup: ExitStack) -> Folder:
    """Open a folder, and make it and its parents if they are missing.

    ``cleanup`` closes it, and removes the folders that were made and are still empty.
    """
    system = platform.system
    missing: list[str] = []
    while True:
        try:
            folder = system.open_folder(path)
            break
        except FileNotFoundError:
            path, name = os.path.split(path)
            if not name:
                raise  # A drive does not exist.
            missing.append(name)
    cleanup.callback(system.release, folder)
    for name in reversed(missing):
        parent = folder
        with suppress(FileExistsError):
            system.make_folder(parent, name)
            cleanup.callback(_remove_folder, name, parent)
        folder = system.open_folder(name, parent, follow=False)
        cleanup.callback(system.release, folder)
    return folder


def _check_replaceable(place: Place) -> None:
    """Raise TableError if only another user may replace a target: before hours of work, not after."""
    system = platform.system
    found, folder = place.find(place.name), system.folder_state(place.folder)
    if found is None or not folder.st_mode & stat.S_ISVTX or system.user() in (0, found.st_uid, folder.st_uid):
        return
    owner = owner_name(found.st_uid)
    raise TableError(
        f"{place.given}: belongs to {owner}, and in {place.folder.path} (a sticky folder) nobody else may replace it; "
        f"write to another path, or ask {owner} to remove it",
        code="file-system",
        file=place.given,
    )


def _remove_folder(name: str, parent: Folder) -> None:
    with ignored(OSError):
        platform.system.remove_folder(parent, name)
