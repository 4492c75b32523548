"""The parts of a table of many parts, as the page shows them: the share of labelled rows, and the parts without any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from moslabels.evidence.histogram import place

_MOST_BARS = 200
_MOST_NAMES = 20


@dataclass(frozen=True)
class Bar:
    """Parts next to one another. ``has_none`` says that in one of them no row has a label."""

    says: str
    share: float
    has_none: bool

    @property
    def top(self) -> str:
        return place(100 - 100 * self.share)

    @property
    def height(self) -> str:
        return place(100 * self.share)


@dataclass(frozen=True)
class Strip:
    """A bar for each part, or for several if there are many. ``names`` are the first parts without labels."""

    says: str
    bars: Sequence[Bar]
    names: Sequence[str]
    more: int


def strip(audit: Mapping[str, Any] | None) -> Strip | None:
    """Return the strip of the parts of a table, or None if it is one file."""
    parts = audit.get("parts") if audit is not None else None
    if not parts:
        return None
    number = min(len(parts), _MOST_BARS)
    bounds = [index * len(parts) // number for index in range(number + 1)]
    without = [part["path"] for part in parts if _has_none(part)]
    rows = [part["rows"] for part in parts]
    says = f"{_counted(len(parts), 'part', 'parts')} of {_range(rows)}"
    if without:
        says += f"; {_counted(len(without), 'part has', 'parts have')} no row with a label"
    return Strip(
        says=says,
        bars=[_bar(parts[start:end], start + 1) for start, end in pairwise(bounds)],
        names=without[:_MOST_NAMES],
        more=max(0, len(without) - _MOST_NAMES),
    )


def _counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _has_none(part: Mapping[str, Any]) -> bool:
    return bool(part["rows"] and not part["matched_rows"])


def _range(rows: Sequence[int]) -> str:
    least, most = min(rows), max(rows)
    return f"{least:,} to {most:,} rows" if least < most else _counted(least, "row", "rows")


def _bar(parts: Sequence[Mapping[str, Any]], first: int) -> Bar:
    rows, matched = (sum(part[name] for part in parts) for name in ("rows", "matched_rows"))
    which = parts[0]["path"] if len(parts) == 1 else f"parts {first:,} to {first + len(parts) - 1:,}"
    return Bar(f"{which}: {matched:,} of {rows:,} rows", matched / rows if rows else 0.0, any(map(_has_none, parts)))
