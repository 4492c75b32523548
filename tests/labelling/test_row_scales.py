"""Scores of one file on several scales: a column says that of each row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, UsageError

SCALES = [
    ("1-5", 2, 2.0),
    ("0-100", 25, 2.0),
    ("0-10", 2.5, 2.0),
    ("100-0", 75, 2.0),
    ("1..5", 2, 2.0),
    ("100..0", 75, 2.0),
    ("-3..3", -1.5, 2.0),
    ("+1..-1", 0.5, 2.0),
    (" 0 - 1 ", 0.25, 2.0),
    ("0.5 .. 4.5", 1.5, 2.0),
]


def labels(*scales: Any, score: float = 3) -> list[dict[str, Any]]:
    return [{"key": f"k{place}", "mos": score, "scale": scale} for place, scale in enumerate(scales)]


def features(count: int) -> list[dict[str, str]]:
    return [{"key": f"k{place}"} for place in range(count)]


@pytest.mark.parametrize("name", ["l.csv", "l.jsonl", "l.parquet"])
def test_each_row_is_on_its_own_scale(job: Job, name: str) -> None:
    rows = [{"key": f"k{place}", "mos": float(score), "scale": scale} for place, (scale, score, _) in enumerate(SCALES)]
    found = job.run(features(len(SCALES)), rows, labels_name=name, mos_scale_column="scale")
    assert [row["mos"] for row in found] == pytest.approx([mos for *_, mos in SCALES])
    assert [row["mos_raw_0_100"] for row in found] == pytest.approx([25.0] * len(SCALES))
    # What is on 1-5 or 0-100 is kept to the last bit.
    assert (found[0]["mos"], found[1]["mos_raw_0_100"]) == (2.0, 25.0)
    (file,) = job.audit["label_files"]
    assert (file["mos_scale"], file["mos_scale_column"]) == ("per-row", "scale")


BAD = [
    "",
    "  ",
    "auto",
    "per-value",
    "5",
    "1 to 5",
    "1\u20135",
    "5-Jan",
    "1-1",
    "2..2.0",
    "-3-3",
    "1-5-9",
    "1...5",
    "1.-5",
]
BAD += ["01-05", "1e3..2", "inf..0", "0-" + "9" * 400]


@pytest.mark.sampled
@pytest.mark.parametrize("scale", BAD)
def test_a_row_whose_scale_is_unknown_is_an_error(job: Job, scale: str) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(features(2), labels("1-5", scale), labels_name="l.csv", mos_scale_column="scale", min_match_rate=0)
    assert (caught.value.code, caught.value.row, caught.value.column) == ("bad-scale", 2, "scale")
    assert str(caught.value).startswith(
        f'{job.folder / "l.csv"}: row 2: column "scale": 1 label has no scale that is known: '
    )
    assert 'write each as "1-5", "0-100" or worst..best, such as "100..0"' in str(caught.value)


def test_all_such_rows_are_counted(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='3 labels have no scale that is known: null in row 1, "x" in row 3'):
        job.run(features(1), labels(None, "1-5", "x", None), mos_scale_column="scale")


def test_a_row_without_a_score_or_key_needs_no_scale(job: Job) -> None:
    rows = [*labels("1-5"), {"key": "k1", "mos": None, "scale": None}, {"key": None, "mos": 3, "scale": "?"}]
    found = job.run(features(1), rows, mos_scale_column="scale", missing_mos="skip")
    assert [row["mos"] for row in found] == [3.0]


def test_a_score_outside_of_the_scale_of_its_row(job: Job) -> None:
    rows = [{"key": "k0", "mos": 40, "scale": "0-100"}, {"key": "k1", "mos": 40, "scale": "1-5"}]
    with pytest.raises(MosLabelsError, match=r"row 2: 1 score is outside of its scale \(1 worst, 5 best in row 2\)"):
        job.run(features(2), rows, mos_scale_column="scale")
    found = job.run(features(2), rows, mos_scale_column="scale", out_of_range="clip", max_clipped=0.5)
    assert [row["mos"] for row in found] == [2.6, 5.0]
    assert job.audit["clipped_mos_rows"] == 1


def test_labels_of_one_key_are_compared_on_one_scale(job: Job) -> None:
    rows = [{"key": "k0", "mos": 3, "scale": "1-5"}, {"key": "k0", "mos": 50, "scale": "0-100"}]
    assert job.run(features(1), rows, mos_scale_column="scale")[0]["mos"] == 3.0
    assert job.audit["duplicate_labels"] == 1
    rows[1]["mos"] = 3
    with pytest.raises(MosLabelsError, match="conflicting MOS labels"):
        job.run(features(1), rows, mos_scale_column="scale")


def test_a_file_with_both_scores_must_agree_by_the_scale_of_the_row(job: Job) -> None:
    rows = [{"key": "k0", "mos": 7.5, "mos_raw_0_100": 75, "scale": "0-10"}]
    assert job.run(features(1), rows, mos_scale_column="scale")[0]["mos_raw_0_100"] == 75.0
    rows[0]["mos_raw_0_100"] = 7.5
    with pytest.raises(MosLabelsError, match='column.* "mos" .taken to be on the scale of their row. and'):
        job.run(features(1), rows, mos_scale_column="scale")


def test_two_options_cannot_both_say_the_scale(job: Job) -> None:
    with pytest.raises(UsageError, match='mos_scale_column: must not stand beside mos_scale "1-5": set one of the two'):
        job.run(features(1), labels("1-5"), mos_scale_column="scale", mos_scale="1-5")
    with pytest.raises(
        MosLabelsError, match='mos_scale_column "scal" is (no|not a) column of it; did you mean "scale"'
    ):
        job.run(features(1), labels("1-5"), mos_scale_column="scal")
    with pytest.raises(MosLabelsError, match="which cannot be a scale"):
        table = pa.table({"key": ["k0"], "mos": [3], "scale": [[1, 5]]})
        job.run(features(1), table, labels_name="l.parquet", mos_scale_column="scale")


def test_a_label_file_has_its_own(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", features(2))
    write_table(tmp_path / "one.csv", [{"key": "k0", "mos": 7.5, "native": "0..10"}])
    write_table(tmp_path / "two.csv", [{"key": "k1", "mos": 3}])
    own = {"path": "one.csv", "mos_scale": "auto", "mos_scale_column": "native"}
    table = {"id": "t", "features": "f.csv", "labels": [own, "two.csv"], "out": "o.parquet", "audit_json": "a.json"}
    manifest = {"defaults": {"mos_scale": "1-5"}, "tables": [table]}
    (tmp_path / "m.json").write_text(json.dumps(manifest))
    assert moslabels("batch", "m.json", "--report-json", "r.json", cwd=tmp_path).returncode == 0
    assert [row["mos"] for row in read_table(tmp_path / "o.parquet")] == [4.0, 3.0]
    assert moslabels("verify", "r.json", "o.parquet", cwd=tmp_path).returncode == 0
    again = moslabels("batch", "m.json", "--skip-unchanged", cwd=tmp_path)
    assert "t: unchanged" in again.stderr
    sql = "SELECT mos_scale FROM label_sources ORDER BY position"
    assert moslabels("sql", "a.json", "-c", sql, "--format", "csv", cwd=tmp_path).stdout.split() == [
        "mos_scale",
        "per-row",
        "1-5",
    ]
    # Another scale of a row is another label: verify and diff see it.
    write_table(tmp_path / "one.csv", [{"key": "k0", "mos": 7.5, "native": "10..0"}])
    assert moslabels("verify", "a.json", cwd=tmp_path).returncode == 1
    del own["mos_scale"]
    (tmp_path / "m.json").write_text(json.dumps(manifest))
    done = moslabels("batch", "m.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "tables[0].labels[0].mos_scale_column: must not stand beside mos_scale" in done.stderr
