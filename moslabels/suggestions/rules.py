"""Which rules are worth measuring, the most promising first, and the simplest way to say each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from moslabels.suggestions.likeness import bits_of, names_cost, number_kind, pair_cost
from moslabels.suggestions.model import KINDS, LEAST_RATE, Candidate, Part, Rule, share
from moslabels.suggestions.ways import Way

_MEASURED = 12  # rules of one pair of columns per label file that are measured on all rows
_PER_PAIR = 3  # of them, with the same columns


def single_rules(pairs: Sequence[tuple[Part, float]], label_rows: int) -> list[Rule]:
    """Return the rules to measure: the most promising, a few per pair of columns and some of each kind.

    ``label_rows`` is the number of rows of the largest label file.
    """
    ranked = sorted(
        ((_screened(part, rate, label_rows), number) for number, (part, rate) in enumerate(pairs) if rate >= LEAST_RATE)
    )
    per_columns: dict[tuple[Any, ...], int] = {}
    per_kind: dict[tuple[Any, ...], int] = {}
    rules = []
    for (says, repeats, *_), number in ranked:
        part = pairs[number][0]
        kind = says, repeats
        if per_columns.get(part.columns, 0) >= _PER_PAIR:
            continue
        most = _MEASURED if says else _MEASURED // 4
        if per_kind.get(kind, 0) >= most or (rule := spelled((part,))) is None:
            continue
        per_columns[part.columns] = per_columns.get(part.columns, 0) + 1
        per_kind[kind] = per_kind.get(kind, 0) + 1
        rules.append(rule)
    return rules


def _screened(part: Part, rate: float, label_rows: int) -> tuple[Any, ...]:
    """Return how promising a pair looks in the samples: as the rank of a measured rule, the best first."""
    feature = part.feature
    unique = min(share(label.keys, label.rows) for label in part.labels)
    says = KINDS.index("identifier")
    numeric = feature.is_numeric or any(label.is_numeric for label in part.labels)
    if numeric:
        span = min(feature.span if feature.is_numeric else math.inf, *(label.span for label in part.labels))
        length = min(feature.length, *(label.length for label in part.labels))
        says = KINDS.index(number_kind(part, bits_of(span, label_rows), length))
    # Keys that many label rows share: only together with another column can they tell clips apart.
    repeats = unique < 0.5
    if repeats:
        says = 0
    worth = rate * share(feature.keys, feature.texts) * unique
    cost = sum(pair_cost(feature, label) for label in part.labels)
    return (-says, repeats and not numeric, -round(worth, 2), cost)


def shares_column(rule: Rule, part: Part) -> bool:
    return any(set(part.columns) & set(other.columns) for other in rule.parts)


def spelled(parts: tuple[Part, ...]) -> Rule | None:
    """The simplest way to say a rule: one normalisation for all, else one per label file. None: there is no way."""
    files = range(len(parts[0].labels))
    columns = sum(names_cost(part.feature, label) for part in parts for label in part.labels) + 4 * (len(parts) - 1)
    feature_sides = _sides([part.feature for part in parts])
    label_sides = [_sides([part.labels[file] for part in parts]) for file in files]
    found = []
    for place, (normalize, side) in enumerate(
        sorted(feature_sides.items(), key=lambda item: _NORMALIZES.index(item[0]))
    ):
        chosen = []
        extra = 0
        for sides in label_sides:
            if not sides:
                return None
            own = normalize if normalize in sides else min(sides, key=lambda name: _cost(sides[name]))
            extra += 0 if own == normalize else 8
            chosen.append((own, sides[own]))
        cost = _NORMALIZES.index(normalize) + _cost(side) + sum(_cost(ways) for _, ways in chosen) + extra
        rule = Rule(
            parts,
            normalize,
            tuple(way.regex for way in side),
            tuple(name for name, _ in chosen),
            tuple(tuple(way.regex for way in ways) for _, ways in chosen),
            cost + columns,
        )
        found.append((cost, place, rule))
    return min(found, key=lambda item: item[:2])[2] if found else None


_NORMALIZES = ("raw", "basename", "stem")


def _sides(candidates: Sequence[Candidate]) -> dict[str, tuple[Way, ...]]:
    """By normalisation, the way of each candidate; only those that all have."""
    sides = {}
    for normalize in _NORMALIZES:
        chosen = [next((way for way in candidate.ways if way.normalize == normalize), None) for candidate in candidates]
        if all(chosen):
            sides[normalize] = tuple(way for way in chosen if way)
    return sides


def _cost(chosen: Iterable[Way]) -> int:
    return sum(way.cost for way in chosen)
