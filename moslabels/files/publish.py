"""Staged files take the places of their targets: all of them, or none where one fails."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, suppress

from moslabels.base.signals import held
from moslabels.files.locks import UNSUPPORTED
from moslabels.files.places import Place, named
from moslabels.files.staged import StagedFile

_NO_LINKS = (errno.EPERM, errno.EMLINK, *UNSUPPORTED)


def publish(*files: StagedFile) -> None:
    """Put synced files in the place of their targets, in order: all of them, or none where one fails.

    A kill in between leaves some new and some old, each whole.
    """
    with ExitStack() as cleanup, ExitStack() as undo:
        for file in files:
            with named(file.given):
                previous = _previous(file.place, cleanup)
                undo.callback(_take_back, file, previous)
                file.put_in_place()
        undo.pop_all()


def _previous(place: Place, cleanup: ExitStack) -> str | None:
    """A second name of what stands at a target; the target itself where it can have none, None where nothing stands."""
    for name in place.new_name("previous"):
        try:
            os.link(place.name, name, src_dir_fd=place.folder, dst_dir_fd=place.folder, follow_symlinks=False)
        except FileExistsError:
            continue
        except FileNotFoundError:
            place.beside.discard(name)
            return None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            place.beside.discard(name)
            return place.name
        cleanup.callback(place.remove, name)
        return name
    raise AssertionError("names do not end")


def _take_back(file: StagedFile, previous: str | None) -> None:
    place = file.place
    with suppress(OSError):  # The error that is under way matters more.
        if place.find(file.staged) is not None:
            return  # It was not put in its place.
        if previous is None:
            os.unlink(place.name, dir_fd=place.folder)
        elif previous != place.name:
            os.replace(previous, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)


def write_whole(place: Place, text: str) -> None:
    """Replace a small text file that is reserved, whole."""
    with held(), StagedFile(place) as staged:
        staged.write(text.encode("utf-8"))
        staged.finish()
        publish(staged)
