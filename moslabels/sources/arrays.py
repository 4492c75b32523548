"""What is asked of Arrow arrays in several places."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.sources.constants import one_array, whole, zeros


def numbers(values: pa.Array) -> memoryview[Any]:
    """Return a view of the numbers of an array (int64 or float64) without NULL, as a sequence of Python's numbers."""
    width = values.type.bit_width // 8
    data = memoryview(values.buffers()[1])[values.offset * width : (values.offset + len(values)) * width]
    return data.cast("B").cast("q" if pa.types.is_integer(values.type) else "d")


def longest(texts: pa.Array | pa.ChunkedArray) -> int:
    """Return how many bytes the longest text has, 0 if there is none."""
    return pc.max(pc.binary_length(texts)).as_py() or 0


def ascends(numbers: pa.Array | pa.ChunkedArray) -> bool:
    """Return whether each number is above the one before it. There is one at least."""
    is_more = pc.less(numbers.slice(0, len(numbers) - 1), numbers.slice(1))
    return bool(pc.all(is_more, min_count=0).as_py())


def words_in_use(codes: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the codes of a dictionary that are used, each once, in their order."""
    return codes.unique().drop_null().sort()


def summed(values: pa.Array | pa.ChunkedArray, counts: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return each value once, in order, and the sum of its counts.

    Table.group_by would make pyarrow import pandas.
    """
    order = pc.sort_indices(values)
    runs = pc.run_end_encode(one_array(values.take(order)), run_end_type=pa.int64())
    ends = pc.subtract(runs.run_ends, whole(1))
    upto = pc.cumulative_sum(one_array(counts.take(order))).take(ends)
    before = pa.concat_arrays([zeros(min(1, len(upto))).cast(upto.type), upto[:-1]])
    return runs.values, pc.subtract(upto, before)


def repeated(values: pa.Array, ends: pa.Array, rows: int) -> pa.Array:
    """Return so many rows: each value until the row in which its run ends.

    RunEndEncodedArray.from_arrays would make pyarrow import pandas.
    """
    kind = pa.run_end_encoded(ends.type, values.type)
    return pc.run_end_decode(pa.RunEndEncodedArray.from_buffers(kind, rows, [None], children=[ends, values]))
