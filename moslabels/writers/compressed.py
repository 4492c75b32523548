"""Compression of what is written, on its way to the file."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

import pyarrow as pa

from moslabels.files.staged import StagedFile


class Sink(Protocol):
    """What a writer of text writes to: a staged file, or what compresses for it."""

    given: str

    def write(self, data: Any) -> int:
        """Append bytes."""


class _Compressed:
    """Compresses bytes for a staged file."""

    def __init__(self, staged: StagedFile, stream: IO[bytes]) -> None:
        self.given = staged.given
        self._stream = stream

    def write(self, data: Any) -> int:
        return self._stream.write(data) or 0


class _Through(io.RawIOBase):
    """Passes bytes on to a staged file, which stays open if this is closed.

    After ``is_over`` it drops them: what compresses writes its last bytes whenever it is thrown away.
    """

    is_over = False

    def __init__(self, staged: StagedFile) -> None:
        self._staged = staged

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return memoryview(data).nbytes if self.is_over else self._staged.write(data)

    def tell(self) -> int:
        return self._staged.tell()


@contextmanager
def compressed(staged: StagedFile, codec: str) -> Iterator[Sink]:
    """Compress what is written to a staged file. The same text becomes the same bytes: no name and no time."""
    through = _Through(staged)
    stream: Any
    try:
        if codec == "gzip":
            stream = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=through, mtime=0)
        else:
            stream = pa.CompressedOutputStream(pa.PythonFile(through, mode="w"), codec)
        yield _Compressed(staged, stream)
        stream.close()
    finally:
        through.is_over = True
