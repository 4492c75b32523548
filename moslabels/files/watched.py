"""Checks that the files that a run reads do not change while it reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from moslabels.base.errors import MosLabelsError, TableError, ignored, is_from_outside


@contextmanager
def watched(paths: Iterable[str]) -> Iterator[Callable[[], None]]:
    """Give a function that raises TableError if a file changed since the block began.

    It is also called if the block fails, because a file that changed may be the cause.
    """
    before = {path: file_state(path) for path in paths}

    def check() -> None:
        for path, state in before.items():
            check_state(path, state)

    try:
        yield check
    except (MosLabelsError, OSError) as error:
        if not is_from_outside(error):
            check()
        raise


def check_state(path: str, state: tuple[int, ...] | None) -> None:
    """Raise TableError if the :func:`file_state` of a file is another one by now."""
    _compare(path, file_state(path), state)


def check_kept(states: Mapping[str, tuple[int, ...] | None], holder: str) -> None:
    """Raise TableError if a file changed since ``holder`` read it: its :func:`file_state` is not that by its path."""
    for path, state in states.items():
        now = file_state(path)
        if now != state:
            what = "has changed" if now else "is not there any more"
            message = f"{path}: {what}, and the {holder} read it before; make another {holder}"
            raise TableError(message, code="changed", file=path)


def check_size_and_time(path: str, file: str, expected: tuple[int, ...]) -> None:
    """Raise TableError, which names ``path``, if size and time of ``file`` are not those that another machine saw.

    It may have the same file under another device, and on some file systems under another number.
    """
    _compare(path, size_and_time(file_state(file)), expected)


def size_and_time(state: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return what of a :func:`file_state` is the same on all machines that share the file."""
    return state[2:] if state is not None else None


def _compare(path: str, now: tuple[int, ...] | None, state: tuple[int, ...] | None) -> None:
    if now != state:
        what = "changed" if now else "disappeared"
        advice = "run again when nothing writes to it"
        raise TableError(f"{path}: {what} while it was read; {advice}", code="changed", file=path)


def file_state(path: str) -> tuple[int, ...] | None:
    """Return device, inode, size and time of a file, or None without a file. If the file changes, one of them does."""
    with ignored(OSError, ValueError):
        found = os.stat(path)
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return None


def file_size(path: str) -> int:
    """Return the size of a file in bytes, or 0 if it cannot be found: reading it will say why."""
    state = file_state(path)
    return state[2] if state else 0
