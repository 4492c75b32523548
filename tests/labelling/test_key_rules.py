"""Keys without regard to case, of one column in several parts, by a template, and with constants."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, UsageError, join
from moslabels.runs.compile import compiled
from moslabels.spec.entry import table_spec

FOLDED = [
    ("I01_01_1.BMP", "i01_01_1.bmp"),
    ("Straße", "STRASSE"),
    ("ΌΣΟΣ", "όσος"),
    ("İ", "i\u0307"),
    ("\ufb01lm", "FILM"),
    ("\u1e9e", "ss"),
    ("\u13a0", "\uab70"),
    ("\u01f0", "J\u030c"),
]
APART = [("ı", "I"), ("é", "e"), ("é", "e\u0301"), ("İ", "i"), ("a_1", "a-1")]


@pytest.mark.sampled
@pytest.mark.parametrize(("feature", "label"), FOLDED)
def test_case_does_not_count_if_it_is_folded(job: Job, feature: str, label: str) -> None:
    for one, other in ((feature, label), (label, feature)):
        rows = job.run([{"key": one}], [{"key": other, "mos": 3}], key_case="fold")
        assert (rows[0]["key"], rows[0]["mos"]) == (one, 3)
        assert job.audit["key_case"] == "fold"
        job.run([{"key": one}], [{"key": other, "mos": 3}], min_match_rate=0)
        assert (job.audit["matched_rows"], job.audit["key_case"]) == (0, "exact")


@pytest.mark.sampled
@pytest.mark.parametrize(("feature", "label"), APART)
def test_what_differs_by_more_than_case_stays_apart(job: Job, feature: str, label: str) -> None:
    job.run([{"key": feature}], [{"key": label, "mos": 3}], key_case="fold", min_match_rate=0)
    assert job.audit["matched_rows"] == 0


@pytest.mark.sampled
def test_every_character_is_folded_as_python_folds_it() -> None:
    characters = [
        chr(code)
        for code in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in ("Cs", "Cn") and not chr(code).isspace()
    ]
    folded = [character.casefold() for character in characters]
    labels = pa.table({"key": sorted(set(folded)), "mos": [3.0] * len(set(folded))})
    features = pa.table({"key": characters, "expected": folded})
    options = {"label_key_column": "key", "feature_key_column": ["key", "expected"]}
    # A part is the character, the other what Python makes of it: they must be one and the same.
    labels = labels.append_column("expected", labels.column("key"))
    options["label_key_column"] = ["key", "expected"]
    joined = join(features, [labels], key_case="fold", **options)
    assert joined.audit["matched_rows"] == len(characters) > 100_000


def test_keys_that_collide_by_case_are_told(job: Job) -> None:
    rows = job.run([{"key": "A1"}, {"key": "a1"}], [{"key": "a1", "mos": 3}], key_case="fold")
    assert [row["mos"] for row in rows] == [3, 3]
    assert job.audit["key_collisions"] == {"count": 1, "sample": ["a1"]}
    assert any('"a1" from "A1" and "a1"' in warning for warning in job.audit["warnings"])
    # Two labels that say the same of clips whose names differ in case alone are told, and two that differ are refused.
    job.run([{"key": "A1"}], [{"key": "A1", "mos": 3}, {"key": "a1", "mos": 3}], key_case="fold")
    (warning,) = job.audit["warnings"]
    assert warning == (
        '1 label key comes from several different values: "a1" from "A1" and "a1"; key_case is "fold": where these are '
        'different clips, set it to "exact"'
    )
    with pytest.raises(
        MosLabelsError, match='conflicting MOS labels for 1 keys: "a1": .*key_case "fold" makes one key'
    ):
        job.run([{"key": "A1"}], [{"key": "A1", "mos": 3}, {"key": "a1", "mos": 4}], key_case="fold")


def test_a_pattern_sees_the_case_that_stands_there(job: Job) -> None:
    options = {"feature_key_regex": "^([A-Z]+)", "label_key_regex": "^([a-z]+)", "key_case": "fold"}
    assert job.run([{"key": "ABc"}], [{"key": "abC", "mos": 3}], **options)[0]["mos"] == 3
    assert job.audit["unused_label_keys"]["count"] == 0


def test_one_column_may_be_several_parts(job: Job) -> None:
    options = {
        "feature_key_column": ["path", "path"],
        "feature_key_regex": ["^([a-z]+)_", "_([0-9]+)"],
        "label_key_column": ["corpus", "n"],
    }
    features = [{"path": "x/konvid_12.mp4"}, {"path": "x/chug_12.mp4"}]
    labels = [{"corpus": "chug", "n": 12, "mos": 2}, {"corpus": "konvid", "n": 12, "mos": 4}]
    for name in ("f.jsonl", "f.csv", "f.parquet", "f.json"):
        rows = job.run(features, labels, features_name=name, out_name="out.parquet", **options)
        assert [row["mos"] for row in rows] == [4, 2]
        assert job.audit["feature_key_column"] == ["path", "path"]
    joined = join(
        pa.table({"path": ["x/chug_12.mp4"]}), [pa.table({"corpus": ["chug"], "n": [12], "mos": [2.0]})], **options
    )
    assert joined.table.column("mos").to_pylist() == [2.0]


TEMPLATES = [
    ("{0}_{1}_{2}_{3}.yuv", ["HEVC", 1, "540p", 1.0], "HEVC_1_540p_1.yuv"),
    ("{1}/{0}", ["clip", "folder"], "folder/clip"),
    ("{0}{0}-{1}", ["a", "b"], "aa-b"),
    ("it's {0}, {1}", [" a ", "b"], "it's a, b"),
    ("{0}.mp4", [10008004183.0], "10008004183.mp4"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("template", "values", "key"), TEMPLATES)
@pytest.mark.parametrize("side", ["label", "feature"])
def test_a_template_makes_one_text_of_columns(job: Job, side: str, template: str, values: list[Any], key: str) -> None:
    columns = [f"c{place}" for place in range(len(values))]
    many, one = dict(zip(columns, values, strict=True)), {"key": key}
    features, labels = ([one], [{**many, "mos": 3}]) if side == "label" else ([many], [{**one, "mos": 3}])
    options = {f"{side}_key_column": columns, f"{side}_key_template": template}
    assert job.run(features, labels, **options)[0]["mos"] == 3
    found = job.audit["label_files"][0] if side == "label" else job.audit
    assert found["key_template" if side == "label" else "feature_key_template"] == template


def test_a_text_is_joined_before_it_is_normalised(job: Job) -> None:
    options = {"label_key_column": ["folder", "name"], "label_key_template": "{0}/{1}.mp4", "feature_key_column": "key"}
    labels = [{"folder": "f", "name": "c", "mos": 3}]
    # The names of columns decide nothing: the template says what the key is.
    assert job.run([{"key": "f/c.mp4"}], labels, **options)[0]["mos"] == 3
    assert job.audit["label_files"][0]["key_normalize"] == "raw"
    assert job.run([{"key": "x/c.mkv"}], labels, key_normalize="stem", **options)[0]["mos"] == 3
    assert job.run([{"key": "f"}], labels, label_key_regex="^(.)/", **options)[0]["mos"] == 3
    assert job.run([{"key": "F/C.MP4"}], labels, key_case="fold", **options)[0]["mos"] == 3


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_row_that_lacks_a_column_of_the_template_has_no_key(job: Job, missing: Any) -> None:
    labels = [{"a": "x", "b": "y", "mos": 3}, {"a": "x", "b": missing, "mos": 4}, {"a": missing, "b": "y", "mos": 5}]
    options = {"label_key_column": ["a", "b"], "label_key_template": "{0}{1}"}
    features = [{"key": key} for key in ("xy", "x", "y")]
    assert [row["mos"] for row in job.run(features, labels, min_match_rate=0, **options)] == [3, None, None]
    assert job.audit["label_rows_without_key"] == 2


def test_what_cannot_be_a_key_cannot_be_in_a_template(job: Job) -> None:
    with pytest.raises(MosLabelsError, match=r'row 1: column "b" holds .*1\.5.*, a fractional number'):
        job.run(
            [{"key": "x"}], [{"a": "x", "b": 1.5, "mos": 3}], label_key_column=["a", "b"], label_key_template="{0}_{1}"
        )


def test_near_keys_of_a_template_are_found(job: Job) -> None:
    options = {"feature_key_column": ["a", "b"], "feature_key_template": "{0}_{1}"}
    labels = [{"key": "X_Y", "mos": 3}, {"key": "z", "mos": 3}]
    job.run([{"a": "x", "b": "y"}], labels, min_match_rate=0, **options)
    assert [near["difference"] for near in job.audit["diagnosis"]["near_misses"]] == ["case"]


def test_a_constant_stands_for_a_column(job: Job) -> None:
    features = [{"corpus": "konvid", "key": 1}, {"corpus": "chug", "key": 1}]
    both = {"feature_key_column": ["corpus", "key"], "label_key_column": ["corpus", "key"]}
    rows = job.run(features, [{"key": 1, "mos": 3}], key_constants={"corpus": "chug"}, min_match_rate=0, **both)
    assert [row["mos"] for row in rows] == [None, 3]
    (file,) = job.audit["label_files"]
    assert (file["key_column"], file["key_constants"]) == (["corpus", "key"], {"corpus": "chug"})
    # It goes the way of a cell: trimmed, normalised, searched.
    rows = job.run(
        features,
        [{"key": 1, "mos": 3}],
        key_constants={"corpus": " x/KONVID.csv "},
        key_normalize="stem",
        key_case="fold",
        min_match_rate=0,
        **both,
    )
    assert [row["mos"] for row in rows] == [3, None]
    template = {
        "label_key_column": ["corpus", "key"],
        "label_key_template": "{0}'{1}",
        "key_constants": {"corpus": "it"},
    }
    assert job.run([{"key": "it'1"}], [{"key": 1, "mos": 3}], **template)[0]["mos"] == 3


def test_a_constant_that_the_file_has_a_column_for_is_refused(job: Job) -> None:
    both = {"feature_key_column": ["corpus", "key"], "label_key_column": ["corpus", "key"]}
    with pytest.raises(MosLabelsError, match='key_constants gives "corpus", and the file has a column of that name'):
        job.run(
            [{"corpus": "a", "key": 1}],
            [{"corpus": "b", "key": 1, "mos": 3}],
            key_constants={"corpus": "a"},
            **both,
        )


TWO = {"feature_key_column": ["a", "b"], "label_key_column": ["a", "b"]}
WRONG = [
    ({**TWO, "feature_key_column": ["a", "a"]}, 'feature_key_column: must not name "a" twice, but with another'),
    ({**TWO, "feature_key_column": ["a", "a"], "feature_key_regex": "x"}, 'must not name "a" twice'),
    (
        {**TWO, "label_key_column": ["a", "a"], "label_key_regex": ["x", "x"]},
        'label_key_column: must not name "a" twice',
    ),
    ({"label_key_column": ["a", "a"], "label_key_template": "{0}{1}"}, 'label_key_column: must not name "a" twice'),
    (
        {"label_key_column": ["a", "b"], "label_key_template": "{0}{2}"},
        r"label_key_template: names \{2\}, and .* 2 columns, \{0\} to \{1\}",
    ),
    (
        {"label_key_column": ["a", "b"], "label_key_template": "{0}"},
        r'label_key_template: does not use \{1\}, which is column "b"',
    ),
    ({"feature_key_template": "{0}"}, "feature_key_template: needs feature_key_column"),
    ({"label_key_column": ["a"], "label_key_template": "{0"}, 'label_key_template: has a stray "{" in "{0"'),
    ({"label_key_column": ["a"], "label_key_template": "{{0}}"}, "label_key_template: has a stray"),
    ({"label_key_column": ["a"], "label_key_template": "{x}"}, "label_key_template: has a stray"),
    ({"label_key_column": ["a"], "label_key_template": "x"}, "label_key_template: names no column"),
    ({**TWO, "label_key_template": "{0}{1}"}, "label_key_column: makes 1 part of a key and feature_key_column 2"),
    (
        {"label_key_column": ["a", "b"], "label_key_template": "{0}{1}", "label_key_regex": ["x", "y"]},
        "label_key_regex: has 2 patterns for the one text",
    ),
    ({"key_constants": {"a": "x"}}, "key_constants: needs label_key_column"),
    ({**TWO, "key_constants": {"c": "x"}}, 'key_constants: gives "c", which is not a part of the key'),
    ({**TWO, "key_constants": {"a": "x", "b": "y"}}, "key_constants: leaves no column of the file in the key"),
    ({**TWO, "key_constants": {"a": 3}}, "key_constants: must hold a text for each column, not 3"),
    ({"key_case": "lower"}, "key_case: must be one of exact, fold"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_what_is_wrong_or_could_mean_two_things_is_refused(job: Job, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        job.run([{"a": "x", "b": "y"}], [{"a": "x", "b": "y", "mos": 3}], **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table with all of these options, labelled by a manifest."""
    write_table(tmp_path / "f.parquet", [{"path": "x/KONVID_1_a.mp4"}, {"path": "x/CHUG_2_b.mp4"}])
    write_table(tmp_path / "k.csv", [{"n": 1, "letter": "a", "mos": 3}])
    write_table(tmp_path / "c.csv", [{"corpus": "chug", "id": "2_b", "mos": 4}])
    konvid = {"path": "k.csv", "label_key_column": ["corpus", "n", "letter"], "label_key_template": "{0}_{1}_{2}"}
    table = {
        "id": "t",
        "features": "f.parquet",
        "labels": [
            {**konvid, "key_constants": {"corpus": "konvid"}},
            {"path": "c.csv", "label_key_column": ["corpus", "id"], "label_key_template": "{0}_{1}"},
        ],
        "out": "o.parquet",
        "audit_json": "a.json",
        "feature_key_column": ["path"],
        "feature_key_template": "{0}",
        "key_normalize": "stem",
        "key_case": "fold",
    }
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
    done = moslabels("batch", "m.json", "--report-json", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_they_are_proved(folder: Path) -> None:
    assert [row["mos"] for row in read_table(folder / "o.parquet")] == [3, 4]
    assert moslabels("verify", "r.json", "a.json", "o.parquet", cwd=folder).returncode == 0
    assert "t: unchanged" in moslabels("batch", "m.json", "--skip-unchanged", cwd=folder).stderr
    assert moslabels("diff", "a.json", "a.json", cwd=folder).returncode == 0
    sql = "SELECT key_case, feature_key_template FROM audits"
    done = moslabels("sql", "a.json", "-c", sql, "--format", "csv", cwd=folder)
    assert done.stdout.split() == ["key_case,feature_key_template", "fold,{0}"]
    # With another case rule, the same table is another.
    manifest = json.loads((folder / "m.json").read_text())
    manifest["tables"][0] |= {"key_case": "exact", "min_match_rate": 0}
    (folder / "m.json").write_text(json.dumps(manifest))
    assert "t: ok" in moslabels("batch", "m.json", "--skip-unchanged", cwd=folder).stderr
    assert json.loads((folder / "a.json").read_text())["matched_rows"] == 0


def test_they_are_explained(folder: Path) -> None:
    done = moslabels("explain", "--manifest", "m.json", "--table", "t", "x/KONVID_1_a.mp4", cwd=folder)
    assert done.returncode == 0, done.stderr
    for line in (
        "by the template {0}",
        '  joined      "x/KONVID_1_a.mp4"',
        '  normalised  "KONVID_1_a"  (key_normalize stem)',
        '  folded      "konvid_1_a"  (key_case fold)',
        '  key         "konvid_1_a"',
    ):
        assert line in done.stdout
    assert 'from "["konvid","1","a"]"' in done.stdout.replace("\\", "")


def test_the_statements_run_in_the_shell(folder: Path) -> None:
    done = moslabels("compile", "m.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "case_foldings" in done.stdout
    assert "'konvid' AS \"key1_text\"" in done.stdout


def test_the_diagnosis_of_case_says_the_option_that_ends_it(job: Job) -> None:
    features, labels = [{"key": "A"}, {"key": "b"}], [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}]
    job.run(features, labels, min_match_rate=0)
    (near,) = job.audit["diagnosis"]["near_misses"]
    assert near["advice"] == 'set key_case "fold"'
    job.run(features, labels, key_case="fold")
    assert (job.audit["match_rate"], job.audit["diagnosis"]) == (1.0, None)


def test_the_case_foldings_are_set_once_for_all_files(job: Job) -> None:
    features = write_table(job.folder / "f.csv", [{"key": "A"}])
    labels = [write_table(job.folder / f"{name}.csv", [{"key": name, "mos": 3}]) for name in "ab"]
    spec = table_spec(features, labels, job.folder / "o.csv", None, None, {"key_case": "fold"})
    assert compiled([spec]).count("-- sql/session/case_foldings.sql") == 1
