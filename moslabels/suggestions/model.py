"""What a search for rules is about: its files, and the candidates, parts and rules that it finds in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moslabels.engine.connection import Engine
from moslabels.sources.columns import Column
from moslabels.sources.source import Source
from moslabels.suggestions.dialects import FoundDialect
from moslabels.suggestions.many_parts import FoundParts
from moslabels.suggestions.ways import Ways

LEAST_RATE = 0.05
SAMPLE_TEXTS = 600  # values of a column, or keys of a rule, that are looked at one by one
FEATURES = -1
"""The number of the feature file; label files count from 0."""
KINDS = ("number", "numbered name", "identifier")
"""What matched values can be, the least telling first; a ``category`` tells as little as a number."""


@dataclass(frozen=True)
class Inputs:
    """The tables of one search, open, and how they are written if they are CSV.

    With ``folds`` keys are compared without regard to case. ``parts`` is there for features of many parts.
    """

    engine: Engine
    features: Source
    labels: tuple[Source, ...]
    feature_dialect: FoundDialect | None
    label_dialects: tuple[FoundDialect | None, ...]
    folds: bool = False
    parts: FoundParts | None = None

    def compared(self, file: int) -> Source:
        """Return the table by which columns of a file are compared: of features of many parts, that of some parts."""
        return self.parts.compared if file == FEATURES and self.parts is not None else self.source(file)

    def source(self, file: int) -> Source:
        """Return a file by its number: that of the label file, or FEATURES."""
        return self.features if file == FEATURES else self.labels[file]


@dataclass(frozen=True)
class Candidate:
    """A column and the ways that make the same keys of it, and what the screening found of these keys."""

    number: int
    file: int
    place: int
    column: Column
    ways: Ways
    keys: int = 0
    texts: int = 0
    rows: int = 0
    whole: float = 0.0
    low: float | None = None
    high: float | None = None
    length: float = 0.0

    @property
    def is_numeric(self) -> bool:
        return self.whole > 1 - LEAST_RATE

    @property
    def is_counter(self) -> bool:
        """Whether every row has another number, with hardly a gap between them."""
        return self.is_numeric and self.keys >= 0.9 * self.rows and self.span <= 4 * self.rows

    @property
    def span(self) -> float:
        return (self.high or 0) - (self.low or 0) + 1


@dataclass(frozen=True)
class Part:
    """A candidate of the features and one of each label file: one part of a key."""

    feature: Candidate
    labels: tuple[Candidate, ...]

    @property
    def columns(self) -> tuple[Any, ...]:
        return self.feature.place, *((label.file, label.place) for label in self.labels)


@dataclass(frozen=True)
class Rule:
    """The parts of a key, and the way that each side makes them: a normalisation per file, a pattern per part."""

    parts: tuple[Part, ...]
    normalize: str
    feature_regexes: tuple[str | None, ...]
    label_normalizes: tuple[str, ...]
    label_regexes: tuple[tuple[str | None, ...], ...]
    cost: int

    @property
    def is_plain(self) -> bool:
        """Whether the key is the values of one column, without a pattern."""
        patterns = (*self.feature_regexes, *(regex for regexes in self.label_regexes for regex in regexes))
        return len(self.parts) == 1 and not any(patterns)


@dataclass(frozen=True)
class Measured:
    """A rule and what it does over all rows."""

    rule: Rule
    counts: Mapping[str, Any]
    kind: str
    bits: float
    tolerance: float | None
    examples: tuple[Mapping[str, Any], ...]

    @property
    def match_rate(self) -> float:
        return share(self.counts["matched_keys"], self.counts["feature_keys"])

    @property
    def key_rate(self) -> float:
        return share(self.counts["rows_with_key"], self.counts["feature_rows"])

    @property
    def worth(self) -> float:
        return share(self.counts["clean"] - self.counts["bad"], self.counts["feature_values"])

    @property
    def use(self) -> float:
        """Return the part of the scores that label something: a rule of the wrong columns leaves most of them over."""
        return share(self.counts["scores_used"], self.counts["scores"])

    @property
    def spoiled(self) -> int:
        counts = self.counts
        return int(counts["key_collisions"] + counts["label_key_collisions"] + counts["own_conflicts"])

    @property
    def rank(self) -> tuple[Any, ...]:
        says: float = KINDS.index(self.kind) if self.kind in KINDS else 0
        if says == 2 and self.bits < 6 and (self.counts["whole"] or 0) > 1 - LEAST_RATE:
            says = 1.5  # Ids that count are ids if nothing says more.
        if self.worth < 0.5:  # Identifiers of few clips tell no more than names that count.
            says = min(says, 1)
        value = self.worth + self.use / 2
        bits = min(int(self.bits) // 4, 4)
        return (-says, -round(value, 6), self.spoiled, -bits, self.rule.cost, -self.counts["matched_keys"])


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
