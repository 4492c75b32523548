"""Batches of features are labelled as join() labels the whole, and hold nothing but distinct keys."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moslabels import CancelledError, GateError, LabelledBatches, MosLabelsError, TableError, UsageError, join, labeller

KEYS: dict[str, Any] = {"feature_key_column": "clip", "label_key_column": "clip"}
SCORES = pa.table({"clip": ["a", "b", "c"], "mos": [4.0, 3.0, 2.0], "mos_std_dev": ["0.5", None, "1"]})
FRAMES = pa.table({"clip": ["a", "a", "b", "c", "a", None, "b"], "vmaf": [float(n) for n in range(7)]})
LOOSE: dict[str, Any] = {"min_match_rate": 0.8, **KEYS}


def table_of(batches: LabelledBatches) -> pa.Table:
    return pa.Table.from_batches(batches, batches.schema)


def error_of(call: Callable[[], Any]) -> Any:
    with pytest.raises(MosLabelsError) as caught:
        call()
    error = caught.value
    return type(error), str(error), error.code, error.file, error.column, error.row, getattr(error, "diagnosis", None)


texts = st.sampled_from(["a", "A", "b", "x/a.mp4", "c ", "7", "07", "", None])
tables = st.lists(st.lists(st.tuples(texts, st.sampled_from(["x", "y", None])), max_size=6), max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    tables,
    st.sampled_from([0, 0.5, 1]),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]),
    st.sampled_from(
        [
            {},
            {"key_case": "fold", "match_rate_by": "corpus"},
            {"key_normalize": "stem", "match_rate_by": "clip"},
            {"feature_key_regex": "^0*(.+)$", "extras": {"n": "ratings"}},
        ]
    ),
)
def test_they_are_what_join_makes_of_the_whole(
    parts: list[list[tuple[str | None, str | None]]], rate: float, kind: pa.DataType, rules: dict[str, Any]
) -> None:
    labels = pa.table({"clip": ["a", "b", "07", "C"], "mos": [1.0, 2.5, 5.0, 3.0], "n": [2**60, 1, None, 3]})
    schema = pa.schema({"clip": kind, "corpus": pa.string()}, {"by": "hand"})
    batches = [
        pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in part], schema)
        for part in parts
    ]
    whole = pa.Table.from_batches(batches, schema)
    options = {**KEYS, "min_match_rate": rate, **rules}
    with labeller(labels, **options) as prepared:
        found = prepared.batches(iter(batches), schema)
        try:
            wanted = join(whole, labels, **options)
        except GateError:
            of_whole = error_of(lambda: join(whole, labels, **options))
            assert error_of(lambda: list(found)) == of_whole
            assert error_of(lambda: list(prepared.batches(whole.to_reader()))) == of_whole
            return
        labelled = list(found)
    assert [len(batch) for batch in labelled] == [len(batch) for batch in batches]
    assert all(batch.schema.equals(found.schema, check_metadata=True) for batch in labelled)
    assert pa.Table.from_batches(labelled, found.schema).equals(wanted.table)
    assert found.audit == wanted.audit
    assert found.label_columns == wanted.label_columns


class AnotherPackage:
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return FRAMES.to_reader(max_chunksize=2).__arrow_c_stream__(requested_schema)


KINDS: dict[str, Callable[[], Any]] = {
    "a reader": lambda: FRAMES.to_reader(max_chunksize=2),
    "a table": lambda: FRAMES,
    "a batch": lambda: FRAMES.to_batches()[0],
    "another package": AnotherPackage,
    "a dataset": lambda: ds.dataset(FRAMES),
    "a scanner": lambda: ds.dataset(FRAMES).scanner(batch_size=2),
    "pandas": FRAMES.to_pandas,
    "polars": lambda: polars.from_arrow(FRAMES),
    "a relation": lambda: duckdb.connect().from_arrow(FRAMES),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_takes_what_gives_batches(kind: str) -> None:
    wanted = join(FRAMES, SCORES, **LOOSE)
    with labeller(SCORES, **LOOSE) as prepared, prepared.batches(KINDS[kind]()) as found:
        assert table_of(found).drop_columns(["clip"]).to_pylist() == wanted.table.drop_columns(["clip"]).to_pylist()
        assert found.audit["joined_sample"] == wanted.audit["joined_sample"]


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "a path": ("f.parquet", None, "not \"builtins.str\"; pyarrow.dataset.dataset"),
    "batches without their schema": (FRAMES.to_batches(), None, "or with schema= an iterable of record batches, not"),
    "a plan": (polars.LazyFrame({"clip": ["a"]}), None, 'not "polars.lazyframe.frame.LazyFrame"'),
    "a Series": (polars.Series("clip", ["a"]), None, 'features: "polars.Series" is one column'),
    "a column of Arrow": (FRAMES["clip"], None, 'features: "pyarrow.ChunkedArray" is one column'),
    "columns of several levels": (
        pandas.DataFrame([[1]], columns=pandas.MultiIndex.from_tuples([("clip", "a")])), None, "have 2 levels"),
    "a stream with a schema": (FRAMES, FRAMES.schema, "a stream has a schema of its own"),
    "one number": (3, FRAMES.schema, "it must be an iterable of record batches"),
    "a schema that is none": ([], {"clip": "VARCHAR"}, 'schema: must be a schema of pyarrow, not "dict"'),
    "tables": ([FRAMES], FRAMES.schema, 'batch 1 must be a RecordBatch, not "Table"'),
    "batches of another schema": (
        [*FRAMES.to_batches(), *FRAMES.select(["clip"]).to_batches()],
        FRAMES.schema,
        "batch 2 does not have the schema that was given",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_gives_no_batches_is_refused(name: str) -> None:
    value, schema, message = REFUSED[name]
    with labeller(SCORES, **KEYS) as prepared, pytest.raises(UsageError, match=message):
        list(prepared.batches(value, schema))


def test_what_is_wrong_with_the_columns_is_told_before_the_first_batch() -> None:
    def nothing() -> Iterator[pa.RecordBatch]:
        raise AssertionError("a batch was read")
        yield

    with labeller(SCORES, **KEYS) as prepared:
        for table in (pa.table({"other": ["a"]}), pa.table({"clip": ["a"], "mos": [1]}), pa.table({"clip": [[1]]})):
            told = error_of(lambda table=table: prepared.batches(nothing(), table.schema))  # type: ignore[misc]
            assert told == error_of(lambda table=table: join(table, SCORES, **KEYS))  # type: ignore[misc]
        assert prepared.batches(nothing(), FRAMES.schema).schema.names[-5:] == [
            "mos", "mos_raw_0_100", "mos_label_status", "mos_label_source", "mos_std_dev"
        ]  # fmt: skip


def test_examples_are_checked_before_the_first_batch() -> None:
    options: dict[str, Any] = {"examples": {"x/a.mp4": "a"}, **LOOSE}
    with labeller(SCORES, key_normalize="raw", **options) as prepared:
        wanted = error_of(lambda: join(FRAMES, SCORES, key_normalize="raw", **options))
        assert error_of(lambda: prepared.batches(FRAMES)) == wanted
        assert wanted[2] == "bad-example"
    with labeller(SCORES, key_normalize="stem", **options) as prepared:
        assert len(table_of(prepared.batches(FRAMES))) == len(FRAMES)


def test_columns_that_are_replaced() -> None:
    old = FRAMES.add_column(0, "Mos", FRAMES["vmaf"])
    wanted = join(old, SCORES, overwrite=True, **LOOSE)
    with labeller(SCORES, overwrite=True, **LOOSE) as prepared:
        assert table_of(prepared.batches(old.to_reader(max_chunksize=3))).equals(wanted.table)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([1.0, 1.5, 2.5], 'row 3: column "clip" holds "1.5", a fractional number'),
        ([b"a", b"b", b"c"], "a value of type BLOB"),
        (["a", "b" * 70_000, "c"], "a text of 70000 bytes"),
    ],
)
def test_a_value_that_cannot_be_a_key_stops_its_batch(keys: list[Any], message: str) -> None:
    table = pa.table({"clip": [keys[0], keys[0], *keys[1:]]})
    with labeller(SCORES, min_match_rate=0, **KEYS) as prepared:
        found = prepared.batches(table.to_reader(max_chunksize=2))
        if not isinstance(keys[0], bytes):
            assert len(next(found)) == 2
        with pytest.raises(TableError, match=message) as first:
            next(found)
        with pytest.raises(TableError) as again:
            next(found)
        assert again.value is first.value
        assert prepared.join(FRAMES).audit["matched_feature_keys"] == 3


def test_text_that_is_not_utf_8_stops_its_batch() -> None:
    wrong = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    batches = [pa.record_batch({"clip": pa.array(["a"])}), pa.record_batch({"clip": wrong})]
    with labeller(SCORES, **KEYS) as prepared:
        found = prepared.batches(batches, batches[0].schema)
        assert next(found)["mos"].to_pylist() == [4.0]
        with pytest.raises(TableError, match='column "clip" holds what cannot be read'):
            next(found)


def test_the_gate_comes_after_the_last_batch_and_there_is_no_end_behind_it() -> None:
    table = pa.table({"clip": ["a", "z", "a", "y"]})
    with labeller(SCORES, **KEYS) as prepared:
        found = prepared.batches(table.to_reader(max_chunksize=2))
        assert [next(found)["mos"].to_pylist() for _ in range(2)] == [[4.0, None], [4.0, None]]
        for _ in range(2):
            assert error_of(lambda: next(found)) == error_of(lambda: join(table, SCORES, **KEYS))
        with pytest.raises(UsageError, match="the gate has passed"):
            found.audit  # noqa: B018
        with pytest.raises(pa.ArrowException, match="MOS label match rate 0.333 below"):
            pa.table(prepared.batches(table))


def test_a_key_of_several_batches_counts_once() -> None:
    with labeller(SCORES, **KEYS) as prepared:
        found = prepared.batches(pa.concat_tables([FRAMES.slice(0, 4)] * 9).to_reader(max_chunksize=4))
        assert len(table_of(found)) == 36
    assert (found.audit["total_feature_keys"], found.audit["matched_rows"]) == (3, 36)


def test_streams_and_joins_share_a_labeller() -> None:
    """Each has counts of its own, whatever comes between."""
    first = pa.table({"clip": ["a", "b", "z"]})
    with labeller(SCORES, min_match_rate=0, **KEYS) as prepared:
        streams = [prepared.batches(table.to_reader(max_chunksize=1)) for table in (first, FRAMES)]
        taken: list[list[pa.RecordBatch]] = [[], []]
        for _ in range(3):
            for stream, batches in zip(streams, taken, strict=True):
                batches.append(next(stream))
                assert prepared.join(first).audit["matched_feature_keys"] == 2
        for stream, batches, table in zip(streams, taken, (first, FRAMES), strict=True):
            batches += list(stream)
            wanted = join(table, SCORES, min_match_rate=0, **KEYS)
            assert pa.Table.from_batches(batches).equals(wanted.table)
            assert stream.audit == wanted.audit


def test_threads_have_a_stream_each() -> None:
    rows: dict[int, int] = {}

    def read(number: int) -> None:
        table = pa.concat_tables([FRAMES.slice(0, 4)] * (number + 3))
        rows[number] = table_of(prepared.batches(table.to_reader(max_chunksize=3)))["mos"].null_count + len(table)

    with labeller(SCORES, **KEYS) as prepared:
        threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rows == {number: 4 * (number + 3) for number in range(4)}


def test_threads_share_a_stream() -> None:
    """Each batch goes to one of them, and the gates come once."""
    table = pa.concat_tables([FRAMES] * 40)
    taken: list[pa.RecordBatch] = []
    with labeller(SCORES, **LOOSE) as prepared:
        found = prepared.batches(table.to_reader(max_chunksize=3))
        threads = [threading.Thread(target=lambda: taken.extend(found)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wanted = join(table, SCORES, **LOOSE)
    assert pa.Table.from_batches(taken).sort_by("clip").equals(wanted.table.sort_by("clip"))
    assert found.audit == wanted.audit


class Source:
    """Batches that say whether anybody still holds what feeds them."""

    def __init__(self) -> None:
        self.is_open = True

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            for number in range(1000):
                yield pa.record_batch({"clip": ["a", f"{number}"]})
        finally:
            self.is_open = False


@pytest.mark.parametrize("read", [0, 1])
@pytest.mark.parametrize("how", ["left alone", "closed", "by a block"])
def test_what_is_abandoned_is_let_go(how: str, read: int, tmp_path: Path) -> None:
    with labeller(SCORES, temp_dir=tmp_path, min_match_rate=0, **KEYS) as prepared:
        source = Source()
        found = prepared.batches(source, pa.schema({"clip": pa.string()}))
        for _ in range(read):
            next(found)
        held = weakref.ref(source)
        if how == "left alone":
            del found
        elif how == "closed":
            found.close()
            found.close()
            with pytest.raises(UsageError, match="closed, and were not read to their end"):
                next(found)
        else:
            with found:
                pass
        assert source.is_open == (read == 0)  # A generator that never began has nothing to end.
        del source
        gc.collect()
        assert held() is None
        assert prepared.join(FRAMES).audit["matched_feature_keys"] == 3
    assert list(tmp_path.iterdir()) == []


def test_a_labeller_that_is_closed_ends_its_streams() -> None:
    with labeller(SCORES, **KEYS) as prepared:
        found = prepared.batches(FRAMES.to_reader(max_chunksize=2))
        next(found)
    with pytest.raises(UsageError, match="the labeller is closed"):
        next(found)
    with pytest.raises(UsageError, match="the labeller is closed"):
        prepared.batches(FRAMES)


def test_it_can_be_cancelled() -> None:
    cancel = threading.Event()
    with labeller(SCORES, cancel=cancel, **KEYS) as prepared:
        found = prepared.batches(FRAMES.to_reader(max_chunksize=2))
        next(found)
        cancel.set()
        with pytest.raises(CancelledError):
            next(found)


def test_a_label_file_that_changes_is_told_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    pq.write_table(SCORES, path)
    with labeller(path, **LOOSE) as prepared:
        found = prepared.batches(FRAMES.to_reader(max_chunksize=4))
        next(found)
        pq.write_table(SCORES.slice(1), path)
        assert len(next(found)) == 3
        with pytest.raises(TableError, match="has changed, and the labeller read it before; make another labeller"):
            next(found)


def test_errors_of_who_gives_the_batches() -> None:
    """Those of an iterable are the caller's own. Those of a stream are errors of a table."""

    def failing() -> Iterator[pa.RecordBatch]:
        yield FRAMES.to_batches()[0]
        raise KeyError("mine")

    with labeller(SCORES, **LOOSE) as prepared:
        with pytest.raises(KeyError, match="mine"):
            list(prepared.batches(failing(), FRAMES.schema))
        reader = pa.RecordBatchReader.from_batches(FRAMES.schema, failing())
        with pytest.raises(TableError, match="features: cannot be taken over") as caught:
            list(prepared.batches(reader))
        assert caught.value.code == "unreadable"


def test_memory_does_not_grow_with_the_number_of_batches() -> None:
    """Each batch has 2,000 of 5,000 keys. So many are added up every 50 batches."""
    clips = [f"clip {number}" for number in range(5000)]
    scores = pa.table({"clip": clips, "mos": [1 + number % 5 for number in range(5000)]})
    batches = [pa.record_batch({"clip": clips[start : start + 2000] * 4}) for start in (0, 1500, 3000)]

    held = []

    def endless() -> Iterator[pa.RecordBatch]:
        for number in range(300):
            if number % 60 == 0:
                held.append(pa.total_allocated_bytes())
            yield batches[number % 3]

    with labeller(scores, **KEYS) as prepared:
        rows = 0
        found = prepared.batches(endless(), batches[0].schema)
        for batch in found:
            rows += len(batch)
        del batch
    assert rows == found.audit["matched_rows"] == 300 * 8000
    assert max(held[1:]) - held[0] < 16 << 20  # 300 batches of labelled rows are 100 MB.


def test_a_frame_of_pandas_gets_its_types() -> None:
    """Which type pandas reads a column as is known before the first batch, so it is that of all labels."""
    labels = pa.table({"clip": ["a", "b"], "mos": [1.0, 2.0], "n": [2**60, 1]})
    with labeller(labels, extras=["n"], **KEYS) as prepared:
        frame = table_of(prepared.batches(pandas.DataFrame({"clip": ["a", "b"]}))).to_pandas()
    assert (str(frame["n"].dtype), frame["n"].tolist()) == ("Int64", [2**60, 1])
