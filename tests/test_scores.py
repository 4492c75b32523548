"""Contract 5: what a score is, which scale it is on, and what is kept of it."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pytest
from conftest import Job
from hypothesis import given
from hypothesis import strategies as st

from moslabels import MosLabelsError, join
from moslabels.engine import Engine
from moslabels.render import Statement

FEATURES = [{"key": "a"}]

NUMBERS = [
    ("3", 3.0),
    (" 3.5 ", 3.5),
    ("+4.", 4.0),
    (".5e1", 5.0),
    ("30e-1", 3.0),
    ("1E0", 1.0),
    ("\u00a02\u3000", 2.0),
]
BAD = ["inf", "-Infinity", "1_000", "na", "true", "3,5", "0x3", "3 4", "--3", "1e999", ".", "e5", "٣", "+nan"]
MISSING = ["", "  ", "nan", "NaN", "NAN"]


def csv_label(score: str) -> str:
    return f'key,mos\na,"{score}"\nb,3\n'


@pytest.mark.parametrize(("score", "mos"), NUMBERS)
def test_text_that_is_a_number(job: Job, score: str, mos: float) -> None:
    assert job.run(FEATURES, csv_label(score), labels_name="l.csv")[0]["mos"] == mos


@pytest.mark.parametrize("score", BAD)
def test_text_that_is_none(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, csv_label(score), labels_name="l.csv")
    message = str(caught.value)
    assert "l.csv: row 1: " in message
    assert json.dumps(score, ensure_ascii=False) in message
    assert "1 score is no finite number" in message
    assert (caught.value.row, caught.value.column) == (1, "mos")


def test_all_bad_scores_are_counted(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r"l\.csv: row 2: .*5 scores are no finite numbers"):
        job.run(FEATURES, "key,mos\na,3\n" + "b,x\n" * 5, labels_name="l.csv")


@pytest.mark.parametrize("score", MISSING)
def test_missing_scores(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError, match='1 label has no score.*missing_mos "skip"'):
        job.run(FEATURES, csv_label(score), labels_name="l.csv")
    rows = job.run([{"key": "b"}], csv_label(score), labels_name="l.csv", missing_mos="skip")
    assert rows[0]["mos"] == 3
    assert job.audit["missing_mos_rows"] == 1


def test_missing_values_are_texts_of_the_users_own(job: Job) -> None:
    with pytest.raises(MosLabelsError, match="no finite number"):
        job.run(FEATURES, csv_label("NA"), labels_name="l.csv", missing_mos="skip")
    job.run([{"key": "b"}], csv_label(" NA "), labels_name="l.csv", missing_mos="skip", missing_values=["NA", "-"])
    assert (job.audit["missing_mos_rows"], job.audit["labels_loaded"]) == (1, 1)


JSON_SCORES = [("3", 3.0), ("3.25", 3.25), ("3e0", 3.0), ('"3.5"', 3.5), ("5", 5.0)]
JSON_BAD = ["true", "[3]", '{"a": 3}', '"good"', "1e999"]


@pytest.mark.parametrize(("score", "mos"), JSON_SCORES)
def test_json_scores(job: Job, score: str, mos: float) -> None:
    assert job.run(FEATURES, f'{{"key": "a", "mos": {score}}}\n')[0]["mos"] == mos


@pytest.mark.parametrize("score", JSON_BAD)
def test_json_scores_that_are_none(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError, match="row 1: .*no finite number"):
        job.run(FEATURES, f'{{"key": "a", "mos": {score}}}\n')


@pytest.mark.parametrize("score", ["null", '"NaN"', '""'])
def test_json_scores_that_are_missing(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError, match="row 1: .*no score"):
        job.run(FEATURES, f'{{"key": "a", "mos": {score}}}\n')


PARQUET = [
    (pa.array([3.7], pa.float64()), 3.7),
    (pa.array([3.7], pa.float32()), 3.700000047683716),
    (pa.array([3], pa.int8()), 3.0),
    (pa.array(["3.7"]), 3.7),
    (pa.array([3.5]).cast(pa.decimal128(5, 2)), 3.5),
]


@pytest.mark.parametrize(("scores", "mos"), PARQUET)
def test_parquet_scores(job: Job, scores: pa.Array, mos: float) -> None:
    labels = pa.table({"key": ["a"], "mos": scores})
    assert job.run(FEATURES, labels, labels_name="l.parquet")[0]["mos"] == mos


@pytest.mark.parametrize("scores", [pa.array([float("inf")]), pa.array([True]), pa.array([0], pa.date32())])
def test_parquet_scores_that_are_none(job: Job, scores: pa.Array) -> None:
    with pytest.raises(MosLabelsError, match="no finite number"):
        job.run(FEATURES, pa.table({"key": ["a"], "mos": scores}), labels_name="l.parquet")


OTHER_TYPES = [
    (pa.array([b"3.5"]), "BLOB", '"3.5" in row 1'),
    (pa.array([b"3.5"], pa.binary(3)), "BLOB", '"3.5" in row 1'),
    (pa.array([True]), "BOOLEAN", '"true" in row 1'),
    (pa.array([0], pa.date32()), "DATE", '"1970-01-01" in row 1'),
    (pa.array([[3.5]]), "DOUBLE[]", '"[3.5]" in row 1'),
]


@pytest.mark.parametrize(("scores", "kind", "found"), OTHER_TYPES)
def test_a_column_whose_type_holds_no_scores_names_it(job: Job, scores: pa.Array, kind: str, found: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, pa.table({"key": ["a"], "mos": scores}), labels_name="l.parquet")
    assert str(caught.value) == (
        f'{job.folder / "l.parquet"}: row 1: column "mos": 1 score is no finite number: {found}; the column is of type '
        f"{kind}, which holds no scores: convert it to numbers or text"
    )
    assert (caught.value.column, caught.value.code) == ("mos", "bad-score")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(3)])
def test_a_table_in_memory_whose_type_holds_no_scores(kind: pa.DataType) -> None:
    labels = pa.table({"key": ["a"], "mos": pa.array([b"3.5"], kind)})
    with pytest.raises(MosLabelsError, match="the column is of type BLOB, which holds no scores: convert it"):
        join(pa.table({"key": ["a"]}), labels)


@pytest.mark.parametrize("nan", [float("nan"), -float("nan")])
def test_a_nan_in_parquet_is_missing(job: Job, nan: float) -> None:
    labels = pa.table({"key": ["a", "b"], "mos": [nan, 2.0]})
    job.run([{"key": "b"}], labels, labels_name="l.parquet", missing_mos="skip")
    assert job.audit["missing_mos_rows"] == 1


SCALES = [
    # scores, mos_scale, mos, mos_raw_0_100, decided
    ([1, 3, 5], "auto", [1, 3, 5], [0, 50, 100], "1-5"),
    ([5.5, 50, 100], "auto", [1.22, 3, 5], [5.5, 50, 100], "0-100"),
    ([4.4, 3.6], "0-100", [1.176, 1.144], [4.4, 3.6], "0-100"),
    ([3, 60], "per-value", [3, 3.4], [50, 60], "per-value"),
    ([0, 100, 20], {"worst": 100, "best": 0}, [5, 1, 4.2], [100, 0, 80], {"worst": 100, "best": 0}),
    ([-1, 0, 1], {"worst": -1, "best": 1}, [1, 3, 5], [0, 50, 100], {"worst": -1, "best": 1}),
    ([1, 9], {"worst": 1, "best": 9}, [1, 5], [0, 100], {"worst": 1, "best": 9}),
]


@pytest.mark.parametrize(("scores", "scale", "mos", "raw", "decided"), SCALES)
def test_scales(job: Job, scores: list, scale: object, mos: list, raw: list, decided: object) -> None:
    keys = [str(index) for index in range(len(scores))]
    labels = [{"key": key, "mos": score} for key, score in zip(keys, scores, strict=True)]
    rows = job.run([{"key": key} for key in keys], labels, mos_scale=scale)
    assert [row["mos"] for row in rows] == pytest.approx(mos, abs=1e-12)
    assert [row["mos_raw_0_100"] for row in rows] == pytest.approx(raw, abs=1e-12)
    assert job.audit["label_files"][0]["mos_scale"] == decided


TEN = 'no score of column "{}" is above 10, and all are taken to be on 0-100; where they are on 0-10, set mos_scale'
GREATEST = [
    # scores, column, mos_scale, what the warning says of it
    ([8.25, 9.5, 6.75], "mos", "auto", TEN),
    ([5.5, 10], "mos", "auto", TEN),
    ([5.5, 10.01], "mos", "auto", None),
    ([2, 9.5], "mos_raw_0_100", "auto", TEN),
    ([2, 4], "mos_raw_0_100", "auto", "is above 5, and all are taken to be on 0-100"),
    ([8.25, 9.5], "mos", "0-100", None),
    ([8.25, 9.5], "mos", {"worst": 0, "best": 10}, None),
    ([1, 5], "mos", "auto", None),
]


@pytest.mark.parametrize(("scores", "column", "scale", "said"), GREATEST)
def test_a_scale_that_ends_at_10_is_a_warning(
    job: Job, scores: list, column: str, scale: object, said: str | None
) -> None:
    labels = [{"key": str(score), column: score} for score in scores]
    job.run([{"key": str(score)} for score in scores], labels, mos_scale=scale)
    warnings = job.audit["warnings"]
    assert len(warnings) == (said is not None)
    assert said is None or said.format(column) in warnings[0]


def test_a_mix_is_refused_with_both_counts(job: Job) -> None:
    labels = [{"key": str(index), "mos": score} for index, score in enumerate([2.4, 4.9, 50, 60, 91])]
    with pytest.raises(MosLabelsError, match=r"2 are at most 5 and 3 above; set mos_scale"):
        job.run(FEATURES, labels)


def test_the_name_of_the_column_says_0_100(job: Job) -> None:
    assert job.run(FEATURES, [{"key": "a", "mos_raw_0_100": 3}])[0]["mos"] == pytest.approx(1.12)


def test_each_file_is_judged_by_itself(job: Job) -> None:
    files = {"a.jsonl": [{"key": "a", "mos": 3}], "b.jsonl": [{"key": "b", "mos": 75}]}
    rows = job.run([{"key": "a"}, {"key": "b"}], files)
    assert [row["mos"] for row in rows] == [3, 4]
    assert [file["mos_scale"] for file in job.audit["label_files"]] == ["1-5", "0-100"]


def test_rows_without_a_key_do_not_decide_the_scale(job: Job) -> None:
    job.run(FEATURES, [{"key": "a", "mos": 3}, {"key": None, "mos": 77}, {"key": " ", "mos": "total"}])
    assert job.audit["label_files"][0]["mos_scale"] == "1-5"
    assert job.audit["label_rows_without_key"] == 2


OUTSIDE = [
    ([0.5], "1-5"),
    ([5.1], "1-5"),
    ([-0.1], "0-100"),
    ([100.5], "auto"),
    ([101], "per-value"),
    ([0.9], "per-value"),
    ([-3], {"worst": 100, "best": 0}),
]


@pytest.mark.parametrize(("scores", "scale"), OUTSIDE)
def test_a_score_outside_of_its_scale(job: Job, scores: list, scale: object) -> None:
    labels = [{"key": "a", "mos": score} for score in scores]
    with pytest.raises(MosLabelsError, match=r'row 1: 1 score is outside of its scale .*out_of_range "clip"'):
        job.run(FEATURES, labels, mos_scale=scale)
    row = job.run(FEATURES, labels, mos_scale=scale, out_of_range="clip")[0]
    assert row["mos"] in (1, 5)
    assert row["mos_raw_0_100"] in (0, 100)
    assert job.audit["clipped_mos_rows"] == 1


def test_the_given_number_is_kept_to_the_last_digit(job: Job) -> None:
    values = [round(0.01 * step, 2) for step in range(501, 10001, 37)]
    labels = [{"key": str(value), "mos": value} for value in values]
    rows = job.run([{"key": str(value)} for value in values], labels)
    assert [row["mos_raw_0_100"] for row in rows] == values
    values = [round(0.001 * step, 3) for step in range(1000, 5001, 7)]
    labels = [{"key": str(value), "mos": value} for value in values]
    rows = job.run([{"key": str(value)} for value in values], labels)
    assert [row["mos"] for row in rows] == values


@pytest.fixture(scope="module")
def engine():
    with Engine() as engine:
        yield engine


FINITE = st.floats(-1e6, 1e6)


@given(FINITE, FINITE, FINITE)
def test_conversion_agrees_with_plain_python(engine: Engine, value: float, worst: float, best: float) -> None:
    if abs(best - worst) < 1e-3:
        return
    sql = "SELECT scale_mos($value, $worst, $best) AS mos, scale_raw($value, $worst, $best) AS raw"
    found = engine.row(Statement("test", sql, {"value": value, "worst": worst, "best": best}))
    share = (value - worst) / (best - worst)
    assert found["mos"] == pytest.approx(1 + 4 * share, rel=1e-9, abs=1e-9)
    assert found["raw"] == pytest.approx(100 * share, rel=1e-9, abs=1e-9)


GRAMMAR = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@given(st.text("0123456789+-.eE_ naif\t", max_size=8))
def test_what_is_a_number_agrees_with_plain_python(engine: Engine, text: str) -> None:
    stripped = text.strip()
    expected = "bad"
    if stripped == "" or stripped.lower() == "nan":
        expected = "missing"
    elif GRAMMAR.fullmatch(stripped) and abs(float(stripped)) != float("inf"):
        expected = "ok"
    sql = "SELECT mos_state($text, 'CSV', []) AS state, mos_number($text, 'CSV') AS number"
    found = engine.row(Statement("test", sql, {"text": text}))
    assert found["state"] == expected
    if expected == "ok":
        assert found["number"] == float(stripped)


def test_no_label_left(job: Job) -> None:
    with pytest.raises(MosLabelsError, match="no MOS labels loaded"):
        job.run(FEATURES, [{"key": None, "mos": 3}])
    with pytest.raises(MosLabelsError, match="no MOS labels loaded"):
        job.run(FEATURES, "key,mos\n", labels_name="l.csv")
