"""The proof that driver and workers see one storage: each reads what the other wrote into the folder of the run."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from moslabels.base.errors import TableError
from moslabels.files import platform

_MOST = 1 << 10
_looked: set[str] = set()
"""The tokens that this process has seen. Each belongs to one folder."""


@dataclass(frozen=True)
class Sight:
    """A folder, and the token that stands in the driver's file there. ``out`` is the output, for messages."""

    folder: str
    token: str
    out: str

    def members(self) -> Mapping[str, Any]:
        return asdict(self)

    @property
    def _of_driver(self) -> str:
        return f"driver-{self.token}"

    def begin(self) -> None:
        """Write the driver's file."""
        _write(self.folder, self._of_driver, self.token)

    def check(self, host: str, name: str) -> None:
        """Raise TableError if the driver does not see the file that a worker wrote."""
        try:
            found = _read(self.folder, name)
        except OSError as error:
            found = error.strerror or str(error)
        if found != self.token:
            raise self.unseen(f"the worker on {host} wrote {name} there, and the driver finds: {found}")

    def unseen(self, why: str) -> TableError:
        """Return the error of a storage that is not shared."""
        return TableError(
            f"{self.out}: the driver on this machine and a worker do not share {self.folder}: {why}; write to a "
            "storage that all workers see under the same path, such as NFS or Lustre",
            code="file-system",
            file=self.out,
        )


def begun(folder: str, out: str) -> Sight:
    """Return a new sight of a folder, with the driver's file in it."""
    sight = Sight(folder, os.urandom(8).hex(), out)
    sight.begin()
    return sight


def look(sight: Sight) -> str | None:
    """Read the driver's file, and write one. Return its name; None if this process has done so before.

    Raise TableError, which names this host, if the driver's file is not seen.
    """
    if sight.token in _looked:
        return None
    name = f"worker-{os.urandom(8).hex()}"
    try:
        found = _read(sight.folder, f"driver-{sight.token}")
        _write(sight.folder, name, sight.token)
        again = _read(sight.folder, name)
    except OSError as error:
        raise sight.unseen(f"on {socket.gethostname()}: {error.strerror or error}") from error
    if (found, again) != (sight.token, sight.token):
        raise sight.unseen(f"on {socket.gethostname()} its file holds something else")
    _looked.add(sight.token)
    return name


@contextmanager
def _opened(folder: str, name: str, flags: int) -> Iterator[int]:
    inside = platform.system.open_folder(folder)
    try:
        handle = platform.system.open(inside, name, flags, 0o600)
        try:
            yield handle
        finally:
            platform.system.release(handle)
    finally:
        platform.system.release(inside)


def _read(folder: str, name: str) -> str:
    with _opened(folder, name, os.O_RDONLY) as handle:
        return platform.system.read_at(handle, _MOST, 0).decode("utf-8", "replace")


def _write(folder: str, name: str, text: str) -> None:
    with _opened(folder, name, os.O_RDWR | os.O_CREAT | os.O_EXCL) as handle:
        platform.system.write_at(handle, text.encode("utf-8"), 0)
        platform.system.sync(handle)
