"""Contract 4: how a clip key is made of a value."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.job import Job
from helpers.tables import write_table
from moslabels import MosLabelsError, join, labeller, materialize
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement

KEY_COLUMNS = ("feature_key_column", "label_key_column")
PYTHON_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())

NORMALIZE = [
    ("raw", "a/b.mp4", "a/b.mp4"),
    ("raw", "  a b\t", "a b"),
    ("raw", f"{PYTHON_SPACE}x{PYTHON_SPACE}", "x"),
    ("raw", " ", None),
    ("raw", "", None),
    ("raw", None, None),
    ("basename", "a/b/c.mp4", "c.mp4"),
    ("basename", r"C:\clips\A001.npy", "A001.npy"),
    ("basename", "a/b/", "b"),
    ("basename", r"a/b\/\\", "b"),
    ("basename", "///", None),
    ("basename", "plain", "plain"),
    ("basename", " a/ b ", "b"),
    ("stem", "a/b.mp4", "b"),
    ("stem", "a.tar.gz", "a.tar"),
    ("stem", ".hidden", ".hidden"),
    ("stem", "..a", "..a"),
    ("stem", "a.", "a."),
    ("stem", "a..b", "a."),
    ("stem", "clip_59.94fps_h264", "clip_59"),
    ("stem", "dir.d/clip", "clip"),
    ("stem", "line\nbreak.mp4", "line\nbreak"),
]

EXTRACT = [
    ("([0-9]{6,})", "vid_123456_540p", "123456"),
    ("[0-9]{6,}", "vid_123456_540p", "123456"),
    ("(?:vid_)([0-9]+)", "vid_12", "12"),
    ("([0-9]+)_([0-9]+)", "12_34", "12"),
    ("[0-9]+", "1_22_333", "1"),
    ("([0-9]+)", "none", None),
    ("x(y)?", "x", None),
    ("()", "x", None),
    ("( [a-z]+ )", "1 ab 2", "ab"),
    (r"\(([0-9]+)\)", "a(7)", "7"),
    ("[(]", "a(7)", "("),
    ("(?P<id>[0-9]+)", "a7", "7"),
    ("(?i)CLIP([0-9]+)", "clip5", "5"),
    (None, "as it is", "as it is"),
    ("", "as it is", "as it is"),
]


def key_of(engine: Engine, text: str | None, normalize: str, regex: str | None = None, capture: int = 0) -> str | None:
    sql = "SELECT make_key(CAST($text AS VARCHAR), $normalize, CAST($regex AS VARCHAR), $capture) AS key"
    values = {"text": text, "normalize": normalize, "regex": regex, "capture": capture}
    return engine.row(Statement("test", sql, values))["key"]


@pytest.fixture(scope="module")
def engine():
    with Engine() as engine:
        yield engine


@pytest.mark.parametrize(("normalize", "text", "key"), NORMALIZE)
def test_normalize(engine: Engine, normalize: str, text: str | None, key: str | None) -> None:
    assert key_of(engine, text, normalize) == key


@pytest.mark.sampled
@pytest.mark.parametrize(("regex", "value", "key"), EXTRACT)
def test_extract(job: Job, regex: str | None, value: str, key: str | None) -> None:
    job.run(
        [{"id": value}], [{"key": "k", "mos": 3}], feature_key_column="id", feature_key_regex=regex, min_match_rate=0
    )
    assert job.audit["unmatched_feature_keys"]["sample"] == ([] if key is None else [key])
    assert job.audit["rows_without_key"] == (key is None)


def plain_key(text: str, normalize: str, regex: str | None) -> str | None:
    """The contract's four steps in a few lines of Python."""
    text = text.strip()
    if normalize != "raw":
        text = re.split(r"[/\\]", text.rstrip("/\\"))[-1]
    if normalize == "stem" and re.search(r"[^.].*\.[^.]+\Z", text, re.DOTALL):
        text = text[: text.rindex(".")]
    if regex is not None:
        match = re.search(regex, text)
        text = match[1] or "" if match and match.re.groups else match[0] if match else ""
    return text.strip() or None


TEXTS = st.text(st.sampled_from("ab01._-/\\ \t\n\u00a0é漢'\"$;{}"), max_size=12) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12
)


@given(
    TEXTS, st.sampled_from(["raw", "basename", "stem"]), st.sampled_from([(None, 0), ("[0-9a]+", 0), ("_([a-z]+)", 1)])
)
def test_rules_agree_with_plain_python(
    engine: Engine, text: str, normalize: str, pattern: tuple[str | None, int]
) -> None:
    assert key_of(engine, text, normalize, *pattern) == plain_key(text, normalize, pattern[0])


AUTO = [
    ("key", "d/a.mp4"),
    ("src", "a.mp4"),
    ("clip_name", "a.mp4"),
    ("my_PATH", "a.mp4"),
    ("File", "a.mp4"),
    ("vid", "d/a.mp4"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("column", "key"), AUTO)
def test_auto_is_basename_by_the_name_of_the_column(job: Job, column: str, key: str) -> None:
    job.run([{column: "d/a.mp4"}], [{"key": "x", "mos": 3}], feature_key_column=column, min_match_rate=0)
    assert job.audit["unmatched_feature_keys"]["sample"] == [key]


def column(values: list, kind: pa.DataType) -> pa.Table:
    return pa.table({"key": pa.array(values, kind)})


NUMBERS = [
    (column([10008004183.0], pa.float64()), "10008004183"),
    (column([-0.0], pa.float64()), "0"),
    (column([2.0**53], pa.float64()), "9007199254740992"),
    (column([float(2**24)], pa.float32()), "16777216"),
    (column([7.0], pa.float16()), "7"),
    (column([2**63 - 1], pa.int64()), "9223372036854775807"),
    (column([2**64 - 1], pa.uint64()), "18446744073709551615"),
    (column([-5], pa.int8()), "-5"),
    (column([decimal.Decimal("10008004183.00")], pa.decimal128(20, 2)), "10008004183"),
    (column([decimal.Decimal("12345678901234567890123")], pa.decimal128(30, 0)), "12345678901234567890123"),
    (column(["00042"], pa.string()), "00042"),
    (column(["a"], pa.large_string()), "a"),
    (column(["a"], pa.dictionary(pa.int8(), pa.string())), "a"),
]
NO_KEY = [column([None], pa.int64()), column([float("nan")], pa.float64()), column([None], pa.string())]
NOT_KEYS = [
    (column([1.5], pa.float64()), "fractional"),
    (column([float("inf")], pa.float64()), "infinite"),
    (column([2.0**53 + 2], pa.float64()), "too large"),
    (column([float(2**24 + 2)], pa.float32()), "too large"),
    (column([decimal.Decimal("1.50")], pa.decimal128(5, 2)), "fractional"),
    (column([True], pa.bool_()), "BOOLEAN"),
    (column([b"a"], pa.binary()), "BLOB"),
    (column([0], pa.timestamp("us")), "TIMESTAMP"),
]
JSON = [
    ("10008004183.0", "10008004183"),
    ("1e3", "1000"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("12345678901234567890123", "12345678901234567890123"),
    ('"10008004183.0"', "10008004183.0"),
    ('"00042"', "00042"),
]
JSON_NOT = [
    ("1.5", "fractional"),
    ("true", "BOOLEAN"),
    ("[1]", "ARRAY"),
    ('{"a": 1}', "OBJECT"),
    ("1e300", "too large"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("features", "key"), NUMBERS)
def test_parquet_values_become_text(job: Job, features: pa.Table, key: str) -> None:
    job.run(features, [{"key": key, "mos": 3}], features_name="f.parquet", key_normalize="raw")
    assert job.audit["matched_rows"] == 1


@pytest.mark.parametrize("features", NO_KEY)
def test_null_and_nan_have_no_key(job: Job, features: pa.Table) -> None:
    job.run(features, [{"key": "nan", "mos": 3}], features_name="f.parquet", min_match_rate=0)
    assert job.audit["rows_without_key"] == 1


@pytest.mark.sampled
@pytest.mark.parametrize(("features", "found"), NOT_KEYS)
@pytest.mark.parametrize("side", ["features", "labels"])
def test_values_that_cannot_be_keys(job: Job, features: pa.Table, found: str, side: str) -> None:
    other = [{"key": "a", "mos": 3}]
    with pytest.raises(MosLabelsError, match=f'row 1: column "key" .*{found}.*cannot be a key') as caught:
        if side == "features":
            job.run(features, other, features_name="f.parquet")
        else:
            job.run(other, features.append_column("mos", pa.array([3])), labels_name="l.parquet")
    assert (caught.value.column, caught.value.row) == ("key", 1)


LABELS = pa.table({"key": ["2047", "2048", "-7"], "mos": [3, 4, 5]})
HALVES: dict[str, Callable[[pa.Table, Path], Any]] = {
    "in memory": lambda halves, _: join(halves, LABELS),
    "of labels in memory": lambda halves, _: join(
        pa.table({"key": ["2047"]}), halves.append_column("mos", pa.array([3, 4]))
    ),
    "in batches": lambda halves, _: list(labeller(LABELS).batches(halves.to_reader(max_chunksize=1))),
    "in a file": lambda halves, folder: join(write_table(folder / "f.parquet", halves), LABELS),
    "in parts": lambda halves, folder: materialize(
        write_table(folder / "f" / "0.parquet", halves).parent,
        write_table(folder / "l.parquet", LABELS),
        folder / "out",
        workers=1,
    ),
}


@pytest.mark.parametrize("where", list(HALVES))
def test_16_bit_floats_that_may_have_been_other_numbers(where: str, tmp_path: Path) -> None:
    """2049 is stored as 2048, and would get its label."""
    HALVES[where](column([2047.0, -7.0], pa.float16()), tmp_path)
    with pytest.raises(MosLabelsError, match='column "key" holds 2048, a 16-bit float') as caught:
        HALVES[where](column([2047.0, 2049.0], pa.float16()), tmp_path)
    assert (caught.value.code, caught.value.column) == ("bad-key", "key")


@pytest.mark.sampled
@pytest.mark.parametrize(("value", "key"), JSON)
def test_json_values_become_text(job: Job, value: str, key: str) -> None:
    job.run(f'{{"key": {value}}}\n', [{"key": key, "mos": 3}])
    assert job.audit["matched_rows"] == 1


@pytest.mark.parametrize(("value", "found"), JSON_NOT)
def test_json_values_that_cannot_be_keys(job: Job, value: str, found: str) -> None:
    with pytest.raises(MosLabelsError, match=f'row 2: column "key".*{found}'):
        job.run(f'{{"key": "a"}}\n{{"key": {value}}}\n', [{"key": "a", "mos": 3}])


def test_float_ids_meet_text_ids(job: Job) -> None:
    features = pa.table({"key": pa.array([3339962845.0, None, 8171831850.0])})
    rows = job.run(
        features,
        "key,mos\n3339962845,4.64\n8171831850,4.4\n",
        features_name="f.parquet",
        labels_name="l.csv",
        min_match_rate=0.6,
    )
    assert [row["mos"] for row in rows] == [4.64, None, 4.4]


REFUSED = ["(?P<na", "(?P<n!>a)", "(?=a)", r"(a)\1", "(", "a{1001}", "[z-a]", "(?<!x)y"]


@pytest.mark.parametrize("pattern", REFUSED)
@pytest.mark.parametrize("option", ["feature_key_regex", "label_key_regex"])
def test_patterns_that_re2_refuses(job: Job, pattern: str, option: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run([{"key": "a"}], [{"key": "a", "mos": 3}], **{option: pattern})
    assert option in str(caught.value)
    assert f"'{pattern}'" in str(caught.value)
    assert "look-around and back-references are not RE2" in str(caught.value)
    assert not job.out.exists()


INFERRED = [
    (["x", "Key"], "Key"),
    (["path", "video_id"], "video_id"),
    (["distorted_path", "src_path"], "src_path"),
    (["CHUG_Video_ID"], "CHUG_Video_ID"),
]


@pytest.mark.parametrize(("names", "chosen"), INFERRED)
def test_key_column_is_inferred_by_name(job: Job, names: list[str], chosen: str) -> None:
    job.run([dict.fromkeys(names, "a")], [{"clip": "a", "mos": 3}], label_key_column="clip")
    assert job.audit["feature_key_column"] == chosen


def test_absent_column_names_the_nearest(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='feature_key_column "flickrid" .*did you mean "flickr_id"'):
        job.run([{"flickr_id": 1}], [{"key": "1", "mos": 3}], feature_key_column="flickrid")
    with pytest.raises(MosLabelsError, match="no key column found"):
        job.run([{"flickr": 1}], [{"key": "1", "mos": 3}])
    with pytest.raises(MosLabelsError, match='no score column found.*"MOS_j"'):
        job.run([{"key": 1}], [{"key": "1", "MOS_j": 3}])


def test_two_columns_that_differ_by_case_are_not_guessed_between(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='2 columns are named "key"'):
        job.run([{"key": "a", "KEY": "b"}], [{"key": "a", "mos": 3}])
    rows = job.run([{"key": "a", "KEY": "b"}], [{"key": "b", "mos": 3}], feature_key_column="KEY")
    assert rows[0]["mos"] == 3


LONG_KINDS = {
    "text": pa.string(),
    "large text": pa.large_string(),
    "view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
}


@pytest.mark.parametrize("columns", [("clip",), ("clip", "number"), ("number", "clip")], ids=", ".join)
@pytest.mark.parametrize("kind", LONG_KINDS)
def test_a_text_in_memory_is_a_key_up_to_64_kilobytes(kind: str, columns: tuple[str, ...]) -> None:
    longest, too_long = "é" * 32_768, "é" * 32_768 + "a"
    labels = pa.table({"clip": ["a", longest], "number": [1, 2], "mos": [3.0, 4.0]})
    features = pa.table({"clip": ["a", longest, too_long], "number": [1, 2, 3]})
    features = features.set_column(0, "clip", features["clip"].cast(LONG_KINDS[kind]))
    options: dict[str, Any] = {name: columns[0] if len(columns) == 1 else list(columns) for name in KEY_COLUMNS}
    with labeller(labels, **options) as prepared:
        fit = features.slice(0, 2)
        ways: list[Callable[[pa.Table], Any]] = [
            lambda table: join(table, labels, **options).table,
            lambda table: prepared.join(table).table,
            lambda table: pa.Table.from_batches(list(prepared.batches(table.to_reader(max_chunksize=1)))),
        ]
        for way in ways:
            assert way(fit)["mos"].to_pylist() == [3.0, 4.0]
            with pytest.raises(MosLabelsError, match=r"a text of 65537 bytes \(65536 are the most\)") as caught:
                way(features)
            assert (caught.value.code, caught.value.row) == ("bad-key", 3)
    scored = features.append_column("mos", pa.array([3.0, 4.0, 5.0]))
    assert join(fit, scored.slice(0, 2), **options, overwrite=True).table["mos"].to_pylist() == [3.0, 4.0]
    with pytest.raises(MosLabelsError, match=r"a text of 65537 bytes \(65536 are the most\)") as caught:
        join(fit, scored, **options)
    assert (caught.value.code, caught.value.row) == ("bad-key", 3)
