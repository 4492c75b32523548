"""What a Parquet file says of its values is believed by nobody: some writers say what is not so."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.tables import write_table
from moslabels import TableError, join, materialize
from moslabels.base.progress import Progress
from moslabels.base.settings import DEFAULTS
from moslabels.evidence.run import Run
from moslabels.parquet.footer import read_footer
from moslabels.parquet.pages import pages
from moslabels.parquet.thrift import (
    BINARY,
    I64,
    LIST,
    STRUCT,
    changed_struct,
    read_struct,
    write_binary,
    write_integer,
    write_list,
    write_struct,
)
from moslabels.runs.diff import diff
from moslabels.runs.explain import explain
from moslabels.runs.table import label_table
from moslabels.spec.entry import table_spec
from moslabels.suggestions.search import suggest

META, STATISTICS = 3, 12
NULLS, GREATEST, LEAST = 3, 5, 6


def lie(path: Path, column: str, claims: dict[int, bytes | int], borrow: str | None = None) -> Path:
    """Change what the footer claims of a column in all row groups: by field of Statistics, a number or bytes.

    ``borrow`` names a column whose page index and bloom filter are taken for its own.
    """
    data = path.read_bytes()
    footer = read_footer(io.BytesIO(data))
    leaf = {found.name: found.leaves[0] for found in footer.columns}
    groups = []
    for group in footer.groups:
        chunks = [footer.data[chunk.start : chunk.end] for chunk in group.chunks]
        chunk, _ = read_struct(chunks[leaf[column]], 0)
        own = chunks[leaf[column]]
        meta, _ = read_struct(own, chunk[META].start)
        known = read_struct(own, meta[STATISTICS].start)[0] if STATISTICS in meta else {}
        said = {name: (field.type, own[field.start : field.end]) for name, field in known.items()}
        for name, claim in claims.items():
            said[name] = (BINARY, write_binary(claim)) if isinstance(claim, bytes) else (I64, write_integer(claim))
        changes: dict[int, tuple[int, bytes] | None] = {
            STATISTICS: (STRUCT, write_struct([(name, *value) for name, value in said.items()]))
        }
        of_chunk: dict[int, tuple[int, bytes] | None] = {}
        if borrow is not None:
            other = chunks[leaf[borrow]]
            fields, _ = read_struct(other, 0)
            theirs, _ = read_struct(other, fields[META].start)
            of_chunk = {n: (fields[n].type, other[fields[n].start : fields[n].end]) for n in (6, 7) if n in fields}
            changes |= {n: (theirs[n].type, other[theirs[n].start : theirs[n].end]) for n in (14, 15) if n in theirs}
        new = changed_struct(own, meta, changes)
        chunks[leaf[column]] = changed_struct(own, chunk, {**of_chunk, META: (STRUCT, new)})
        groups.append(changed_struct(footer.data, group.fields, {1: (LIST, write_list(STRUCT, chunks))}))
    new_footer = changed_struct(footer.data, footer.fields, {4: (LIST, write_list(STRUCT, groups))})
    path.write_bytes(data[: footer.start] + new_footer + len(new_footer).to_bytes(4, "little") + b"PAR1")
    return path


ROWS = 6_000
NUMBERS = [1 + row // 3 for row in range(ROWS)]
TEXTS = [f"clip_{number:05}" for number in NUMBERS]
SOME_NULL = [number if number % 50 else None for number in NUMBERS]
LONG = struct.Struct("<q").pack
LIES: dict[str, tuple[pa.Array, dict[int, bytes | int]]] = {
    "the greatest number": (pa.array(NUMBERS), {GREATEST: LONG(971)}),
    "the least number": (pa.array(NUMBERS), {LEAST: LONG(971)}),
    "the greatest of 32 bits": (pa.array(NUMBERS, pa.int32()), {GREATEST: struct.pack("<i", 300)}),
    "one number": (pa.array(NUMBERS), {LEAST: LONG(7), GREATEST: LONG(7)}),
    "least above greatest": (pa.array(NUMBERS), {LEAST: LONG(2_000), GREATEST: LONG(1)}),
    "a range that is far off": (pa.array(NUMBERS), {LEAST: LONG(10**15), GREATEST: LONG(10**15 + 5)}),
    "the greatest float": (pa.array([float(n) for n in NUMBERS]), {GREATEST: struct.pack("<d", 300)}),
    "the greatest text": (pa.array(TEXTS), {GREATEST: b"clip_00300"}),
    "one text": (pa.array(TEXTS), {LEAST: b"clip_00007", GREATEST: b"clip_00007"}),
    "no NULLs among numbers": (pa.array(SOME_NULL), {NULLS: 0}),
    "no NULLs among texts": (pa.array([n and f"c{n}" for n in SOME_NULL]), {NULLS: 0}),
    "no NULLs among texts of a dictionary": (
        pa.array([n and f"a_rather_long_name_{n}" for n in SOME_NULL]).dictionary_encode(),
        {NULLS: 0},
    ),
    "one distinct value": (pa.array(NUMBERS), {4: 1}),
}
Use = Callable[[Path, Path], Any]


def counts(audit: dict[str, Any]) -> tuple[int, ...]:
    names = ("input_rows", "rows_without_key", "total_feature_keys", "matched_feature_keys", "matched_rows")
    return tuple(audit[name] for name in names)


def files(folder: Path, keys: pa.Array, *, dictionary: bool) -> tuple[Path, Path]:
    """Features with those keys, and a label for each of them."""
    features, labels = folder / "f.parquet", folder / "l.parquet"
    written = {"use_dictionary": dictionary, "row_group_size": 1_500, "compression": "none"}
    pq.write_table(pa.table({"key": keys, "group": keys}), features, **written)
    plain = keys.dictionary_decode() if isinstance(keys, pa.DictionaryArray) else keys
    scores = pa.array([1 + row % 40 / 10 for row in range(len(plain.unique()))])
    pq.write_table(pa.table({"key": plain.unique(), "mos": scores}), labels, **written)
    return features, labels


def found(features: Path, labels: Path, connection: duckdb.DuckDBPyConnection | None) -> Any:
    """All that labelling says and writes, but for what holds the hash of a file."""
    if connection is not None:
        joined = join(features, labels, connection=connection, match_rate_by="group", min_match_rate=0)
        return counts(joined.audit), joined.audit["match_rate_by"], joined.table.to_pylist()
    out = features.parent / "o.jsonl"
    audit = materialize(features, [labels], out, match_rate_by="group", min_match_rate=0)
    return counts(audit), audit["match_rate_by"], out.read_bytes()


@pytest.fixture(scope="module")
def truths() -> dict[Any, Any]:
    """What is found with true statistics: once for keys of a type."""
    return {}


@pytest.mark.sampled
@pytest.mark.parametrize("callers", [False, True], ids=["a DuckDB of its own", "a caller's"])
@pytest.mark.parametrize("name", LIES)
def test_a_wrong_statistic_changes_nothing(
    name: str, callers: bool, truths: dict[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys, claims = LIES[name]
    features, labels = files(Path(), keys, dictionary=callers)
    with duckdb.connect() as connection:
        given = connection if callers else None
        case = (callers, keys.type, keys.null_count)
        if case not in truths:
            truths[case] = found(features, labels, given)
        truth = truths[case]
        for path in (features, labels):
            lie(path, "key", claims)
        lie(features, "group", claims)
        assert found(features, labels, given) == truth
    assert truth[0][0] == ROWS
    assert truth[0][4] == ROWS - keys.null_count


def test_suggest_and_explain_believe_none_either(tmp_path: Path) -> None:
    features, labels = files(tmp_path, pa.array(NUMBERS), dictionary=False)
    spec = table_spec(features, [labels], tmp_path / "o.csv", None, None, {})
    truth = suggest(features, [labels]), explain(spec, ["1500"], DEFAULTS)
    for path in (features, labels):
        lie(path, "key", {GREATEST: LONG(971)})
    assert (suggest(features, [labels]), explain(spec, ["1500"], DEFAULTS)) == truth
    assert truth[1][0]["label"]["row"] == 1500


def test_a_wrong_statistic_of_the_scores_and_of_a_labelled_table(tmp_path: Path) -> None:
    features, labels = files(tmp_path, pa.array(TEXTS), dictionary=True)
    truth = materialize(features, [labels], tmp_path / "o.parquet")
    for claims in ({GREATEST: struct.pack("<d", 1.0)}, {LEAST: struct.pack("<d", 9.0), NULLS: 0}):
        lie(labels, "mos", claims)
        again = materialize(features, [labels], tmp_path / "p.parquet")
        assert (counts(again), again["mos_stats"]) == (counts(truth), truth["mos_stats"])
    lie(tmp_path / "p.parquet", "mos_label_status", {LEAST: b"a", GREATEST: b"b"})
    lie(tmp_path / "p.parquet", "key", {LEAST: b"a", GREATEST: b"b"})
    table = diff(str(tmp_path / "o.parquet"), str(tmp_path / "p.parquet"))["tables"][0]
    assert (table["same"], table["lost"]["count"], table["gained"]["count"]) == (ROWS // 3, 0, 0)


def test_a_wrong_page_index_and_bloom_filter(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    other = [f"other_{number}" for number in NUMBERS]
    with duckdb.connect() as connection:
        connection.from_arrow(pa.table({"key": TEXTS, "other": other})).write_parquet(str(path), row_group_size=2048)
    bloom = lie(path, "key", {}, borrow="other")
    indexed = tmp_path / "g.parquet"
    pq.write_table(pa.table({"key": TEXTS, "other": other}), indexed, write_page_index=True, data_page_size=1 << 12)
    lie(indexed, "key", {}, borrow="other")
    labels = pa.table({"key": sorted(set(TEXTS)), "mos": [3.0] * (ROWS // 3)})
    for wrong in (bloom, indexed):
        assert join(wrong, labels).audit["matched_rows"] == ROWS


@pytest.mark.parametrize("role", ["key", "score", "extra", "group"])
def test_a_row_group_that_claims_to_be_all_null(role: str, tmp_path: Path) -> None:
    columns = {"key": ["a", "b", "c"], "mos": [1.0, 2.0, 3.0], "note": ["x", "y", "z"]}
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=1)
    column = {"key": "key", "score": "mos", "extra": "note", "group": "note"}[role]
    lie(path, column, {NULLS: 1})
    clean = pa.table(columns)
    with pytest.raises(TableError, match="says of row groups that all of their values are NULL") as caught:
        if role in ("key", "group"):
            by = "note" if role == "group" else None
            join(path, clean, match_rate_by=by, extras=[], overwrite=True)
        else:
            join(clean, path, overwrite=True, extras=["note"])
    assert (caught.value.code, caught.value.column, caught.value.file) == ("unreadable", column, str(path))


def test_a_row_group_that_is_all_null(tmp_path: Path) -> None:
    labels = pa.table({"key": ["a", None, "c"], "mos": [1.0, 2.0, 3.0], "note": pa.array([None, None, "z"])})
    pq.write_table(labels, tmp_path / "l.parquet", row_group_size=1)
    pq.write_table(pa.table({"key": ["a", None, "c"]}), tmp_path / "f.parquet", row_group_size=1)
    joined = join(tmp_path / "f.parquet", tmp_path / "l.parquet", extras=["note"], min_match_rate=0.5)
    assert joined.table["note"].to_pylist() == [None, None, "z"]


def test_the_footers_codec_knows_what_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"key": NUMBERS}), path)
    lie(path, "key", {GREATEST: LONG(971), NULLS: 3})
    told = pq.read_metadata(path).row_group(0).column(0).statistics
    assert (told.max, told.null_count) == (971, 3)


# Types that cannot be a key, a score, an extra or a group are told before a value is read

NESTED = {
    "list": pa.array([[1], [2, 3]]),
    "struct": pa.array([{"a": 1}, {"a": 2}]),
    "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "list of lists": pa.array([[["a"]], [[]]]),
}
USES = {
    "key": ("bad-key", "which cannot be a key", {"feature_key_column": "x"}),
    "second key": (
        "bad-key",
        "which cannot be a key",
        {"feature_key_column": ["key", "x"], "label_key_column": ["key", "mos"]},
    ),
    "group": ("unreadable", "which cannot be a group", {"match_rate_by": "x"}),
    "label key": ("bad-key", "which cannot be a key", {"label_key_column": "x"}),
    "score": ("bad-score", "which holds no scores", {"label_mos_column": "x"}),
    "extra": ("bad-extra", "and an extra is text", {"extras": ["x"]}),
}  # fmt: skip


def unreadable(path: Path, column: str) -> Path:
    """Overwrite the values of a column, so that whoever reads one fails."""
    data = bytearray(path.read_bytes())
    footer = read_footer(io.BytesIO(data))
    for chunk in footer.groups[0].chunks[slice(*next(one.leaves for one in footer.columns if one.name == column))]:
        data[chunk.first_page : chunk.first_page + chunk.compressed] = b"\xff" * chunk.compressed
    path.write_bytes(data)
    return path


@pytest.mark.sampled
@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("use", USES)
def test_a_nested_column_is_refused_by_its_type(use: str, kind: str, tmp_path: Path) -> None:
    code, message, options = USES[use]
    table = pa.table({"key": ["a", "b"], "mos": [1.0, 2.0], "x": NESTED[kind]})
    pq.write_table(table, tmp_path / "t.parquet")
    path = unreadable(tmp_path / "t.parquet", "x")
    is_label = use in ("label key", "score", "extra")
    for nested in (path, table):
        clean = table.drop_columns(["x", "mos"] if is_label else ["x"])
        with pytest.raises(TableError, match=f'column "x" is of type .*, {message}') as caught:
            join(*((clean, nested) if is_label else (nested, clean)), overwrite=True, **options)
        assert (caught.value.code, caught.value.column) == (code, "x")
    if use in ("key", "label key"):
        spec = table_spec(path, [path], tmp_path / "o.csv", None, None, options)
        with pytest.raises(TableError, match=message):
            explain(spec, ["a"], DEFAULTS)


@pytest.mark.parametrize(
    "others", [[[n] for n in range(60)], ["x"] * 59 + ["x" * 9_000_000]], ids=["nested", "a text of 9 MB"]
)
def test_columns_that_cannot_be_keys_are_no_candidates(others: list[Any], tmp_path: Path) -> None:
    clips = [f"clip_{n}x{n * 7919 % 1000}" for n in range(60)]
    table = pa.table({"others": others, "key": clips, "mos": [1 + n / 20 for n in range(60)]})
    pq.write_table(table, tmp_path / "f.parquet", use_dictionary=False, compression="zstd", write_statistics=False)
    if isinstance(others[0], list):
        unreadable(tmp_path / "f.parquet", "others")
    (best, *_) = suggest(tmp_path / "f.parquet", [tmp_path / "f.parquet"])["suggestions"]
    assert (best["options"]["feature_key_column"], best["match_rate"]) == ("key", 1.0)


# Whatever the cause: what the rows hold and what was counted of them agree, or nothing is written


class Meddler(Progress):
    """Gives the features other keys once they were counted, so that neither the clock nor a size tells."""

    def __init__(self, path: Path, changes: list[tuple[bytes, bytes]]) -> None:
        self.path, self.changes = path, changes

    def step(self, name: str, *_: Any) -> None:
        if name == "joining":
            before, data = self.path.stat(), self.path.read_bytes()
            for old, new in self.changes:
                data = data.replace(old, new)
            with self.path.open("r+b") as stream:
                stream.write(data)
            os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))


MEDDLED = {
    "a key that no label has": ([(b"clip_b", b"clip_x")], "3 rows with a label were counted, and there are 2"),
    "the key of another label": ([(b"clip_b", b"clip_a")], "2 labels in use were counted, and there are 1"),
    "two keys that changed places": (
        [(b"clip_a", b"clip_#"), (b"clip_b", b"clip_a"), (b"clip_#", b"clip_b")],
        "the rows of each label were counted otherwise",
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
@pytest.mark.parametrize("name", MEDDLED)
def test_row_labels_that_are_not_what_was_counted(name: str, suffix: str, tmp_path: Path) -> None:
    changes, message = MEDDLED[name]
    features = tmp_path / f"f{suffix}"
    rows = [{"key": key} for key in ("clip_a", "clip_a", "clip_b")]
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), features, use_dictionary=False, compression="none")
    else:
        write_table(features, rows)
    labels = write_table(tmp_path / "l.csv", [{"key": "clip_a", "mos": 2}, {"key": "clip_b", "mos": 4}])
    out = write_table(tmp_path / f"o{suffix}", "what was there")
    spec = table_spec(features, [labels], out, tmp_path / "a.json", None, {})
    with pytest.raises(TableError, match=message) as caught:
        label_table(spec, Run(progress=Meddler(features, changes)))
    assert (caught.value.code, caught.value.file) == ("miscount", str(features))
    assert out.read_text() == "what was there"
    assert not (tmp_path / "a.json").exists()


# What would fill the memory is refused before it is read


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_the_pages_of_a_column(compression: str, version: str, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    table = pa.table({"key": TEXTS, "x": pa.array([None if n % 7 else n for n in NUMBERS])})
    options = {"compression": compression, "data_page_version": version, "data_page_size": 100}
    pq.write_table(table, path, row_group_size=2_500, write_batch_size=256, **options)
    with path.open("rb") as stream:
        footer = read_footer(stream)
        for group in footer.groups:
            for chunk in group.chunks:
                dictionary, *data = pages(stream, chunk)
                assert len(data) > 1
                assert sum(page.values for page in data) == group.rows
                assert sum(page.uncompressed for page in (dictionary, *data)) < chunk.uncompressed


LONGEST = 1 << 16


@pytest.mark.sampled
@pytest.mark.parametrize("side", ["features", "labels"])
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ""])
def test_a_key_has_at_most_so_many_bytes(suffix: str, side: str, tmp_path: Path) -> None:
    for length, is_refused in ((LONGEST, False), (LONGEST + 2, True)):
        rows = [{"key": key, "mos": 3} for key in ("a", "é" * (length // 2), "b")]
        path: Any = tmp_path / f"t{suffix}"
        if suffix in ("", ".parquet"):
            table = pa.Table.from_pylist(rows)
            path = table if not suffix else write_table(path, table)
        else:
            write_table(path, rows)
        other = pa.table({"key": ["a", "b", "é" * (LONGEST // 2)], "mos": [3, 3, 3]})
        tables = (path, other) if side == "features" else (other.drop_columns("mos"), path)
        if not is_refused:
            assert join(*tables, overwrite=True).audit["matched_rows"] == 3
            continue
        with pytest.raises(TableError, match="a text of 65538 bytes \\(65536 are the most\\), which cannot") as caught:
            join(*tables, overwrite=True)
        assert (caught.value.code, caught.value.row) == ("bad-key", 2)
        assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("dictionary", [False, True])
def test_a_page_of_texts_that_are_too_long_is_not_read(dictionary: bool, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    options = {"use_dictionary": dictionary, "compression": "zstd", "write_statistics": False}
    pq.write_table(pa.table({"key": ["x" * 5_000_000, "y"], "mos": [3.0, 3.0]}), path, **options)
    assert path.stat().st_size < 5_000
    with path.open("rb") as stream:
        (chunk, _) = read_footer(stream).groups[0].chunks
    data = bytearray(path.read_bytes())
    data[chunk.first_page + 100 : chunk.first_page + chunk.compressed] = b"\xff" * (chunk.compressed - 100)
    path.write_bytes(data)
    for features, labels in ((path, pa.table({"key": ["y"], "mos": [3]})), (pa.table({"key": ["y"]}), path)):
        with pytest.raises(TableError, match="a text of it has more than 65536 bytes, which cannot be a key") as caught:
            join(features, labels, overwrite=True)
        assert (caught.value.code, caught.value.column, caught.value.file) == ("bad-key", "key", str(path))


def test_a_page_that_the_memory_cannot_hold_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "l.parquet"
    labels = pa.table({"key": ["a", "b"], "mos": [3.0, 4.0], "note": ["x" * 30_000_000, "y"]})
    pq.write_table(labels, path, use_dictionary=False, compression="zstd", write_statistics=False)
    features = pa.table({"key": ["a", "b"]})
    with pytest.raises(TableError, match="more than half of the memory .* raise memory_limit") as caught:
        join(features, path, extras=["note"], memory_limit="50MB")
    assert (caught.value.code, caught.value.column) == ("resources", "note")
    assert join(features, path, memory_limit="200MB").table["mos"].to_pylist() == [3.0, 4.0]


def test_a_damaged_page_header_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"key": TEXTS}), tmp_path / "f.parquet")
    path = unreadable(tmp_path / "f.parquet", "key")
    with pytest.raises(TableError, match='column "key" cannot be decoded: a page header is damaged') as caught:
        join(path, pa.table({"key": ["a"], "mos": [3]}))
    assert caught.value.code == "unreadable"


CUT = """
import sys, pyarrow.parquet as pq
from moslabels import join, TableError

class Cut(pq.ParquetFile):
    def read(self, *args, **options):
        with open(sys.argv[1], "r+b") as stream:
            stream.truncate(4096)
        return super().read(*args, **options)

pq.ParquetFile = Cut
try:
    join(sys.argv[1], sys.argv[2])
except TableError as error:
    print(error.code)
"""


def test_a_file_that_others_cut_is_an_error_and_no_dead_process(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.parquet", pa.table({"key": TEXTS, "x": [n / 7 for n in NUMBERS]}))
    labels = write_table(tmp_path / "l.csv", [{"key": key, "mos": 3} for key in sorted(set(TEXTS))])
    run = [sys.executable, "-c", CUT, str(features), str(labels)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "changed\n", "")
