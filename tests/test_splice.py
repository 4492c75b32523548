"""Parquet to Parquet: the features' bytes are copied, and every reader shows the label columns like any others."""

from __future__ import annotations

import base64
import datetime
import decimal
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import write_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


# Readers: each returns (features as Arrow, labels as rows), or raises where it cannot read a file.


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
        assert read(out, names).equals(features) or repr(read(out, names).to_pylist()) == repr(features.to_pylist())
        assert read(out, names).schema.types == features.schema.types
        found = rows_of(read(out, LABEL_NAMES))
        assert [row[2:] for row in found] == [row[2:] for row in planned], read
        for one, other in zip(found, planned, strict=True):
            assert one[:2] == pytest.approx(other[:2]) or one[:2] == other[:2]
    assert readers >= 2


def splice(folder: Path, source: Path, keys: list[str], names: list[str], **options: Any) -> Path:
    out = folder / "out.parquet"
    audit = materialize(source, [labels(folder)], out, min_match_rate=0, feature_key_column="key", **options)
    check_spliced(source, out, audit, keys, names)
    return out


def every_type(rows: int = ROWS) -> dict[str, pa.Array]:
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


WRITTEN_BY_PYARROW: dict[str, dict[str, Any]] = {
    "plain": {},
    "uncompressed": {"compression": "none"},
    "zstd": {"compression": "zstd"},
    "gzip": {"compression": "gzip"},
    "lz4": {"compression": "lz4"},
    "brotli": {"compression": "brotli"},
    "data page v2": {"data_page_version": "2.0"},
    "no dictionaries": {"use_dictionary": False},
    "byte stream split": {"use_dictionary": False, "column_encoding": {"float32": "BYTE_STREAM_SPLIT"}},
    "many row groups": {"row_group_size": 7},
    "page index": {"write_page_index": True, "row_group_size": 300, "data_page_size": 512},
    "no statistics": {"write_statistics": False},
    "no Arrow schema": {"store_schema": False},
    "version 1": {"version": "1.0"},
    "sorting columns": {"sorting_columns": [pq.SortingColumn(2, descending=True), pq.SortingColumn(1)]},
}


@pytest.mark.parametrize("kind", WRITTEN_BY_PYARROW)
def test_written_by_pyarrow(tmp_path: Path, kind: str) -> None:
    options = WRITTEN_BY_PYARROW[kind]
    flat = ("int8", "float32", "string", "bool", "timestamp", "list", "struct")
    features = table(*flat) if kind in ("version 1", "no Arrow schema", "byte stream split") else table()
    pq.write_table(features, tmp_path / "f.parquet", **options)
    splice(tmp_path, tmp_path / "f.parquet", KEYS, features.schema.names)


WRITTEN_BY_DUCKDB = [
    "",
    ", CODEC 'zstd', ROW_GROUP_SIZE 2048",
    ", CODEC 'lz4_raw', PARQUET_VERSION v2",
    ", CODEC 'uncompressed', KV_METADATA {made: 'by hand', odd: '{{x}}'}",
]


@pytest.mark.parametrize("options", WRITTEN_BY_DUCKDB)
def test_written_by_duckdb(tmp_path: Path, options: str) -> None:
    path = tmp_path / "f.parquet"
    duckdb.connect().sql(
        "SELECT 'clip_' || (range % 37) AS key, range AS i, range / 7 AS d, CAST(range AS UTINYINT) AS u,"
        " CAST(range AS HUGEINT) AS h, [range, NULL] AS l, {'a': range, 'b': [1.5]} AS s, MAP {'k': range} AS m,"
        " CAST(range / 3 AS DECIMAL(20, 4)) AS c, TIMESTAMPTZ '2024-01-01' AS t, CAST('x' AS BLOB) AS b,"
        " CAST('a' AS ENUM ('a', 'b')) AS e, uuid() AS id, TIME '01:02:03' AS tm, '{\"a\": 1}'::JSON AS j,"
        " CAST(range AS FLOAT)::FLOAT AS f FROM range(250)"
    ).write_parquet(str(path)) if not options else duckdb.connect().execute(
        "COPY (SELECT 'clip_' || (range % 37) AS key, range / 7 AS d, repeat('x', range % 50) AS t, [range] AS l"
        f" FROM range(5000)) TO '{path}' (FORMAT parquet{options})"
    )
    names = pq.ParquetFile(path).metadata.schema.to_arrow_schema().names
    rows = pq.ParquetFile(path).metadata.num_rows
    out = splice(tmp_path, path, [f"clip_{index % 37}" for index in range(rows)], names)
    if "KV_METADATA" in options:
        metadata = pq.ParquetFile(out).metadata.metadata
        assert (metadata[b"made"], metadata[b"odd"]) == (b"by hand", b"{{x}}")


@pytest.mark.parametrize("options", [{}, {"compression": "snappy", "row_group_size": 100}, {"statistics": False}])
def test_written_by_polars(tmp_path: Path, options: dict[str, Any]) -> None:
    frame = polars.from_arrow(table("int8", "uint64", "float32", "string", "dictionary", "zoned", "duration", "list"))
    frame.write_parquet(tmp_path / "f.parquet", **options)
    splice(tmp_path, tmp_path / "f.parquet", KEYS, frame.columns)


def test_wide_tables(tmp_path: Path) -> None:
    names = [f"x{index}" for index in range(4000)]
    features = pa.table({"key": KEYS[:20], **{name: pa.array([0.5] * 20) for name in names}})
    pq.write_table(features, tmp_path / "f.parquet", row_group_size=10)
    splice(tmp_path, tmp_path / "f.parquet", KEYS[:20], ["key", *names])


def test_thousands_of_row_groups(tmp_path: Path) -> None:
    pq.write_table(table("float32", "string").slice(0, 500), tmp_path / "f.parquet", row_group_size=1)
    splice(tmp_path, tmp_path / "f.parquet", KEYS[:500], ["key", "float32", "string"])


def test_empty_row_groups_and_no_rows(tmp_path: Path) -> None:
    features = table("float32", "string")
    with pq.ParquetWriter(tmp_path / "f.parquet", features.schema) as writer:
        for part in (features.slice(0, 0), features.slice(0, 10), features.slice(0, 0), features.slice(10, 5)):
            writer.write_table(part)
    splice(tmp_path, tmp_path / "f.parquet", KEYS[:15], features.schema.names)
    pq.write_table(features.slice(0, 0), tmp_path / "f.parquet")
    splice(tmp_path, tmp_path / "f.parquet", [], features.schema.names)


def test_label_columns_take_little_room(tmp_path: Path) -> None:
    features = pa.table({"key": [f"clip_{index // 1000}" for index in range(300_000)]})
    pq.write_table(features, tmp_path / "f.parquet")
    materialize(tmp_path / "f.parquet", [labels(tmp_path)], tmp_path / "o.parquet", min_match_rate=0)
    chunks = pq.ParquetFile(tmp_path / "o.parquet").metadata.row_group(0)
    sizes = {chunks.column(index).path_in_schema: chunks.column(index).total_compressed_size for index in range(1, 6)}
    assert max(sizes.values()) < 5000, sizes
    assert "RLE_DICTIONARY" in chunks.column(4).encodings


@pytest.mark.filterwarnings("ignore:Series.values returning")  # an older pyarrow with a newer pandas
def test_every_copy_of_the_schema_is_extended(tmp_path: Path) -> None:
    frame = pytest.importorskip("pandas").DataFrame({"key": KEYS[:5], "x": [1.5] * 5, "when": ["2024-01-01"] * 5})
    frame["when"] = frame["when"].astype("datetime64[ns, Europe/Berlin]")
    frame["count"] = 7
    spark = {
        "type": "struct",
        "fields": [{"name": name, "type": "string", "nullable": True, "metadata": {}} for name in frame],
    }
    features = pa.Table.from_pandas(frame)
    name = "org.apache.spark.sql.parquet.row.metadata"
    features = features.replace_schema_metadata({**features.schema.metadata, name: json.dumps(spark), "mine": "kept"})
    pq.write_table(features, tmp_path / "f.parquet")
    out = splice(tmp_path, tmp_path / "f.parquet", KEYS[:5], features.schema.names)
    metadata = pq.ParquetFile(out).metadata.metadata
    assert metadata[b"mine"] == b"kept"
    arrow = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(metadata[b"ARROW:schema"])))
    assert arrow.names == [*features.schema.names, *LABEL_NAMES]
    for entry in (metadata[b"pandas"], arrow.metadata[b"pandas"]):
        assert [column["field_name"] for column in json.loads(entry)["columns"]][-5:] == LABEL_NAMES
    fields = json.loads(metadata[name.encode()])["fields"]
    assert [(field["name"], field["type"]) for field in fields[-5:]] == [
        ("mos", "double"),
        ("mos_raw_0_100", "double"),
        ("mos_label_status", "string"),
        ("mos_label_source", "string"),
        ("split", "string"),
    ]
    again = pytest.importorskip("pandas").read_parquet(out)
    assert list(again.columns) == [*frame.columns, *LABEL_NAMES]
    assert again["when"].dtype == frame["when"].dtype
    assert again["mos"].dtype == "float64"


BIG = 2**53
INTEGERS = [
    # votes of the keys a and b, keys of the features, what pandas takes the votes for
    ([24, 25], "ab", "int64"),
    ([24, None], "ab", "float64"),
    ([24, None], "a", "int64"),  # No row has the label without votes.
    ([24, 25], "abz", "float64"),  # Nor has the last row a label.
    ([None, 25], "a", "float64"),
    ([BIG + 1, BIG], "ab", "int64"),
    ([BIG, -BIG], "abz", "float64"),
    ([BIG + 1, 7], "abz", "Int64"),
    ([-BIG - 1, None], "ab", "Int64"),
    ([BIG + 1, 7], "bz", "float64"),
]


@pytest.mark.parametrize("source", ["pandas", "without pandas", "f.csv"])
@pytest.mark.parametrize(("votes", "keys", "dtype"), INTEGERS)
def test_integers_as_pandas_takes_them(
    tmp_path: Path, source: str, votes: list[int | None], keys: str, dtype: str
) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"key": [*keys], "x": [0.5] * len(keys)})
    features = tmp_path / (source if source == "f.csv" else "f.parquet")
    if source == "f.csv":
        frame.to_csv(features, index=False)
    else:
        pq.write_table(pa.table({"key": [*keys], "x": frame.x}) if "out" in source else pa.table(frame), features)
    labels = pa.table({"key": ["a", "b"], "mos": [3, 4], "votes": pa.array(votes, pa.int64())})
    pq.write_table(labels, tmp_path / "l.parquet")
    out = tmp_path / "o.parquet"
    materialize(features, tmp_path / "l.parquet", out, min_match_rate=0, extras=["votes"])
    expected = [votes["ab".index(key)] if key in "ab" else None for key in keys]
    assert pq.read_schema(out).field("votes").type == pa.int64()
    for found in (pandas.read_parquet(out), pq.read_table(out).to_pandas()):
        assert str(found["votes"].dtype) == dtype
        assert [None if pandas.isna(value) else int(value) for value in found["votes"]] == expected
        assert found.select_dtypes("number").to_numpy().dtype == ("object" if dtype == "Int64" else "float64")


OLD = ["MOS", "mos_label_status", "Split", "mos_std_dev"]


@pytest.mark.parametrize("first", [True, False])
def test_overwrite_drops_old_columns_from_the_footer(tmp_path: Path, first: bool) -> None:
    old = {name: pa.array(["old"] * ROWS) for name in OLD}
    own = {"key": KEYS, "x": list(range(ROWS)), "l": every_type()["list"]}
    features = pa.table({**old, **own} if first else {**own, **old})
    order = [pq.SortingColumn(features.schema.names.index(name)) for name in ("x", "MOS", "key")]
    pq.write_table(features, tmp_path / "f.parquet", row_group_size=300, sorting_columns=order)
    out = splice(tmp_path, tmp_path / "f.parquet", KEYS, ["key", "x", "l"], overwrite=True)
    group = pq.ParquetFile(out).metadata.row_group(0)
    # Sorted by x still, and by nothing that stood behind the column that is gone.
    assert [column.column_index for column in group.sorting_columns] == [1]
    chunks = [group.column(index) for index in range(group.num_columns)]
    assert group.total_byte_size == sum(chunk.total_uncompressed_size for chunk in chunks)
    # Spark takes a row group by the middle of its bytes: it must lie in the file.
    for index in range(4):
        group = pq.ParquetFile(out).metadata.row_group(index)
        start = min(filter(None, (group.column(0).dictionary_page_offset, group.column(0).data_page_offset)))
        size = sum(group.column(i).total_compressed_size for i in range(group.num_columns))
        assert start + size / 2 < out.stat().st_size


def test_a_spliced_file_is_spliced_again(tmp_path: Path) -> None:
    pq.write_table(table("float32"), tmp_path / "f.parquet", row_group_size=100)
    first = splice(tmp_path, tmp_path / "f.parquet", KEYS, ["key", "float32"])
    first = first.rename(tmp_path / "first.parquet")
    out = splice(tmp_path, first, KEYS, ["key", "float32"], overwrite=True)
    assert out.stat().st_size < 2 * first.stat().st_size


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    names=st.lists(st.sampled_from(sorted(every_type(1))), max_size=5, unique=True),
    sizes=st.lists(st.integers(0, 40), max_size=6),
    compression=st.sampled_from(["none", "snappy", "zstd"]),
    version=st.sampled_from(["1.0", "2.0"]),
)
def test_any_schema_and_row_groups(
    tmp_path: Path, names: list[str], sizes: list[int], compression: str, version: str
) -> None:
    features = table(*(names or ["int8"]))
    with pq.ParquetWriter(
        tmp_path / "f.parquet", features.schema, compression=compression, data_page_version=version
    ) as writer:
        start = 0
        for size in sizes:
            writer.write_table(features.slice(start, size))
            start += size
    splice(tmp_path, tmp_path / "f.parquet", KEYS[:start], features.schema.names)


@pytest.mark.parametrize("name", [".out.parquet.crc", "_metadata", "_common_metadata"])
def test_what_misleads_spark_beside_an_output_is_a_warning(tmp_path: Path, name: str) -> None:
    pq.write_table(table("float32"), tmp_path / "f.parquet")
    out = tmp_path / "out.parquet"
    assert materialize(tmp_path / "f.parquet", labels(tmp_path), out, min_match_rate=0)["warnings"] == []
    (tmp_path / name).write_bytes(b"old")
    (warning,) = materialize(tmp_path / "f.parquet", labels(tmp_path), out, min_match_rate=0)["warnings"]
    assert warning == f"{tmp_path / name} does not know the new out.parquet and misleads Spark; remove it"


# What cannot be spliced


def test_encrypted_and_foreign_files(tmp_path: Path) -> None:
    pq.write_table(table("float32"), tmp_path / "f.parquet")
    good = (tmp_path / "f.parquet").read_bytes()
    for content, found in [
        (b"PARE" + good[4:-4] + b"PARE", "encrypted"),
        (good[:-4] + b"PARE", "encrypted"),
        (good[:-1], "PAR1"),
        (good[: len(good) // 2], "PAR1"),
        (b"key,mos\n" * 5, "text"),
        (good[:-8] + (10**9).to_bytes(4, "little") + b"PAR1", "claims 1000000000 bytes"),
        (good[:-8] + (4).to_bytes(4, "little") + b"PAR1", "damaged|bytes too many"),
    ]:
        (tmp_path / "f.parquet").write_bytes(content)
        said = rf"f\.parquet: is no Parquet file(, but| that can be read:) .*({found})"
        with pytest.raises(MosLabelsError, match=said):
            materialize(tmp_path / "f.parquet", labels(tmp_path), tmp_path / "o.parquet")


@pytest.mark.parametrize("name", ["avro.schema", "iceberg.schema"])
def test_a_schema_that_would_not_know_the_label_columns(tmp_path: Path, name: str) -> None:
    features = table("float32").replace_schema_metadata({name: "{}"})
    pq.write_table(features, tmp_path / "f.parquet")
    with pytest.raises(MosLabelsError, match=f"no columns can be appended to it: its metadata holds {name}"):
        materialize(tmp_path / "f.parquet", labels(tmp_path), tmp_path / "o.parquet", min_match_rate=0)
    assert not (tmp_path / "o.parquet").exists()


def test_a_feature_file_that_changes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moslabels.writers import splice as module

    pq.write_table(table("float32"), tmp_path / "f.parquet")
    finish = module._Copy.finish

    def change(self: Any) -> Any:
        done = finish(self)
        with (tmp_path / "f.parquet").open("r+b") as stream:
            stream.seek(-20, 2)
            stream.write(b"x")
        return done

    monkeypatch.setattr(module._Copy, "finish", change)
    with pytest.raises(MosLabelsError, match="changed while it was read"):
        materialize(tmp_path / "f.parquet", labels(tmp_path), tmp_path / "o.parquet", min_match_rate=0)
    assert not (tmp_path / "o.parquet").exists()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_footers_are_an_error_or_the_same_labels(tmp_path: Path, seed: int) -> None:
    """Random damage never gives a traceback or a wrong table: it is refused, or what was read is what was written."""
    damage_footers(tmp_path, seed, 40)


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
