"""Contract 5: label columns that are carried over, and their types."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.job import Job
from moslabels import MosLabelsError, UsageError, join
from moslabels.runs.verify import verify

FEATURES = [{"key": "a"}, {"key": "b"}]


def extras_of(job: Job, labels: object, **options: object) -> list[dict]:
    rows = job.run(FEATURES, labels, out_name="out.parquet", min_match_rate=0, **options)
    fixed = {"key", "mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"}
    return [{name: value for name, value in row.items() if name not in fixed} for row in rows]


def type_of(job: Job, name: str) -> pa.DataType:
    return pq.read_schema(job.out).field(name).type


def test_the_default_list_in_order_of_name(job: Job) -> None:
    label = {
        "key": "a",
        "mos": 3,
        "split": "test",
        "STDDEV": 0.5,
        "corpus_version": "1",
        "Corpus": "konvid",
        "rating_count": 20,
    }
    first, second = extras_of(job, [label])
    assert list(first) == ["corpus", "corpus_version", "mos_n_ratings", "mos_std_dev", "split"]
    assert first == {
        "corpus": "konvid",
        "corpus_version": "1",
        "mos_n_ratings": 20,
        "mos_std_dev": 0.5,
        "split": "test",
    }
    assert set(second.values()) == {None}


def test_the_name_itself_wins_over_its_aliases(job: Job) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, "stddev": 1, "mos_std_dev": 2, "std_dev": 3}])[0] == {
        "mos_std_dev": 2
    }
    assert extras_of(job, [{"key": "a", "mos": 3, "std_dev": 3, "stddev": 1}])[0] == {"mos_std_dev": 1}


def test_an_extra_without_a_value_gives_no_column(job: Job) -> None:
    assert extras_of(job, "key,mos,split,corpus\na,3,,x\n", labels_name="l.csv")[0] == {"corpus": "x"}


CHOSEN = [
    (["Scene", "n"], {"Scene": "s", "n": 2}),
    ({"Scene": "content", "n": "votes"}, {"content": "s", "votes": 2}),
    (["scene"], {"scene": "s"}),
    ([], {}),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("extras", "expected"), CHOSEN)
def test_extras_replaces_the_list(job: Job, extras: object, expected: dict) -> None:
    label = {"key": "a", "mos": 3, "Scene": "s", "n": 2, "split": "test"}
    assert extras_of(job, [label], extras=extras)[0] == expected


def test_an_extra_that_is_named_must_be_somewhere(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='extras: no label table has a column "scene"'):
        extras_of(job, [{"key": "a", "mos": 3}], extras=["scene"])
    files = {"a.jsonl": [{"key": "a", "mos": 3}], "b.jsonl": [{"key": "b", "mos": 3, "scene": "s"}]}
    assert extras_of(job, files, extras=["scene"]) == [{"scene": None}, {"scene": "s"}]


TYPES = [
    (["1", "2"], pa.int64(), [1, 2]),
    (["1", "2.5"], pa.float64(), [1.0, 2.5]),
    (["007", "8"], pa.string(), ["007", "8"]),
    (["1", "x"], pa.string(), ["1", "x"]),
    (["1", ""], pa.int64(), [1, None]),
    (["nan", "1"], pa.float64(), None),
    (["9223372036854775807", "1.5"], pa.string(), ["9223372036854775807", "1.5"]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("cells", "kind", "values"), TYPES)
def test_text_cells_are_typed_by_all_of_them(
    job: Job, cells: list[str], kind: pa.DataType, values: list | None
) -> None:
    rows = extras_of(job, f"key,mos,x\na,3,{cells[0]}\nb,3,{cells[1]}\n", labels_name="l.csv", extras=["x"])
    assert type_of(job, "x") == kind
    assert values is None or [row["x"] for row in rows] == values


def test_a_quoted_empty_cell_is_empty(job: Job) -> None:
    text = '"key","mos","split","stddev"\n"a","3","train","0.5"\n"a","3","",""\n"b","3","",""\n'
    assert extras_of(job, text, labels_name="l.csv") == [
        {"mos_std_dev": 0.5, "split": "train"},
        {"mos_std_dev": None, "split": None},
    ]


def test_types_are_decided_over_all_label_files(job: Job) -> None:
    files = {"a.csv": "key,mos,x\na,3,1\n", "b.jsonl": '{"key": "b", "mos": 3, "x": 2.5}\n'}
    assert [row["x"] for row in extras_of(job, files, extras=["x"])] == [1.0, 2.5]
    assert type_of(job, "x") == pa.float64()
    files = {"a.csv": "key,mos,x\na,3,1\n", "b.jsonl": '{"key": "b", "mos": 3, "x": "2"}\n'}
    assert [row["x"] for row in extras_of(job, files, extras=["x"])] == ["1", "2"]


def test_equal_numbers_in_two_spellings_are_equal(job: Job) -> None:
    files = {"a.csv": "key,mos,stddev\na,3,0.50\n", "b.csv": "key,mos,stddev\na,3,.5\n"}
    assert extras_of(job, files)[0] == {"mos_std_dev": 0.5}
    assert job.audit["duplicate_labels"] == 1


NATIVE = [
    (pa.array([True, None]), True),
    (pa.array([datetime.date(2024, 1, 2), None]), datetime.date(2024, 1, 2)),
    (pa.array([0.1, None], pa.float32()), pytest.approx(0.1)),
    (pa.array([7, None], pa.int16()), 7),
    (pa.array(["00042", None]), "00042"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("values", "expected"), NATIVE)
def test_parquet_types_stay(job: Job, values: pa.Array, expected: object) -> None:
    labels = pa.table({"key": ["a", "b"], "mos": [3, 3], "x": values})
    rows = extras_of(job, labels, labels_name="l.parquet", extras=["x"])
    assert [row["x"] for row in rows] == [expected, None]
    assert type_of(job, "x") == values.type


def test_nested_extras_are_refused(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='extras: column "votes" of .*labels.jsonl holds values of type ARRAY'):
        extras_of(job, [{"key": "a", "mos": 3, "votes": [3, 4]}], extras=["votes"])


def test_missing_values_are_about_scores_only(job: Job) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, "split": "NA"}], missing_values=["NA"])[0] == {"split": "NA"}


STATED = [
    # default extras: what a label file holds, the type of the column, its values
    ("mos_n_ratings", pa.array([24.0, None]), pa.int64(), [24, None]),
    ("mos_n_ratings", pa.array([24.0, float("nan")]), pa.int64(), [24, None]),
    ("n_ratings", pa.array(["24", " 25.0 "]), pa.int64(), [24, 25]),
    ("n_ratings", pa.array(["2.4e1", "+25"]), pa.int64(), [24, 25]),
    ("n_ratings", pa.array([""]), pa.int64(), None),
    ("n_ratings", pa.array([float("nan")]), pa.int64(), None),
    ("n_ratings", pa.array([7, None], pa.uint8()), pa.int64(), [7, None]),
    ("n_ratings", pa.array([2**63 - 1, None]), pa.int64(), [2**63 - 1, None]),
    ("n_ratings", pa.array([24]).cast(pa.decimal128(22, 2)), pa.int64(), [24]),
    ("rating_count", pa.array([24], pa.float32()), pa.int64(), [24]),
    ("stddev", pa.array([1, 2], pa.int32()), pa.float64(), [1.0, 2.0]),
    ("stddev", pa.array([0.5], pa.float32()), pa.float64(), [0.5]),
    ("std_dev", pa.array(["0.50", "1"]), pa.float64(), [0.5, 1.0]),
    ("split", pa.array([1, None]), pa.string(), ["1", None]),
    ("corpus", pa.array([True]), pa.string(), ["true"]),
    ("corpus_version", pa.array(["1.10"]), pa.string(), ["1.10"]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "values", "kind", "expected"), STATED)
def test_default_extras_have_one_type_each(
    name: str, values: pa.Array, kind: pa.DataType, expected: list | None
) -> None:
    keys = ["a", "b"][: len(values)]
    joined = join(pa.table({"key": keys}), pa.table({"key": keys, "mos": [3] * len(keys), name: values}))
    found = [column for column in joined.label_columns if column not in ("mos", "mos_raw_0_100", *STATUS)]
    if expected is None:
        assert found == []  # No label has a value.
        return
    assert joined.table[found[0]].type == kind
    assert joined.table[found[0]].to_pylist() == expected


STATUS = ("mos_label_status", "mos_label_source")


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("labels_name", ["l.csv", "l.jsonl", "l.parquet"])
def test_a_whole_number_is_written_as_one(job: Job, labels_name: str, suffix: str) -> None:
    labels = [{"key": "a", "mos": 3, "n_ratings": 24.0, "split": 1}, {"key": "b", "mos": 3}]
    labels[1] |= {"n_ratings": None, "split": None} if labels_name != "l.csv" else {"n_ratings": "", "split": ""}
    job.run(FEATURES, labels, labels_name=labels_name, out_name=f"out{suffix}")
    if suffix == ".parquet":
        assert pq.read_table(job.out).column("mos_n_ratings").to_pylist() == [24, None]
        assert (type_of(job, "mos_n_ratings"), type_of(job, "split")) == (pa.int64(), pa.string())
        return
    text = job.out.read_text()
    assert "24.0" not in text
    assert (
        (",24,1\n" in text) if suffix == ".csv" else ('"mos_n_ratings": 24, "split": "1"' in text.replace(",\n", ", "))
    )


MISFITS = [
    # extras, column, values, the type, the row, its value as shown, how many
    (None, "n_ratings", [24.0, 24.5], "BIGINT", 2, "24.5", 1),
    (None, "n_ratings", ["24", "NA", "many"], "BIGINT", 2, "NA", 2),
    (None, "n_ratings", ["007"], "BIGINT", 1, "007", 1),
    (None, "n_ratings", [2.0**60], "BIGINT", 1, "1.152921504606847e+18", 1),
    (None, "n_ratings", [float("inf")], "BIGINT", 1, "inf", 1),
    (None, "n_ratings", ["9223372036854775808"], "BIGINT", 1, "9223372036854775808", 1),
    (None, "n_ratings", [True], "BIGINT", 1, "true", 1),
    (None, "n_ratings", [datetime.date(2024, 1, 2)], "BIGINT", 1, "2024-01-02", 1),
    (None, "stddev", ["0.5", "0,5"], "DOUBLE", 2, "0,5", 1),
    (None, "stddev", [2**53 + 1], "DOUBLE", 1, "9007199254740993", 1),
    (None, "stddev", ["1e999"], "DOUBLE", 1, "1e999", 1),
    ({"hdr": {"type": "BOOLEAN"}}, "hdr", ["TRUE", "yes"], "BOOLEAN", 2, "yes", 1),
    ({"hdr": {"type": "BOOLEAN"}}, "hdr", [1, 2], "BOOLEAN", 2, "2", 1),
    (["mos_n_ratings"], "mos_n_ratings", ["x"], "BIGINT", 1, "x", 1),
    ({"votes": "MOS_n_ratings"}, "votes", ["x"], "BIGINT", 1, "x", 1),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("extras", "column", "values", "kind", "row", "said", "count"), MISFITS)
def test_a_value_that_does_not_fit_its_type(
    extras: object, column: str, values: list, kind: str, row: int, said: str, count: int
) -> None:
    keys = [str(place) for place in range(len(values))]
    labels = {"name": "lab", "table": pa.table({"key": keys, "mos": [3] * len(keys), column: values})}
    with pytest.raises(MosLabelsError) as caught:
        join(pa.table({"key": keys}), labels, **({} if extras is None else {"extras": extras}))
    error, does = caught.value, "value does" if count == 1 else "values do"
    assert (error.code, error.file, error.column, error.row) == ("bad-extra", "lab", column, row)
    assert str(error).startswith(f'lab: row {row}: column "{column}": {count} {does} not fit {kind}, the type of the')
    assert f'"{said}" in row {row}' in str(error)


def test_a_value_of_a_label_that_is_none_need_not_fit(job: Job) -> None:
    labels = "key,mos,n_ratings\na,3,24\n,3,total\nb,,none\n"
    assert extras_of(job, labels, labels_name="l.csv", missing_mos="skip")[0] == {"mos_n_ratings": 24}


NAMED = [
    # extras, values of x, output, type, values
    ({"x": {"as": "mos_n_ratings", "type": "BIGINT"}}, ["24", ""], "mos_n_ratings", pa.int64(), [24, None]),
    ({"x": {"as": "mos_n_ratings", "type": "DOUBLE"}}, ["24", "24.5"], "mos_n_ratings", pa.float64(), [24.0, 24.5]),
    ({"x": {"type": "VARCHAR"}}, ["007", "1.10"], "x", pa.string(), ["007", "1.10"]),
    ({"x": {"type": "DOUBLE"}}, ["1", "2"], "x", pa.float64(), [1.0, 2.0]),
    ({"x": {"type": "DOUBLE"}}, ["nan", "-inf"], "x", pa.float64(), None),
    ({"x": {"type": "BOOLEAN"}}, ["True", "0"], "x", pa.bool_(), [True, False]),
    ({"x": {"as": "y"}}, ["1", "2"], "y", pa.int64(), [1, 2]),
    ({"x": {"type": "BIGINT"}}, ["", ""], "x", pa.int64(), [None, None]),
    ({"x": {"type": "BOOLEAN"}}, ["", ""], "x", pa.bool_(), [None, None]),
    ({"x": {"type": "VARCHAR"}}, ["", ""], "x", pa.string(), [None, None]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("extras", "cells", "output", "kind", "values"), NAMED)
def test_extras_may_state_types(
    job: Job, extras: object, cells: list[str], output: str, kind: pa.DataType, values: list | None
) -> None:
    rows = extras_of(job, f"key,mos,x\na,3,{cells[0]}\nb,3,{cells[1]}\n", labels_name="l.csv", extras=extras)
    assert [list(row) for row in rows] == [[output], [output]]
    assert type_of(job, output) == kind
    assert values is None or [row[output] for row in rows] == values
    assert job.audit["warnings"] == []
    assert job.audit["config"]["extras"] == extras


def test_a_stated_type_without_a_column_is_written_and_told(job: Job) -> None:
    rows = extras_of(job, [{"key": "a", "mos": 3}], extras={"n_ratings": {"as": "votes", "type": "BIGINT"}})
    assert rows == [{"votes": None}, {"votes": None}]
    assert type_of(job, "votes") == pa.int64()
    (warning,) = job.audit["warnings"]
    assert warning.startswith('extras: no label table has a column "n_ratings": ')
    assert warning.endswith('labels.jsonl has "key", "mos"; "votes" is written without a value')


def test_values_of_one_stated_type_are_compared_as_such(job: Job) -> None:
    files = {"a.csv": "key,mos,n_ratings\na,3,24\n", "b.jsonl": '{"key": "a", "mos": 3, "n_ratings": 24.0}\n'}
    assert extras_of(job, files)[0] == {"mos_n_ratings": 24}
    files["b.jsonl"] = '{"key": "a", "mos": 3, "n_ratings": 25}\n'
    with pytest.raises(MosLabelsError, match="which differ in mos_n_ratings"):
        extras_of(job, files)


WRONG = [
    ({"x": {}}, 'must hold for "x" "as", "type" or "missing_values", and nothing else, not {}'),
    ({"x": {"type": "BIGINT", "sort": "y"}}, 'must hold for "x" "as", "type" or "missing_values"'),
    ({"x": {"type": "bigint"}}, '"type" of "x" must be one of BIGINT, BOOLEAN, DOUBLE, VARCHAR, not "bigint"; did you'),
    ({"x": {"type": None}}, '"type" of "x" must be one of'),
    ({"x": {"as": ""}}, "must hold non-empty texts"),
    ({"x": {"as": "mos"}}, 'must not write the column "mos"'),
    ({"x": {"as": "z"}, "y": "Z"}, 'must not write two columns named "Z"'),
    ([{"x": {"type": "BIGINT"}}], "must hold non-empty texts"),
    ({"x": {"as": "mos_label_status"}}, 'must not be the name of another label column, "mos_label_status"'),
]


@pytest.mark.parametrize(("extras", "said"), WRONG)
def test_extras_that_are_wrong(extras: object, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        join(pa.table({"key": ["a"]}), pa.table({"key": ["a"], "mos": [3]}), extras=extras)
    assert said in str(caught.value)


def test_stated_types_hold_when_a_table_is_verified(job: Job) -> None:
    extras = {"n_ratings": {"as": "votes", "type": "BIGINT"}, "note": {"type": "VARCHAR"}}
    written = job.folder / "a.json"
    extras_of(job, [{"key": "a", "mos": 3, "n_ratings": 24.0}], extras=extras, audit_json=written)
    found = verify([str(written), str(job.out)])["files"]
    assert [(one["status"], one["differences"]) for one in found] == [("ok", [])] * 2


MISSING = [
    ({"missing_values": ["NA", "-1"]}, pa.float64(), [0.5, None]),
    ({"missing_values": ["NA"], "as": "spread", "type": "DOUBLE"}, pa.float64(), [0.5, None]),
    ({"missing_values": ["n/a"], "type": "VARCHAR"}, pa.string(), ["0.5", " NA "]),
    ({"missing_values": []}, pa.string(), ["0.5", " NA "]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("chosen", "kind", "values"), MISSING)
def test_an_extra_has_texts_that_mean_no_value(job: Job, chosen: dict, kind: pa.DataType, values: list) -> None:
    labels = "key,mos,x\na,3,0.5\nb,3, NA \n"
    rows = extras_of(job, labels, labels_name="l.csv", extras={"x": chosen})
    output = chosen.get("as", "x")
    assert [row[output] for row in rows] == values
    assert type_of(job, output) == kind


def test_texts_that_mean_no_value_hold_for_one_extra_alone(job: Job) -> None:
    labels = [{"key": "a", "mos": 3, "x": -1, "y": -1}, {"key": "b", "mos": 3, "x": 2, "y": 2}]
    extras = {"x": {"missing_values": ["-1"]}, "y": {"as": "other"}}
    assert extras_of(job, labels, extras=extras) == [{"other": -1, "x": None}, {"other": 2, "x": 2}]
    # They are equal to whatever another label says, and no score.
    files = {"one.jsonl": [{"key": "a", "mos": 3, "x": -1}], "two.jsonl": [{"key": "a", "mos": 3, "x": 2}]}
    assert extras_of(job, files, extras={"x": {"missing_values": ["-1"]}})[0] == {"x": None}
    with pytest.raises(MosLabelsError, match="conflicting MOS labels"):
        extras_of(job, files, extras=["x"])
    with pytest.raises(UsageError, match='"missing_values" of "x" must be a list of texts'):
        extras_of(job, files, extras={"x": {"missing_values": 3}})
