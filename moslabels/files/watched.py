"""Whether the files that a run reads stay what they are while it reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from moslabels.base.errors import MosLabelsError, TableError, is_from_outside


@contextmanager
def watched(paths: Iterable[str]) -> Iterator[Callable[[], None]]:
    """Give a function that raises TableError if a file changed since the block began.

    It is also called if the block fails: what was read may then be wrong because a file changed.
    """
    before = {path: file_state(path) for path in paths}

    def check() -> None:
        for path, state in before.items():
            if (now := file_state(path)) != state:
                what = "changed" if now else "disappeared"
                advice = "run again when nothing writes to it"
                raise TableError(f"{path}: {what} while it was read; {advice}", code="changed", file=path)

    try:
        yield check
    except (MosLabelsError, OSError) as error:
        if not is_from_outside(error):
            check()
        raise


def file_state(path: str) -> tuple[int, ...] | None:
    """Return what changes when a file does: device, inode, size, time. Return None without a file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def file_size(path: str) -> int:
    """Return the bytes of a file, or 0 without one: reading it tells why."""
    state = file_state(path)
    return state[2] if state else 0
