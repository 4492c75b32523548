"""Histograms of scores, as the page draws them: those of a labelled table, and that of a mixed scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 440, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 420, 26, 176
"""The picture: its size, and the edges of the plot within it."""


@dataclass(frozen=True)
class Bar:
    """A bin of a histogram: where it is drawn, and the text that describes it. Of its height a part may be clipped."""

    x: str
    y: str
    width: str
    height: str
    clipped: str
    says: str


@dataclass(frozen=True)
class Histogram:
    """A histogram in the units of the picture.

    ``unit`` is what it counts, ``title`` what the scores are. ``scores`` are the marks below: a place, and the text of
    each of the two ``scales``. ``counts`` are the marks beside, ``lines`` the names and places of lines.
    """

    unit: str
    title: str
    says: str
    bars: Sequence[Bar]
    counts: Sequence[tuple[str, str]]
    scores: Sequence[tuple[str, str, str]]
    scales: tuple[str, str]
    lines: Sequence[tuple[str, str]]
    clipped: int = 0

    width = WIDTH
    height = HEIGHT
    left = LEFT
    right = RIGHT
    top = TOP
    bottom = BOTTOM

    @classmethod
    def of(cls, audit: Mapping[str, Any], unit: str) -> Histogram:
        """Return the histogram of an audit that has labelled rows: of its ``rows``, or of its ``clips``."""
        suffix = _SUFFIXES[unit]
        counts: Sequence[int] = audit[f"mos_histogram{suffix}"]
        statistics: Mapping[str, float] = audit[f"mos_stats{suffix}"]
        clipped: Sequence[int] = audit.get(f"clipped_histogram{suffix}", [0] * len(counts))
        step = step_of(max(counts))
        most = step * math.ceil(max(counts) / step)
        bars = []
        for number, (count, part) in enumerate(zip(counts, clipped, strict=True)):
            low, high = 1 + number / len(counts) * 4, 1 + (number + 1) / len(counts) * 4
            until = "up to" if number == len(counts) - 1 else "below"
            says = f"{low:.1f} {until} {high:.1f} ({5 * number} {until} {5 * number + 5}): {count:,} {unit}"
            says += f", {part:,} of them clipped" if part else ""
            bars.append(_bar(_across(low, 1, 5), _across(high, 1, 5), count, part, most, says))
        fullest = bars[counts.index(max(counts))].says
        return cls(
            unit=unit,
            title="mean opinion score (MOS)",
            says=f"Histogram of the mos of {sum(counts):,} labelled {unit}, from {statistics['min']:.2f} to "
            f"{statistics['max']:.2f}, mean {statistics['mean']:.2f}, median {statistics['median']:.2f}. "
            f"The fullest bin is {fullest}.",
            bars=bars,
            counts=[(place(_up(count, most)), short_count(count)) for count in range(0, most + 1, step)],
            scores=[(place(_across(mos, 1, 5)), str(mos), str(25 * (mos - 1))) for mos in range(1, 6)],
            scales=("1–5", "0–100"),
            lines=[(name, place(_across(statistics[name], 1, 5))) for name in ("mean", "median")],
            clipped=sum(clipped),
        )

    @classmethod
    def of_mixed(cls, found: Mapping[str, Any]) -> Histogram:
        """Return the histogram of a mixed scale, with a line at 5. ``found`` is what the check found.

        The scores are those of the file, so they may be of any size.
        """
        bins: Sequence[Mapping[str, Any]] = found["histogram"]
        low, high = bins[0]["above"], bins[-1]["up_to"]
        most_in_one = max(one["count"] for one in bins)
        step = step_of(most_in_one)
        most = step * math.ceil(most_in_one / step)
        bars = [
            _bar(
                _across(one["above"], low, high),
                _across(one["up_to"], low, high),
                one["count"],
                0,
                most,
                f"above {one['above']:.6g} up to {one['up_to']:.6g}: {one['count']:,} scores",
            )
            for one in bins
        ]
        five = _across(5, low, high)
        ends = [(_across(value, low, high), f"{value:.6g}") for value in (found["least"], found["greatest"])]
        marks = [(x, text) for x, text in ends if abs(x - five) > 24] + [(five, "5")]
        return cls(
            unit="scores",
            title="scores as they stand in the label file",
            says=f"Histogram of {found['low'] + found['high']:,} scores, from {found['least']:.6g} to "
            f"{found['greatest']:.6g}: {found['low']:,} are at most 5 and {found['high']:,} above.",
            bars=bars,
            counts=[(place(_up(count, most)), short_count(count)) for count in range(0, most + 1, step)],
            scores=[(place(x), text, "") for x, text in sorted(marks)],
            scales=("score", ""),
            lines=[("five", place(five))],
        )


_SUFFIXES = {"clips": "_by_key", "rows": ""}
STATISTICS = {
    "min": "least",
    "q1": "first quartile",
    "median": "median",
    "mean": "mean",
    "q3": "third quartile",
    "max": "greatest",
}
"""The statistics of an audit, with their names."""


def histograms(audit: Mapping[str, Any]) -> list[Histogram]:
    """Return the histograms of an audit: of clips and of rows, or one if both are the same or the audit is old."""
    if not audit["matched_rows"]:
        return []
    units = [unit for unit, suffix in _SUFFIXES.items() if f"mos_histogram{suffix}" in audit]
    if audit["matched_rows"] == audit["matched_feature_keys"]:
        units = units[:1]
    return [Histogram.of(audit, unit) for unit in units]


def statistics_rows(audit: Mapping[str, Any], units: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Return (unit, scale, statistics) of what histograms count, as texts."""
    rows = []
    for unit in units:
        statistics = audit[f"mos_stats{_SUFFIXES[unit]}"]
        values = [statistics[name] for name in STATISTICS]
        rows.append((unit, "1–5", [f"{value:.2f}" for value in values]))
        rows.append((unit, "0–100", [f"{25 * (value - 1):.1f}" for value in values]))
    return rows


def _bar(left: float, right: float, count: int, clipped: int, most: int, says: str) -> Bar:
    y = _up(count, most)
    return Bar(
        x=place(left + 0.5),
        y=place(y),
        width=place(max(right - left - 1, 0.5)),
        height=place(BOTTOM - y),
        clipped=place(BOTTOM - _up(clipped, most)),
        says=says,
    )


def _across(score: float, low: float, high: float) -> float:
    # Halves, because the distance of two scores may be beyond a float.
    share = (score / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5
    return LEFT + (RIGHT - LEFT) * share


def _up(count: int, most: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * count / most


def step_of(most: int) -> int:
    """Return the distance between marks on an axis of counts: 1, 2 or 5 times a power of ten, for at most 5 marks."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if most <= 4 * step:
                return step
        power *= 10


def short_count(count: int) -> str:
    """Return the short text of a count on an axis. It is exact, as a mark has at most two digits that are not 0."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return str(count)


def place(value: float) -> str:
    """Return a coordinate or a percentage as text, to a thousandth."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
