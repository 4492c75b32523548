"""Statistics and histograms of the mos that rows and keys hold."""

from __future__ import annotations

import random
from collections import Counter
from math import ceil, floor, nextafter
from typing import Any

import pyarrow as pa
import pytest

from moslabels import join
from moslabels.labelling import scores as scores_of_features

EDGES = [(5 + number) / 5 for number in range(20)]


def audit_of(scores: list[float], counts: list[int], **options: Any) -> Any:
    """Return the audit of a table in which label number n is that of so many rows."""
    keys = [f"clip{number}" for number in range(len(scores))]
    rows = [key for key, count in zip(keys, counts, strict=True) for _ in range(count)]
    random.Random(1).shuffle(rows)
    labels = pa.table({"key": keys, "mos": scores})
    return join(pa.table({"key": rows}), labels, mos_scale="1-5", **options).audit


def expected(scores: list[float]) -> tuple[dict[str, float], list[int]]:
    """Return the statistics and the histogram of scores, computed one by one."""
    ordered = sorted(scores)
    total = 0.0
    for score, count in sorted(Counter(scores).items()):
        total += score * count
    found = {"min": ordered[0], "max": ordered[-1], "mean": total / len(ordered)}
    for name, quartile in (("q1", 1), ("median", 2), ("q3", 3)):
        place = (len(ordered) - 1) * quartile / 4
        below, above = ordered[floor(place)], ordered[ceil(place)]
        found[name] = below + (above - below) * (place - floor(place))
    bins = Counter(max(number for number, edge in enumerate(EDGES) if edge <= score) for score in scores)
    return found, [bins[number] for number in range(20)]


def drawn(count: int, digits: int) -> list[float]:
    chance = random.Random(count)
    return [round(chance.uniform(1, 5), digits) for _ in range(count)]


CASES = {
    "one": [3.7],
    "two": [1.0, 5.0],
    "four": [1.25, 2.5, 2.5, 4.75],
    "few scores of many labels": drawn(1_000, 1),
    "edges of bins and their neighbours": [
        score for edge in EDGES for score in (nextafter(edge, 0), edge, nextafter(edge, 9)) if score >= 1
    ],
    "more scores than one batch has": drawn(150_000, 15),
}


@pytest.fixture(params=["as rows", "as Arrow"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few scores come as rows, which they do, or as Arrow, as many do."""
    if request.param == "as Arrow":
        monkeypatch.setattr(scores_of_features, "MOST_ROWS", 0)


@pytest.mark.parametrize("scores", CASES.values(), ids=CASES)
def test_statistics_by_row_and_by_key(scores: list[float]) -> None:
    counts = [1 + number % 3 for number in range(len(scores))]
    audit = audit_of(scores, counts)
    of_rows = [score for score, count in zip(scores, counts, strict=True) for _ in range(count)]
    assert (audit["mos_stats"], audit["mos_histogram"]) == expected(of_rows)
    assert (audit["mos_stats_by_key"], audit["mos_histogram_by_key"]) == expected(scores)
    assert audit["clipped_histogram"] == audit["clipped_histogram_by_key"] == [0] * 20


def test_clipped_scores_are_counted_in_their_bins() -> None:
    audit = audit_of([0.5, 1.0, 3.0, 5.0, 5.5, 9.0], [1, 1, 1, 1, 2, 3], out_of_range="clip", max_clipped=1)
    assert audit["mos_histogram"] == [2, *[0] * 9, 1, *[0] * 8, 6]
    assert audit["clipped_histogram"] == [1, *[0] * 18, 5]
    assert audit["clipped_histogram_by_key"] == [1, *[0] * 18, 2]


def test_no_row_with_a_label_has_no_statistics() -> None:
    labels = pa.table({"key": ["a"], "mos": [3.5]})
    audit = join(pa.table({"key": ["b"]}), labels, min_match_rate=0).audit
    assert set(audit["mos_stats"].values()) == set(audit["mos_stats_by_key"].values()) == {None}
    assert audit["mos_histogram"] == audit["mos_histogram_by_key"] == [0] * 20
    assert audit["joined_sample"] == []
