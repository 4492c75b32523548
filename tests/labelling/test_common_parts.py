"""What unmatched keys begin or end with, and no key of the other side does: said only where it is a difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.job import Job
from helpers.tables import write_table
from moslabels import GateError, join, materialize
from moslabels.evidence.audit import json_text
from moslabels.runs.verify import verify

IDS = [str(number * 7919 + 10007) for number in range(100)]
OTHER_IDS = [str(number * 7919 + 10008) for number in range(100)]


def keys(begin: str, end: str = "", ids: list[str] = IDS) -> list[str]:
    return [f"{begin}{one}{end}" for one in ids]


def found_in(features: list[str], labels: list[str], **options: Any) -> tuple[dict[str, Any] | None, str]:
    """Return what keys have in common, and the error."""
    with pytest.raises(GateError) as caught:
        join(pa.table({"key": features}), pa.table({"key": labels, "mos": [3.0] * len(labels)}), **options)
    assert caught.value.diagnosis is not None
    return caught.value.diagnosis.get("in_common"), str(caught.value)


COMMON = [
    # name, feature keys, label keys, parts (side, place, text, how many keys of how many), options that leave them out
    ("prefix", keys("HDR_"), IDS, [("feature", "begin", "HDR_", 100, 100)], {"feature_key_regex": "^(?:HDR_)?(.*?)$"}),
    ("of labels", IDS, keys("HDR_"), [("label", "begin", "HDR_", 100, 100)], {"label_key_regex": "^(?:HDR_)?(.*?)$"}),
    ("of other clips", keys("HDR_"), OTHER_IDS, [("feature", "begin", "HDR_", 100, 100)], {}),
    (
        "a prefix and one of several suffixes around the id",
        keys("Animation_1080P-", ".mkv"),
        keys("ugc-Animation_1080P-", "-vod"),
        [
            ("feature", "end", ".mkv", 100, 100),
            ("label", "begin", "ugc-", 100, 100),
            ("label", "end", "-vod", 100, 100),
        ],
        {"feature_key_regex": "^(.*?)(?:[.]mkv)?$", "label_key_regex": "^(?:ugc-)?(.*?)(?:-vod)?$"},
    ),
    (
        "what a pattern reads otherwise",
        keys("a.b+[", "]^x\\"),
        IDS,
        [("feature", "begin", "a.b+[", 100, 100), ("feature", "end", "]^x\\", 100, 100)],
        {"feature_key_regex": "^(?:a[.]b[+]\\[)?(.*?)(?:\\]\\^x\\\\)?$"},
    ),
    (
        "nine of ten",
        [*keys("HDR_", ids=IDS[:90]), *keys("", "!", ids=OTHER_IDS[90:])],
        IDS,
        [("feature", "begin", "HDR_", 90, 100)],
        {"feature_key_regex": "^(?:HDR_)?(.*?)$"},
    ),
    ("less than that", [*keys("HDR_", ids=IDS[:89]), *keys("", "!", ids=OTHER_IDS[89:])], IDS, [], {}),
    (
        "the longest",
        keys("x/HDR_"),
        IDS[:2],
        [("feature", "begin", "x/HDR_", 100, 100)],
        {"feature_key_regex": "^(?:x/HDR_)?(.*?)$"},
    ),
    ("other clips of both sides", keys("train_"), keys("test_"), [
        ("feature", "begin", "train_", 100, 100), ("label", "begin", "test_", 100, 100)], {}),
    ("which the labels have too", keys("HDR_"), keys("HDR_", ids=OTHER_IDS), [], {}),
    ("which one label has too", keys("HDR_"), [*OTHER_IDS, "HDR_none"], [], {}),
    ("which labels have in another case", keys("HDR_"), keys("hdr_", ids=OTHER_IDS), [], {}),
    ("one of two numbers", [f"s12x{n}" for n in range(100, 200)], [f"s34x{n}" for n in range(200, 300)], [
        ("feature", "begin", "s12x", 100, 100), ("label", "begin", "s34x", 100, 100)], {}),
    ("digits of a number", [f"k{n}" for n in range(100, 200)], [f"k{n}" for n in range(200, 300)], [], {}),
    ("letters of a word", ["cane", "cart", "cast"], ["dune", "dusk", "dust"], [], {}),
    ("two keys", keys("HDR_", ids=IDS[:2]), IDS[:2], [], {}),
    (
        "what another key has already",
        [*keys("HDR_"), IDS[0]],
        IDS,
        [("feature", "begin", "HDR_", 100, 100)],
        {},
    ),
]  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("features", "labels", "parts", "options"), [case[1:] for case in COMMON], ids=[case[0] for case in COMMON]
)
def test_what_keys_have_in_common(features: list[str], labels: list[str], parts: list, options: dict) -> None:
    found, said = found_in(features, labels)
    if not parts:
        assert found is None
        assert " begin with " not in said
        assert " end with " not in said
        return
    assert found is not None
    assert [
        tuple(part[name] for name in ("side", "place", "part", "keys", "total")) for part in found["parts"]
    ] == parts
    for side, place, part, of_them, total in parts:
        keys_of, others = {"feature": ("unmatched keys", "no label"), "label": ("unused labels", "no feature key")}[
            side
        ]
        assert f"{of_them} of {total} {keys_of} {place} with {json.dumps(part)}, and {others} does" in said
    assert found["options"] == options
    assert (found["would_meet"] > 0) == bool(options)
    assert all(f"{name} {json.dumps(pattern)}" in said for name, pattern in options.items())
    if options:
        before = len(set(features) & set(labels))
        assert f"without that, {found['would_meet']} unmatched keys would meet a label each" in said
        given = pa.table({"key": labels, "mos": [3.0] * len(labels)})
        audit = join(pa.table({"key": features}), given, min_match_rate=0, **found["options"]).audit
        assert audit["matched_feature_keys"] == before + found["would_meet"]


def test_a_pattern_that_is_there_already_is_not_replaced() -> None:
    found, said = found_in(keys("x HDR_"), IDS, feature_key_regex="x (.*)")
    assert found is not None
    assert (found["parts"][0]["part"], found["would_meet"], found["options"]) == ("HDR_", 0, {})
    assert "without that" not in said


def test_what_near_misses_explain_is_left_to_them() -> None:
    found, _ = found_in(keys("", ".mp4"), IDS)
    assert found is None


def test_a_key_of_several_columns_has_nothing_in_common(job: Job) -> None:
    rows = [{"a": "HDR", "b": f"HDR_{one}"} for one in IDS]
    with pytest.raises(GateError) as caught:
        job.run(rows, [{"a": "SDR", "b": one, "mos": 3} for one in IDS],
                feature_key_column=["a", "b"], label_key_column=["a", "b"])  # fmt: skip
    assert "in_common" not in (caught.value.diagnosis or {})


def test_an_audit_holds_it_and_one_of_another_version_may_lack_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.csv"), [{"key": key} for key in [*IDS, *keys("HDR_", ids=OTHER_IDS)]])
    write_table(Path("l.csv"), [{"key": key, "mos": 3} for key in IDS])
    materialize("f.csv", "l.csv", "o.csv", "a.json", min_match_rate=0.4)
    assert verify(["a.json"])["status"] == "ok"
    audit = json.loads(Path("a.json").read_text())
    assert audit["diagnosis"].pop("in_common")["parts"][0]["part"] == "HDR_"
    Path("a.json").write_text(json_text(audit))
    (found,) = verify(["a.json"])["files"]
    assert [one["what"] for one in found["differences"]] == ["diagnosis.in_common"]
    audit["run_provenance"]["versions"]["moslabels"] = "0.0.1"
    Path("a.json").write_text(json_text(audit))
    (found,) = verify(["a.json"])["files"]
    assert (found["status"], found["differences"]) == ("unknown", [])
    assert 'this version finds other things in "diagnosis.in_common", which is not compared' in found["unknown"]
    audit["diagnosis"]["labels_loaded"] = 7
    Path("a.json").write_text(json_text(audit))
    assert [one["what"] for one in verify(["a.json"])["files"][0]["differences"]] == ["diagnosis.labels_loaded"]
