"""Keys of several columns: all parts together, each made by the rules for keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, UsageError, load_manifest

BOTH = {"feature_key_column": ["corpus", "key"], "label_key_column": ["corpus", "key"]}
SUFFIXES = [".jsonl", ".csv", ".parquet", ".json"]


def labels(*keys: tuple[Any, Any]) -> list[dict[str, Any]]:
    """One label per pair, scored 1, 1.1, 1.2, … in order."""
    return [{"corpus": corpus, "key": key, "mos": 1 + index / 10} for index, (corpus, key) in enumerate(keys)]


def features(*keys: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{"corpus": corpus, "key": key} for corpus, key in keys]


@pytest.mark.sampled
@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("given", SUFFIXES)
def test_all_parts_together_are_the_key(job: Job, source: str, given: str) -> None:
    pairs = [("a", "1"), ("a", "2"), ("b", "1"), ("a,", "b"), ("a", ",b"), ("x", '"y'), ('x"', "y"), ("[", "]")]
    rows = job.run(
        features(*reversed(pairs)),
        labels(*pairs),
        features_name=f"f{source}",
        labels_name=f"l{given}",
        out_name="o.jsonl",
        **BOTH,
    )
    assert [row["mos"] for row in rows] == [1 + index / 10 for index in reversed(range(len(pairs)))]
    assert job.audit["total_feature_keys"] == job.audit["labels_loaded"] == len(pairs)


def test_parts_never_run_into_each_other(job: Job) -> None:
    rows = job.run(features(("a", "bc"), ("ab", "c")), labels(("ab", "c")), min_match_rate=0, **BOTH)
    assert [row["mos"] for row in rows] == [None, 1.0]


@pytest.mark.sampled
@pytest.mark.parametrize("missing", [None, "", "  ", float("nan")])
def test_a_row_that_lacks_a_part_has_no_key(job: Job, missing: Any) -> None:
    rows = [*features(("a", 1), ("a", 2)), {"corpus": missing, "key": 1}, {"key": 1}, {"corpus": "a"}]
    rows = [{name: value for name, value in row.items() if value == value} for row in rows]
    found = job.run(rows, [*labels(("a", 1), ("a", 2)), {"key": 1, "mos": 5}], min_match_rate=0, **BOTH)
    assert [row["mos"] for row in found] == [1.0, 1.1, None, None, None]
    assert (job.audit["rows_without_key"], job.audit["label_rows_without_key"]) == (3, 1)


def test_each_part_is_made_by_the_rules(job: Job) -> None:
    found = job.run(
        [{"test_name": " t1 ", "path": "x/10008004183_5s.mp4"}, {"test_name": "t2", "path": "y/10008004183_5s.mp4"}],
        [{"run": "t2", "clip": 10008004183.0, "mos": 2}, {"run": "t1", "clip": 10008004183, "mos": 4}],
        feature_key_column=["test_name", "path"],
        feature_key_regex=[None, "^([0-9]{6,})_"],
        label_key_column=["run", "clip"],
    )
    assert [row["mos"] for row in found] == [4, 2]
    assert job.audit["feature_key_column"] == ["test_name", "path"]
    assert job.audit["feature_key_regex"] == ["", "^([0-9]{6,})_"]
    assert job.audit["label_files"][0]["key_normalize"] == ["raw", "raw"]


def test_one_pattern_holds_for_all_parts(job: Job) -> None:
    found = job.run(
        [{"corpus": "a-1", "key": "k-2"}],
        labels(("a", "k")),
        feature_key_regex="^([a-z]+)-",
        **BOTH,
    )
    assert found[0]["mos"] == 1.0


def test_what_cannot_be_a_part_of_a_key_is_told(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r'row 2: column "key" holds .*1\.5.*, a fractional number') as caught:
        job.run(features(("a", 1), ("a", 1.5)), labels(("a", 1)), **BOTH)
    assert (caught.value.column, caught.value.row) == ("key", 2)
    with pytest.raises(MosLabelsError, match=r'labels.jsonl: row 1: column "corpus" holds .*, a fractional number'):
        job.run(features(("a", 1)), labels((0.5, 1)), **BOTH)


def test_samples_and_conflicts_show_all_parts(job: Job) -> None:
    job.run(features(("a", 1), ("b", 1)), labels(("a", 1), ("c", 1)), min_match_rate=0.5, **BOTH)
    assert job.audit["unmatched_feature_keys"]["sample"] == ['["b","1"]']
    assert job.audit["unused_label_keys"]["sample"] == ['["c","1"]']
    with pytest.raises(MosLabelsError, match=r"conflicting MOS labels for 1 keys: .*a.*1"):
        job.run(features(("a", 1)), labels(("a", 1), ("a", 1)), **BOTH)


WRONG = [
    ({"feature_key_column": []}, "feature_key_column: must be the name of a column, or a non-empty list"),
    ({"feature_key_column": ["a", 3]}, "feature_key_column: must be the name of a column, or a non-empty list"),
    ({**BOTH, "feature_key_column": ["a", "a"]}, 'feature_key_column: must not name "a" twice'),
    ({"feature_key_column": ["a", "b"]}, "label_key_column: names 1 column and feature_key_column 2"),
    ({"label_key_column": ["a", "b"]}, "label_key_column: names 2 columns and feature_key_column 1"),
    ({**BOTH, "feature_key_regex": ["a"]}, "feature_key_regex: has 1 patterns for 2 key columns"),
    ({**BOTH, "label_key_regex": [None, "a", "b"]}, "label_key_regex: has 3 patterns for 2 key columns"),
    ({**BOTH, "label_key_regex": [None, "("]}, "label_key_regex: is not an RE2 pattern: '\\('"),
    ({**BOTH, "label_key_regex": []}, "label_key_regex: must be a pattern, or a list with a pattern or null"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_parts(job: Job, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        job.run(features(("a", 1)), labels(("a", 1)), **options)
    assert caught.value.problems


def test_a_label_file_may_have_its_own_parts(job: Job) -> None:
    write_table(job.folder / "f.csv", features(("a", "1"), ("b", "2")))
    write_table(job.folder / "one.csv", labels(("a", "1")))
    write_table(job.folder / "two.csv", [{"c": "b", "n": "n2", "mos": 5}])
    own = {"path": "two.csv", "label_key_column": ["c", "n"], "label_key_regex": [None, "[0-9]+"]}
    table = {"id": "t", "features": "f.csv", "labels": ["one.csv", own], "out": "o.jsonl"}
    manifest = job.folder / "m.json"
    manifest.write_text(json.dumps({"defaults": BOTH, "tables": [table]}))
    assert moslabels("batch", "m.json", cwd=job.folder).returncode == 0
    assert [row["mos"] for row in read_table(job.folder / "o.jsonl")] == [1.0, 5.0]
    own["label_key_column"] = "c"
    manifest.write_text(json.dumps({"defaults": BOTH, "tables": [table]}))
    with pytest.raises(UsageError, match=r"tables\[0\].labels\[1\].label_key_column: names 1 column"):
        load_manifest(manifest)


def test_flags_repeat(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", features(("a-1", "x")))
    write_table(tmp_path / "l.csv", labels(("a", "x")))
    both = ["--feature-key-column", "corpus", "--feature-key-column", "key"]
    both += ["--label-key-column", "corpus", "--label-key-column", "key"]
    both += ["--feature-key-regex", "^[a-z]", "--feature-key-regex", ""]
    files = ["--features", "f.csv", "--labels", "l.csv", "--out", "o.csv"]
    done = moslabels("materialize", *files, *both, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    args = json.loads(done.stdout)["run_provenance"]["args"]
    assert args["feature_key_column"] == ["corpus", "key"]
    assert args["feature_key_regex"] == ["^[a-z]", None]


def test_a_key_that_both_tables_have_is_no_extra(job: Job) -> None:
    rows = job.run(features(("a", "1")), labels(("a", "1")), **BOTH)
    assert list(rows[0]) == ["corpus", "key", "mos", "mos_raw_0_100", "mos_label_status", "mos_label_source"]
    # A column of that name that is not the key says something else.
    with pytest.raises(MosLabelsError, match='the key column "corpus" has the name of a label column'):
        job.run(
            features(("a", "1")),
            [{"corpus": "b", "key": "1", "c": "a", "mos": 3}],
            **{**BOTH, "label_key_column": ["c", "key"]},
        )
    with pytest.raises(MosLabelsError, match='the key column "corpus" has the name of a label column'):
        job.run(features(("a", "1")), labels(("a", "1")), extras=["corpus"], **BOTH)
