"""Files that are old or new, never half: written beside their target, synced, then renamed over it."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from types import TracebackType
from typing import Any


class StagedFile(io.RawIOBase):
    """A new version of a file, written under a hidden name in the folder of its target.

    The name ends in neither ``.parquet`` nor ``.jsonl``, so that no reader of the folder takes it for a table. It is
    the same for every run, so that what a killed run left is overwritten by the next. ``write`` also hashes.
    A context manager: leaving it without ``publish`` removes what was staged.
    """

    def __init__(self, target: str) -> None:
        self.target = Path(target)
        self.staged = self.target.with_name(f".{self.target.name}.moslabels-staged")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = open(self.staged, "wb", buffering=0)  # noqa: SIM115 (close() closes it)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._hash.update(view)
        done = 0
        while done < len(view):
            done += self._file.write(view[done:])
        self.size += done
        return done

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
        self.staged.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # A folder cannot be opened there; the file system journals the rename.
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
