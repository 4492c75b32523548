"""Labels that are prepared once label any feature table as join() does."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moslabels import CancelledError, GateError, MosLabelsError, TableError, UsageError, join, labeller
from moslabels.labelling.labels import FEW, MANY
from moslabels.runs import labeller as labeller_module

KEYS: dict[str, Any] = {"feature_key_column": "clip", "label_key_column": "clip"}
SCORES = pa.table({"clip": ["a", "b", "c"], "mos": [4.0, 3.0, 2.0], "mos_std_dev": ["0.5", None, "1"]})
FRAMES = pa.table({"clip": ["a", "a", "b", "c"], "vmaf": [1.0, 2.0, 3.0, 4.0]})


def told(call: Any) -> Any:
    """What a call returns, or what its error says."""
    try:
        joined = call()
    except MosLabelsError as error:
        return type(error), str(error), error.code, error.row, getattr(error, "diagnosis", None)
    return joined.table, joined.table.schema.metadata, joined.label_columns, dict(joined.audit)


def same(features: list[Any], labels: Any, **options: Any) -> list[Any]:
    """What a labeller says of each feature table, which is what join() says."""
    with labeller(labels, **options) as prepared:
        found = [told(lambda table=table: prepared.join(table)) for table in features]  # type: ignore[misc]
    assert found == [told(lambda table=table: join(table, labels, **options)) for table in features]  # type: ignore[misc]
    return found


texts = st.sampled_from(["a", "A", "b", "x/a.mp4", "c ", "7", "07", "", None])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(texts, max_size=6), min_size=1, max_size=4),
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "07", "C"]), st.sampled_from([1.0, 2.5, 5.0])), min_size=1, max_size=4
    ),
    st.sampled_from([0, 0.5, 1]),
    st.sampled_from([{}, {"key_case": "fold"}, {"key_normalize": "stem"}, {"feature_key_regex": "^0*(.+)$"}]),
)
def test_it_says_what_join_says(
    tables: list[list[str | None]], scores: list[tuple[str, float]], rate: float, rules: dict[str, Any]
) -> None:
    labels = pa.table({"clip": [key for key, _ in scores], "mos": [mos for _, mos in scores]})
    features = [pa.table({"clip": pa.array(keys, pa.string())}) for keys in tables]
    try:
        same(features, labels, min_match_rate=rate, **KEYS, **rules)
    except TableError:  # Of the labels: join() says the same.
        with pytest.raises(TableError):
            join(features[0], labels, min_match_rate=rate, **KEYS, **rules)


def test_what_is_wrong_with_one_table_is_not_there_for_the_next() -> None:
    tables = [
        FRAMES,
        pa.table({"clip": ["a", "z"]}),
        pa.table({"other": ["a"]}),
        pa.table({"clip": ["a"], "mos": [1]}),
        pa.table({"clip": [b"\xff"]}),
        FRAMES,
    ]
    found = same(tables, [{"table": SCORES, "name": "lab"}], min_match_rate=0.9, **KEYS)
    assert [one[0] if isinstance(one[0], type) else "ok" for one in found] == [
        "ok", GateError, TableError, TableError, TableError, "ok"
    ]  # fmt: skip
    assert found[0] == found[-1]


def test_it_takes_what_join_takes(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("clip,x\na,1\nb,2\n")
    (tmp_path / "l.csv").write_text("clip,mos\na,3\nb,2\n")
    rows = [{"clip": "a", "n": 1}, {"clip": "b", "n": 2}]
    tables = [tmp_path / "f.csv", pandas.DataFrame(rows), polars.DataFrame(rows), FRAMES.slice(0, 3)]
    options = {**KEYS, "overwrite": True, "match_rate_by": "clip"}
    assert all(len(one) == 4 for one in same(tables, [tmp_path / "l.csv", SCORES.slice(2)], **options))
    same([tmp_path / "none.csv", tmp_path / "f.csv"], tmp_path / "l.csv", **KEYS)


@pytest.mark.parametrize("most_held", [FEW, MANY, 0], ids=["few", "many", "none"])
@pytest.mark.parametrize("has_repeats", [False, True])
def test_labels_that_are_held_are_those_of_join(
    most_held: int, has_repeats: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labeller_module, "MANY", most_held)
    keys = [f"clip{number:05}" for number in range(FEW + 5)]
    labels = pa.table({"clip": keys, "mos": [number % 5 for number in range(len(keys))], "split": ["x"] * len(keys)})
    if has_repeats:
        labels = pa.concat_tables([labels, labels.slice(7, 3)])
    features = pa.table({"clip": [keys[-1], "none", keys[8], keys[8], keys[0]]})
    for table, audit in [(found[0], found[3]) for found in same(
        [features, features.slice(1, 2)], labels, min_match_rate=0, mos_scale={"worst": 0, "best": 4}, extras=["split"],
        **KEYS)]:  # fmt: skip
        assert table["mos"].null_count == 1
        assert audit["duplicate_labels"] == 3 * has_repeats
        assert audit["unused_label_keys"]["count"] + audit["matched_feature_keys"] == len(keys)


def test_after_many_calls_it_goes_on_with_another_duckdb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says the same as before, of keys that several files have and of keys that did not meet, too."""
    monkeypatch.setattr("moslabels.runs.labeller.MOST_CALLS", 2)
    other = pa.table({"clip": ["c", "d"], "mos": [2.0, 1.0], "note": ["x", None], "day": pa.array([1, 2], pa.date32())})
    options: dict[str, Any] = {"extras": ["note", "day"], "min_match_rate": 0.5, "temp_dir": tmp_path, **KEYS}
    labels = [{"table": SCORES, "name": "one"}, {"table": other, "name": "two"}]
    with labeller(labels, **options) as prepared:
        stream = prepared.batches(FRAMES.to_reader(max_chunksize=1))
        batches = [next(stream)]
        for _ in range(4):
            for table in (FRAMES, pa.table({"clip": ["A", "y", "z"]}), pa.table({"clip": ["a", "D"]})):
                assert told(lambda table=table: prepared.join(table)) == told(  # type: ignore[misc]
                    lambda table=table: join(table, labels, **options)  # type: ignore[misc]
                )
        batches += list(stream)
        wanted = join(FRAMES, labels, **options)
        assert pa.Table.from_batches(batches).equals(wanted.table)
        assert stream.audit == wanted.audit
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_labels_are_checked_at_once() -> None:
    with pytest.raises(TableError, match="mos"):
        labeller(pa.table({"clip": ["a"], "mos": ["good"]}), **KEYS)
    with pytest.raises(UsageError, match="min_match_rat"):
        labeller(SCORES, min_match_rat=1)  # type: ignore[call-arg]


def test_a_label_file_that_changes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("clip,mos\na,3\nb,2\nc,1\n")
    with labeller(path, **KEYS) as prepared:
        assert prepared.join(FRAMES).table["mos"].to_pylist() == [3, 3, 2, 1]
        path.write_text("clip,mos\na,3\nb,2\nc,1\nd,1\n")
        says = r"l\.csv: has changed, and the labeller read it before; make another labeller"
        with pytest.raises(TableError, match=says) as error:
            prepared.join(FRAMES)
        assert error.value.code == "changed"


def test_a_relative_path_is_looked_for_where_the_labeller_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit names the file as it was given, so it is that of the working folder."""
    (tmp_path / "l.csv").write_text("clip,mos\na,3\nb,2\nc,1\n")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    with labeller("l.csv", **KEYS) as prepared:
        monkeypatch.chdir("other")
        with pytest.raises(
            TableError, match=r"l\.csv: is not there any more, and the labeller read it before; make an"
        ):
            prepared.join(FRAMES)
        monkeypatch.chdir(tmp_path)
        assert prepared.join(FRAMES).audit["matched_rows"] == 4


def test_a_connection_that_its_caller_closed() -> None:
    connection = duckdb.connect()
    with labeller(SCORES, connection=connection, **KEYS) as prepared:
        connection.close()
        with pytest.raises(UsageError, match="connection: DuckDB refuses it: .*already closed"):
            prepared.join(FRAMES)
        with pytest.raises(UsageError, match="connection: DuckDB refuses it: .*already closed"):
            list(prepared.batches(FRAMES))
    connection = duckdb.connect()
    with pytest.raises(KeyError, match="mine"), labeller(SCORES, connection=connection, **KEYS):
        connection.close()
        raise KeyError("mine")


@pytest.mark.parametrize("copy_of", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_copied(copy_of: Callable[[Any], Any]) -> None:
    with labeller(SCORES, **KEYS) as prepared, pytest.raises(TypeError, match="make one in each process"):
        copy_of(prepared)


def test_threads_share_one() -> None:
    with labeller(SCORES, **KEYS) as prepared, ThreadPoolExecutor(4) as threads:
        clips = ["a", "b", "c"] * 8
        found = threads.map(lambda clip: prepared.join(pa.table({"clip": [clip]})).table["mos"].to_pylist(), clips)
        assert list(found) == [[{"a": 4.0, "b": 3.0, "c": 2.0}[clip]] for clip in clips]


def test_it_ends(tmp_path: Path) -> None:
    cancel = threading.Event()
    with labeller(SCORES, cancel=cancel, temp_dir=tmp_path, **KEYS) as prepared:
        assert len(list(tmp_path.iterdir())) == 1
        prepared.join(FRAMES)
        cancel.set()
        with pytest.raises(CancelledError):
            prepared.join(FRAMES)
    assert list(tmp_path.iterdir()) == []
    prepared.close()
    with pytest.raises(UsageError, match="closed"):
        prepared.join(FRAMES)


FORGOTTEN = """
import os
import sys
import pyarrow as pa
from moslabels import UsageError, labeller

prepared = labeller(
    pa.table({"clip": ["a"], "mos": [3]}), feature_key_column="clip", label_key_column="clip", temp_dir=sys.argv[1]
)
child = os.fork()
if not child:
    try:
        prepared.join(pa.table({"clip": ["a"]}))
    except UsageError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(len(os.listdir(sys.argv[1])), prepared.join(pa.table({"clip": ["a"]})).table["mos"].to_pylist())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_it_is_closed_when_the_process_ends_and_not_by_a_child(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORGOTTEN, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    said = ["the labeller is of another process; make one after the fork", "1 [3.0]"]
    assert (done.stdout.splitlines(), done.stderr) == (said, "")
    assert list(tmp_path.iterdir()) == []


AT_WORK_AT_THE_FORK = """
import os, threading
import pyarrow as pa
from moslabels import UsageError, labeller

table = pa.table({"clip": ["a"], "mos": [3]})
prepared = labeller(table, feature_key_column="clip", label_key_column="clip")
reads, ended = threading.Event(), threading.Event()

def work():
    with prepared._one_at_a_time():
        reads.set()
        ended.wait()

threading.Thread(target=work).start()
reads.wait()
child = os.fork()
if not child:
    for call in (prepared.join, lambda features: prepared.batches(features.to_reader())):
        try:
            call(table.select(["clip"]))
        except UsageError as error:
            print(error, flush=True)
    prepared.close()
    os._exit(0)
print(os.waitpid(child, 0)[1])
ended.set()
prepared.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_does_not_wait_for_a_call_of_its_parent() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", AT_WORK_AT_THE_FORK], capture_output=True, text=True, timeout=60
    )
    said = ["the labeller is of another process; make one after the fork"] * 2
    assert (done.stdout.splitlines(), done.stderr) == ([*said, "0"], "")


FORGOTTEN_UNDER_A_LOCK = """
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
import pyarrow as pa
from moslabels import labeller


class Prefix:
    def __str__(self):  # An executor asks for it while it has the lock of all executors.
        gc.collect()
        return "names"


for _ in range(int(sys.argv[2])):
    prepared = labeller(
        pa.table({"clip": ["a"], "mos": [3]}), feature_key_column="clip", label_key_column="clip", temp_dir=sys.argv[1]
    )
    circle = [prepared]
    circle.append(circle)
    del prepared, circle
    with ThreadPoolExecutor(1, thread_name_prefix=Prefix()) as executor:
        print(executor.submit(int, 1).result())
"""


@pytest.mark.parametrize("times", [1, 3])
def test_it_may_be_forgotten_anywhere(times: int, tmp_path: Path) -> None:
    """Python may collect what nobody holds while its thread has a lock that closing needs."""
    done = subprocess.run(
        [sys.executable, "-c", FORGOTTEN_UNDER_A_LOCK, str(tmp_path), str(times)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.splitlines(), done.stderr) == (["1"] * times, "")
    assert list(tmp_path.iterdir()) == []
