"""Contract 5: label columns that are carried over, and their types."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import Job

from moslabels import MosLabelsError

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
