"""The histogram of a table's scores, as the page draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bar:
    """A bin of the histogram: where it is drawn, and the text that describes it."""

    x: str
    y: str
    width: str
    height: str
    says: str


@dataclass(frozen=True)
class Histogram:
    """The histogram of a table's scores, in the units of the picture. ``statistics`` are those of mos, on 1-5."""

    bars: Sequence[Bar]
    statistics: Mapping[str, float]
    says: str
    counts: Sequence[tuple[str, str]]
    scores: Sequence[tuple[str, str, str]]
    lines: Sequence[tuple[str, str]]

    # The picture: its size, and the edges of the plot within it.
    width = 440
    height = 240
    left = 64
    right = 420
    top = 26
    bottom = 176

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Return the statistics on both scales, as texts."""
        values = [self.statistics[name] for name in STATISTICS]
        return [
            ("1–5", [f"{value:.2f}" for value in values]),
            ("0–100", [f"{25 * (value - 1):.1f}" for value in values]),
        ]

    @classmethod
    def of(cls, audit: Mapping[str, Any]) -> Histogram:
        """Return the histogram of an audit that has labelled rows."""
        counts: Sequence[int] = audit["mos_histogram"]
        statistics: Mapping[str, float] = audit["mos_stats"]
        step = step_of(max(counts))
        most = step * math.ceil(max(counts) / step)

        def across(mos: float) -> float:
            return cls.left + (cls.right - cls.left) * (mos - 1) / 4

        def up(count: int) -> float:
            return cls.bottom - (cls.bottom - cls.top) * count / most

        bars = []
        for number, count in enumerate(counts):
            low, high = 1 + number / len(counts) * 4, 1 + (number + 1) / len(counts) * 4
            until = "up to" if number == len(counts) - 1 else "below"
            says = f"{low:.1f} {until} {high:.1f} ({5 * number} {until} {5 * number + 5}): {count:,} rows"
            x, y = across(low), up(count)
            bars.append(Bar(place(x + 0.5), place(y), place(across(high) - x - 1), place(cls.bottom - y), says))
        fullest = bars[counts.index(max(counts))].says
        return cls(
            bars=bars,
            statistics=statistics,
            says=f"Histogram of the mos of {audit['matched_rows']:,} labelled rows, from {statistics['min']:.2f} to "
            f"{statistics['max']:.2f}, mean {statistics['mean']:.2f}, median {statistics['median']:.2f}. "
            f"The fullest bin is {fullest}.",
            counts=[(place(up(count)), short_count(count)) for count in range(0, most + 1, step)],
            scores=[(place(across(mos)), str(mos), str(25 * (mos - 1))) for mos in range(1, 6)],
            lines=[(name, place(across(statistics[name]))) for name in ("mean", "median")],
        )


STATISTICS = ("min", "q1", "median", "mean", "q3", "max")


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
