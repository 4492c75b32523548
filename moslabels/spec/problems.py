"""A collection of the problems of a JSON value, each with its JSON path, that are raised together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import short, shown

_MOST_NESTED = 100  # lists and objects inside each other; valid members need only a few
TOO_DEEP = f"nests lists or objects more than {_MOST_NESTED} deep"


class Members(dict[str, Any]):
    """A JSON object that remembers which of its members were given twice (``object_pairs_hook``)."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.twice = sorted(name for name, count in counts.items() if count > 1)


class Problems(list[str]):
    """The problems that were found so far, as messages show them."""

    def add(self, path: str, problem: str) -> None:
        self.append(f"{path}: {problem}" if path else problem)

    def add_once(self, path: str, problem: str) -> None:
        if f"{path}: {problem}" not in self:
            self.add(path, problem)

    def raise_if_any(self, heading: str) -> None:
        if self:
            raise UsageError(heading, list(self))


def check_members(value: Any, path: str, problems: Problems, depth: int = 0) -> None:
    """Report members given twice, texts that UTF-8 cannot spell and values nested too deep, anywhere in a value."""
    if depth > _MOST_NESTED:
        problems.add(short(path), TOO_DEEP)
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            problems.add(
                path, f"{shown(value)} holds half of a character (a lone surrogate), or bytes that are not UTF-8"
            )
    elif isinstance(value, Mapping):
        for name in getattr(value, "twice", ()):
            problems.add(f"{path}.{name}" if path else name, "is given twice")
        for name, item in value.items():
            check_members(name, path, problems)
            check_members(item, f"{path}.{name}" if path else str(name), problems, depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_members(item, f"{path}[{index}]", problems, depth + 1)
