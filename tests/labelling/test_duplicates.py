"""Contract 5: one label per key; the same again is counted, another is refused."""

from __future__ import annotations

import pytest

from helpers.job import Job
from moslabels import MosLabelsError

FEATURES = [{"key": "a"}, {"key": "b"}]
FIRST = [{"key": "a", "mos": 3.0}, {"key": "b", "mos": 4.0}]

SAME = [
    ({"key": "a", "mos": 3.0}, {}),
    ({"key": "a", "mos": 3.0000009}, {}),
    ({"key": " a ", "mos": 3.0}, {}),
    ({"key": "a", "mos": 3.00004}, {"mos_tolerance": 1e-4}),
    ({"key": "a", "mos": 3.000001}, {}),  # 1.00000000014e-06 apart in binary
    ({"key": "a", "mos": 3.1}, {"mos_tolerance": 0.1}),
    ({"key": "a", "mos": 3.0, "split": "test"}, {}),
]
OTHER = [
    ({"key": "a", "mos": 3.1}, {}, "mos"),
    ({"key": "a", "mos": 3.00001}, {}, "mos"),
    ({"key": "a", "mos": 3.2}, {"mos_tolerance": 0.1}, "mos"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("later", "options"), SAME)
@pytest.mark.parametrize("place", ["same file", "other file"])
def test_the_same_label_again(job: Job, later: dict, options: dict, place: str) -> None:
    labels = [*FIRST, later] if place == "same file" else {"one.jsonl": FIRST, "two.jsonl": [later]}
    rows = job.run(FEATURES, labels, **options)
    assert [row["mos"] for row in rows] == [3.0, 4.0]
    assert job.audit["duplicate_labels"] == 1
    assert job.audit["labels_loaded"] == 2


@pytest.mark.parametrize(("later", "options", "differs"), OTHER)
@pytest.mark.parametrize("place", ["same file", "other file"])
def test_a_conflict_names_both_places(job: Job, later: dict, options: dict, differs: str, place: str) -> None:
    labels = [*FIRST, later] if place == "same file" else {"one.jsonl": FIRST, "two.jsonl": [later]}
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, labels, **options)
    message = str(caught.value)
    assert message.startswith('conflicting MOS labels for 1 keys: "a": ')
    first, second = (
        ("labels.jsonl row 1", "labels.jsonl row 3") if place == "same file" else ("one.jsonl row 1", "two.jsonl row 1")
    )
    assert first in message
    assert second in message
    assert f"differ in {differs}" in message


def test_a_conflict_in_an_extra(job: Job) -> None:
    labels = [
        {"key": "a", "mos": 3, "split": "train", "stddev": 0.5},
        {"key": "a", "mos": 3, "split": "test", "stddev": 0.50},
    ]
    with pytest.raises(MosLabelsError, match="conflicting MOS labels for 1 keys: .*differ in split;"):
        job.run(FEATURES, labels, min_match_rate=0)


def test_conflicting_keys_are_counted_and_the_first_are_shown(job: Job) -> None:
    keys = [f"k{index:02}" for index in range(12)]
    labels = [{"key": key, "mos": mos} for mos in (2, 3) for key in reversed(keys)]
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, labels)
    message = str(caught.value)
    assert "for 12 keys" in message
    assert message.index('"k00"') < message.index('"k01"') < message.index('"k02"')
    assert '"k03"' not in message


def test_scores_on_two_scales_are_compared_on_one(job: Job) -> None:
    job.run(FEATURES, {"a.jsonl": FIRST, "b.jsonl": [{"key": "a", "mos": 50}, {"key": "b", "mos": 75}]})
    assert job.audit["duplicate_labels"] == 2


def test_the_first_label_is_used_as_it_is(job: Job) -> None:
    files = {"z.jsonl": [{"key": "a", "mos": 3.0000005}], "a.jsonl": [{"key": "a", "mos": 3.0, "split": "test"}]}
    rows = job.run([{"key": "a"}], files)
    assert rows[0]["mos"] == 3.0000005
    assert rows[0]["mos_label_source"].endswith("z.jsonl")
    assert rows[0]["split"] is None


def test_many_rows_of_one_key_keep_the_first_row(job: Job) -> None:
    labels = [{"key": "a", "mos": 3, "corpus": "first"}] + [{"key": "a", "mos": 3}] * 5000
    assert job.run([{"key": "a"}], labels)[0]["corpus"] == "first"
    assert job.audit["duplicate_labels"] == 5000
