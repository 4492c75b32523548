"""Long runs: ``python -m pytest -m long``, with the extra ``long`` installed (PySpark, which needs Java 17)."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.splicing import KEYS, LABEL_NAMES, MOS, damage_footers, every_type, labels
from moslabels import MosLabelsError, materialize
from moslabels.parquet.chunks import FooterError
from moslabels.parquet.footer import parse, read_footer

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    yield session
    session.stop()


def features_of(spark: Any, path: Path, writer: str) -> None:
    types = {
        name: every_type()[name] for name in ("float32", "string", "bool", "timestamp", "list", "struct", "decimal")
    }
    table = pa.table({"key": KEYS * 20, **{name: pa.concat_arrays([array] * 20) for name, array in types.items()}})
    if writer == "pyarrow":
        pq.write_table(table, path, row_group_size=700)
        return
    pq.write_table(table, path.with_name("plain.parquet"))
    frame = spark.read.parquet(str(path.with_name("plain.parquet"))).coalesce(1)
    folder = path.with_name("spark")
    frame.write.option("parquet.block.size", "65536").mode("overwrite").parquet(str(folder))
    (part,) = folder.glob("*.parquet")
    part.rename(path)


@pytest.mark.parametrize("writer", ["pyarrow", "spark"])
@pytest.mark.parametrize("split_bytes", [2_000, 50_000_000])
def test_spark_reads_every_row(spark: Any, tmp_path: Path, writer: str, split_bytes: int) -> None:
    source, out = tmp_path / "f.parquet", tmp_path / "o.parquet"
    features_of(spark, source, writer)
    materialize(source, labels(tmp_path), out, min_match_rate=0)
    spark.conf.set("spark.sql.files.maxPartitionBytes", str(split_bytes))
    before, after = spark.read.parquet(str(source)), spark.read.parquet(str(out))
    assert after.columns == [*before.columns, *LABEL_NAMES]
    if split_bytes == 2_000:
        assert after.rdd.getNumPartitions() > 20
    assert after.count() == before.count() == 20_000
    expected = sum(1 for key in KEYS if key in MOS) * 20
    assert after.filter("mos_label_status = 'ok'").count() == expected
    assert after.filter("mos > 4").count() == sum(1 for key in KEYS if MOS.get(key, 0) > 4) * 20
    found = after.select("key", "mos").distinct().collect()
    assert {row.key: row.mos for row in found if row.mos is not None} == pytest.approx(MOS)
    assert after.select(before.columns).exceptAll(before).count() == 0
    # Dropping the old label columns keeps every row as well.
    again = tmp_path / "again.parquet"
    materialize(out, labels(tmp_path), again, min_match_rate=0, overwrite=True)
    assert spark.read.parquet(str(again)).count() == 20_000


@pytest.mark.parametrize("seed", range(100, 140))
def test_many_damaged_footers(tmp_path: Path, seed: int) -> None:
    assert damage_footers(tmp_path, seed, 100) > 0


def test_no_damage_takes_long(tmp_path: Path) -> None:
    pq.write_table(pa.table({"key": KEYS, **every_type()}), tmp_path / "f.parquet", row_group_size=100)
    with (tmp_path / "f.parquet").open("rb") as stream:
        good = read_footer(stream)
    chance = random.Random(5)
    slowest = 0.0
    for _ in range(5000):
        bad = bytearray(good.data)
        for _ in range(chance.choice((1, 2, 16))):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        start = time.perf_counter()
        with suppress(FooterError):
            parse(bytes(bad), good.start)
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < 5


def test_a_very_wide_table(tmp_path: Path) -> None:
    names = [f"x{index}" for index in range(20_000)]
    pq.write_table(pa.table({"key": ["a"], **{name: [0.5] for name in names}}), tmp_path / "f.parquet")
    try:
        materialize(tmp_path / "f.parquet", labels(tmp_path), tmp_path / "o.parquet", min_match_rate=0)
    except MosLabelsError as error:
        pytest.fail(str(error))
    assert pq.ParquetFile(tmp_path / "o.parquet").metadata.num_columns == 20_006


def test_36_million_rows_and_5_million_labels_in_1_gb(tmp_path: Path) -> None:
    rows, clips = 36_000_000, 5_000_000
    duckdb.execute(
        f"COPY (SELECT 'clip_' || (range * 7919 % {clips}) AS key, range AS frame FROM range({rows})) "
        f"TO '{tmp_path}/f.parquet' (ROW_GROUP_SIZE 500_000)"
    )
    duckdb.execute(
        f"COPY (SELECT 'clip_' || clip AS key, 1 + clip % 400 / 100 AS mos "
        f"FROM (SELECT range * 104729 % {clips} AS clip FROM range({clips}))) TO '{tmp_path}/l.csv'"
    )
    arguments = ["--features", "f.parquet", "--labels", "l.csv", "--out", "o.parquet", "--memory-limit", "1GB"]
    command = [sys.executable, "-m", "moslabels", "materialize", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss < 2_000_000, "1 GB, and what is not DuckDB's"
    (wrong,) = duckdb.execute(
        f"SELECT count(*) FROM read_parquet('{tmp_path}/o.parquet', file_row_number = true) "
        f"WHERE frame <> file_row_number OR mos IS DISTINCT FROM 1 + (frame * 7919 % {clips}) % 400 / 100"
    ).fetchone() or (None,)
    assert wrong == 0
