"""Publishing: staged files replace their targets, all of them or, if one fails, none."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack

from moslabels.base.errors import ignored
from moslabels.base.signals import held
from moslabels.files import platform
from moslabels.files.places import Place, named
from moslabels.files.platform import UNSUPPORTED
from moslabels.files.staged import StagedFile, keep_rights

_NO_LINKS = (errno.EPERM, errno.EMLINK, *UNSUPPORTED)
_BLOCK = 1 << 20


def publish(*files: StagedFile) -> None:
    """Replace the targets by their synced files, in order: all of them or, if one fails, none.

    A kill in between leaves some targets new and some old, each of them whole.
    """
    with ExitStack() as cleanup, ExitStack() as undo:
        for file in files:
            with named(file.given):
                previous = _previous(file.place, cleanup)
                undo.callback(_take_back, file, previous)
                file.put_in_place()
        _sync_names(files)
        undo.pop_all()


def _sync_names(files: Sequence[StagedFile]) -> None:
    """Write the new names of files to the disk: each folder is synced once, whatever the number of its files."""
    synced: list[os.stat_result] = []
    for file in files:
        with named(file.given):
            state = platform.system.folder_state(file.place.folder)
            if not any(os.path.samestat(state, other) for other in synced) and file.sync_name():
                synced.append(state)


def _previous(place: Place, cleanup: ExitStack) -> str | None:
    """Give what stands at a target a second name, and return it; None if nothing stands there.

    ``cleanup`` removes the second name.
    """
    for name in place.new_name("previous"):
        try:
            try:
                platform.system.link(place.folder, place.name, place.folder, name)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                _copy(place, name)
        except FileExistsError:
            continue
        except FileNotFoundError:
            place.beside.discard(name)
            return None
        cleanup.callback(place.remove, name)
        return name
    raise AssertionError("names do not end")


def _copy(place: Place, name: str) -> None:
    """Copy what stands at a target and cannot have a second name, so that it can be put back.

    Renaming it would be faster, but a kill would then leave nothing at the target. Raise OSError if the target cannot
    be read: it could not be put back, so it must not be replaced.
    """
    system, found = platform.system, place.find(place.name)
    if found is None:
        raise FileNotFoundError
    if stat.S_ISLNK(found.st_mode):
        system.copy_link(place.folder, place.name, name)
        return
    with os.fdopen(place.open(place.name, os.O_RDONLY), "rb") as old:
        new = place.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            position = 0
            while block := memoryview(old.read(_BLOCK)):
                while block:
                    done = system.write_at(new, block, position)
                    position, block = position + done, block[done:]
            keep_rights(new, os.fstat(old.fileno()))
            system.sync(new)
        except BaseException:
            system.release(new)
            place.remove(name)
            raise
        system.release(new)


def _take_back(file: StagedFile, previous: str | None) -> None:
    place = file.place
    with ignored(OSError):  # The error that is being raised matters more.
        if place.find(file.staged) is not None:
            return  # It was not put in its place.
        if previous is None:
            platform.system.remove(place.folder, place.name)
        else:
            platform.system.replace(place.folder, previous, place.name)


def write_whole(place: Place, content: str | bytes) -> None:
    """Write a text or bytes to a reserved place, in one step."""
    with held(), StagedFile(place) as staged:
        staged.write(content.encode("utf-8") if isinstance(content, str) else content)
        staged.finish()
        publish(staged)
