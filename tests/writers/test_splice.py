"""Parquet to Parquet: the features' bytes are copied, and every reader shows the label columns like any others."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.splicing import KEYS, LABEL_NAMES, ROWS, damage_footers, every_type, labels, polars, splice, table
from moslabels import MosLabelsError, materialize
from moslabels.base.progress import Progress
from moslabels.evidence.run import Run
from moslabels.runs.table import label_table
from moslabels.spec.entry import table_spec

# Readers: each returns (features as Arrow, labels as rows), or raises where it cannot read a file.


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


@pytest.mark.sampled
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


@pytest.mark.sampled
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


@pytest.mark.sampled
def test_wide_tables(tmp_path: Path) -> None:
    names = [f"x{index}" for index in range(4000)]
    features = pa.table({"key": KEYS[:20], **{name: pa.array([0.5] * 20) for name in names}})
    pq.write_table(features, tmp_path / "f.parquet", row_group_size=10)
    splice(tmp_path, tmp_path / "f.parquet", KEYS[:20], ["key", *names])


@pytest.mark.sampled
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


@pytest.mark.sampled
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


SCHEMAS = given(
    names=st.lists(st.sampled_from(sorted(every_type(1))), max_size=5, unique=True),
    sizes=st.lists(st.integers(0, 40), max_size=6),
    compression=st.sampled_from(["none", "snappy", "zstd"]),
    version=st.sampled_from(["1.0", "2.0"]),
)
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@settings(SETTINGS, max_examples=10)
@SCHEMAS
def test_any_schema_and_row_groups(tmp_path: Path, **drawn: Any) -> None:
    check_schema_and_row_groups(tmp_path, **drawn)


@pytest.mark.long
@settings(SETTINGS, max_examples=200)
@SCHEMAS
def test_many_schemas_and_row_groups(tmp_path: Path, **drawn: Any) -> None:
    check_schema_and_row_groups(tmp_path, **drawn)


def check_schema_and_row_groups(
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
        said = rf"f\.parquet: is not a (Parquet file, but|readable Parquet file:) .*({found})"
        with pytest.raises(MosLabelsError, match=said):
            materialize(tmp_path / "f.parquet", labels(tmp_path), tmp_path / "o.parquet")


@pytest.mark.parametrize("name", ["avro.schema", "iceberg.schema"])
def test_a_schema_that_would_not_know_the_label_columns(tmp_path: Path, name: str) -> None:
    features = table("float32").replace_schema_metadata({name: "{}"})
    pq.write_table(features, tmp_path / "f.parquet")
    with pytest.raises(MosLabelsError, match=f"no columns can be appended to it: its metadata holds {name}"):
        materialize(tmp_path / "f.parquet", labels(tmp_path), tmp_path / "o.parquet", min_match_rate=0)
    assert not (tmp_path / "o.parquet").exists()


def test_a_feature_file_that_changes_is_an_error(tmp_path: Path) -> None:
    class ChangesTheFooter(Progress):
        def step(self, name: str, *_: Any) -> None:
            if name == "copying":
                with (tmp_path / "f.parquet").open("r+b") as stream:
                    stream.seek(-20, 2)
                    stream.write(b"x")

    pq.write_table(table("float32"), tmp_path / "f.parquet")
    spec = table_spec(
        tmp_path / "f.parquet", [labels(tmp_path)], tmp_path / "o.parquet", None, None, {"min_match_rate": 0}
    )
    with pytest.raises(MosLabelsError, match="changed while it was read"):
        label_table(spec, Run(progress=ChangesTheFooter()))
    assert not (tmp_path / "o.parquet").exists()


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(4))
def test_damaged_footers_are_an_error_or_the_same_labels(tmp_path: Path, seed: int) -> None:
    """Random damage never gives a traceback or a wrong table: it is refused, or what was read is what was written."""
    damage_footers(tmp_path, seed, 15)
