"""The scores of the feature rows that have a label: statistics, histograms, and the first of these rows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.sources.arrays import numbers
from moslabels.sources.few_rows import MOST_ROWS, few_rows
from moslabels.sources.source import Source

_BATCH = 1 << 17
_ENDS = {"min": 0, "max": 4}
QUARTERS = {**_ENDS, "q1": 1, "median": 2, "q3": 3}
"""How many quarters of the scores are below each statistic but the mean."""
EDGES = [(5 + number) / 5 for number in range(20)]
"""Where the bins begin. Each is the double nearest to 1.2, 1.4, …, so that a score written so begins its bin."""


@dataclass(frozen=True)
class Scores:
    """The mos of the rows with a label, and the first of these rows, each of another label.

    Statistics are least, greatest, mean and quartiles: linear between the two nearest scores, as numpy and pandas do. A
    histogram counts in 20 bins of 0.2 from 1 to 5: a bin holds its lower edge, and the last one 5 too. On 0-100 a bin
    is 5 wide. Both are of rows, or with ``by_key`` of distinct keys; with ``clipped`` of those whose score was clipped.
    """

    mos_stats: dict[str, float | None]
    mos_stats_by_key: dict[str, float | None]
    examples: list[dict[str, Any]]
    mos_histogram: list[int]
    mos_histogram_by_key: list[int]
    clipped_histogram: list[int]
    clipped_histogram_by_key: list[int]


def find_scores(engine: Engine, source: Source, rows: int, keys: int, has_repeats: bool, has_clipped: bool) -> Scores:
    """Return the scores of features that met labels. So many of their rows, and of their distinct keys, have one.

    ``has_repeats`` says whether several values have one key, and ``has_clipped`` whether scores of labels were clipped.
    """
    if not rows:
        return _Sums(rows, keys).scores([])
    sums = engine.with_more_memory(lambda: _summed(engine, rows, keys, has_repeats, has_clipped))
    examples = render("match/36_examples", has_repeats=has_repeats)
    return sums.scores([source.placed(row) for row in engine.rows(examples)])


def _summed(engine: Engine, rows: int, keys: int, has_repeats: bool, has_clipped: bool) -> _Sums:
    sums = _Sums(rows, keys)
    statement = render("match/35_scores", has_repeats=has_repeats, has_clipped=has_clipped)
    if keys <= MOST_ROWS:
        sums.add(*few_rows(engine, statement, pa.float64(), *[pa.int64()] * (4 if has_clipped else 2)))
        return sums
    _, batches = engine.stream(statement, _BATCH, is_held=True)
    for batch in batches:
        sums.add(*batch.columns)
    return sums


class _Sums:
    """Adds up distinct scores, which come in their order, with how many rows and keys have each."""

    def __init__(self, rows: int, keys: int) -> None:
        self._rows = _Statistics(rows)
        self._keys = _Statistics(keys)
        self._histograms = [[0] * len(EDGES) for _ in range(4)]

    def add(self, mos: pa.Array, rows: pa.Array, keys: pa.Array, *clipped: pa.Array) -> None:
        if not len(mos):
            return
        values = numbers(mos)
        ends = [*(bisect_left(values, edge) for edge in EDGES), len(values)]
        upto = [numbers(pc.cumulative_sum(counts)) for counts in (rows, keys, *clipped)]
        for histogram, counted in zip(self._histograms, upto, strict=False):
            _count(histogram, counted, ends)
        self._rows.add(mos, rows, upto[0])
        self._keys.add(mos, keys, upto[1])

    def scores(self, examples: list[dict[str, Any]]) -> Scores:
        return Scores(self._rows.found(), self._keys.found(), examples, *self._histograms)


def _count(histogram: list[int], upto: Sequence[int], ends: Sequence[int]) -> None:
    """Add to each bin the counts from one end to the next, of which ``upto`` has the sums so far."""
    for number, (start, end) in enumerate(pairwise(upto[end - 1] if end else 0 for end in ends)):
        histogram[number] += end - start


class _Statistics:
    """Statistics of so many rows or keys."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._upto = 0
        self._sum: pa.Scalar | None = None
        # In the order of their scores they count from 0. A quartile is at a place between two of them.
        self._places = {name: (count - 1) * quartile / 4 for name, quartile in QUARTERS.items()}
        self._wanted = {whole(place) for place in self._places.values() for whole in (floor, ceil)}
        self._at: dict[int, float] = {}

    def add(self, mos: pa.Array, counts: pa.Array, upto: Sequence[int]) -> None:
        """Add scores, how many rows or keys have each, and the sums of these so far."""
        # The order of the sum is fixed: to add doubles in another order would change the last digits.
        self._sum = pc.cumulative_sum(pc.multiply(mos, counts.cast(pa.float64())), self._sum)[-1]
        values = numbers(mos)
        for number in self._wanted.difference(self._at):
            index = bisect_right(upto, number - self._upto)
            if index < len(values):
                self._at[number] = values[index]
        self._upto += upto[-1]

    def found(self) -> dict[str, float | None]:
        if self._sum is None:
            return dict.fromkeys((*QUARTERS, "mean"))
        found = {name: self._between(place) for name, place in self._places.items()}
        return {**{name: found.pop(name) for name in _ENDS}, "mean": self._sum.as_py() / self._count, **found}

    def _between(self, place: float) -> float | None:
        """Return the score at a place such as 2.5: halfway between those of numbers 2 and 3."""
        below, above = self._at.get(floor(place)), self._at.get(ceil(place))
        # The scores are other ones than were counted. The check of the labelled rows says so.
        if below is None or above is None:
            return None
        return below + (above - below) * (place - floor(place))
