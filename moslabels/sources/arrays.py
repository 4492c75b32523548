"""What is asked of Arrow arrays in several places."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def ascends(numbers: pa.Array | pa.ChunkedArray) -> bool:
    """Return whether each number is above the one before it. There is one at least."""
    is_more = pc.less(numbers.slice(0, len(numbers) - 1), numbers.slice(1))
    return bool(pc.all(is_more, min_count=0).as_py())


def words_in_use(codes: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the codes of a dictionary that are used, each once, in their order."""
    return codes.unique().drop_null().sort()
