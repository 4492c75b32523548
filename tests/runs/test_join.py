"""join(): tables that a script holds, of every kind, with equal results; nothing written, printed or left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import moslabels
from helpers.tables import write_table
from moslabels import GateError, MosLabelsError, TableError, UsageError, join, materialize
from moslabels.cli import main

CLIPS = 40
FEATURES = pa.table(
    {
        "file_name": [f"runs/{'ab'[n % 2]}/clip_{n // 2:03}.mp4" for n in range(CLIPS)],
        "si": [n / 7 for n in range(CLIPS)],
        "frames": list(range(CLIPS)),
    }
)
LABELS = pa.table({"clip": [f"clip_{n:03}" for n in range(CLIPS // 2)], "mos": [1 + n / 10 for n in range(CLIPS // 2)]})
STALE = pa.table({"clip": ["clip_001"], "mos": [5]})
OPTIONS = {"key_normalize": "stem", "label_key_column": "clip"}
CONNECTION = duckdb.connect()


def relation(table: pa.Table) -> Any:
    return CONNECTION.from_arrow(table)


class AnotherPackage:
    """What a package is to have that moslabels does not know."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


IN_MEMORY: dict[str, Callable[[pa.Table], Any]] = {
    "Arrow table": lambda table: table,
    "Arrow table in chunks": lambda table: pa.concat_tables([table.slice(0, 3), table.slice(3, 0), table.slice(3)]),
    "Arrow batch": lambda table: table.combine_chunks().to_batches()[0],
    "Arrow reader": lambda table: table.to_reader(max_chunksize=7),
    "pandas": lambda table: table.to_pandas(),
    "polars": pl.from_arrow,
    "relation": relation,
    "LazyFrame": lambda table: pl.from_arrow(table).lazy(),
    "Arrow dataset": lambda table: ds.dataset([table.slice(0, 7), table.slice(7)]),
    "Arrow scanner": lambda table: ds.dataset(table).scanner(batch_size=7),
    "another package": AnotherPackage,
}
FILES = (".parquet", ".csv", ".jsonl", ".json")


def as_file(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
        return path
    return write_table(path, table.to_pylist())


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What materialize() writes, but for where the labels came from."""
    folder = tmp_path_factory.mktemp("expected")
    features, labels = as_file(FEATURES, folder / "f.parquet"), as_file(LABELS, folder / "l.parquet")
    materialize(features, [labels], folder / "o.parquet", **OPTIONS)
    return pq.read_table(folder / "o.parquet").drop_columns("mos_label_source").to_pylist()


@pytest.mark.sampled
@pytest.mark.parametrize("kind", [*IN_MEMORY, *FILES])
@pytest.mark.parametrize("side", ["features", "labels"])
def test_every_kind_of_table_gives_the_same(
    kind: str, side: str, tmp_path: Path, expected: list[dict[str, Any]]
) -> None:
    tables: dict[str, Any] = {"features": FEATURES, "labels": LABELS}
    make = IN_MEMORY.get(kind) or (lambda table: as_file(table, tmp_path / f"{side}{kind}"))
    tables[side] = make(tables[side])
    joined = join(**tables, **OPTIONS)
    assert joined.table.drop_columns("mos_label_source").to_pylist() == expected
    source = str(tables["labels"]) if side == "labels" and kind in FILES else "labels"
    assert joined.table["mos_label_source"].unique().to_pylist() == [source]
    assert joined.audit["matched_rows"] == CLIPS
    assert joined.audit["output"] is joined.audit["output_sha256"] is joined.audit["output_bytes"] is None
    record = joined.audit["run_provenance"]["inputs"]["features"]
    assert (record["kind"] == "file") == bool(record["sha256"]) == (side == "features" and kind in FILES)


def test_the_result_as_what_one_works_with() -> None:
    joined = join(FEATURES, LABELS, **OPTIONS)
    assert list(joined.to_pandas().columns) == joined.to_polars().columns == joined.table.column_names
    assert joined.to_pandas()["mos"].tolist() == joined.to_polars()["mos"].to_list() == joined.table["mos"].to_pylist()
    with duckdb.connect() as connection:
        found = joined.relation(connection).aggregate("count(*), avg(mos)").fetchall()
    assert found == [(CLIPS, pytest.approx(sum(joined.table["mos"].to_pylist()) / CLIPS))]


@pytest.mark.parametrize("rows", [0, 250_000])
def test_a_plan_and_a_dataset_keep_the_order_of_their_rows(rows: int, tmp_path: Path) -> None:
    """Both are read in several batches. Without rows, they keep their columns."""
    table = pa.table({"key": [f"k{n * 7919 % 1000}" for n in range(rows)], "n": pa.array(range(rows), pa.int32())})
    labels = pa.table({"key": [f"k{n}" for n in range(1000)], "mos": [1 + n / 250 for n in range(1000)]})
    for part in range(3):
        pq.write_table(table.slice(part * 80_000, 80_000 if part < 2 else None), tmp_path / f"{part}.parquet")
    wanted = join(table, labels, min_match_rate=0 if not rows else 1).table
    for lazy in (pl.scan_parquet(tmp_path / "*.parquet"), ds.dataset(tmp_path)):
        found = join(lazy, labels, min_match_rate=0 if not rows else 1).table
        assert found.column_names == wanted.column_names
        assert found.select(["n", "mos"]).equals(wanted.select(["n", "mos"]))


def test_the_features_own_columns_are_not_copied() -> None:
    joined = join(FEATURES, LABELS, **OPTIONS)
    for name in FEATURES.column_names:
        before, after = FEATURES[name].chunk(0).buffers(), joined.table[name].chunk(0).buffers()
        assert [b and b.address for b in before] == [b and b.address for b in after]


def test_the_index_of_a_frame_is_its_index_again() -> None:
    frame = FEATURES.to_pandas().set_index(pd.Index([f"row {n}" for n in range(CLIPS)], name="which"))
    joined = join(frame, LABELS, **OPTIONS).to_pandas()
    assert joined.index.equals(frame.index)
    assert joined.index.name == "which"
    pd.testing.assert_frame_equal(joined[frame.columns.tolist()], frame)
    plain = FEATURES.to_pandas().iloc[5:15]
    assert join(plain, LABELS, **OPTIONS).to_pandas().index.tolist() == plain.index.tolist()


ODD_COLUMNS = {
    "half": pa.array([0.5] * CLIPS, pa.float16()),
    "wide decimal": pa.array([1] * CLIPS, pa.decimal256(50, 2)),
    "no members": pa.array([{}] * CLIPS, pa.struct([])),
    "months": pa.array([(1, 2, 3)] * CLIPS, pa.month_day_nano_interval()),
    "nulls": pa.nulls(CLIPS),
    "list": pa.array([[1, None]] * CLIPS),
    "NaN": pa.array([float("nan")] * CLIPS),
    "": pa.array(["no name"] * CLIPS),
    'quo"ted; --': pa.array([b"\xff"] * CLIPS),
    "NUL \0": pa.array([1] * CLIPS),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", ODD_COLUMNS)
def test_other_columns_pass_through_whatever_they_hold(name: str) -> None:
    table = FEATURES.append_column(name, ODD_COLUMNS[name])
    joined = join(table, LABELS, **OPTIONS)
    assert joined.table.select(table.column_names).schema.equals(table.schema, check_metadata=True)
    assert repr(joined.table[name].to_pylist()) == repr(ODD_COLUMNS[name].to_pylist())
    assert joined.table["mos"].null_count == 0


@pytest.mark.parametrize("twice", ["si", "SI"])
def test_columns_of_one_name_pass_through(twice: str) -> None:
    table = FEATURES.append_column(twice, pa.array(range(CLIPS)))
    assert join(table, LABELS, **OPTIONS).table.column_names[:4] == ["file_name", "si", "frames", twice]


KEYS: dict[str, Callable[[list[int]], pa.Array]] = {
    "text": lambda keys: pa.array(map(str, keys)),
    "large text": lambda keys: pa.array(map(str, keys), pa.large_string()),
    "text as views": lambda keys: pa.array(map(str, keys), pa.string_view()),
    "dictionary": lambda keys: pa.array(map(str, keys)).dictionary_encode(),
    "dictionary of numbers": lambda keys: pa.array(keys).dictionary_encode(),
    "whole numbers": lambda keys: pa.array(keys, pa.int8()),
    "unsigned": lambda keys: pa.array(keys, pa.uint64()),
    "float": lambda keys: pa.array(keys, pa.float64()),
    "float of 32 bits": lambda keys: pa.array(keys, pa.float32()),
    "float of 16 bits": lambda keys: pa.array(keys, pa.float16()),
    "decimal": lambda keys: pa.array(keys, pa.decimal128(10, 2)),
}
KEYS_OF = {name: [10 * number, 10 * number + 1] for number, name in enumerate(KEYS, 1)}


@pytest.fixture(scope="module")
def met() -> Callable[[str], dict[str, list[float | None]]]:
    """The scores of features with keys of a type, by the type of the labels: each has keys of its own."""

    @cache
    def scores(features: str) -> dict[str, list[float | None]]:
        table = pa.table({"key": KEYS[features]([key for keys in KEYS_OF.values() for key in keys])})
        labels = [pa.table({"key": make(KEYS_OF[name]), "mos": [1.5, 4.5]}) for name, make in KEYS.items()]
        found = join(table, labels).table["mos"].to_pylist()
        return {name: found[2 * number : 2 * number + 2] for number, name in enumerate(KEYS)}

    return scores


@pytest.mark.sampled
@pytest.mark.parametrize("labels", KEYS)
@pytest.mark.parametrize("features", KEYS)
def test_keys_of_every_type_meet(
    met: Callable[[str], dict[str, list[float | None]]], features: str, labels: str
) -> None:
    assert met(features)[labels] == [1.5, 4.5]


REFUSED: dict[str, tuple[Callable[[], Any], type[MosLabelsError], str]] = {
    "a list of rows": (
        lambda: join([{"key": 1}], LABELS),
        UsageError,
        'features: must be a path, an Arrow table or reader, .*, not "builtins.list"$',
    ),
    "nothing": (lambda: join(None, LABELS), UsageError, 'features: must be .*, not "builtins.NoneType"'),
    "a Series": (
        lambda: join(pd.Series([1.5], name="key"), LABELS),
        UsageError,
        r'^features: "pandas.Series" is one column, .*; give a frame, such as series.reset_index\(\)$',
    ),
    "a Series of labels": (
        lambda: join(FEATURES, pl.Series("mos", [1.5])),
        UsageError,
        'labels: "polars.Series" is one',
    ),
    "a column of Arrow": (lambda: join(FEATURES["si"], LABELS), UsageError, '"pyarrow.ChunkedArray" is one column'),
    "columns of several levels": (
        lambda: join(pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("key", "a"), ("mos", "b")])), LABELS),
        UsageError,
        "^features: its columns have 2 levels, so no option can name one of them; give each one name: frame.columns = ",
    ),
    "a plan that fails": (
        lambda: join(pl.LazyFrame({"key": ["a"]}).select(pl.col("key").cast(pl.Int64)), LABELS),
        TableError,
        "^features: cannot be taken over as an Arrow table: conversion from",
    ),
    "a plan with objects": (
        lambda: join(pl.LazyFrame({"key": [object()]}, schema={"key": pl.Object}), LABELS),
        TableError,
        'column "key" holds objects of Python$',
    ),
    "no labels": (lambda: join(FEATURES, []), UsageError, "labels: must name one label table at least"),
    "a table and a path": (
        lambda: join(FEATURES, {"table": LABELS, "path": "l.csv"}),
        UsageError,
        r"labels\[0\]: must have either a table or a path",
    ),
    "columns": (lambda: join(FEATURES, {"clip": ["a"], "mos": [1]}), UsageError, "must have either a table or a path"),
    "one name twice": (
        lambda: join(FEATURES, [{"table": LABELS, "name": "a"}, {"table": LABELS, "name": "a"}]),
        UsageError,
        'two tables are named "a"',
    ),
    "the name of the features": (
        lambda: join(FEATURES, {"table": LABELS, "name": "features"}),
        UsageError,
        'two tables are named "features"',
    ),
    "a name that is none": (
        lambda: join(FEATURES, {"table": LABELS, "name": ""}),
        UsageError,
        r"labels\[0\].name: must be a non-empty text",
    ),
    "unknown options": (
        lambda: join(FEATURES, LABELS, min_match=0.5, overwrit=True),
        UsageError,
        '(?s)unknown option "min_match".*"min_match_rate".*unknown option "overwrit".*"overwrite"',
    ),
    "an option of a label table": (
        lambda: join(FEATURES, {"table": LABELS, "min_match_rate": 0.5}),
        UsageError,
        r"labels\[0\].min_match_rate: is unknown",
    ),
    "a wrong value": (lambda: join(FEATURES, LABELS, min_match_rate=2), UsageError, "min_match_rate: must be"),
    "a path of no format": (
        lambda: join("features.xls", LABELS),
        UsageError,
        'features: "features.xls" has the suffix',
    ),
    "no file": (lambda: join("nowhere.csv", LABELS), TableError, "^nowhere.csv: there is no such file"),
    "no column": (lambda: join(FEATURES, LABELS), TableError, "^labels: no key column found"),
    "no columns at all": (lambda: join(pa.table({}), LABELS), TableError, "^features: has no columns"),
    "columns of one name": (
        lambda: join(FEATURES.append_column("file_name", FEATURES["si"]), LABELS, **OPTIONS),
        TableError,
        '^features: 2 columns are named "file_name"',
    ),
    "a key of a type that DuckDB lacks": (
        lambda: join(FEATURES.append_column("key", ODD_COLUMNS["wide decimal"]), LABELS, **OPTIONS),
        TableError,
        '^features: column "key" is of a type that DuckDB cannot read; convert it',
    ),
    "a frame that Arrow cannot hold": (
        lambda: join(pd.DataFrame({"key": ["a", 1]}), LABELS, **OPTIONS),
        TableError,
        "^features: cannot be taken over as an Arrow table: .*key",
    ),
    "a fractional key": (
        lambda: join(pa.table({"key": [1.0, 1.5]}), LABELS, **OPTIONS),
        TableError,
        '^features: row 2: column "key" holds "1.5", a fractional number',
    ),
    "label columns that are there": (
        lambda: join(FEATURES.append_column("MOS", FEATURES["si"]), LABELS, **OPTIONS),
        TableError,
        "^refusing to overwrite existing MOS columns: MOS, in features",
    ),
    "a conflict": (
        lambda: join(
            FEATURES, [LABELS, {"table": pa.table({"clip": ["clip_001"], "mos": [5]}), "name": "old"}], **OPTIONS
        ),
        TableError,
        'conflicting MOS labels for 1 keys: "clip_001": labels\\[0\\] row 2 says "1.1" .*, old row 1 says "5"',
    ),
    "too few labels": (
        lambda: join(FEATURES, LABELS.slice(5), **OPTIONS),
        GateError,
        "(?s)^MOS label match rate 0.750 below min_match_rate 0.950 .* those of features, column .*"
        "to look for a rule: write the tables to files",
    ),
    "memory of a connection": (
        lambda: join(FEATURES, LABELS, connection=CONNECTION, memory_limit="1GB", **OPTIONS),
        UsageError,
        "are those of the connection",
    ),
    "what is no connection": (
        lambda: join(FEATURES, LABELS, connection="x.duckdb", **OPTIONS),  # type: ignore[arg-type]
        UsageError,
        'connection: must be a connection of duckdb, not "str"',
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused(name: str) -> None:
    call, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message) as caught:
        call()
    assert type(caught.value) is kind


def test_several_label_tables_with_options_of_their_own(tmp_path: Path) -> None:
    hundred = pl.DataFrame({"id": ["clip_000", "clip_019"], "dmos": [0.0, 25.0]})
    own = {"label_key_column": "id", "label_mos_column": "dmos", "mos_scale": {"worst": 100, "best": 0}}
    rest = write_table(tmp_path / "rest.csv", LABELS.slice(1, 18).to_pylist())
    joined = join(FEATURES, [{"table": hundred, "name": "lab b", **own}, rest], **OPTIONS)
    assert joined.table["mos"].to_pylist()[:4] == [5.0, 5.0, 1.1, 1.1]
    assert joined.table["mos"].to_pylist()[-2:] == [4.0, 4.0]
    assert joined.table["mos_label_source"].to_pylist()[1:3] == ["lab b", str(rest)]
    assert joined.audit["label_sources"] == ["lab b", str(rest)]


def test_a_path_with_dots_after_a_link(tmp_path: Path) -> None:
    """It is the file that the system opens, for the keys and for the columns."""
    (tmp_path / "elsewhere" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "inner")
    as_file(FEATURES.slice(0, 4), tmp_path / "elsewhere" / "f.parquet")
    as_file(FEATURES.slice(4, 4), tmp_path / "f.parquet")
    joined = join(f"{tmp_path}/link/../f.parquet", LABELS, **OPTIONS)
    assert joined.table["file_name"].to_pylist() == FEATURES["file_name"].to_pylist()[:4]
    assert joined.table["mos"].to_pylist() == [1.0, 1.0, 1.1, 1.1]


def test_overwrite_replaces_the_old_label_columns() -> None:
    old = FEATURES.add_column(0, "mos_std_dev", FEATURES["si"]).append_column("Mos", FEATURES["si"])
    joined = join(old, LABELS, overwrite=True, **OPTIONS)
    assert joined.table.column_names[:4] == ["file_name", "si", "frames", "mos"]
    frame = old.to_pandas()
    assert join(frame, LABELS, overwrite=True, **OPTIONS).to_pandas()["mos"].tolist() == joined.table["mos"].to_pylist()


def test_no_rows() -> None:
    joined = join(FEATURES.slice(0, 0), LABELS, min_match_rate=0, **OPTIONS)
    assert len(joined.table) == 0
    assert joined.table.schema.names[3:] == ["mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"]
    assert joined.table.schema == join(FEATURES, LABELS, **OPTIONS).table.schema


def test_half_a_million_rows_in_order() -> None:
    rows, clips = 500_000, 1_000
    numbers = pa.array(range(rows))
    keys = pa.array([(n * 7919) % clips for n in range(rows)])
    table = pa.table({"key": keys, "n": numbers})
    table = pa.concat_tables([table.slice(start, 30_000) for start in range(0, rows, 30_000)])
    labels = pa.table({"key": range(clips), "mos": [1 + n / 250 for n in range(clips)]})
    joined = join(table, labels, threads=4, mos_scale="1-5")
    assert joined.table["n"].equals(table["n"])
    assert joined.table["mos"].to_pylist() == [1 + n / 250 for n in keys.to_pylist()]


# A connection of the caller's


def test_a_connection_does_the_work_and_keeps_nothing() -> None:
    with duckdb.connect() as connection:
        # Names that the statements use for something else.
        connection.execute("CREATE TABLE labels AS SELECT 'mine' AS key; CREATE TABLE feature_keys AS SELECT 1 AS x")
        connection.execute("CREATE MACRO make_key(a, b, c, d) AS 'mine'; CREATE MACRO trim_text(x) AS 'mine'")
        connection.execute("CREATE TABLE in_memory_1 AS SELECT 'mine' AS column0; SET VARIABLE white_space = 'x'")
        state = (
            "SELECT table_name FROM duckdb_tables() UNION ALL "
            "SELECT function_name FROM duckdb_functions() WHERE NOT internal ORDER BY 1"
        )
        settings = "SELECT name, value FROM duckdb_settings() ORDER BY name"
        before = connection.execute(state).fetchall(), connection.execute(settings).fetchall()
        joined = join(FEATURES, LABELS, connection=connection, **OPTIONS)
        assert joined.table.equals(join(FEATURES, LABELS, **OPTIONS).table)
        assert (connection.execute(state).fetchall(), connection.execute(settings).fetchall()) == before
        with pytest.raises(GateError):
            join(FEATURES, LABELS.slice(5), connection=connection, **OPTIONS)
        assert connection.execute("FROM labels").fetchall() == [("mine",)]
        assert connection.execute("SELECT getvariable('white_space')").fetchall() == [("x",)]


SETTINGS = {
    "default_collation": "NOCASE",
    "default_order": "DESC",
    "default_null_order": "NULLS_FIRST",
    "integer_division": "true",
    "ieee_floating_point_ops": "false",
    "preserve_insertion_order": "false",
    "TimeZone": "Asia/Tokyo",
    "Calendar": "coptic",
    "arrow_large_buffer_size": "true",
    "binary_as_string": "true",
}
INSTANTS = pa.array(range(CLIPS // 2), pa.timestamp("us", "America/New_York"))


@pytest.mark.sampled
@pytest.mark.parametrize("name", SETTINGS)
def test_the_settings_of_a_connection_are_no_matter_and_stay(name: str) -> None:
    labels = pa.table({"clip": LABELS["clip"], "mos": LABELS["mos"], "note": INSTANTS})
    expected = join(FEATURES, labels, extras=["note"], **OPTIONS)
    with duckdb.connect() as connection:
        connection.execute(f"SET GLOBAL {name} = '{SETTINGS[name]}'")
        joined = join(FEATURES, labels, extras=["note"], connection=connection, **OPTIONS)
        stays = connection.execute("SELECT value FROM duckdb_settings() WHERE name = ?", [name]).fetchone()
    assert joined.table.equals(expected.table)
    assert joined.audit == expected.audit
    assert stays is not None
    assert stays[0].startswith(SETTINGS[name])


def test_a_connection_whose_settings_cannot_be_set_is_refused() -> None:
    with duckdb.connect() as connection:
        connection.execute("SET lock_configuration = true")
        with pytest.raises(UsageError, match="connection: DuckDB refuses to set .*locked"):
            join(FEATURES, LABELS, connection=connection, **OPTIONS)


def test_a_closed_connection_is_refused() -> None:
    connection = duckdb.connect()
    connection.close()
    with pytest.raises(UsageError, match="connection: DuckDB refuses it"):
        join(FEATURES, LABELS, connection=connection, **OPTIONS)


# Manners


# From 3.12 on Python warns of any fork beside threads; these tests fork on purpose.
FORKING = ("-W", "ignore::DeprecationWarning")


def run(code: str, folder: Path, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(folder)},
    )
    assert done.stderr == ""
    return done.stdout


TABLES = """
import pyarrow as pa
from moslabels import join
features = pa.table({"key": [str(n % 100) for n in range(5_000)]})
labels = pa.table({"key": [str(n) for n in range(100)], "mos": [1 + n / 25 for n in range(100)]})
"""


@pytest.mark.sampled
@pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1.5 itself imports pandas where it is installed")
@pytest.mark.parametrize("suffix", FILES)
def test_pandas_and_polars_are_not_imported(suffix: str, tmp_path: Path) -> None:
    as_file(FEATURES, tmp_path / f"f{suffix}")
    as_file(LABELS, tmp_path / f"l{suffix}")
    in_memory = "pq.ParquetFile('f.parquet').read(), pq.ParquetFile('l.parquet').read()"  # pa.table() imports pandas.
    code = (
        f"import json, sys; import pyarrow.parquet as pq; from moslabels import join\n"
        f"join('f{suffix}', 'l{suffix}', **{OPTIONS})\n"
        f"{suffix == '.parquet'} and join({in_memory}, **{OPTIONS})\n"
        "print(json.dumps([name for name in ('pandas', 'polars') if name in sys.modules]))"
    )
    assert json.loads(run(code, tmp_path)) == []


def test_nothing_is_written_printed_or_left(tmp_path: Path) -> None:
    code = TABLES + (
        "import logging, threading\n"
        "def state():\n"
        "    return threading.active_count(), list(logging.root.handlers), list(logging.root.manager.loggerDict)\n"
        "before = state()\n"
        "join(features, labels)\n"
        "assert state() == before\n"
    )
    assert run(code, tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_in_a_child_after_fork(tmp_path: Path) -> None:
    code = TABLES + (
        "import os\n"
        "one = join(features, labels).table\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os._exit(0 if join(features, labels).table.equals(one) else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), join(features, labels).table.equals(one))\n"
    )
    assert run(code, tmp_path, *FORKING).split() == ["0", "True"]


@pytest.mark.parametrize("shared", [False, True], ids=["a DuckDB each", "one connection"])
def test_in_threads(shared: bool) -> None:
    one = join(FEATURES, LABELS, **OPTIONS).table
    with duckdb.connect() as connection, ThreadPoolExecutor(6) as pool:
        given = connection if shared else None
        many = pool.map(lambda _: join(FEATURES, LABELS, connection=given, **OPTIONS).table, range(12))
        assert all(table.equals(one) for table in many)


def test_its_audit_as_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = as_file(LABELS, tmp_path / "l.csv")
    audit = tmp_path / "audit.json"
    audit.write_text(json.dumps(join(FEATURES, labels, **OPTIONS).audit))
    assert main(["verify", str(audit)]) == 2
    assert "it is of a join in memory: there is no output" in capsys.readouterr().out
    assert main(["diff", str(audit), str(audit)]) == 2
    assert "is the audit of a join in memory" in capsys.readouterr().err
    assert main(["sql", str(audit), "-c", "SELECT output, matched_rows FROM audits", "--format", "csv"]) == 0
    assert capsys.readouterr().out == f"output,matched_rows\r\n,{CLIPS}\r\n"
    labels.write_text("clip,mos\nclip_001,3\n")
    assert main(["verify", str(audit)]) == 1


def test_the_signature_shows_the_options() -> None:
    import inspect

    parameters = inspect.signature(moslabels.join).parameters
    assert parameters["min_match_rate"].default == 0.95
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())


# The nasty inputs, by name.

KEYED = pa.table({"key": ["c", "a", "b", "a"], "x": [0, 1, 2, 3]})
SCORED = pa.table({"key": ["a", "b", "c"], "mos": [1.5, 2.5, 4.5]})
MOS = [4.5, 1.5, 2.5, 1.5]

SHADOWING = {
    "lower": ("CREATE MACRO lower(x) AS upper(x)", {}),
    "regexp_extract": (
        "CREATE MACRO regexp_extract(s, p, g) AS regexp_extract_all(s, p, g)[-1]",
        {"feature_key_regex": "[a-z]", "label_key_regex": "[a-z]"},
    ),
    "least": ("CREATE MACRO least(a, b) AS a", {}),
    "min": ("CREATE MACRO min(x) AS max(x)", {}),
    "count": ("CREATE MACRO count() AS 1", {}),
    "duckdb_settings": ("CREATE MACRO duckdb_settings() AS TABLE SELECT 'a' AS name, 'b' AS value", {}),
}


@pytest.mark.sampled
@pytest.mark.parametrize(("macro", "options"), SHADOWING.values(), ids=SHADOWING)
def test_a_macro_of_the_callers_changes_nothing(macro: str, options: dict[str, Any]) -> None:
    labels = pa.table({"key": ["a", "b", "c"], "mos_raw_0_100": [1, 2, 3]})
    expected = join(KEYED, labels, **options)
    with duckdb.connect() as connection:
        connection.execute(macro)
        joined = join(KEYED, labels, connection=connection, **options)
    assert joined.table.equals(expected.table)
    assert joined.audit["label_files"] == expected.audit["label_files"]


def test_a_relation_that_was_looked_into_is_read_whole() -> None:
    with duckdb.connect() as connection:
        relation = connection.sql('SELECT i % 3 AS "key", i AS x FROM range(6000) AS t (i)')
        if look := getattr(relation, "fetchone", None):
            look()
        joined = join(relation, pa.table({"key": [0, 1, 2], "mos": [1.5, 2.5, 3.5]}))
    assert joined.table["x"].to_pylist() == list(range(6000))


PATH_OR_NAME: dict[str, Callable[[], Any]] = {
    "a path of features": lambda: join("l.parquet", {"table": SCORED, "name": "l.parquet"}),
    "a path of labels": lambda: join(KEYED, [{"table": SCORED, "name": "l.parquet"}, "l.parquet"]),
    "a path in an entry": lambda: join(KEYED, [SCORED, {"path": Path("labels[0]")}]),
    "the features' own name": lambda: join(KEYED, "features"),
}


@pytest.mark.parametrize("call", PATH_OR_NAME.values(), ids=PATH_OR_NAME)
def test_a_path_is_never_taken_for_the_name_of_a_table(
    call: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(SCORED, "l.parquet")
    with pytest.raises(UsageError, match="is a path and the name of a table in memory; name the table apart"):
        call()


def test_long_texts_come_in_chunks_that_arrow_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moslabels.labelling.label_table._MOST_OF_A_TEXT", 20_000)
    labels = SCORED.append_column("note", [["a" * 2000, None, "ccc"]])
    joined = join(pa.concat_tables([KEYED] * 100), labels, extras=["note"])
    assert joined.table["note"].num_chunks == 40
    assert joined.table["note"].to_pylist() == ["ccc", "a" * 2000, None, "a" * 2000] * 100
    assert joined.table["mos"].to_pylist() == MOS * 100


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "columns that are numbers": lambda: pd.DataFrame({0: ["c", "a", "b", "a"], 1: [0, 1, 2, 3]}),
    "columns of two levels": lambda: pd.DataFrame(
        {("key", ""): ["c", "a", "b", "a"], ("x", "y"): [0, 1, 2, 3]}, index=list("wxyz")
    ),
    "columns that are days": lambda: pd.DataFrame(
        [["c", 0], ["a", 1], ["b", 2], ["a", 3]], columns=pd.to_datetime(["2024-01-01", "2024-01-02"])
    ),
    "an index of equal values": lambda: KEYED.to_pandas().set_axis([7, 7, 7, 7]),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_a_frame_of_any_columns_and_index_comes_back(make: Callable[[], pd.DataFrame]) -> None:
    frame = make()
    table = pa.table(frame)
    given = frame if frame.columns.nlevels == 1 else table  # An Arrow table has one name for all levels.
    joined = join(given, SCORED, feature_key_column=table.column_names[0])
    result = joined.to_pandas()
    assert result["mos"].tolist() == MOS
    assert result.index.equals(frame.index)
    assert result.iloc[:, :2].to_numpy().tolist() == frame.to_numpy().tolist()
    assert joined.label_columns == ["mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"]


OLD_SCORES: dict[str, Any] = {
    "text": ["1.5", "2.5", "1.5", None],
    "Int64": pd.array([1, 2, 3, None], dtype="Int64"),
    "boolean": pd.array([True, None, False, True], dtype="boolean"),
    "int64[pyarrow]": pd.array([1, 2, 3, None], dtype="int64[pyarrow]"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("old", OLD_SCORES.values(), ids=OLD_SCORES)
def test_overwritten_columns_leave_nothing_of_their_types(old: Any) -> None:
    frame = KEYED.to_pandas().assign(mos=old)
    joined = join(frame, SCORED, overwrite=True)
    for result in (joined.to_pandas(), joined.table.to_pandas()):
        assert result["mos"].tolist() == MOS
    indexed = join(frame.set_index("mos"), SCORED, overwrite=True)
    for result in (indexed.to_pandas(), indexed.table.to_pandas()):
        assert (result["mos"].tolist(), result.index.tolist()) == (MOS, [0, 1, 2, 3])


VOTES = [
    ([24, 25, 26], "int64"),
    ([24, None, 26], "float64"),
    ([2**53 + 1, None, 26], "Int64"),
    ([2**53 + 1, 25, 26], "int64"),
]


@pytest.mark.sampled
@pytest.mark.parametrize("make", ["frame", "table"])
@pytest.mark.parametrize(("votes", "dtype"), VOTES)
def test_integers_as_pandas_takes_them(make: str, votes: list[int | None], dtype: str) -> None:
    features = KEYED.to_pandas() if make == "frame" else KEYED
    joined = join(features, SCORED.append_column("votes", pa.array(votes, pa.int64())), extras=["votes"])
    assert joined.table["votes"].type == pa.int64()
    expected = [votes[SCORED["key"].to_pylist().index(key)] for key in KEYED["key"].to_pylist()]
    for result in (joined.to_pandas(), joined.table.to_pandas()):
        assert str(result["votes"].dtype) == dtype
        assert [None if pd.isna(value) else int(value) for value in result["votes"]] == expected


def test_a_damaged_entry_of_pandas_is_no_matter() -> None:
    features = KEYED.append_column("mos", [[1, 2, 3, 4]]).replace_schema_metadata({"pandas": "{", "mine": "kept"})
    assert join(features, SCORED, overwrite=True).table.schema.metadata == {b"mine": b"kept"}


def test_objects_of_polars_are_refused() -> None:
    frame = pl.DataFrame({"key": ["a"], "o": pl.Series([{"p": 1}], dtype=pl.Object)})
    with pytest.raises(TableError, match='column "o" holds objects of Python'):
        join(frame, SCORED)


@pytest.mark.parametrize("encoded", ["dictionary_encode", "run_end_encode"])
def test_scores_are_the_same_however_they_are_encoded(encoded: str) -> None:
    mos = pa.array([1.1, 3.3, 3.3], pa.float32())
    again = mos.dictionary_encode() if encoded == "dictionary_encode" else pa.compute.run_end_encode(mos)
    tables = [pa.table({"key": ["a", "b", "c"], "mos": values}) for values in (mos, again)]
    assert len({str(join(KEYED, table).table["mos"].to_pylist()) for table in tables}) == 1
    join(KEYED, tables, mos_tolerance=0)  # No conflict.


BEYOND = pa.array([1, 2, 2**60], pa.timestamp("s"))
NO_TEXT = pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffc"))
UNREADABLE = {
    "an extra beyond all years": ({"split": BEYOND}, {}),
    "a key that is no UTF-8": ({"key": NO_TEXT}, {}),
    "an extra that is no UTF-8": ({"note": NO_TEXT}, {"extras": ["note"]}),
    "a score that is no UTF-8": ({"mos": NO_TEXT}, {}),
}


@pytest.mark.sampled
@pytest.mark.parametrize(("columns", "options"), UNREADABLE.values(), ids=UNREADABLE)
def test_damaged_values_are_refused_and_the_callers_database_lives(
    columns: dict[str, pa.Array], options: dict[str, Any]
) -> None:
    labels = pa.table({"key": ["a", "b", "c"], "mos": [1, 2, 3], **columns})
    (name,) = columns
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS x")
        with pytest.raises(TableError, match="holds what cannot be read") as raised:
            join(KEYED, labels, connection=connection, **options)
        assert connection.execute("FROM mine").fetchall() == [(1,)]
    assert (raised.value.file, raised.value.column, raised.value.code) == ("labels", name, "unreadable")
    features = pa.table({"key": ["a", "b", "c"], **columns})
    if "key" not in columns:
        assert join(features, SCORED, overwrite=True).table.num_rows == 3, "columns that nobody looks at pass through"


def test_the_kind_of_text_that_a_connection_makes_is_no_matter() -> None:
    for setting in ("produce_arrow_string_view = true", "arrow_large_buffer_size = true"):
        with duckdb.connect() as connection:
            connection.execute(f"SET GLOBAL {setting}")
            joined = join(KEYED, SCORED, connection=connection)
        assert joined.table.equals(join(KEYED, SCORED).table), setting


class Bytes:
    def __fspath__(self) -> bytes:
        return b"f.parquet"


ODD_CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "no column that DuckDB has a type for": (
        lambda: join(pa.table({"key": pa.array([1], pa.decimal256(50, 2))}), SCORED),
        'column "key" is of a type that DuckDB cannot read; convert it',
    ),
    "a name with NUL": (
        lambda: join(KEYED, {"table": SCORED, "name": "a\0b"}),
        "must be a non-empty text that can be printed",
    ),
    "a name of half a character": (
        lambda: join(KEYED, {"table": SCORED, "name": "a\ud800"}),
        "must be a non-empty text that can be printed",
    ),
    "a path of half a character": (
        lambda: join("f\ud800.parquet", SCORED),
        "holds half a character, which no path can",
    ),
    "a path of labels, too": (lambda: join(KEYED, "l\ud800.csv"), "holds half a character, which no path can"),
    "a path with NUL": (lambda: join("f\0.parquet", SCORED), "wrong:\n  features: .*holds a NUL character[^\n]*$"),
    "a path of bytes": (lambda: join(Bytes(), SCORED), "features: must be a path of text, not"),
    "a path as a table": (lambda: join(KEYED, {"table": "l.csv", "name": "x"}), r"labels\[0\].table: is a path; write"),
    "a table as a path": (
        lambda: join(KEYED, {"path": SCORED.to_pandas()}),
        "not a pandas DataFrame; join\\(\\) takes tables in memory$",
    ),
    "a struct of nameless members": (
        lambda: join(KEYED, SCORED.append_column("s", [[{"": 1}] * 3]), extras=["s"]),
        "an extra is text, a number, a truth value, a date or a time",
    ),
    "column names that are no text": (lambda: join(nameless(), SCORED), "cannot be taken over as an Arrow table"),
}


def nameless() -> pa.Table:
    """A table whose column has a name that is no UTF-8, as a file of another program's may have it."""
    with pa.BufferOutputStream() as sink:
        with pa.ipc.new_stream(sink, pa.schema([("key", pa.string())])) as stream:
            stream.write_table(pa.table({"key": ["a"]}))
        written = sink.getvalue().to_pybytes()
    return pa.ipc.open_stream(written.replace(b"key", b"k\xffy")).read_all()


@pytest.mark.parametrize(("call", "message"), ODD_CALLS.values(), ids=ODD_CALLS)
def test_what_is_refused_in_words(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(MosLabelsError, match=message):
        call()


def test_a_working_folder_that_is_gone(tmp_path: Path) -> None:
    code = (
        "import os, pyarrow as pa, moslabels\nos.rmdir(os.getcwd())\n"
        "t = pa.table({'key': ['a'], 'mos': [1]})\n"
        "try:\n    print(moslabels.join(t.select(['key']), t).audit['match_rate'])\n"
        "except moslabels.MosLabelsError as error:\n    print(error.code)\n"
    )
    folder = tmp_path / "gone"
    folder.mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) in [("1.0\n", ""), ("no-file\n", ""), ("file-system\n", "")]


def test_in_a_thread_that_outlives_the_main_one(tmp_path: Path) -> None:
    code = (
        "import threading, pyarrow as pa, moslabels\n"
        "t = pa.table({'key': ['a'], 'mos': [1]})\n"
        "def work():\n    threading.main_thread().join()\n"
        "    print(moslabels.join(t.select(['key']), t).audit['match_rate'])\n"
        "threading.Thread(target=work).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1.0\n", "")


def test_ctrl_c_while_a_table_is_taken_over_is_ctrl_c() -> None:
    def interrupted() -> Any:
        yield KEYED.to_batches()[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join(pa.RecordBatchReader.from_batches(KEYED.schema, interrupted()), SCORED)
    code = (
        "import duckdb, os, pyarrow as pa, signal, threading, moslabels\n"
        "r = duckdb.sql('SET enable_progress_bar = false')\n"
        "r = duckdb.sql('SELECT count(*) AS key FROM range(1000000) a, range(1000000) b WHERE hash(a, b) = 7')\n"
        "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try:\n    moslabels.join(r, pa.table({'key': [1], 'mos': [1]}))\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "interrupted\n"
    # DuckDB 1 aborts a process that ends beside a query of its own which nobody can stop.
    aborted = ["terminate called without an active exception\n"] if duckdb.__version__.startswith("1.") else []
    assert done.stderr in ["", *aborted]


FORKED = """
import os, sys, threading
from moslabels.files.workspace import Workspace

made, ended = threading.Event(), threading.Event()

def work():
    with Workspace(sys.argv[1]):
        made.set()
        ended.wait()

threading.Thread(target=work, daemon=True).start()
made.wait()
if not (child := os.fork()):
    sys.exit()
os.waitpid(child, 0)
print(len(os.listdir(sys.argv[1])))
ended.set()
"""


def test_a_child_that_was_forked_meanwhile_removes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *FORKING, "-c", FORKED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.integration
def test_a_dataset_of_hugging_face_comes_back_as_one(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets: pip install -e '.[integrations]'")
    kinds = datasets.Features({"clip": datasets.Value("string"), "kind": datasets.ClassLabel(names=["sdr", "hdr"])})
    whole = datasets.Dataset.from_dict({"clip": list("abcd"), "kind": [0, 1, 0, 1]}, features=kinds)
    whole.save_to_disk(str(tmp_path / "saved"))
    # The rows are no longer those of its table, and not all of its columns are shown.
    chosen = datasets.load_from_disk(str(tmp_path / "saved")).select([3, 1, 0]).with_format("numpy", columns=["kind"])
    labels = pa.table({"clip": list("abcd"), "mos": [1.5, 2.5, 3.5, 4.5]})
    options = {"feature_key_column": "clip", "label_key_column": "clip"}
    labelled = join(chosen, labels, **options).to_dataset()
    assert isinstance(labelled, datasets.Dataset)
    assert labelled["clip"][:] == ["d", "b", "a"]
    assert labelled["mos"][:] == [4.5, 2.5, 1.5]
    assert labelled.features["kind"] == kinds["kind"]
    assert labelled.features["mos"] == datasets.Value("float64")
    again = join(chosen, labels.slice(0, 2), min_match_rate=0, **options).to_dataset()
    assert len({one._fingerprint for one in (whole, chosen, labelled, again)}) == 4  # A cache knows them apart.
    assert join(whole.select([]), labels, min_match_rate=0, **options).to_dataset().num_rows == 0
    assert join(labels, datasets.Dataset(labels), overwrite=True, **options).table["mos"].to_pylist() == [
        1.5,
        2.5,
        3.5,
        4.5,
    ]
    for wrong, message in (
        (datasets.DatasetDict(train=whole), r'"datasets.DatasetDict" holds several tables; .*dataset\["train"\]'),
        (whole.to_iterable_dataset(), "give a Dataset$"),
    ):
        with pytest.raises(UsageError, match=message):
            join(wrong, labels, **options)
