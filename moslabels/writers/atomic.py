"""Files that are old or new, never half: written beside their target, synced, then renamed over it."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from moslabels.errors import TableError


def staged_path(target: str) -> str:
    """Where the new version of a file is staged: in its folder, under a name that no glob for tables matches."""
    folder, name = os.path.split(os.path.realpath(target))
    return os.path.join(folder, f".{name}.moslabels-staged")


def check_target(target: str) -> None:
    """Refuse, with TableError, to replace what is no regular file: a folder, a device, a pipe."""
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        kind = "a folder" if os.path.isdir(target) else "no regular file"
        raise TableError(f"{target}: is {kind}; write to another path", file=target)


class StagedFile(io.RawIOBase):
    """A new version of a file, written under a hidden name in the folder of its target.

    The name is the same for every run, so that what a killed run left is overwritten by the next. A target that is a
    link is followed; one that is no regular file is refused. ``write`` appends and hashes; whoever writes by
    ``write_at`` says in the end what was written (``settle``). A context manager: leaving it without ``publish``
    removes what was staged.
    """

    def __init__(self, target: str) -> None:
        self.target = Path(os.path.realpath(target))
        self.staged = staged_path(target)
        check_target(target)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.size = 0
        self._hash: Any = hashlib.sha256()
        self._file = open(self.staged, "wb", buffering=0)  # noqa: SIM115 (close() closes it)

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
                done = os.pwrite(self._file.fileno(), view, place)
                place += done
                view = view[done:]
        return place

    def settle(self, size: int, hash_of_all: Any) -> None:
        """Say what ``write_at`` wrote: how much, and its hash object."""
        self.size = size
        self._hash = hash_of_all

    def tell(self) -> int:
        return self.size

    def sync(self) -> None:
        """Bring what was written to the disk, under the hidden name, so that ``publish`` is all that is left."""
        os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Put the file in the place of its target."""
        os.replace(self.staged, self.target)
        _sync_folder(self.target.parent)

    def close(self) -> None:
        self._file.close()
        super().close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        Path(self.staged).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(target: str, text: str) -> None:
    """Replace a small text file, whole."""
    with StagedFile(target) as staged:
        staged.write(text.encode("utf-8"))
        staged.sync()
        staged.publish()
