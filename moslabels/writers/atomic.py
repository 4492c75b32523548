"""Files that are old or new, never half: written beside their target, synced, then renamed over it.

A target that is a link is followed. What a run keeps beside a target is hidden, has no table's suffix, and has the same
name in every run, so that the next run finds what a killed one left.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import socket
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any

from moslabels.errors import TableError
from moslabels.locks import check_locks, lock

_LONGEST_NAME = 255  # bytes, on every common file system
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def _beside(target: str, what: str) -> str:
    folder, name = os.path.split(os.path.realpath(target))
    hidden = f".{name}.moslabels-{what}"
    if len(os.fsencode(hidden)) > _LONGEST_NAME:
        hidden = f".{hashlib.sha256(os.fsencode(name)).hexdigest()}.moslabels-{what}"
    return os.path.join(folder, hidden)


def reserved_paths(target: str) -> list[str]:
    """The files that a run keeps beside a target: its lock, its new version, and its previous one."""
    return [_beside(target, what) for what in ("lock", "staged", "previous")]


def check_target(target: str) -> None:
    """Refuse, with TableError, to replace what is no regular file: a folder, a device, a pipe."""
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        kind = "a folder" if os.path.isdir(target) else "no regular file"
        raise TableError(f"{target}: is {kind}; write to another path", code="file-system", file=target)


@contextmanager
def reserved(targets: Iterable[str]) -> Iterator[None]:
    """Hold targets for this run: each is looked at, locked, and freed of what a killed run left beside it.

    Raises TableError where another run holds one. The lock dies with its process.
    """
    check_locks()
    with ExitStack() as locks:
        for target in targets:
            check_target(target)
            _make_folder(os.path.dirname(os.path.realpath(target)), locks)
            locks.enter_context(_locked(target))
            for left in reserved_paths(target)[1:]:
                with suppress(FileNotFoundError):
                    os.unlink(left)
        yield


def _make_folder(folder: str, cleanup: ExitStack) -> None:
    """Make a folder and those that it is in; what is still empty in the end is removed again."""
    made = []
    while not os.path.isdir(folder):
        made.append(folder)
        folder = os.path.dirname(folder)
    for path in reversed(made):
        with suppress(FileExistsError):
            os.mkdir(path)
            cleanup.callback(_remove_folder, path)


@contextmanager
def _locked(target: str) -> Iterator[None]:
    path = _beside(target, "lock")
    handle = _open_locked(path, target)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        try:
            _remove(path)  # While it is locked: whoever opened it meanwhile sees that it has lost its name.
        finally:
            _close(handle)


def _open_locked(path: str, target: str) -> int:
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            error.filename = target  # What stands beside it means nothing to who asked for it.
            raise
        try:
            lock(handle)
            if _is_file_at(handle, path):
                return handle
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace") or "another process"
            _close(handle)
            raise TableError(
                f"{target}: {holder} is writing it; run again when that is done", code="in-use", file=target
            ) from None
        except BaseException:
            _close(handle)
            raise
        _close(handle)


def _is_file_at(handle: int, path: str) -> bool:
    try:
        found, here = os.stat(path), os.fstat(handle)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (here.st_dev, here.st_ino)


class StagedFile(io.RawIOBase):
    """A new version of a file that is reserved, under a hidden name in the folder of its target.

    For a dry run it is written ``aside`` instead, in a folder of no target, and never published.
    ``write`` appends and hashes; whoever writes by ``write_at`` says in the end what was written (``settle``).
    A context manager: leaving it without :func:`publish` removes what was staged.
    """

    def __init__(self, target: str, aside: str | None = None) -> None:
        self.given = target
        self.target = os.path.realpath(target)
        self.is_aside = aside is not None
        place = target if aside is None else os.path.join(aside, hashlib.sha256(os.fsencode(target)).hexdigest())
        self.staged = _beside(place, "staged")
        self.size = 0
        self._settled = False
        self._hash: Any = hashlib.sha256()
        self._handle = os.open(self.staged, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)

    @property
    def sha256(self) -> str:
        """The sha256 of what was written, in hex."""
        digest: str = self._hash.hexdigest()
        return digest

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        before = self.size
        self.size = self.write_at(before, [data])
        return self.size - before

    def write_at(self, place: int, blocks: Iterable[Any]) -> int:
        """Write blocks one after the other from a place on; the place after them. Nothing is hashed."""
        for block in blocks:
            view = memoryview(block).cast("B")
            while view:
                done = os.pwrite(self._handle, view, place)
                place += done
                view = view[done:]
        return place

    def settle(self, size: int, hash_of_all: Any) -> None:
        """Say what ``write_at`` wrote, and was read back: how much, and its hash object."""
        self.size = size
        self._hash = hash_of_all
        self._settled = True

    def tell(self) -> int:
        return self.size

    def sync(self) -> None:
        """Bring what was written so far to the disk."""
        os.fsync(self._handle)

    def finish(self) -> None:
        """Sync, and read back what was not read back yet: ``publish`` is all that is left. Raises TableError."""
        self.sync()
        if self._settled:
            return
        with open(self.staged, "rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != self.sha256:
            raise TableError(
                f"{self.given}: what was written reads back otherwise; is the disk sound?",
                code="read-back",
                file=self.given,
            )

    def close(self) -> None:
        if not self.closed:
            _close(self._handle)
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        finally:
            _remove(self.staged)


def publish(*files: StagedFile) -> None:
    """Put synced files in the place of their targets, in order: all of them, or none where one fails.

    A kill in between leaves some new and some old, each whole.
    """
    with ExitStack() as cleanup, ExitStack() as undo:
        for file in files:
            previous = _previous(file, cleanup)
            undo.callback(_take_back, file, previous)
            os.replace(file.staged, file.target)
            _sync_folder(os.path.dirname(file.target))
        undo.pop_all()


def _previous(file: StagedFile, cleanup: ExitStack) -> str | None:
    """A second name of what stands at a target; the target itself where it can have none, None where nothing stands."""
    path = _beside(file.given, "previous")
    try:
        os.link(file.target, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return file.target
    cleanup.callback(_remove, path)
    return path


def _take_back(file: StagedFile, previous: str | None) -> None:
    if os.path.lexists(file.staged):
        return  # It was not put in its place.
    with suppress(OSError):  # The error that is under way matters more.
        if previous is None:
            os.unlink(file.target)
        elif previous != file.target:
            os.replace(previous, file.target)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _remove_folder(path: str) -> None:
    with suppress(OSError):
        os.rmdir(path)


def _close(handle: int) -> None:
    with suppress(OSError):  # What matters was synced before.
        os.close(handle)


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        _close(handle)


def write_whole(target: str, text: str) -> None:
    """Replace a small text file that is reserved, whole."""
    with StagedFile(target) as staged:
        staged.write(text.encode("utf-8"))
        staged.finish()
        publish(staged)
