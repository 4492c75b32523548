"""Tables to label: floats that no codec shrinks, one row or many frames of a clip, and a score for nearly each clip."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

GROUP_ROWS = 120_000


@dataclass(frozen=True)
class Case:
    """A table of features by its rows and columns, of so many clips, with so many rows of labels.

    With several ``parts`` it is a folder of Parquet files. With ``copies`` each label is given so many times.
    """

    rows: int
    columns: int = 60
    clips: int = 150_000
    label_rows: int = 147_000
    kind: str = "parquet"
    parts: int = 1
    copies: int = 1


CASES = {
    "1,200 rows": Case(1_200, clips=1_200, label_rows=1_176),
    "150,000 clips of one row": Case(150_000),
    "344 MiB": Case(1_500_000),
    "1.34 GiB": Case(6_000_000),
    "4,000 columns": Case(20_000, columns=4_000, clips=20_000, label_rows=19_600),
    "5 million label rows": Case(1_500_000, columns=10, clips=5_100_000, label_rows=5_000_000),
    "5 million label rows, each key twice": Case(
        1_500_000, columns=10, clips=2_550_000, label_rows=5_000_000, copies=2
    ),
    "CSV": Case(300_000, columns=20, clips=30_000, label_rows=29_400, kind="csv"),
    "JSON lines": Case(300_000, columns=20, clips=30_000, label_rows=29_400, kind="jsonl"),
}
PARTS_CASES = {
    "64 parts of 24 MB": Case(6_400_000, parts=64),
    "2,000 parts of 73 kB": Case(480_000, clips=160_000, label_rows=156_800, parts=2_000),
}
GROWTH = {f"{rows:,} rows": Case(rows) for rows in (375_000, 750_000, 1_500_000, 3_000_000, 6_000_000)}
PARTS_GROWTH = {
    f"{parts:,} parts": Case(240 * parts, clips=80 * parts, label_rows=78 * parts, parts=parts)
    for parts in (1_250, 2_500, 5_000, 10_000, 20_000)
}
_PARTS_OF_A_FOLDER = 256


def write_features(path: Path, case: Case) -> None:
    """Write the features: one file, or a folder of parts in folders."""
    if case.parts == 1:
        _write_part(path, case, 0, case.rows)
        return
    rows = case.rows // case.parts
    for part in range(case.parts):
        folder = path / f"batch-{part // _PARTS_OF_A_FOLDER:03}"
        folder.mkdir(parents=True, exist_ok=True)
        _write_part(folder / f"part-{part:05}.parquet", case, part * rows, (part + 1) * rows)


def _write_part(path: Path, case: Case, first: int, end: int) -> None:
    """Write some rows of the features: a key and columns of float32, in row groups of 120,000 rows."""
    schema = pa.schema([("key", pa.string()), *((f"f{index:04}", pa.float32()) for index in range(case.columns))])
    group_rows = max(1, min(GROUP_ROWS, GROUP_ROWS * 60 // case.columns))
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=["key"]) as writer:
        for start in range(first, end, group_rows):
            count = min(group_rows, end - start)
            keys = pa.array([f"clip_{(start + row) * case.clips // case.rows:07}.mp4" for row in range(count)])
            noise = pa.array(memoryview(os.urandom(2 * count)).cast("H"), pa.uint16()).cast(pa.float32())
            floats = [pc.add(noise, pa.scalar(index / 7, pa.float32())) for index in range(case.columns)]
            writer.write_table(pa.table([keys, *floats], schema=schema))
    if case.kind == "parquet":
        return
    table = pq.read_table(path)
    if case.kind == "csv":
        pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="needed"))
    else:
        import polars

        polars.from_arrow(table).write_ndjson(path)  # type: ignore[union-attr]


def write_labels(path: Path, case: Case) -> None:
    """Write scores on 1-5, in no order."""
    chance = random.Random(1)
    clips = chance.sample(range(case.clips), case.label_rows // case.copies)
    rows = [f"clip_{clip:07}.mp4,{round(chance.uniform(1, 5), 3)}\n" for clip in clips]
    with path.open("w") as stream:
        stream.write("key,mos\n")
        for _ in range(case.copies):
            stream.writelines(rows)
