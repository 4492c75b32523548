"""Constants as Arrow values, made without pandas.

pyarrow imports it, if it is there, to convert any value of Python. That takes longer than to label a small table.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

TEXT = pa.large_string()
NO_TEXT = pa.nulls(1, TEXT)[0]


def text_of(text: str) -> pa.Scalar:
    """Return a text as a value."""
    return texts_of([text])[0]


def texts_of(texts: Sequence[str]) -> pa.Array:
    """Return texts as an array."""
    data = [text.encode("utf-8") for text in texts]
    ends = [0]
    for item in data:
        ends.append(ends[-1] + len(item))
    offsets = b"".join(end.to_bytes(8, "little") for end in ends)
    return pa.Array.from_buffers(TEXT, len(data), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(data))])


def zeros(count: int) -> pa.Array:
    """Return so many zeros (int64)."""
    return pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(bytes(8 * count))])


def integer(number: int) -> pa.Array:
    """Return an array of one number (int32)."""
    return pa.Array.from_buffers(pa.int32(), 1, [None, pa.py_buffer(number.to_bytes(4, "little", signed=True))])


def whole(number: int) -> pa.Scalar:
    """Return a whole number as a value (int64)."""
    return pa.Array.from_buffers(pa.int64(), 1, [None, pa.py_buffer(number.to_bytes(8, "little", signed=True))])[0]


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, also one that has none. One that it has already, or is, is not copied."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)
