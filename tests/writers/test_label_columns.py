"""The label columns beside copied features: no larger than what their row groups hold, and compared as read back."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.tables import write_table
from moslabels import materialize
from moslabels.writers.label_columns import LabelColumns, same


def test_texts_take_the_room_of_those_that_a_row_group_has(tmp_path: Path) -> None:
    """300,000 notes, of which the row groups have 100 each."""
    keys = [f"clip_{index}" for index in range(300_000)]
    notes = [f"a note about the clip of number {index}" for index in range(300_000)]
    labels = pa.table({"key": keys, "mos": [3.5] * len(keys), "note": notes})
    write_table(tmp_path / "l.parquet", labels)
    features = pa.table({"key": keys[::300], "x": pa.array(range(1000), pa.int32())})
    pq.write_table(features, tmp_path / "f.parquet", row_group_size=100)
    materialize(tmp_path / "f.parquet", tmp_path / "l.parquet", tmp_path / "o.parquet", extras=["note"])
    assert (tmp_path / "o.parquet").stat().st_size < 60_000
    file = pq.ParquetFile(tmp_path / "o.parquet")
    assert file.read(columns=["note"]).column(0).to_pylist() == notes[::300]
    for index in range(10):
        chunk = file.metadata.row_group(index).column(2 + 4)
        assert chunk.path_in_schema == "note"
        assert set(chunk.encodings) == {"PLAIN", "RLE", "RLE_DICTIONARY"}


LONG = "a" * 2000
TYPES = {
    "short text": (["a", "b", None, "a"], pa.string()),
    "long text": ([LONG, "b", None, LONG], pa.string()),
    "number": ([1.5, float("nan"), None, -0.0], pa.float64()),
    "whole": ([1, 2, None, 2**62], pa.int64()),
    "truth": ([True, False, None, True], pa.bool_()),
    "day": ([1, 2, None, 4], pa.date32()),
    "time": ([1, 2, None, 4], pa.time64("us")),
    "instant": ([1, 2, None, 4], pa.timestamp("us", "UTC")),
    "decimal": ([1, 2, None, 4], pa.decimal128(18, 2)),
}
PLACES = {
    "many rows in runs": [index // 40 % 4 for index in range(2000)],
    "many rows": [index % 4 for index in range(2000)],
    "runs": [0, 0, 0, 1, 1, 3, 3, 2, 2, 0],
    "no runs": [3, 1, 0, 2, 1, 3],
    "a part": [1, 1, 1],
    "only NULL": [2, 2],
    "none": [],
}


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("kind", TYPES)
def test_rows_of_every_type(kind: str, places: str) -> None:
    values, data_type = TYPES[kind]
    labels = pa.table({kind: pa.array(values, data_type)})
    columns = LabelColumns(labels)
    # As a part of a larger array, as the positions of a row group are.
    whole = pa.array([1, 1, *PLACES[places], 0], pa.int32())
    table = columns.table(whole.slice(2, len(PLACES[places])))
    expected = labels.take(pa.array(PLACES[places], pa.int32()))
    assert repr(table.cast(labels.schema).to_pylist()) == repr(expected.to_pylist())
    for chunk in table.column(0).chunks:
        if kind == "long text":
            assert chunk.dictionary.to_pylist() == sorted({values[place] for place in PLACES[places]} - {None})


def test_the_rows_of_a_group_share_one_dictionary() -> None:
    """Those beyond the first million have other texts. A second dictionary could not be written as one."""
    columns = LabelColumns(pa.table({"text": [LONG, "b", "c", None]}))
    places = pa.concat_arrays([pa.array([0] * (1 << 20), pa.int32()), pa.array([2, 3, 2], pa.int32())])
    chunks = columns.table(places).column(0).chunks
    assert [chunk.dictionary.to_pylist() for chunk in chunks] == [[LONG, "c"], [LONG, "c"]]
    assert chunks[1].to_pylist() == ["c", None, "c"]


TEXTS = pa.dictionary(pa.int32(), pa.string())
DIFFERING = [
    (["a", "b"], ["a", "b"], TEXTS, True),
    (["b", "a"], ["a", "b"], TEXTS, False),
    (["a", None], ["a", None], TEXTS, True),
    # A text that was not planned is not the same as no text.
    (["a", "z"], ["a", None], TEXTS, False),
    (["a", None], ["a", "z"], TEXTS, False),
    (["z", None], [None, "z"], TEXTS, False),
    (["a"], ["a", "a"], TEXTS, False),
    ([], [], TEXTS, True),
    ([1.0, None], [1.0, None], pa.float64(), True),
    ([1.0, float("nan")], [1.0, float("nan")], pa.float64(), True),
    ([0.0, float("nan")], [float("nan"), 0.0], pa.float64(), False),
    ([float("nan")], [None], pa.float64(), False),
    ([1, 2], [1, 3], pa.int64(), False),
]


@pytest.mark.parametrize(("found", "planned", "data_type", "are_same"), DIFFERING)
def test_what_is_read_back_is_compared(found: list, planned: list, data_type: pa.DataType, are_same: bool) -> None:
    def column(values: list) -> pa.ChunkedArray:
        if data_type == TEXTS:
            return pa.chunked_array([pa.array(values, pa.string()).dictionary_encode()], TEXTS)
        return pa.chunked_array([pa.array(values, data_type)])

    assert same(column(found), column(planned)) is are_same


def test_a_row_group_of_more_rows_than_are_taken_at_once(tmp_path: Path) -> None:
    rows = (1 << 20) + 5000
    keys = pa.array(["a", "b", "z"])
    places = pa.concat_arrays([pa.array([0] * (1 << 20), pa.int8()), pa.array([1, 2] * 2500, pa.int8())])
    pq.write_table(pa.table({"key": keys.take(places)}), tmp_path / "f.parquet", row_group_size=rows)
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 2, "split": LONG}, {"key": "b", "mos": 3, "split": "test"}])
    materialize(tmp_path / "f.parquet", tmp_path / "l.csv", tmp_path / "o.parquet", min_match_rate=0)
    file = pq.ParquetFile(tmp_path / "o.parquet", read_dictionary=["split"])
    assert file.metadata.num_row_groups == 1
    found = file.read(columns=["mos", "split"])
    assert found["mos"].equals(pa.chunked_array([pa.array([2.0, 3.0, None]).take(places)]))
    texts = found["split"].unify_dictionaries().combine_chunks()
    assert texts.dictionary.to_pylist() == [LONG, "test"]
    assert texts.indices.equals(pa.array([0, 1, None], pa.int32()).take(places))
