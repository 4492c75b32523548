"""Arrow files and streams, as labels and as features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from helpers.job import Job
from moslabels import MosLabelsError, TableError
from moslabels.runs.compile import compiled
from moslabels.runs.verify import verify
from moslabels.spec.entry import table_spec

LABELS = pa.table({"key": ["a", "b"], "mos": [3.0, 4.5]})


def as_file(path: Path, table: pa.Table = LABELS) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def as_stream(path: Path, table: pa.Table = LABELS) -> Path:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return path


def as_feather(path: Path, table: pa.Table = LABELS) -> Path:
    pyarrow.feather.write_feather(table, str(path), compression="zstd")
    return path


WAYS = [as_file, as_stream, as_feather]


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", [".arrow", ".feather", ".ARROW"])
@pytest.mark.parametrize("write", WAYS)
def test_labels(job: Job, write: Callable[[Path], Path], suffix: str) -> None:
    rows = job.run([{"key": "b"}, {"key": "c"}, {"key": "a"}], write(job.folder / f"l{suffix}"), min_match_rate=0)
    assert [row["mos"] for row in rows] == [4.5, None, 3]


TYPES = pa.table(
    {
        "key": pa.array(["a", "b"]).dictionary_encode(),
        "half": pa.array([0.5, 1.5], pa.float16()),
        "list": [[1, 2], None],
        "day": pa.array([1, 2], pa.date32()),
    }
)


@pytest.mark.parametrize("write", WAYS)
def test_features_keep_their_types(job: Job, write: Callable[[Path, pa.Table], Path]) -> None:
    table = TYPES if write is not as_feather else TYPES.drop_columns(["half"])
    job.run(write(job.folder / "f.arrow", table), [{"key": "a", "mos": 3}], out_name="o.parquet", min_match_rate=0)
    written = pq.read_table(job.out)
    assert written.select(table.column_names).to_pylist() == table.to_pylist()
    assert written.column("mos").to_pylist() == [3, None]


def test_the_audit_holds(job: Job) -> None:
    labels = as_file(job.folder / "l.arrow")
    job.run([{"key": "a"}], labels, audit_json=job.folder / "a.json")
    assert verify([str(job.folder / "a.json")])["status"] == "ok"
    as_file(labels, LABELS.slice(0, 1))
    assert verify([str(job.folder / "a.json")])["status"] == "differs"


DAMAGED: dict[str, bytes] = {
    "nothing": b"",
    "text": b"key,mos\na,3\n",
    "a file that is cut off": b"ARROW1\0\0" + bytes(20),
    "a stream that is cut off": b"\xff\xff\xff\xff\x10\0\0\0",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file(job: Job, name: str) -> None:
    (job.folder / "l.arrow").write_bytes(DAMAGED[name])
    with pytest.raises(MosLabelsError, match="l.arrow: is not a readable Arrow file: "):
        job.run([{"key": "a"}], job.folder / "l.arrow")


@pytest.mark.parametrize("length", range(8, 600, 37))
def test_a_file_that_is_cut_anywhere(job: Job, length: int) -> None:
    whole = as_file(job.folder / "whole.arrow").read_bytes()
    (job.folder / "l.arrow").write_bytes(whole[: min(length, len(whole) - 1)])
    with pytest.raises(MosLabelsError, match="l.arrow: is not a readable Arrow file: "):
        job.run([{"key": "a"}], job.folder / "l.arrow")


def test_what_is_not_read_or_written(job: Job) -> None:
    (job.folder / "l.feather").write_bytes(b"FEA1" + bytes(40) + b"FEA1")
    with pytest.raises(MosLabelsError, match="l.feather: is a Feather file of version 1, .*: write it again"):
        job.run([{"key": "a"}], job.folder / "l.feather")
    with pytest.raises(ValueError, match='out: .* has the suffix ".arrow", which is none of'):
        job.run([{"key": "a"}], as_file(job.folder / "l.arrow"), out_name="o.arrow")
    spec = table_spec(as_file(job.folder / "f.arrow"), [job.folder / "l.arrow"], job.folder / "o.csv", None, None, {})
    with pytest.raises(TableError, match="f.arrow: no DuckDB shell reads it"):
        compiled([spec])
