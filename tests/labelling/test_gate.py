"""Contract 7: both rates must reach min_match_rate, exactly."""

from __future__ import annotations

import pytest

from helpers.job import Job
from moslabels import MosLabelsError


def features(matched: int, unmatched: int, without_key: int) -> list[dict]:
    keys = (
        [f"m{index}" for index in range(matched)] + [f"u{index}" for index in range(unmatched)] + [None] * without_key
    )
    return [{"key": key} for key in keys]


LABELS = [{"key": f"m{index}", "mos": 3} for index in range(100)]

KEYS = "MOS label match rate {} below min_match_rate {} ({} keys)"
ROWS = "only {} of feature rows yield a key, below min_match_rate {} ({} rows)"
VERDICTS = [
    # matched, unmatched, without key, threshold, messages
    (19, 1, 0, 0.95, []),
    (7, 3, 0, 0.7, []),
    (1, 1, 0, 0.95, [KEYS.format("0.500", "0.950", "1/2")]),
    (18, 1, 0, 0.95, [KEYS.format("0.947", "0.950", "18/19")]),
    (19, 0, 1, 0.95, []),
    (10, 0, 10, 0.95, [ROWS.format("0.500", "0.950", "10/20")]),
    (1, 1, 2, 0.95, [KEYS.format("0.500", "0.950", "1/2"), ROWS.format("0.500", "0.950", "2/4")]),
    (0, 0, 3, 0.5, [KEYS.format("0.000", "0.500", "0/0"), ROWS.format("0.000", "0.500", "0/3")]),
    (0, 2, 2, 0, []),
    (2, 0, 0, 1, []),
    (99, 1, 0, 1, [KEYS.format("0.990", "1.000", "99/100")]),
    (99, 1, 0, 0.9902, [KEYS.format("0.9900", "0.9902", "99/100")]),
    (1, 0, 2, 1 / 3 + 1e-8, [ROWS.format("0.33333333", "0.33333334", "1/3")]),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("matched", "unmatched", "without_key", "threshold", "messages"), VERDICTS)
def test_verdicts(
    job: Job, matched: int, unmatched: int, without_key: int, threshold: float, messages: list[str]
) -> None:
    rows = features(matched, unmatched, without_key)
    if not messages:
        assert len(job.run(rows, LABELS, min_match_rate=threshold)) == len(rows)
        return
    with pytest.raises(MosLabelsError) as caught:
        job.run(rows, LABELS, min_match_rate=threshold)
    assert str(caught.value).startswith(messages[0])
    assert all(message in str(caught.value) for message in messages)
    assert not job.out.exists()


DOUBTS = [
    # matched, unmatched, without key, warn_match_rate, warnings
    (19, 1, 0, 0.95, []),
    (18, 1, 0, 0.95, [KEYS.format("0.947", "0.950", "18/19")]),
    (99, 1, 0, 0.9902, [KEYS.format("0.9900", "0.9902", "99/100")]),
    (10, 0, 10, 0.95, [ROWS.format("0.500", "0.950", "10/20")]),
    (1, 1, 2, 1, [KEYS.format("0.500", "1.000", "1/2"), ROWS.format("0.500", "1.000", "2/4")]),
    (1, 1, 2, None, []),
]


@pytest.mark.parametrize(("matched", "unmatched", "without_key", "threshold", "warnings"), DOUBTS)
def test_a_rate_that_passes_and_is_low_is_a_warning(
    job: Job, matched: int, unmatched: int, without_key: int, threshold: float | None, warnings: list[str]
) -> None:
    rows = features(matched, unmatched, without_key)
    labels = LABELS[:matched]
    assert len(job.run(rows, labels, min_match_rate=0.5, warn_match_rate=threshold)) == len(rows)
    assert job.audit["warnings"] == [text.replace("min_match_rate", "warn_match_rate") for text in warnings]


def test_the_rate_of_each_group_is_a_warning_of_its_own(job: Job) -> None:
    rows = [{"key": f"m{index}", "corpus": "a"} for index in range(8)]
    rows += [{"key": key, "corpus": "b"} for key in ("m8", "m9", "u")]
    job.run(rows, LABELS[:10], min_match_rate=0.6, warn_match_rate=0.9, match_rate_by="corpus")
    low = KEYS.replace("min_match_rate", "warn_match_rate").format("0.667", "0.900", "2/3")
    assert job.audit["warnings"] == [f'"corpus" "b": {low}']


def test_a_table_that_the_gate_stops_is_not_also_warned_of(job: Job) -> None:
    with pytest.raises(MosLabelsError) as caught:
        job.run(features(1, 1, 0), LABELS, min_match_rate=0.9, warn_match_rate=1)
    assert KEYS.format("0.500", "0.900", "1/2") in str(caught.value)
    assert "warn_match_rate" not in str(caught.value)


def test_the_rate_is_one_of_distinct_keys(job: Job) -> None:
    job.run([{"key": "m0"}] * 98 + [{"key": "u"}, {"key": "m1"}], LABELS, min_match_rate=0.6)
    assert (job.audit["match_rate"], job.audit["matched_rows"], job.audit["missing_rows"]) == (2 / 3, 99, 1)


def test_different_values_of_one_key_count_once(job: Job) -> None:
    job.run([{"path": "x/m0"}, {"path": "y/m0"}, {"path": "z/m1"}], LABELS)
    assert job.audit["total_feature_keys"] == 2
    assert job.audit["key_collisions"] == {"count": 1, "sample": ["m0"]}
