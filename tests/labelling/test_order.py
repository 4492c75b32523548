"""Contract 3: rows keep their order and their number, with many rows, row groups and threads."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from moslabels import materialize

CLIPS = 20_000


def write_features(folder: Path, rows: int, clips: int = CLIPS) -> Path:
    """Frames of many clips, scattered over the file, every tenth clip without a label."""
    frame = pa.array(range(rows), pa.int64())
    clip = pa.array([(index * 7919) % clips for index in range(rows)])
    key = pc.binary_join_element_wise("clip_", clip.cast(pa.string()), ".mp4", "")
    pq.write_table(pa.table({"frame": frame, "file_name": key}), folder / "f.parquet", row_group_size=30_000)
    with (folder / "l.csv").open("w") as stream:
        stream.write("file_name,mos\n")
        stream.writelines(f"clip_{index}.mp4,{1 + index % 400 / 100}\n" for index in range(clips) if index % 10)
    return folder


def expected(frames: pa.ChunkedArray, clips: int = CLIPS) -> list[float | None]:
    found = [(index * 7919) % clips for index in frames.to_pylist()]
    return [1 + clip % 400 / 100 if clip % 10 else None for clip in found]


# More rows than the 122,880 that DuckDB gives to one thread.
@pytest.mark.parametrize("rows", [140_000, pytest.param(500_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("clips", [CLIPS, 1_000_000], ids=["many rows of a clip", "a row of a clip"])
def test_many_rows_in_order(tmp_path: Path, rows: int, clips: int) -> None:
    features = write_features(tmp_path, rows, clips)
    out = features / "o.parquet"
    audit = materialize(features / "f.parquet", [features / "l.csv"], out, min_match_rate=0.8, threads=4)
    wanted = expected(pq.read_table(features / "f.parquet")["frame"], clips)
    assert (audit["input_rows"], audit["matched_rows"]) == (rows, sum(mos is not None for mos in wanted))
    result = pq.read_table(out)
    assert result["frame"].equals(pq.read_table(features / "f.parquet")["frame"])
    assert result["mos"].to_pylist() == wanted
    assert pq.ParquetFile(out).num_row_groups == pq.ParquetFile(features / "f.parquet").num_row_groups


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("rows", [140_000, pytest.param(500_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("clips", [CLIPS, 1_000_000], ids=["many rows of a clip", "a row of a clip"])
def test_many_rows_in_order_as_text(tmp_path: Path, rows: int, suffix: str, clips: int) -> None:
    read = {".csv": pyarrow.csv.read_csv, ".jsonl": pyarrow.json.read_json}[suffix]
    features = write_features(tmp_path, rows, clips)
    frames = pq.read_table(features / "f.parquet")["frame"]
    text, again = features / f"o{suffix}", features / f"again{suffix}"
    materialize(features / "f.parquet", [features / "l.csv"], text, min_match_rate=0.8, threads=4)
    materialize(text, [features / "l.csv"], again, min_match_rate=0.8, overwrite=True)  # From text to text.
    for path in (text, again):
        found = read(path)
        assert found["frame"].equals(frames)
        assert found["mos"].to_pylist() == expected(frames, clips)
    assert os.path.getsize(again) == os.path.getsize(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("a,1\nb,2\nc,3\n", "d,4\ne,5\n", id="every row is a label"),
        pytest.param("a,1\nb,2\nx,\nc,3\n", "d,4\ne,5\n", id="a row without a score"),
        pytest.param("a,1\nb,2\n,4\nc,3\n", "d,4\ne,5\n", id="a row without a key"),
        pytest.param("a,1\nb,2\nc,3\n", "a,1\nd,4\ne,5\n", id="a key twice"),
        pytest.param("\na,1\n\nb,2\nc,3\n", "\n\nd,4\ne,5\n\n", id="blank lines"),
    ],
)
def test_each_row_gets_its_own_label_whatever_numbers_the_labels(tmp_path: Path, first: str, second: str) -> None:
    """Where every row is a label, the rows number them."""
    features, out = tmp_path / "f.csv", tmp_path / "o.csv"
    features.write_text("key\ne\na\nd\nb\nz\nc\n")
    labels = []
    for name, rows in (("first.csv", first), ("second.csv", second)):
        (tmp_path / name).write_text(f"key,mos\n{rows}")
        labels.append(tmp_path / name)
    materialize(features, labels, out, min_match_rate=0, missing_mos="skip", label_key_column="key")
    table = pyarrow.csv.read_csv(out)
    assert table["mos"].to_pylist() == [5, 1, 4, 2, None, 3]
    files = [Path(source).name if source else "" for source in table["mos_label_source"].to_pylist()]
    assert files == ["second.csv", "first.csv", "second.csv", "first.csv", "", "first.csv"]
