"""A new version of a file: written and synced under a hidden name beside its target, and read back."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any

from moslabels.base.errors import TableError, ignored
from moslabels.files import platform
from moslabels.files.places import Place, named
from moslabels.files.platform import UNSUPPORTED

_BLOCK = 1 << 20
_AT_ONCE = 16
_NO_MODES = (errno.EPERM, *UNSUPPORTED)


class StagedFile(io.RawIOBase):
    """A new version of a reserved file, under a hidden name in the folder of its target.

    Nobody can read it who could not read the file that it replaces. ``write`` appends bytes and hashes them. After
    ``write_at`` and ``copy_at``, which hash nothing, call ``settle`` with the size and the hash.

    It is a context manager. Leaving it without :func:`publish` removes the staged file. A file in a place aside
    (:func:`set_aside`) is never published.
    """

    _handle: int | None = None

    def __init__(self, place: Place) -> None:
        self.place = place
        self.given = place.given
        self.size = 0
        self._settled = False
        self._hash: Any = hashlib.sha256()
        with named(self.given):
            self._replaced = regular(place.find(place.name))
            mode = 0o666 if self._replaced is None else 0o600
            for self.staged in place.new_name("staged"):
                with suppress(FileExistsError):
                    self._handle = place.open(self.staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
                    break

    @property
    def handle(self) -> int:
        assert self._handle is not None
        return self._handle

    @property
    def sha256(self) -> str:
        """Return the sha256 of what was written, in hex."""
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
        """Write blocks one after the other from a position on, without hashing; return the position after them."""
        for block in blocks:
            view = memoryview(block).cast("B")
            while view:
                with named(self.given):
                    done = platform.system.write_at(self.handle, view, place)
                place += done
                view = view[done:]
        return place

    def copy_at(self, place: int, source: int, size: int) -> int:
        """Copy bytes from the same position of an open file, without hashing; return the position after them.

        Raise OSError without a number if the source ends before.
        """
        system = platform.system
        with named(self.given):
            if done := system.copy(source, self.handle, size, place):
                return place + done
        block = system.read_at(source, min(_BLOCK, size), place)
        if not block:
            raise OSError("a file ended before its end")
        return self.write_at(place, [block])

    def settle(self, size: int, hash_of_all: Any) -> None:
        """Set the size and the hash object of what ``write_at`` wrote. The caller has read it back already."""
        self.size = size
        self._hash = hash_of_all
        self._settled = True

    def tell(self) -> int:
        return self.size

    def sync(self) -> None:
        """Write to the disk what was written so far."""
        with named(self.given):
            platform.system.sync(self.handle)

    def reopened(self) -> io.BufferedReader:
        """Open the file to read it back. Raise TableError if another file has taken its name."""
        with named(self.given):
            handle = self.place.open(self.staged, os.O_RDONLY)
        if not os.path.samestat(os.fstat(handle), os.fstat(self.handle)):
            platform.system.release(handle)
            raise self._replaced_by_others()
        return os.fdopen(handle, "rb")

    def finish(self) -> None:
        """Sync the file, and read it back unless ``settle`` was called. Only ``publish`` is left to do then.

        Raise TableError if what is read back differs from what was written.
        """
        with ExitStack() as opened:
            # Open it before its mode is set, because the mode may forbid reading.
            stream = None if self._settled else opened.enter_context(self.reopened())
            with named(self.given):
                old = regular(self.place.find(self.place.name)) or self._replaced
                if old is not None and not self.place.is_aside:
                    keep_rights(self.handle, old)
            self.sync()
            found = hashlib.file_digest(stream, "sha256").hexdigest() if stream is not None else self.sha256
        if found != self.sha256:
            raise TableError(
                f"{self.given}: what was read back differs from what was written; check the disk",
                code="read-back",
                file=self.given,
            )

    def put_in_place(self) -> None:
        """Rename the file over its target. Its new name is on the disk after :meth:`sync_name`."""
        if not self.place.has(self.handle, self.staged):
            raise self._replaced_by_others()
        system = platform.system
        if not system.abilities.moves_open_files:
            self._release()
        system.replace(self.place.folder, self.staged, self.place.name)

    def sync_name(self) -> bool:
        """Write the new name to the disk, with all other new names in the folder. Return whether they all are there."""
        system = platform.system
        if system.sync_folder(self.place.folder):
            return True
        # If the folder cannot be synced, sync the file: most file systems then write its new name too.
        if self._handle is not None:
            system.sync(self._handle)
        return False

    def _replaced_by_others(self) -> TableError:
        return TableError(
            f"{self.given}: another program replaced {self.place.full(self.staged)} while it was written; run again "
            "where no other program writes",
            code="read-back",
            file=self.given,
        )

    def close(self) -> None:
        self._release()
        super().close()

    def _release(self) -> None:
        # Never close a handle twice: once closed, its number may belong to another file.
        handle, self._handle = self._handle, None
        if handle is not None:
            platform.system.release(handle)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        finally:
            self.place.remove(self.staged)


def finish_all(files: Sequence[StagedFile]) -> None:
    """Finish files, several at a time: a file system with a journal then writes it once for many, and not for each."""
    if len(files) == 1:
        files[0].finish()
        return
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for finished in [threads.submit(file.finish) for file in files]:
            finished.result()


def regular(found: os.stat_result | None) -> os.stat_result | None:
    """Return the state of a regular file; None for anything else."""
    return found if found is not None and stat.S_ISREG(found.st_mode) else None


def keep_rights(handle: int, old: os.stat_result) -> None:
    """Give owner, group and mode of an old file to an open new one, as far as the system allows."""
    system = platform.system
    own = os.fstat(handle)
    for owner in (old.st_uid, -1):
        if (owner in (own.st_uid, -1)) and old.st_gid == own.st_gid:
            break
        with ignored(OSError):  # The system refuses it: not permitted, an unknown user, or over a quota.
            system.set_owner(handle, owner, old.st_gid)
            break
    own = os.fstat(handle)
    mode = stat.S_IMODE(old.st_mode)
    if own.st_uid != old.st_uid:
        mode &= ~stat.S_ISUID
    if own.st_gid != old.st_gid:  # A different group gets only the rights that everybody has.
        mode &= ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    if mode != stat.S_IMODE(own.st_mode):
        try:
            system.set_mode(handle, mode)
        except OSError as error:
            if error.errno not in _NO_MODES:
                raise
