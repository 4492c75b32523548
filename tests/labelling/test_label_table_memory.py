"""The label columns keep no batch of DuckDB's: each may have a few megabytes, and there are many."""

from __future__ import annotations

from weakref import ref

import pyarrow as pa
import pytest

from moslabels.labelling.label_table import _grown

KINDS = {
    "a number": pa.float64(),
    "a status": pa.dictionary(pa.int32(), pa.string()),
    "a truth": pa.bool_(),
}


class Watched(bytearray):
    """Bytes of a batch."""


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_is_let_go_of_when_its_values_were_added(name: str) -> None:
    parts = [
        Watched(b"\x05"),
        Watched(b"okno"),
        Watched(b"\x00\x00\x00\x00\x02\x00\x00\x00\x04\x00\x00\x00"),
        Watched(24),
    ]
    validity, words, offsets, data = map(pa.py_buffer, parts)
    if pa.types.is_dictionary(KINDS[name]):
        codes = pa.Array.from_buffers(pa.int32(), 3, [validity, data])
        texts = pa.Array.from_buffers(pa.string(), 2, [None, offsets, words])
        values = pa.DictionaryArray.from_arrays(codes, texts)
    else:
        values = pa.Array.from_buffers(KINDS[name], 3, [validity, data])
    expected = values.to_pylist()
    column, kept = _grown(KINDS[name], 3), [ref(part) for part in parts]
    column.add(values)
    del validity, words, offsets, data, values, parts
    if pa.types.is_dictionary(KINDS[name]):
        del codes, texts
    assert [one() for one in kept] == [None] * 4
    assert column.array().to_pylist() == expected
