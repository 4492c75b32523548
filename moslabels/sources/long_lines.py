"""Lines longer than DuckDB may read. One that spans three of its buffers, it leaves out without a word."""

from __future__ import annotations

import os
from typing import IO

from moslabels.sources.faults import fault

MOST_OF_A_LINE = 1 << 26
"""So many bytes: max_line_size in ``sql/sources/``."""
_STRIDE = MOST_OF_A_LINE // 2
_BLOCK = 1 << 16


def check_lines(path: str, file: str) -> None:
    """Raise TableError if a line of a text is too long. ``path`` is the path for the message.

    Such a line holds a whole stride, so it is enough to look for a line end in each: most begin with one nearby.
    """
    size = os.path.getsize(file)
    with open(file, "rb") as stream:
        for stride in range(0, size - _STRIDE, _STRIDE):
            if _line_end(stream, stride, stride + _STRIDE) is not None:
                continue
            begin = _begin(stream, stride)
            end = _line_end(stream, stride + _STRIDE, size)
            if (size if end is None else end) - begin > MOST_OF_A_LINE:
                raise fault(path, f"a line is longer than 64 MiB (line {_number(stream, begin)})")


def _line_end(stream: IO[bytes], start: int, end: int) -> int | None:
    """Return the place of the first line end from ``start`` on and before ``end``, or None."""
    for place in range(start, end, _BLOCK):
        block = _read(stream, place, min(_BLOCK, end - place))
        if found := [at for at in map(block.find, (b"\n", b"\r")) if at >= 0]:
            return place + min(found)
    return None


def _begin(stream: IO[bytes], place: int) -> int:
    """Return where the line of a place begins."""
    while place:
        start = max(0, place - _BLOCK)
        block = _read(stream, start, place - start)
        if (found := max(map(block.rfind, (b"\n", b"\r")))) >= 0:
            return start + found + 1
        place = start
    return 0


def _number(stream: IO[bytes], begin: int) -> int:
    """Return the number of the line that begins at a place, from 1."""
    ends = sum(_read(stream, place, min(_BLOCK, begin - place)).count(b"\n") for place in range(0, begin, _BLOCK))
    return ends + 1


def _read(stream: IO[bytes], place: int, size: int) -> bytes:
    stream.seek(place)
    return stream.read(size)
