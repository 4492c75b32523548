"""Files that are old or new, never half: written beside their target, synced, then renamed over it.

A target that is a link is followed only to a writable regular file that is no store's object; else the link itself is
replaced. What a run keeps beside a target is hidden, has no table's suffix, and begins with the same name in every run,
so that the next run finds what a killed one left. The folder of a target is opened once, and all that is done in it is
done by that handle: a folder that others move or replace meanwhile changes nothing (on a system without handles of
folders, nobody may do so). Nothing that is found under a
hidden name is ever written to.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from moslabels.base.errors import TableError
from moslabels.files import platform
from moslabels.files.locks import locked
from moslabels.files.places import Place, check_target, named, written_path
from moslabels.files.platform import Folder, owner_name


@contextmanager
def reserved(targets: Iterable[str]) -> Iterator[dict[str, Place]]:
    """Hold targets for this run: each is looked at, locked, and freed of what a killed run left beside it.

    Gives the place of each. Raises TableError where another run holds one, or where one cannot be replaced. The lock
    dies with its process.
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
def set_aside(targets: Iterable[str], folder: str) -> Iterator[dict[str, Place]]:
    """Give places in a folder of this run, for a dry run, which publishes nothing."""
    opened = platform.system.open_folder(folder)
    try:
        yield {
            target: Place(target, opened, hashlib.sha256(os.fsencode(target)).hexdigest(), is_aside=True)
            for target in targets
        }
    finally:
        platform.system.release(opened)


def _open_folder(path: str, cleanup: ExitStack) -> Folder:
    """Open a folder, made with those that it is in; what is still empty in the end is removed again."""
    system = platform.system
    missing: list[str] = []
    while True:
        try:
            folder = system.open_folder(path)
            break
        except FileNotFoundError:
            path, name = os.path.split(path)
            if not name:
                raise  # A drive that is not there.
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
    """Refuse, with TableError, a target that only its owner may replace, before hours of work and not after."""
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
    with suppress(OSError):
        platform.system.remove_folder(parent, name)
