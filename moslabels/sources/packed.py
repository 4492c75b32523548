"""Compressed files, unpacked: what is in one is read as if it lay there uncompressed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pyarrow as pa

from moslabels.base.text import counted
from moslabels.engine.connection import Engine
from moslabels.files.contents import packed_otherwise
from moslabels.files.workspace import Workspace
from moslabels.sources.faults import fault
from moslabels.spec.formats import compression_of

_BLOCK = 1 << 20


@contextmanager
def open_unpacked(path: str) -> Iterator[IO[bytes]]:
    """Open a file for its bytes, unpacked if its suffix names a compression.

    Reading what is damaged raises an OSError that has no number, as pyarrow does.
    """
    codec = compression_of(path)
    with open(path, "rb") as stream:
        if codec is None:
            yield stream
        else:
            with pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), codec) as unpacked:
                yield unpacked


def unpack(engine: Engine, workspace: Workspace, path: str) -> str:
    """Return the path of a file that DuckDB can read: the file itself, or what is in it if it is compressed.

    What is in it goes to the disk, block by block, whatever its size. Raise TableError if it is damaged.
    """
    codec = compression_of(path)
    if codec is None:
        return path
    if problem := packed_otherwise(path, codec):
        raise fault(path, problem)
    engine.progress.step("unpacking", os.path.getsize(path), "bytes")
    unpacked = workspace.new_unpacked(path, codec)
    size = 0
    with open(unpacked, "wb") as copy, open_unpacked(path) as stream:
        while block := _read(path, codec, stream, size):
            copy.write(block)
            size += len(block)
            engine.progress.advance(0)
    engine.expect(size)
    return unpacked


def _read(path: str, codec: str, stream: IO[bytes], done: int) -> bytes:
    try:
        return stream.read(_BLOCK)
    except OSError as error:
        if error.errno is not None:  # The disk's, not the codec's.
            raise
        raise fault(
            path,
            f"is damaged, or cut off: {codec} cannot unpack it after {counted(done, 'byte', 'bytes')} ({error}); fetch "
            "it again",
        ) from error
