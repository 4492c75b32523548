"""Whether paths lead to one file, also if one of them was written elsewhere or in another working folder."""

from __future__ import annotations

import os

from moslabels.base.errors import is_from_outside


def is_one_file(one: str, other: str) -> bool:
    """Return whether two paths lead to one file or folder that is there."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError) as error:
        if is_from_outside(error):
            raise
        return False


def moved(path: str, recorded: str | None, opened: str) -> str | None:
    """Return where a path of evidence is if it was moved together with the evidence, or None if nothing tells.

    ``recorded`` is where the evidence was written, and ``opened`` where it is now.
    """
    if not path or recorded is None or os.path.isabs(recorded) != os.path.isabs(path):
        return None
    apart = os.path.relpath(path, os.path.dirname(recorded) or os.curdir)
    return os.path.normpath(os.path.join(os.path.dirname(opened), apart))


def is_same_file(path: str, now: str, recorded: str | None, opened: str) -> bool:
    """Return whether a path of evidence leads to the same file as a path of now.

    ``recorded`` is where the evidence was written, and ``opened`` where it is now. A relative path that leads nowhere
    from here was written in another working folder: then it is as far from the evidence as it was.
    """
    if path == now:
        return True
    if os.path.isabs(path) or os.path.lexists(path):
        return is_one_file(path, now)
    found = moved(path, recorded, opened)
    return found is not None and is_one_file(found, now)


def working_folder(recorded: str, opened: str) -> str | None:
    """Return the folder from which a relative path led to a file that is now at ``opened``, or None if nothing tells.

    None is also the answer if the path leads there from here.
    """
    if os.path.isabs(recorded) or is_one_file(recorded, opened):
        return None
    place, end = os.path.realpath(opened), os.sep + os.path.normpath(recorded)
    return (place[: -len(end)] or os.sep) if place.endswith(end) else None
