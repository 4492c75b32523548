"""A new version of a file: written and synced under a hidden name beside its target, and read back."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any

from moslabels.base.errors import TableError
from moslabels.files import platform
from moslabels.files.places import Place, named
from moslabels.files.platform import UNSUPPORTED

_NO_MODES = (errno.EPERM, *UNSUPPORTED)


class StagedFile(io.RawIOBase):
    """A new version of a file that is reserved, under a hidden name in the folder of its target.

    In a place aside (:func:`set_aside`) it is never published. It can be read by nobody who could not read what it
    replaces. ``write`` appends and hashes; whoever writes by ``write_at`` says in the end what was written
    (``settle``). A context manager: leaving it without :func:`publish` removes what was staged.
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
                with named(self.given):
                    done = platform.system.write_at(self.handle, view, place)
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
        with named(self.given):
            platform.system.sync(self.handle)

    def reopened(self) -> io.BufferedReader:
        """What was written, opened to be read back. Raises TableError where another file has taken its name."""
        with named(self.given):
            handle = self.place.open(self.staged, os.O_RDONLY)
        if not os.path.samestat(os.fstat(handle), os.fstat(self.handle)):
            platform.system.release(handle)
            raise self._replaced_by_others()
        return os.fdopen(handle, "rb")

    def finish(self) -> None:
        """Sync, and read back what was not read back yet: ``publish`` is all that is left. Raises TableError."""
        with ExitStack() as opened:
            # It is opened before its mode is settled, by which it may not be read.
            stream = None if self._settled else opened.enter_context(self.reopened())
            with named(self.given):
                old = regular(self.place.find(self.place.name)) or self._replaced
                if old is not None and not self.place.is_aside:
                    keep_rights(self.handle, old)
            self.sync()
            found = hashlib.file_digest(stream, "sha256").hexdigest() if stream is not None else self.sha256
        if found != self.sha256:
            raise TableError(
                f"{self.given}: what was written reads back otherwise; is the disk sound?",
                code="read-back",
                file=self.given,
            )

    def put_in_place(self) -> None:
        """Rename it over its target, and sync the folder."""
        if not self.place.has(self.handle, self.staged):
            raise self._replaced_by_others()
        system, folder = platform.system, self.place.folder
        if not system.abilities.moves_open_files:
            self._release()
        system.replace(folder, self.staged, self.place.name)
        # If the folder cannot be synced: most file systems write the new name with the file.
        if not system.sync_folder(folder) and self._handle is not None:
            system.sync(self._handle)

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
        # Once closed, its number may be another file's: never close it twice.
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
        with suppress(OSError):  # Not permitted, not known here, or over a quota: not allowed.
            system.set_owner(handle, owner, old.st_gid)
            break
    own = os.fstat(handle)
    mode = stat.S_IMODE(old.st_mode)
    if own.st_uid != old.st_uid:
        mode &= ~stat.S_ISUID
    if own.st_gid != old.st_gid:  # Another group gets no more than all have.
        mode &= ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    if mode != stat.S_IMODE(own.st_mode):
        try:
            system.set_mode(handle, mode)
        except OSError as error:
            if error.errno not in _NO_MODES:
                raise
