"""Contract 5: what a score is, which scale it is on, and what is kept of it."""

from __future__ import annotations

import json
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.job import Job
from moslabels import MosLabelsError, join
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement

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


def test_text_that_is_a_number(job: Job) -> None:
    keys = [{"key": f"k{place}"} for place in range(len(NUMBERS))]
    labels = "key,mos\n" + "".join(f'k{place},"{score}"\n' for place, (score, _) in enumerate(NUMBERS))
    found = [row["mos"] for row in job.run(keys, labels, labels_name="l.csv")]
    assert dict(zip([score for score, _ in NUMBERS], found, strict=True)) == dict(NUMBERS)


@pytest.mark.sampled
@pytest.mark.parametrize("score", BAD)
def test_text_that_is_none(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, csv_label(score), labels_name="l.csv")
    message = str(caught.value)
    assert "l.csv: row 1: " in message
    assert json.dumps(score, ensure_ascii=False) in message
    assert "1 score is not a finite number" in message
    assert (caught.value.row, caught.value.column) == (1, "mos")


def test_all_bad_scores_are_counted(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r"l\.csv: row 2: .*5 scores are not finite numbers"):
        job.run(FEATURES, "key,mos\na,3\n" + "b,x\n" * 5, labels_name="l.csv")


@pytest.mark.sampled
@pytest.mark.parametrize("score", MISSING)
def test_missing_scores(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError, match='1 label has no score.*missing_mos "skip"'):
        job.run(FEATURES, csv_label(score), labels_name="l.csv")
    rows = job.run([{"key": "b"}], csv_label(score), labels_name="l.csv", missing_mos="skip")
    assert rows[0]["mos"] == 3
    assert job.audit["missing_mos_rows"] == 1


def test_missing_values_are_texts_of_the_users_own(job: Job) -> None:
    with pytest.raises(MosLabelsError, match="not a finite number"):
        job.run(FEATURES, csv_label("NA"), labels_name="l.csv", missing_mos="skip")
    job.run([{"key": "b"}], csv_label(" NA "), labels_name="l.csv", missing_mos="skip", missing_values=["NA", "-"])
    assert (job.audit["missing_mos_rows"], job.audit["labels_loaded"]) == (1, 1)


JSON_SCORES = [("3", 3.0), ("3.25", 3.25), ("3e0", 3.0), ('"3.5"', 3.5), ("5", 5.0)]
JSON_BAD = ["true", "[3]", '{"a": 3}', '"good"', "1e999"]


def test_json_scores(job: Job) -> None:
    """Each in a file of its own: the values of a column do not decide about each other."""
    keys = [{"key": f"k{place}"} for place in range(len(JSON_SCORES))]
    files = {
        f"{place}.jsonl": f'{{"key": "k{place}", "mos": {score}}}\n' for place, (score, _) in enumerate(JSON_SCORES)
    }
    found = [row["mos"] for row in job.run(keys, files)]
    assert dict(zip([score for score, _ in JSON_SCORES], found, strict=True)) == dict(JSON_SCORES)


@pytest.mark.parametrize("score", JSON_BAD)
def test_json_scores_that_are_none(job: Job, score: str) -> None:
    with pytest.raises(MosLabelsError, match="row 1: .*not a finite number"):
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


@pytest.mark.sampled
@pytest.mark.parametrize(("scores", "mos"), PARQUET)
def test_parquet_scores(job: Job, scores: pa.Array, mos: float) -> None:
    labels = pa.table({"key": ["a"], "mos": scores})
    assert job.run(FEATURES, labels, labels_name="l.parquet")[0]["mos"] == mos


@pytest.mark.parametrize("scores", [pa.array([float("inf")]), pa.array([True]), pa.array([0], pa.date32())])
def test_parquet_scores_that_are_none(job: Job, scores: pa.Array) -> None:
    with pytest.raises(MosLabelsError, match="not a finite number"):
        job.run(FEATURES, pa.table({"key": ["a"], "mos": scores}), labels_name="l.parquet")


OTHER_TYPES = [
    (pa.array([b"3.5"]), "BLOB", '"3.5" in row 1'),
    (pa.array([b"3.5"], pa.binary(3)), "BLOB", '"3.5" in row 1'),
    (pa.array([True]), "BOOLEAN", '"true" in row 1'),
    (pa.array([0], pa.date32()), "DATE", '"1970-01-01" in row 1'),
]


@pytest.mark.parametrize(("scores", "kind", "found"), OTHER_TYPES)
def test_a_column_whose_type_holds_no_scores_names_it(job: Job, scores: pa.Array, kind: str, found: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, pa.table({"key": ["a"], "mos": scores}), labels_name="l.parquet")
    assert str(caught.value) == (
        f'{job.folder / "l.parquet"}: row 1: column "mos": 1 score is not a finite number: {found}; the column is of '
        f"type {kind}, which holds no scores: convert it to numbers or text"
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


@pytest.mark.sampled
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


@pytest.mark.sampled
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


@pytest.mark.sampled
@pytest.mark.parametrize(("scores", "scale"), OUTSIDE)
def test_a_score_outside_of_its_scale(job: Job, scores: list, scale: object) -> None:
    labels = [{"key": "a", "mos": score} for score in scores]
    with pytest.raises(MosLabelsError, match=r'row 1: 1 score is outside of its scale .*out_of_range "clip"'):
        job.run(FEATURES, labels, mos_scale=scale, max_clipped=1)
    row = job.run(FEATURES, labels, mos_scale=scale, out_of_range="clip", max_clipped=1)[0]
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


BOTH = [
    # mos, mos_raw_0_100 of rows, options, mos and mos_raw_0_100 that are written, rows clipped
    ([("3", "50.00001"), ("4.1", "77.5")], {}, [(3, 50.00001), (4.1, 77.5)], 0),
    ([("3", "52")], {"mos_tolerance": 0.08}, [(3, 52)], 0),
    ([("", "90"), ("3", "nan"), ("4", "NA")], {"missing_values": ["NA"]}, [(4.6, 90), (3, 50), (4, 75)], 0),
    ([("", "4")], {}, [(1.16, 4)], 0),
    ([("5", "120")], {"out_of_range": "clip", "max_clipped": 1}, [(5, 100)], 1),
    (
        [("0.5", "-3"), ("5.2", "")],
        {"out_of_range": "clip", "max_clipped": 1, "mos_scale": "1-5"},
        [(1, 0), (5, 100)],
        2,
    ),
    ([("60", "60"), ("", "70")], {}, [(3.4, 60), (3.8, 70)], 0),
    ([("5", "50.000001")], {"mos_scale": {"worst": 0, "best": 10}}, [(3, 50.000001)], 0),
    ([("3", "90")], {"label_mos_column": "mos"}, [(3, 50)], 0),
    ([("3", "90")], {"label_mos_column": "mos_raw_0_100"}, [(4.6, 90)], 0),
]


def both_scores(rows: list, names: tuple[str, str] = ("mos", "mos_raw_0_100")) -> list[dict]:
    return [{"key": str(place), **dict(zip(names, scores, strict=True))} for place, scores in enumerate(rows)]


@pytest.mark.sampled
@pytest.mark.parametrize("labels_name", ["l.csv", "l.jsonl", "l.parquet"])
@pytest.mark.parametrize(("rows", "options", "expected", "clipped"), BOTH)
def test_a_file_with_both_scores(
    job: Job, labels_name: str, rows: list, options: dict, expected: list, clipped: int
) -> None:
    labels = both_scores(rows)
    found = job.run([{"key": label["key"]} for label in labels], labels, labels_name=labels_name, **options)
    assert [(row["mos"], row["mos_raw_0_100"]) for row in found] == [
        pytest.approx(pair, abs=1e-12) for pair in expected
    ]
    assert job.audit["clipped_mos_rows"] == clipped
    (file,) = job.audit["label_files"]
    columns = (file["mos_column"], file.get("mos_raw_column"))
    assert columns == ((options["label_mos_column"], None) if "label_mos_column" in options else NAMES)


NAMES = ("mos", "mos_raw_0_100")
CONTRADICTIONS = [
    # names, rows, options, code, column, row, what the message says
    (
        NAMES,
        [(3, 90)],
        {},
        "conflict",
        "mos",
        1,
        '1 label contradicts itself in columns "mos" (taken to be on 1-5) and',
    ),
    (
        NAMES,
        [(3, 90)],
        {},
        "conflict",
        "mos",
        1,
        '"3" (mos 3) and "90" (mos 4.6) in row 1; they differ by up to 1.6 on',
    ),
    (NAMES, [(3, 50), (4, 90), (4, 91)], {}, "conflict", "mos", 2, "2 labels contradict themselves in columns"),
    (NAMES, [(3, 50.01)], {}, "conflict", "mos", 1, "differ by up to 0.0004 on 1-5, and mos_tolerance is 1e-06"),
    (NAMES, [(3, 60)], {"mos_scale": "0-100"}, "conflict", "mos", 1, '"mos" (taken to be on 0-100)'),
    (("MOS", "Mos_Raw_0_100"), [(3, 90)], {}, "conflict", "MOS", 1, '"MOS" (taken to be on 1-5) and "Mos_Raw_0_100"'),
    (("mean_mos", "mos_raw_0_100"), [(3, 90)], {}, "conflict", "mean_mos", 1, "1 label contradicts itself"),
    (NAMES, [(3, "x")], {}, "bad-score", "mos_raw_0_100", 1, '1 score is not a finite number: "x" in row 1'),
    (NAMES, [("x", 50)], {}, "bad-score", "mos", 1, '1 score is not a finite number: "x" in row 1'),
    (NAMES, [("", ""), (3, 50)], {}, "missing-score", "mos", 1, "1 label has no score"),
    (NAMES, [(5, 120)], {}, "out-of-range", "mos_raw_0_100", 1, '(0 worst, 100 best): "120" in row 1'),
    (NAMES, [(5.5, 100)], {"mos_scale": "1-5"}, "out-of-range", "mos", 1, '(1 worst, 5 best): "5.5" in row 1'),
    (NAMES, [("", 120)], {}, "out-of-range", "mos_raw_0_100", 1, '(0 worst, 100 best): "120" in row 1'),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("names", "rows", "options", "code", "column", "row", "said"), CONTRADICTIONS)
def test_a_file_whose_scores_contradict_each_other(
    names: tuple[str, str], rows: list, options: dict, code: str, column: str, row: int, said: str
) -> None:
    labels = both_scores([[str(score) for score in scores] for scores in rows], names)
    with pytest.raises(MosLabelsError) as caught:
        join(pa.table({"key": ["0"]}), {"name": "lab", "table": pa.Table.from_pylist(labels)}, **options)
    error = caught.value
    assert (error.code, error.file, error.column, error.row) == (code, "lab", column, row)
    assert said in str(error)


def test_files_with_one_and_with_both_scores(job: Job) -> None:
    files = {
        "a.jsonl": [{**both_scores([(3, 50)])[0], "split": "x"}],
        "b.csv": "key,mos\n0,3\n1,4\n",
        "c.csv": "key,mos_raw_0_100\n2,50\n",
    }
    rows = job.run([{"key": key} for key in "012"], files)
    assert [(row["mos"], row["split"]) for row in rows] == [(3, "x"), (4, None), (3, None)]
    assert [file.get("mos_raw_column") for file in job.audit["label_files"]] == ["mos_raw_0_100", None, None]
    assert job.audit["duplicate_labels"] == 1
    with pytest.raises(MosLabelsError, match=r"c\.csv: row 1: 1 label contradicts itself"):
        job.run(FEATURES, files | {"c.csv": "key,mos,mos_raw_0_100\n2,3,90\n"})


def test_no_label_left(job: Job) -> None:
    with pytest.raises(MosLabelsError, match="no MOS labels loaded"):
        job.run(FEATURES, [{"key": None, "mos": 3}])
    with pytest.raises(MosLabelsError, match="no MOS labels loaded"):
        job.run(FEATURES, "key,mos\n", labels_name="l.csv")
