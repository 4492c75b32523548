"""Parquet files with label columns, as every reader reads them."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.tables import write_table
from moslabels import MosLabelsError, materialize
from moslabels.parquet.footer import read_footer

polars = pytest.importorskip("polars")


datafusion = pytest.importorskip("datafusion")


ROWS = 1000


KEYS = [f"clip_{index % 37}" for index in range(ROWS)]


MOS = {f"clip_{index}": 1 + index / 10 for index in range(37) if index % 5}


LABEL_NAMES = ["mos", "mos_raw_0_100", "mos_label_status", "mos_label_source", "split"]


def labels(folder: Path) -> Path:
    rows = [{"key": key, "mos": mos, "split": "test" if mos > 3 else "train"} for key, mos in MOS.items()]
    return write_table(folder / "labels.jsonl", rows)


def expected_labels(keys: list[str], source: str) -> list[tuple]:
    found = []
    for key in keys:
        mos = MOS.get(key)
        if mos is None:
            found.append((None, None, "missing-label", "", None))
        else:
            found.append((mos, 100 * (mos - 1) / 4, "ok", source, "test" if mos > 3 else "train"))
    return found


def by_pyarrow(path: Path, names: list[str]) -> pa.Table:
    return pq.ParquetFile(path).read().select(names)


def by_duckdb(path: Path, names: list[str]) -> pa.Table:
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    return duckdb.connect().sql(f"SELECT {columns} FROM read_parquet('{path}')").to_arrow_table()


def by_polars(path: Path, names: list[str]) -> pa.Table:
    return polars.read_parquet(path, columns=names, use_pyarrow=False).to_arrow()


def by_datafusion(path: Path, names: list[str]) -> pa.Table:
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    table = pa.Table.from_batches(context.read_parquet(str(path)).collect())
    return table.select(names)


READERS: list[Callable[[Path, list[str]], pa.Table]] = [by_pyarrow, by_duckdb, by_polars, by_datafusion]


def rows_of(table: pa.Table) -> list[tuple]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def check_spliced(source: Path, out: Path, audit: dict[str, Any], keys: list[str], names: list[str]) -> None:
    """The promises: same bytes up to the footer, same row groups and metadata, equal features and planned labels."""
    before, after = source.read_bytes(), out.read_bytes()
    with source.open("rb") as stream:
        old = read_footer(stream)
    with out.open("rb") as stream:
        new = read_footer(stream)
    assert after[: old.start] == before[: old.start]
    assert [group.rows for group in new.groups] == [group.rows for group in old.groups]
    assert audit["output_sha256"] == hashlib.sha256(after).hexdigest()
    assert audit["run_provenance"]["inputs"]["features"]["sha256"] == hashlib.sha256(before).hexdigest()
    assert [column.name for column in new.columns] == [*names, *LABEL_NAMES]
    planned = expected_labels(keys, audit["label_sources"][0])
    readers = 0
    for read in READERS:
        try:
            features = read(source, names)
        except BaseException as error:  # DataFusion panics with one.
            if isinstance(error, KeyboardInterrupt):
                raise
            continue  # It cannot read the features' file itself.
        readers += 1
        labelled = read(out, [*names, *LABEL_NAMES])
        same = labelled.select(range(len(names)))
        assert same.equals(features) or repr(same.to_pylist()) == repr(features.to_pylist())
        assert same.schema.types == features.schema.types
        found = rows_of(labelled.select(range(len(names), len(names) + len(LABEL_NAMES))))
        assert [row[2:] for row in found] == [row[2:] for row in planned], read
        for one, other in zip(found, planned, strict=True):
            assert one[:2] == other[:2] or one[:2] == pytest.approx(other[:2])
    assert readers >= 2


def splice(folder: Path, source: Path, keys: list[str], names: list[str], **options: Any) -> Path:
    out = folder / "out.parquet"
    audit = materialize(source, [labels(folder)], out, min_match_rate=0, feature_key_column="key", **options)
    check_spliced(source, out, audit, keys, names)
    return out


@cache
def every_type(rows: int = ROWS) -> dict[str, pa.Array]:
    """Return an array of each type: made once, so leave the dict as it is."""

    def values(make: Callable[[int], Any], kind: pa.DataType) -> pa.Array:
        return pa.array([None if index % 11 == 3 else make(index) for index in range(rows)], kind)

    day = datetime.datetime(2024, 1, 1)
    return {
        "int8": values(lambda i: i % 100, pa.int8()),
        "uint64": values(lambda i: 2**64 - 1 - i, pa.uint64()),
        "float16": values(lambda i: i / 4 % 100, pa.float16()),
        "float32": values(lambda i: i / 7, pa.float32()),
        "float64": values(lambda i: i / 7, pa.float64()),
        "bool": values(lambda i: i % 3 == 0, pa.bool_()),
        "string": values(lambda i: f"é{i % 50}", pa.string()),
        "large_string": values(str, pa.large_string()),
        "dictionary": values(lambda i: f"d{i % 5}", pa.dictionary(pa.int8(), pa.string())),
        "binary": values(lambda i: bytes([i % 256]), pa.binary()),
        "fixed": values(lambda i: bytes([i % 256, 0]), pa.binary(2)),
        "decimal": values(lambda i: decimal.Decimal(i) / 100, pa.decimal128(12, 2)),
        "date": values(lambda i: day.date() + datetime.timedelta(i), pa.date32()),
        "time": values(lambda i: datetime.time(i % 24), pa.time64("us")),
        "timestamp": values(lambda i: day + datetime.timedelta(hours=i), pa.timestamp("us")),
        "zoned": values(lambda i: day + datetime.timedelta(hours=i), pa.timestamp("ms", "Europe/Berlin")),
        "duration": values(lambda i: datetime.timedelta(seconds=i), pa.duration("us")),
        "list": values(lambda i: list(range(i % 4)), pa.list_(pa.int32())),
        "fixed_list": pa.array([[i, i + 1] for i in range(rows)], pa.list_(pa.float32(), 2)),
        "struct": values(lambda i: {"a": i, "b": [f"{i}"]}, pa.struct({"a": pa.int64(), "b": pa.list_(pa.string())})),
        "map": values(lambda i: [(str(i), i)], pa.map_(pa.string(), pa.int64())),
    }


def table(*names: str) -> pa.Table:
    types = every_type()
    return pa.table({"key": KEYS, **{name: types[name] for name in names or types}})


def damage_footers(folder: Path, seed: int, times: int) -> int:
    chance = random.Random(seed)
    pq.write_table(table("float32", "string", "list"), folder / "good.parquet", row_group_size=400)
    good = bytearray((folder / "good.parquet").read_bytes())
    label_path = labels(folder)
    start = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    refused = 0
    for _ in range(times):
        bad = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 8))):
            bad[chance.randrange(start, len(bad) - 4)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        path, out = folder / "bad.parquet", folder / "o.parquet"
        path.write_bytes(bad)
        out.unlink(missing_ok=True)
        try:
            audit = materialize(path, label_path, out, min_match_rate=0, feature_key_column="key")
        except MosLabelsError as error:
            assert ("bad.parquet" in str(error)) > out.exists(), error  # noqa: PT017
            refused += 1
            continue
        assert audit["input_rows"] == ROWS
        assert out.read_bytes()[:start] == good[:start]
        found = rows_of(by_pyarrow_or_duckdb(out, ["mos_label_status"]))
        assert len(found) == ROWS
    return refused


def by_pyarrow_or_duckdb(path: Path, names: list[str]) -> pa.Table:
    try:
        return by_pyarrow(path, names)
    except (pa.ArrowException, OSError, KeyError):
        return by_duckdb(path, names)
