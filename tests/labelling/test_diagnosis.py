"""Why keys did not meet: near misses, samples, groups, anti joins, collisions, and runs that write nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import GateError, MosLabelsError, TableError, join, materialize, run_batch

# difference, feature keys, label keys, how many unmatched keys it explains, what the message says
NEAR_MISSES = [
    ("case", ["Clip_A", "Clip_B"], ["clip_a", "CLIP_B"], 2, "differ from a label only by case, such as"),
    (
        "extension",
        ["A001.mp4", "A002.mp4"],
        ["A001", "A002"],
        2,
        'only by the extension .mp4, .*: set key_normalize "stem", or feature_key_regex "\\^\\(\\.\\*\\?\\)',
    ),
    ("extension", ["clip_59.94fps_h264"], ["clip_59.94fps_h264.avi"], 1, "only by the extension .avi"),
    ("extension", ["a.mp4"], ["a.yuv"], 1, "only by the extension .mp4 and .yuv"),
    ("folder", ["x/1.mp4", "y/2.mp4"], ["1.mp4", "z/2.mp4"], 2, 'only by folder, .*: set key_normalize "basename"'),
    ("leading zeros", ["00042", "clip_007"], ["42", "clip_7"], 2, "only by leading zeros"),
    ("separators", ["Animation-1080P_01b3", "b c"], ["Animation_1080P-01b3", "b_c"], 2, "only by separators"),
    ("Unicode form", ["cafe\u0301"], ["caf\u00e9"], 1, "only by Unicode form"),
    ("several of these", ["X/Clip-01.MP4"], ["clip_1"], 1, "only by several differences at once"),
    ("unique prefix", ["10007436115_540_5s"], ["10007436115"], 1, "only by what follows the shorter one"),
    ("unique prefix", ["3339962845"], ["3339962845_original_centercrop"], 1, "only by what follows the shorter one"),
    ("unique prefix", ["A012_540p.mp4"], ["A012.mp4"], 1, "only by what follows the shorter one"),
    (
        "text after the id",
        ["A012NEW.mp4", "A013.mp4"],
        ["A012.mp4", "A013new.mp4"],
        2,
        "only by text after the id, such as .*: write one name in both tables where it is the same clip; no pattern",
    ),
    ("text after the id", ["A012NEW"], ["A012"], 1, "no pattern can tell that it is"),
    (
        "scientific notation",
        ["1.0008E+10", "2.34E+9"],
        ["10008004183", "2340049999"],
        2,
        "only by scientific notation, such as .*: a spreadsheet wrote it so, and its last digits are lost: get that",
    ),
    ("scientific notation", ["10008004183", "9999960000"], ["1.0008E+10", "1E+10"], 2, "with the ids as text"),
    ("the form of numbers", ["10008004183.0", "7."], ["10008004183", "7"], 2, "write whole numbers in digits alone"),
    ("the form of numbers", ["10008004183"], ["1.0008004183E+10"], 1, "write whole numbers in digits alone"),
    ("the form of numbers", ["1,234,567", "+8"], ["1234567", "8"], 2, "write whole numbers in digits alone"),
    ("invisible characters", ["\ufeffA001", "A\u200b002"], ["A001", "A002"], 2, "such as U.FEFF. out of the values"),
    ("invisible characters", ["A\u00ad001", "A\x00002"], ["A001", "A002"], 2, "characters that cannot be seen"),
    ("the form of characters", ["A００１", "Ｂ2"], ["A001", "B2"], 2, "only by the form of characters, .* .NFKC."),
    ("the form of characters", ["a\u00a0b", "a–c", "٤٢x"], ["a b", "a-c", "42x"], 3, "plain digits, letters, spaces"),
    ("quotes", ['"A001"', "'A002'", "“A003”"], ["A001", "A002", "A003"], 3, "take the quotes out of the values"),
    ("URL codes", ["A%20001.mp4"], ["A 001.mp4"], 1, "as they are, not as in a URL"),
    ("an extension given twice", ["A001.mp4.mp4"], ["A001.mp4"], 1, "write the extension once"),
    ("separators", ["A001.", "A002_"], ["A001", "A002"], 2, "only by separators"),
    ("folder", ["\\\\?\\C:\\x\\A001.mp4"], ["A001.mp4"], 1, "only by folder"),
    ("several of these", ["\ufeffA%20００１.MP4"], ["a_1"], 1, "only by several differences at once"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("difference", "features", "labels", "count", "message"), NEAR_MISSES)
def test_near_misses(
    job: Job, difference: str, features: list[str], labels: list[str], count: int, message: str
) -> None:
    others = [f"other{index}" for index in range(3)]
    given = [{"key": key, "mos": 3} for key in [*labels, "unused", *others]]
    with pytest.raises(GateError, match="^MOS label match rate") as caught:
        job.run([{"key": key} for key in [*others, *features, "far away"]], given)
    assert caught.value.diagnosis is not None
    found = {row["difference"]: row for row in caught.value.diagnosis["near_misses"]}
    assert set(found) == {difference}
    assert (found[difference]["keys"], found[difference]["ambiguous"]) == (count, 0)
    pairs = {(pair["key"], pair["label_key"]) for pair in found[difference]["examples"]}
    assert pairs <= set(zip(features, labels, strict=True))
    assert re.search(f"{count} of {len(features) + 1} unmatched keys .*{message}", str(caught.value))
    assert " (3/" in str(caught.value), "nothing is matched by a near miss"


COLLIDING = [
    # difference, feature keys, label keys: advice never gives two clips one label
    ("folder", ["test/1.mp4", "train/1.mp4"], ["1.mp4"], 0, 2, ["test/1.mp4", "train/1.mp4"]),
    ("folder", ["test/1.mp4", "train/1.mp4"], ["train/1.mp4"], 0, 1, ["test/1.mp4", "train/1.mp4"]),
    ("folder", ["test/1.mp4", "train/1.mp4", "test/2.mp4"], ["1.mp4", "2.mp4"], 1, 2, ["test/1.mp4", "train/1.mp4"]),
    ("extension", ["b.avi", "b.mp4", "a.avi", "a.mp4"], ["a.mp4", "b.mp4"], 0, 2, ["a.avi", "a.mp4"]),
    ("case", ["CLIP", "Clip", "other0"], ["clip", "other0"], 0, 2, ["CLIP", "Clip"]),
    ("leading zeros", ["clip07", "clip007"], ["clip7"], 0, 2, ["clip007", "clip07"]),
    ("separators", ["a_b", "a-b"], ["a.b"], 0, 2, ["a-b", "a_b"]),
    ("several of these", ["X/A-1.mp4", "Y/A-1.mp4"], ["a_1"], 0, 2, ["X/A-1.mp4", "Y/A-1.mp4"]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("difference", "features", "labels", "keys", "colliding", "pair"), COLLIDING)
def test_no_advice_gives_a_clip_the_label_of_another(
    job: Job, difference: str, features: list[str], labels: list[str], keys: int, colliding: int, pair: list[str]
) -> None:
    rows, given = [{"key": key} for key in features], [{"key": key, "mos": 3} for key in labels]
    with pytest.raises(GateError) as caught:
        job.run(rows, given)
    assert caught.value.diagnosis is not None
    (found,) = caught.value.diagnosis["near_misses"]
    assert (found["difference"], found["keys"], found["ambiguous"]) == (difference, keys, 0)
    assert (found["colliding"]["count"], found["colliding"]["keys"]) == (colliding, pair)
    assert found["advice"] == "ignore it only where the keys that would get one label are of one clip"
    said = str(caught.value)
    both = f'"{pair[0]}" and "{pair[1]}" that of "{found["colliding"]["label_key"]}": that is not a rule unless'
    assert f"{colliding} of " in said
    assert both in said
    assert "key_normalize" not in said
    assert "regex" not in said
    job.run(rows, given, min_match_rate=0)
    assert job.audit["diagnosis"]["near_misses"] == [found]


def test_frames_of_a_clip_are_told_to_be_of_one_label(job: Job) -> None:
    with pytest.raises(GateError) as caught:
        job.run([{"key": f"clip1_frame{number}.png"} for number in range(5)], [{"key": "clip1", "mos": 3}])
    assert caught.value.diagnosis is not None
    (found,) = caught.value.diagnosis["near_misses"]
    assert (found["difference"], found["keys"], found["colliding"]["count"]) == ("unique prefix", 0, 5)
    then = "; then set feature_key_regex or label_key_regex to a pattern of the part that both have"
    assert found["advice"].endswith(f"are of one clip{then}")
    assert f'that of "clip1": that is not a rule unless these are one clip{then}' in str(caught.value)


def test_two_differences_that_lead_to_one_label_collide(job: Job) -> None:
    with pytest.raises(GateError) as caught:
        job.run([{"key": "A.mp4"}, {"key": "a.avi"}], [{"key": "a.mp4", "mos": 3}])
    assert caught.value.diagnosis is not None
    found = {row["difference"]: row for row in caught.value.diagnosis["near_misses"]}
    assert {name: (row["keys"], row["colliding"]["count"]) for name, row in found.items()} == {
        "case": (0, 1),
        "extension": (0, 1),
    }


def test_a_table_that_passes_carries_the_same_in_its_audit(job: Job) -> None:
    features = [{"key": key} for key in ("A001", "x/1.MP4", "far away")]
    given = [{"key": key, "mos": 3} for key in ("a001", "1.mp4", "2.mp4")]
    with pytest.raises(GateError) as caught:
        job.run(features, given)
    job.run(features, given, min_match_rate=0)
    assert job.audit["diagnosis"] == caught.value.diagnosis
    assert len(job.audit["diagnosis"]["near_misses"]) == 2
    assert job.audit["matched_feature_keys"] == 0, "nothing is matched by a near miss"


ADVICE = [
    (["10008004183.0"], ["10008004183"], dict.fromkeys(("feature_key_regex", "label_key_regex"), "^(.*?)(?:[.]0*)?$")),
    (["'A1'"], ["A1"], dict.fromkeys(("feature_key_regex", "label_key_regex"), "^[^A-Za-z0-9]?(.*?)[^A-Za-z0-9]?$")),
    (["a.mp4.mp4"], ["a.mp4"], dict.fromkeys(("feature_key_regex", "label_key_regex"), "^(.*?)(?:[.]mp4)*$")),
    (["A001.mp4"], ["A001"], {"key_normalize": "stem"}),
    (["A001.mp4"], ["A001"], {"feature_key_regex": "^(.*?)(?:[.]mp4)?$"}),
    (["a.mp4"], ["a.yuv"], {"feature_key_regex": "^(.*?)(?:[.]mp4)?$", "label_key_regex": "^(.*?)(?:[.]yuv)?$"}),
    (["x/1"], ["y/1"], {"key_normalize": "basename"}),
    (["007"], ["7"], {"feature_key_regex": "^0*(.+)$", "label_key_regex": "^0*(.+)$"}),
]


# feature keys, label keys: a stem of one of them is that of another id, or is not its id
NO_STEMS = [
    (["k.1.mp4", "k.mp4"], ["k.1"]),
    (["k.1.mp4", "k.mp4", "z.mp4"], ["k.1", "z"]),
    (["k.1.mp4", "z.mp4"], ["k.1", "k.1.x", "z"]),
    (["k.1.mp4", "k.2.mp4"], ["k.1", "k.2"]),
    (["a.mp4"], ["a", "b.1"]),
    (["a"], ["a.mp4", "b.1"]),
    (["a.mp4", "v1.0"], ["a", "v1.0"]),
]


@pytest.mark.parametrize(("features", "labels"), NO_STEMS)
def test_stems_are_no_advice_if_ids_have_dots(features: list[str], labels: list[str]) -> None:
    """With stems, a clip would get the label of another one, and no key would tell."""
    scores = pa.table({"key": labels, "mos": [2.0 + number / 4 for number in range(len(labels))]})
    found = join(pa.table({"key": features}), scores, min_match_rate=0).audit["diagnosis"]
    assert found is not None
    (near,) = [row for row in found["near_misses"] if row["difference"] == "extension"]
    assert near["advice"].startswith("set ")
    assert "_key_regex" in near["advice"]
    assert "stem" not in near["advice"]


@pytest.mark.sampled
@pytest.mark.parametrize(("features", "labels", "options"), ADVICE)
def test_the_advice_helps(job: Job, features: list[str], labels: list[str], options: dict[str, str]) -> None:
    rows, given = [{"key": key} for key in features], [{"key": key, "mos": 3} for key in labels]
    with pytest.raises(GateError) as caught:
        job.run(rows, given)
    assert all(f'{name} "{value}"' in str(caught.value) or f'"{value}"' in str(caught.value)
               for name, value in options.items())  # fmt: skip
    job.run(rows, given, **options)
    assert job.audit["match_rate"] == 1


NO_NEAR_MISSES = [
    (["clip_1"], ["clip_12"]),  # A number that goes on is another number.
    (["clip_1.mp4"], ["clip_12.mp4"]),
    (["1.0008E+10"], ["10008604183"]),  # It is no rounding of it,
    (["1.0008E+10"], ["1000800418"]),  # nor of one that is shorter.
    (["A012NEW.mp4"], ["A012OLD.mp4"]),
    (["A012NEW.mp4"], ["A012.avi"]),
    (["a%ZZ", "%FF"], ["b%ZZ", "c"]),
    (["abc1", "abc2"], ["xyz1"]),
    (["clip_11"], ["clip_1x1"]),
    (["abc"], ["abcdef"]),  # A prefix of three characters says nothing.
    (["a.94fps"], ["a.59"]),
    (["7e29", "1.5e37"], ["7e99", "8"]),  # Parts of a hash, larger than any number that is compared.
]


@pytest.mark.sampled
@pytest.mark.parametrize(("features", "labels"), NO_NEAR_MISSES)
def test_keys_that_are_not_near(job: Job, features: list[str], labels: list[str]) -> None:
    job.run([{"key": key} for key in features], [{"key": key, "mos": 3} for key in labels], min_match_rate=0)
    assert job.audit["diagnosis"]["near_misses"] == []


@pytest.mark.parametrize("odd", ["CLIP_003.mp4", "clip-003.mp4", "clip_3.mp4", "clip_003"])
def test_a_label_that_is_unlike_all_others_is_near(job: Job, odd: str) -> None:
    keys = [f"clip_{number:03}.mp4" for number in range(20)]
    given = [{"key": key, "mos": 3} for key in (*keys[10:], odd)]
    job.run([{"key": key} for key in keys[:10]], given, min_match_rate=0)
    (found,) = job.audit["diagnosis"]["near_misses"]
    assert found["keys"] == 1
    assert found["examples"] == [{"key": "clip_003.mp4", "label_key": odd}]


def test_what_would_meet_several_labels_is_no_rule(job: Job) -> None:
    says = (
        "1 of 1 unmatched keys are like a label but for case, .*: each of these would meet several labels, so it is not"
    )
    with pytest.raises(GateError, match=says):
        job.run([{"key": "AK"}], [{"key": "aK", "mos": 3}, {"key": "ak", "mos": 4}])


SET = {
    "in a manifest": 'to set an option, add it to the table in the manifest: "key_case": "fold"',
    "by the command": "to set an option, add its flag: --key-case fold (in Python: key_case='fold')",
    "in memory": "to set an option, give it as a keyword: key_case='fold'",
}


@pytest.mark.parametrize("where", list(SET))
def test_how_an_option_is_set_is_told_as_the_caller_sets_it(tmp_path: Path, where: str) -> None:
    features, labels = [{"key": "A"}], [{"key": "a", "mos": 3}]
    write_table(tmp_path / "f.csv", features)
    write_table(tmp_path / "l.csv", labels)
    table = {"features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
    if where == "in a manifest":
        (tmp_path / "m.json").write_text(json.dumps({"tables": [{"id": "t", **table}]}))
        said = run_batch(tmp_path / "m.json")["tables"][0]["error"]
    elif where == "by the command":
        files = ["--features", "f.csv", "--labels", "l.csv", "--out", "o.csv"]
        said = moslabels("materialize", *files, cwd=tmp_path).stderr
    else:
        with pytest.raises(GateError) as caught:
            join(pa.Table.from_pylist(features), pa.Table.from_pylist(labels))
        said = str(caught.value)
    assert 'differ from a label only by case, such as "A" in the features and "a" in the labels: set key_case' in said
    assert SET[where] in said
    assert said.count("to set an option") == 1


def test_an_option_is_not_told_where_none_is_advised(job: Job) -> None:
    """The keys themselves look like the advice of an option."""
    with pytest.raises(GateError) as caught:
        job.run([{"key": 'set key_case "fold"'}], [{"key": "b", "mos": 3}])
    assert "to set an option" not in str(caught.value)


# The near miss, feature keys (the last one is not matched), label keys: a rule would give it the label of another.
OF_OTHERS = [
    ("text after the id", ["A012.mp4", "A012NEW.mp4"], ["A012.mp4"], "no pattern can tell that it is"),
    ("text after the id", ["A012NEW.mp4", "A012OLD.mp4"], ["A012.mp4"], "no pattern can tell that it is"),
    ("text after the id", ["A012.mp4"], ["A012NEW.mp4", "A012OLD.mp4"], "no pattern can tell that it is"),
    ("unique prefix", ["A012.mp4", "A012_NEW.mp4"], ["A012.mp4"], "give the others labels of their own"),
    (
        "scientific notation",
        ["1.0008E+10"],
        ["10008004183", "10008012345"],
        "get that file again, with the ids as text",
    ),
    (
        "scientific notation",
        ["10008004183", "10008012345"],
        ["1.0008E+10"],
        "get that file again, with the ids as text",
    ),
    ("scientific notation", ["10008004183", "1.0008E+10"], ["10008004183"], "get that file again"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("difference", "features", "labels", "advice"), OF_OTHERS)
def test_what_may_be_the_label_of_another_clip_is_no_rule(
    job: Job, difference: str, features: list[str], labels: list[str], advice: str
) -> None:
    with pytest.raises(GateError) as caught:
        job.run([{"key": key} for key in features], [{"key": key, "mos": 3} for key in labels])
    assert caught.value.diagnosis is not None
    (found,) = caught.value.diagnosis["near_misses"]
    unmatched = len({*features} - {*labels})
    assert (found["difference"], found["keys"], found["ambiguous"]) == (difference, 0, unmatched)
    assert (
        f"{unmatched} of {unmatched} unmatched keys are like a label but for "
        f"{'what follows the shorter one' if difference == 'unique prefix' else difference}, such as "
        f'"{found["examples"][0]["key"]}"'
    ) in str(caught.value)
    assert ": each of these would meet several labels, or one that may be another key's, so it is not a rule; " in str(
        caught.value
    )
    assert advice in str(caught.value)


def test_samples_have_file_row_raw_value_and_key(job: Job) -> None:
    job.run(
        [{"path": "x/a.mp4"}, {"path": "x/b.mp4"}, {"path": "x/b.mp4"}, {"path": "--"}],
        {
            "one.csv": [{"name": "q/a.mp4", "mos": 3}],
            "two.csv": [{"name": "q/c.mp4", "mos": 3}, {"name": "d", "mos": 2}],
        },
        min_match_rate=0,
        feature_key_regex="^[a-z]",
        label_key_regex="^[a-z]",
    )
    found = job.audit["diagnosis"]
    features, two = str(job.folder / "features.jsonl"), str(job.folder / "two.csv")
    assert found["unmatched_feature_keys"] == {
        "count": 1,
        "sample": [{"key": "b", "raw_value": "x/b.mp4", "file": features, "row": 2}],
    }
    assert found["unused_label_keys"] == {
        "count": 2,
        "sample": [
            {"key": "c", "raw_value": "q/c.mp4", "file": two, "row": 1},
            {"key": "d", "raw_value": "d", "file": two, "row": 2},
        ],
    }
    assert found["values_without_key"] == [{"raw_value": "--", "file": features, "row": 4, "rows": 1}]
    assert (found["matched_feature_keys"], found["total_feature_keys"], found["labels_loaded"]) == (1, 2, 3)


def test_the_report_and_its_markdown_say_why(job: Job) -> None:
    write_table(job.folder / "f.csv", [{"key": "a.mp4"}, {"key": "b.mp4"}])
    write_table(job.folder / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 3}])
    table = {"features": "f.csv", "labels": ["l.csv"]}
    tables = [{**table, "id": "bad", "out": "o.csv"}, {**table, "id": "lax", "out": "p.csv", "min_match_rate": 0}]
    (job.folder / "m.json").write_text(json.dumps({"tables": tables}))
    report = run_batch(job.folder / "m.json", report_md=job.folder / "r.md")
    bad, lax = report["tables"]
    assert bad["error"].startswith("MOS label match rate 0.000 below min_match_rate 0.950 (0/2 keys)")
    assert bad["diagnosis"]["near_misses"][0]["keys"] == 2
    assert lax["diagnosis"] == {**bad["diagnosis"]}
    text = (job.folder / "r.md").read_text()
    said = "2 of 2 unmatched keys differ from a label only by the extension .mp4"
    assert text.index("## Errors") < text.index(said) < text.index("## Keys without a label") < text.rindex(said)


def test_groups_must_reach_the_rate_by_themselves(job: Job) -> None:
    rows = [{"key": f"k{index}", "corpus": "big"} for index in range(98)]
    rows += [{"key": "s0", "corpus": "small"}, {"key": "s1", "corpus": "small"}]
    given = [{"key": f"k{index}", "mos": 3} for index in range(98)] + [{"key": "s0", "mos": 3}]
    job.run(rows, given)
    assert job.audit["match_rate_by"] is None
    with pytest.raises(GateError, match='^"corpus" "small": MOS label match rate 0.500 below .* \\(1/2 keys\\);'):
        job.run(rows, given, match_rate_by="corpus")
    job.run(rows, given, match_rate_by="corpus", min_match_rate=0.5)
    assert job.audit["match_rate_by"]["column"] == "corpus"
    assert [(group["value"], group["match_rate"]) for group in job.audit["match_rate_by"]["groups"]] == [
        ("big", 1.0),
        ("small", 0.5),
    ]


GROUPED = [".jsonl", ".csv", ".parquet"]


@pytest.mark.parametrize("suffix", GROUPED)
def test_groups_of_any_format(job: Job, suffix: str) -> None:
    rows = [
        {"key": "a", "size": 540},
        {"key": "a", "size": 720},
        {"key": "b", "size": 720},
        {"key": None, "size": None},
    ]
    content: Any = pa.Table.from_pylist(rows) if suffix == ".parquet" else rows
    job.run(
        content, [{"key": "a", "mos": 3}], features_name=f"f{suffix}", match_rate_by="size", min_match_rate=0, threads=2
    )
    groups = job.audit["match_rate_by"]["groups"]
    assert [
        tuple(group[name] for name in ("value", "input_rows", "total_feature_keys", "matched_feature_keys"))
        for group in groups
    ] == [(None, 1, 0, 0), ("540", 1, 1, 1), ("720", 2, 2, 1)]
    assert groups[0]["rows_without_key"] == 1
    with pytest.raises(GateError, match='"size" null: MOS label match rate 0.000 .*; "size" null: only 0.000 of'):
        job.run(content, [{"key": "a", "mos": 3}, {"key": "b", "mos": 3}], features_name=f"f{suffix}",
                match_rate_by="size", min_match_rate=0.1)  # fmt: skip


def test_a_group_column_that_is_not_there(job: Job) -> None:
    with pytest.raises(MosLabelsError, match='match_rate_by "corpse" is not a column of it; did you mean "corpus"'):
        job.run([{"key": "a", "corpus": "x"}], [{"key": "a", "mos": 3}], match_rate_by="corpse")


UNMATCHED = [
    ("feature", "b", "x/b", "features", 2, "no label"),
    ("feature", None, "9", "features", 4, "no key"),
    ("label", "c", "c", "labels", 2, "no feature"),
    ("label", "c", "c", "labels", 3, "no feature"),
    ("label", None, "7", "labels", 4, "no key"),
    ("label", "a", "a", "labels", 5, "no score"),
]


@pytest.mark.sampled
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("passes", [True, False])
def test_the_complete_anti_joins(job: Job, suffix: str, passes: bool) -> None:
    features = [{"path": "x/a"}, {"path": "x/b"}, {"path": "y/b"}, {"path": "9"}, {"path": "9"}]
    labels = [{"key": key, "mos": mos} for key, mos in (("a", 3), ("c", 3), ("c", 3), ("7", 3), ("a", None))]
    options = {"feature_key_regex": "[a-z]$", "label_key_regex": "[a-z]$", "missing_mos": "skip"}
    path = job.folder / "deep" / f"u{suffix}"
    if passes:
        job.run(features, labels, unmatched=path, min_match_rate=0, **options)
        assert job.audit["run_provenance"]["outputs"]["unmatched"] == str(path)
    else:
        with pytest.raises(GateError):
            job.run(features, labels, unmatched=path, **options)
        assert not job.out.exists()
    rows = [{name: None if value == "" else value for name, value in row.items()} for row in read_table(path)]
    for row in rows:
        row["row"] = int(row["row"])
    assert rows == [
        dict(zip(("side", "key", "raw_value", "file", "row", "reason"),
                 (side, key, raw, str(job.folder / f"{name}.jsonl"), row, reason), strict=True))
        for side, key, raw, name, row, reason in UNMATCHED
    ]  # fmt: skip


def test_an_empty_anti_join_is_a_table_too(job: Job) -> None:
    for suffix in (".csv", ".jsonl", ".json", ".parquet"):
        job.run([{"key": "a"}], [{"key": "a", "mos": 3}], unmatched=job.folder / f"u{suffix}")
        assert read_table(job.folder / f"u{suffix}") == []


def test_unmatched_in_a_manifest(job: Job) -> None:
    write_table(job.folder / "f.csv", [{"key": "a"}])
    write_table(job.folder / "l.csv", [{"key": "a", "mos": 3}])
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv", "unmatched": "u.csv"}
    (job.folder / "m.json").write_text(json.dumps({"tables": [table]}))
    report = run_batch(job.folder / "m.json")
    assert report["tables"][0]["unmatched"] == str(job.folder / "u.csv")
    assert (job.folder / "u.csv").read_text() == "side,key,raw_value,file,row,reason\n"
    for path, message in (("o.csv", "is also tables\\[0\\].out"), ("u.xls", "none of"), ("f.csv", "is also")):
        (job.folder / "m.json").write_text(json.dumps({"tables": [{**table, "unmatched": path}]}))
        with pytest.raises(MosLabelsError, match=f"tables\\[0\\].unmatched: .*{message}"):
            run_batch(job.folder / "m.json")


def test_collisions_are_a_warning_with_two_examples(job: Job) -> None:
    write_table(job.folder / "f.csv", [{"path": f"{folder}/{clip}"} for clip in "abc" for folder in "xyz"])
    write_table(job.folder / "l.csv", [{"key": key, "mos": 3} for key in "abc"])
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
    (job.folder / "m.json").write_text(json.dumps({"tables": [table]}))
    done = moslabels("batch", "m.json", "--report-md", "r.md", cwd=job.folder)
    said = '3 feature keys come from several different values each: "a" from "x/a" and "z/a"; "b" from "x/b" and "z/b";'
    assert f"t: warning: {said}" in done.stderr
    assert said in (job.folder / "r.md").read_text().replace("\\", "")
    assert said in json.loads(done.stdout)["tables"][0]["warnings"][0]


def test_a_typing_error_is_told_from_a_scale(job: Job) -> None:
    rows = [{"key": f"k{index}", "mos": 1 + index % 40 / 10} for index in range(100)]
    with pytest.raises(MosLabelsError, match='above 5: "45" in row 8, which stands alone and may be a typing error'):
        job.run([{"key": "k1"}], [*rows[:7], {"key": "x", "mos": 45}, *rows[7:]])
    low = [{"key": f"k{index}", "mos": index} for index in range(1, 100)]
    with pytest.raises(MosLabelsError) as caught:
        job.run([{"key": "k1"}], low)
    assert "5 are at most 5 and 94 above" in str(caught.value)
    assert "least 1, quartiles 25.5, 50, 74.5, greatest 99" in str(caught.value)
    assert 'at most 5: "1" in row 1, "2" in row 2, "3" in row 3 and 2 more, of 99 scores' in str(caught.value)


@pytest.mark.sampled
@pytest.mark.parametrize("source", [".parquet", ".jsonl", ".csv"])
@pytest.mark.parametrize("target", [".parquet", ".jsonl", ".csv"])
def test_a_dry_run_says_the_same_and_writes_nothing(job: Job, source: str, target: str) -> None:
    rows = [{"key": f"k{index % 50}", "x": index} for index in range(1000)]
    names = {"features_name": f"f{source}", "audit_json": job.folder / "a.json", "min_match_rate": 0.9}
    job.run(rows, [{"key": f"k{index}", "mos": 3} for index in range(49)], out_name=f"o{target}", **names)
    written, there = job.audit, {path: path.read_bytes() for path in job.folder.iterdir()}
    dry = materialize(
        job.folder / f"f{source}", [job.folder / "labels.jsonl"], job.out, audit_json=job.folder / "a.json",
        min_match_rate=0.9, dry_run=True, unmatched=job.folder / "new" / "u.csv",
    )  # fmt: skip
    assert {path: path.read_bytes() for path in job.folder.iterdir()} == there
    assert dry.pop("run_provenance") != written.pop("run_provenance")
    assert dry.pop("unmatched")["path"] == str(job.folder / "new" / "u.csv")
    assert written.pop("unmatched") is None
    assert dry == written


def test_a_dry_batch(job: Job) -> None:
    write_table(job.folder / "f.csv", [{"key": "a"}])
    write_table(job.folder / "l.csv", [{"key": "a", "mos": 3}])
    write_table(job.folder / "mixed.jsonl", '{"key": "a", "x": 1}\n{"key": "a", "x": "y"}\n')
    tables = [
        {"id": "good", "features": "f.csv", "labels": ["l.csv"], "out": "o/o.csv", "audit_json": "o/a.json"},
        {"id": "bad", "features": "mixed.jsonl", "labels": ["l.csv"], "out": "o/m.parquet"},
    ]
    (job.folder / "m.json").write_text(json.dumps({"tables": tables}))
    before = sorted(path.name for path in job.folder.iterdir())
    forms = {"--report-json": "r.json", "--report-md": "r.md", "--report-html": "r.html"}
    reports = [text for form in forms.items() for text in form]
    dry = moslabels("batch", "m.json", *reports, "--dry-run", cwd=job.folder)
    assert sorted(path.name for path in job.folder.iterdir()) == sorted([*before, *forms.values()])
    assert "1 of 2 tables labelled (dry run: no table is written)" in dry.stderr
    told = {name: (job.folder / name).read_text(encoding="utf-8") for name in forms.values()}
    assert told["r.md"].startswith("Dry run: no table was written.\n\n| Table |")
    assert "<h1>Dry run: no table was written. 1 of 2 tables failed " in told["r.html"]
    query = "SELECT dry_run, failed_tables FROM reports"
    marked = moslabels("sql", "r.json", "-c", query, "--format", "csv", cwd=job.folder)
    assert marked.stdout == "dry_run,failed_tables\ntrue,1\n"
    wet = moslabels("batch", "m.json", *reports, cwd=job.folder)
    assert dry.returncode == wet.returncode == 1, "what only the writing finds is found"
    assert dry.stdout == wet.stdout == ""
    dry_report, written = json.loads(told["r.json"]), json.loads((job.folder / "r.json").read_text())
    assert dry_report.pop("dry_run")
    assert dry_report.pop("run_provenance") != written.pop("run_provenance")
    assert dry_report == written
    assert "Dry run" not in (job.folder / "r.md").read_text() + (job.folder / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["verify", "r.json"], "it is of a dry run, which wrote no table and no audit"),
        (["diff", "r.json", "r.json"], "is the report of a dry run, which wrote no table to compare"),
    ],
)
def test_the_report_of_a_dry_run_is_not_taken_for_more(job: Job, command: list[str], says: str) -> None:
    """What an earlier run wrote is still there, and would fit the report."""
    write_table(job.folder / "f.csv", [{"key": "a"}])
    write_table(job.folder / "l.csv", [{"key": "a", "mos": 3}])
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv", "audit_json": "a.json"}
    (job.folder / "m.json").write_text(json.dumps({"tables": [table]}))
    run = ["batch", "m.json", "--report-json", "r.json"]
    assert moslabels(*run, cwd=job.folder).returncode == 0
    assert moslabels(*command, cwd=job.folder).returncode == 0
    assert moslabels(*run, "--dry-run", cwd=job.folder).returncode == 0
    done = moslabels(*command, cwd=job.folder)
    assert done.returncode == 2
    assert says in done.stdout + done.stderr


def test_a_dry_run_without_a_name_for_its_report_prints_it(job: Job) -> None:
    write_table(job.folder / "f.csv", [{"key": "a"}])
    write_table(job.folder / "l.csv", [{"key": "a", "mos": 3}])
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
    (job.folder / "m.json").write_text(json.dumps({"tables": [table]}))
    before = sorted(job.folder.iterdir())
    printed = json.loads(moslabels("batch", "m.json", "--dry-run", cwd=job.folder).stdout)
    assert (printed["dry_run"], printed["summary"]["matched_rows"]) == (True, 1)
    assert sorted(job.folder.iterdir()) == before


def test_a_dry_run_of_one_table(job: Job, tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"key": "a"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3}])
    files = ["--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", "--audit-json", "a.json"]
    done = moslabels("materialize", *files, "--dry-run", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["matched_rows"]) == (0, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.csv", "l.csv"]


def test_near_misses_of_keys_of_several_columns(job: Job) -> None:
    both = {"feature_key_column": ["corpus", "key"], "label_key_column": ["corpus", "key"]}
    with pytest.raises(GateError) as caught:
        job.run([{"corpus": "A", "key": "1.mp4"}, {"corpus": "b", "key": "2"}, {"corpus": "c", "key": "x"}],
                [{"corpus": "A", "key": "1", "mos": 3}, {"corpus": "B", "key": "2", "mos": 3}], **both)  # fmt: skip
    assert caught.value.diagnosis is not None
    found = {row["difference"]: row for row in caught.value.diagnosis["near_misses"]}
    assert {name: row["keys"] for name, row in found.items()} == {"case": 1, "extension": 1}
    assert found["case"]["examples"] == [{"key": '["b","2"]', "label_key": '["B","2"]'}]


def test_an_inferred_label_key_is_named(job: Job) -> None:
    """CHUG has a column ``name`` beside ``Video``, BVI-HD a ``content_id``: the wrong one is inferred."""
    said = 'the key of .*labels.csv is column "name", which was inferred; label_key_column names another'
    with pytest.raises(GateError, match=said):
        job.run([{"Video": "a"}], {"labels.csv": "Video,name,mos\na,x,3\n"}, feature_key_column="Video")
    with pytest.raises(TableError, match=f"(?s)conflicting MOS labels .*; {said}"):
        job.run([{"name": "x"}], {"labels.csv": "Video,name,mos\na,x,3\nb,x,4\n"})
    with pytest.raises(GateError) as caught:
        job.run([{"name": "a"}], {"labels.csv": "Video,name,mos\na,x,3\n"})
    assert "which was inferred" not in str(caught.value)


def test_one_key_of_many_values_is_said(job: Job) -> None:
    features = [{"file_name": f"v1/clip_{n}.mp4"} for n in (3, 4, 5)]
    with pytest.raises(GateError, match=r'\(0/1 keys\)(?s:.)*1 feature keys come from several .*: "1" from "v1/'):
        job.run(features, [{"file_name": "3", "mos": 3}], key_normalize="raw", feature_key_regex="([0-9]+)")


@pytest.mark.parametrize("times", [5, pytest.param(40, marks=pytest.mark.long)])
def test_unused_labels_are_counted_by_any_number_of_threads(job: Job, times: int) -> None:
    """DuckDB 1.5 failed at random where a window over everything read an anti join of few labels and more keys."""
    features = write_table(job.folder / "f.csv", [{"x": n, "key": f"clip{n % 3}"} for n in range(4)])
    labels = write_table(job.folder / "l.csv", [{"key": "none", "mos": 3}])
    for run in range(times):
        audit = materialize(features, [labels], job.folder / f"{run}.csv", min_match_rate=0, threads=8)
        assert audit["unused_label_keys"] == {"count": 1, "sample": ["none"]}
