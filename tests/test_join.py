"""join(): tables that a script holds, of every kind, with equal results; nothing written, printed or left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import write_table

import moslabels
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


IN_MEMORY: dict[str, Callable[[pa.Table], Any]] = {
    "Arrow table": lambda table: table,
    "Arrow table in chunks": lambda table: pa.concat_tables([table.slice(0, 3), table.slice(3, 0), table.slice(3)]),
    "Arrow batch": lambda table: table.combine_chunks().to_batches()[0],
    "Arrow reader": lambda table: table.to_reader(max_chunksize=7),
    "pandas": lambda table: table.to_pandas(),
    "polars": pl.from_arrow,
    "relation": relation,
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


KEYS = {
    "text": pa.array(["10", "20"]),
    "large text": pa.array(["10", "20"], pa.large_string()),
    "text as views": pa.array(["10", "20"], pa.string_view()),
    "dictionary": pa.array(["10", "20"]).dictionary_encode(),
    "dictionary of numbers": pa.array([10, 20]).dictionary_encode(),
    "whole numbers": pa.array([10, 20], pa.int8()),
    "unsigned": pa.array([10, 20], pa.uint64()),
    "float": pa.array([10.0, 20.0]),
    "float of 32 bits": pa.array([10.0, 20.0], pa.float32()),
    "float of 16 bits": pa.array([10.0, 20.0], pa.float16()),
    "decimal": pa.array([10, 20], pa.decimal128(10, 2)),
}


@pytest.mark.parametrize("labels", KEYS)
@pytest.mark.parametrize("features", KEYS)
def test_keys_of_every_type_meet(features: str, labels: str) -> None:
    joined = join(pa.table({"key": KEYS[features]}), pa.table({"key": KEYS[labels], "mos": [1.5, 4.5]}))
    assert joined.table["mos"].to_pylist() == [1.5, 4.5]


REFUSED: dict[str, tuple[Callable[[], Any], type[MosLabelsError], str]] = {
    "a list of rows": (
        lambda: join([{"key": 1}], LABELS),
        UsageError,
        'features: must be a path, an Arrow table or reader, .*, not "builtins.list"$',
    ),
    "nothing": (lambda: join(None, LABELS), UsageError, 'features: must be .*, not "builtins.NoneType"'),
    "a plan": (lambda: join(pl.LazyFrame({"key": [1]}), LABELS), UsageError, "LazyFrame.*; collect\\(\\) it first$"),
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
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_connection_whose_settings_change_the_meaning_is_refused(name: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"SET GLOBAL {name} = '{SETTINGS[name]}'")
        with pytest.raises(UsageError, match=f"(?s)the connection has settings .*{name} is .*; set it to"):
            join(FEATURES, LABELS, connection=connection, **OPTIONS)


def test_a_closed_connection_is_refused() -> None:
    connection = duckdb.connect()
    connection.close()
    with pytest.raises(UsageError, match="connection: DuckDB refuses it"):
        join(FEATURES, LABELS, connection=connection, **OPTIONS)


# Manners


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
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
    assert run(code, tmp_path).split() == ["0", "True"]


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
