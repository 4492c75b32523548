"""Columns of labels that hold spread, votes or another score by the words of their names: carried over, or told."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.tables import write_table
from moslabels import MosLabelsError

FIXED = {"key", "mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"}


def extras_of(job: Job, labels: Any, **options: Any) -> dict[str, Any]:
    rows = job.run([{"key": "a"}], labels, **options)
    return {name: value for name, value in rows[0].items() if name not in FIXED}


def left_out(job: Job) -> dict[str, str]:
    return {one["column"]: one["looks_like"] for one in job.audit["columns_left_out"]}


SPREADS = ["std", "SD", "MOS-STD", "mos_std", "stdFull", "std_quality", "sos", "SOS", "MOS_SD", "StdDev", "std dev"]
SPREADS += ["standard_deviation", "score_std", "Std of MOS"]
VOTES = ["x_Subjects", "c_total", "num_ratings", "n_votes", "votes", "NumVotes", "vote_count", "number_of_ratings"]
VOTES += ["n_subjects", "total_votes", "mos_n_votes", "Number of Subjects"]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "output"),
    [*((name, "mos_std_dev") for name in SPREADS), *((name, "mos_n_ratings") for name in VOTES)],
)
def test_the_words_of_a_name_say_what_it_feeds(job: Job, name: str, output: str) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, name: 12}]) == {output: 12}
    assert job.audit["extra_columns"] == [{"output": output, "path": str(job.folder / "labels.jsonl"), "column": name}]
    assert not job.audit["columns_left_out"]


NOT_TAKEN = {
    "CI": "spread",
    "ci95": "spread",
    "mos_var": "spread",
    "std_error_sem": "spread",
    "std_blur": "spread",
    "stdChunk00": "spread",
    "n_votes_5": "votes",
    "votes_of_experts": "votes",
    "MOS_zscore": "score",
    "OVR": "score",
}


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "kind"), NOT_TAKEN.items())
def test_what_only_looks_like_it_is_named(job: Job, name: str, kind: str) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, name: 2}]) == {}
    assert left_out(job) == {name: kind}


@pytest.mark.sampled
@pytest.mark.parametrize(
    "name", ["subject", "frame", "standard", "destination", "winston", "split_no", "total", "n", "x"]
)
def test_other_names_mean_nothing(job: Job, name: str) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, name: 2}]) == {}
    assert left_out(job) == {}


@pytest.mark.sampled
@pytest.mark.parametrize(
    "names", [*itertools.combinations(["std", "SD", "mos_std", "sos"], 2), ("num_ratings", "c_total")]
)
def test_of_two_that_could_be_the_same_extra_none_is_taken(job: Job, names: tuple[str, str]) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, **dict.fromkeys(names, 1)}]) == {}
    assert set(left_out(job)) == set(names)
    whys = [one["why"] for one in job.audit["columns_left_out"]]
    assert [names[1 - place] in why for place, why in enumerate(whys)] == [True, True]


@pytest.mark.parametrize("own", ["mos_std_dev", "stddev", "STD_DEV"])
def test_a_column_of_the_old_names_wins_in_silence_over_none(job: Job, own: str) -> None:
    assert extras_of(job, [{"key": "a", "mos": 3, "SD": 1, own: 2, "sos": 3}]) == {"mos_std_dev": 2}
    assert left_out(job) == {"SD": "spread", "sos": "spread"}


def test_the_spread_is_that_of_the_score(job: Job) -> None:
    row = {"key": "a", "MOSFull": 3, "MOSChunk00": 4, "stdFull": 0.5, "stdChunk00": 0.25}
    assert extras_of(job, [row], label_mos_column="MOSFull") == {"mos_std_dev": 0.5}
    assert left_out(job) == {"MOSChunk00": "score", "stdChunk00": "spread"}
    assert extras_of(job, [row], label_mos_column="MOSChunk00") == {"mos_std_dev": 0.25}
    assert left_out(job) == {"MOSFull": "score", "stdFull": "spread"}
    # The file has another score of that name: whose spread it is, no rule can tell.
    row = {"key": "a", "mos": 3, "quality": 4, "std_quality": 0.5}
    assert extras_of(job, [row]) == {}
    assert extras_of(job, [row], label_mos_column="quality") == {"mos_std_dev": 0.5}


UNFIT = [
    ("SD", ["0.5", "yes"], '1 value is not a DOUBLE from 0 on, such as "yes" in row 2'),
    ("SD", ["-0.5", "-1"], '2 values are not a DOUBLE from 0 on, such as "-0.5" in row 1'),
    ("std", ["NA", "0.5"], '1 value is not a DOUBLE from 0 on, such as "NA" in row 1'),
    ("num_ratings", ["24", "24.5"], '1 value is not a BIGINT from 0 on, such as "24.5" in row 2'),
    ("votes", ["1", "[1,5]"], '1 value is not a BIGINT from 0 on, such as "[1,5]" in row 2'),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "values", "why"), UNFIT)
def test_values_that_do_not_fit_are_no_reason_to_refuse_a_file(
    job: Job, name: str, values: list[str], why: str
) -> None:
    rows = [{"key": key, "mos": 3, name: value} for key, value in zip("ab", values, strict=True)]
    assert extras_of(job, rows) == {}
    assert [(one["column"], one["why"]) for one in job.audit["columns_left_out"]] == [(name, why)]
    # The same under the name that is stated is an error, as before.
    old = "mos_std_dev" if name in ("SD", "std") else "mos_n_ratings"
    if values[0] != "-0.5":
        with pytest.raises(MosLabelsError, match=f"the type of the extra .{old}."):
            job.run([{"key": "a"}], [{"key": row["key"], "mos": 3, old: row[name]} for row in rows])


def test_only_the_file_that_does_not_fit_is_left_out(job: Job) -> None:
    files = {"one.jsonl": [{"key": "a", "mos": 3, "SD": 0.5}], "two.jsonl": [{"key": "b", "mos": 3, "SD": "hd"}]}
    rows = job.run([{"key": "a"}, {"key": "b"}], files)
    assert [row["mos_std_dev"] for row in rows] == [0.5, None]
    assert [one["path"] for one in job.audit["columns_left_out"]] == [str(job.folder / "two.jsonl")]
    files["two.jsonl"] = [{"key": "b", "mos": 3, "stddev": 0.25}]
    rows = job.run([{"key": "a"}, {"key": "b"}], files)
    assert [row["mos_std_dev"] for row in rows] == [0.5, 0.25]
    assert [one["column"] for one in job.audit["extra_columns"]] == ["SD", "stddev"]


def test_lists_of_votes_are_left_out(job: Job) -> None:
    table = pa.table({"key": ["a"], "mos": [3], "votes": [[1, 5]]})
    assert extras_of(job, table, labels_name="l.parquet") == {}
    assert left_out(job) == {"votes": "votes"}
    assert extras_of(job, [{"key": "a", "mos": 3, "votes": [1, 5]}]) == {}
    assert left_out(job) == {"votes": "votes"}


def test_a_key_or_a_score_is_no_extra(job: Job) -> None:
    labels = [{"votes": "a", "std": 3}]
    assert extras_of(job, labels, label_key_column="votes", label_mos_column="std") == {}
    assert left_out(job) == {}


def test_extras_that_are_named_are_the_only_ones(job: Job) -> None:
    labels = [{"key": "a", "mos": 3, "SD": 0.5, "CI": 0.1}]
    assert extras_of(job, labels, extras=["CI"]) == {"CI": 0.1}
    assert [one["why"] for one in job.audit["columns_left_out"]] == ["extras does not name it"]
    assert extras_of(job, labels, extras=[]) == {}
    assert left_out(job) == {"SD": "spread", "CI": "spread"}


def test_they_are_told_once_and_only_if_asked(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"key": "a"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3, "SD": 0.5, "CI": 0.1}])
    args = ["materialize", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", "--audit-json", "a.json"]
    told = 'l.csv: column "SD" is carried over as mos_std_dev, by its name'
    left = (
        'l.csv: column "CI" looks like the spread of votes and is not carried over: another column is mos_std_dev; '
        "extras can name it"
    )
    done = moslabels(*args, cwd=tmp_path)
    assert "SD" not in done.stderr
    done = moslabels(*args, "--verbose", cwd=tmp_path)
    assert (done.stderr.count(told), done.stderr.count(left)) == (1, 1)
    assert json.loads((tmp_path / "a.json").read_text())["warnings"] == []
    assert moslabels("verify", "a.json", cwd=tmp_path).returncode == 0
    # An audit of before has neither field: the rest is verified.
    audit = json.loads((tmp_path / "a.json").read_text())
    del audit["extra_columns"], audit["columns_left_out"]
    (tmp_path / "a.json").write_text(json.dumps(audit))
    (of_old,) = json.loads(moslabels("verify", "a.json", "--json", cwd=tmp_path).stdout)["files"]
    assert (of_old["differences"], len(of_old["unknown"])) == ([], 1)
    assert "columns_left_out" in of_old["unknown"][0]


def test_the_view_of_audits_shows_them(job: Job) -> None:
    job.run([{"key": "a"}], [{"key": "a", "mos": 3, "SD": 1, "CI": 2}], audit_json=job.folder / "a.json")
    query = "SELECT extra_columns->>'$[0].output' AS taken, columns_left_out->>'$[0].column' AS left_out FROM audits"
    done = moslabels("sql", "a.json", "-c", query, "--format", "json", cwd=job.folder)
    assert json.loads(done.stdout) == [{"taken": "mos_std_dev", "left_out": "CI"}]
