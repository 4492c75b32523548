"""The spec of a table: its files and options, all final. Whoever labels it needs nothing else of a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moslabels.spec.options import Options


@dataclass(frozen=True)
class LabelSpec:
    """One label file: where it is, the path as it was given, the options that hold for it, and those of its own."""

    path: str
    given: str
    options: Options
    config: Mapping[str, Any]


@dataclass(frozen=True)
class TableSpec:
    """One table to label: every path and option final. ``config`` holds the options that were given.

    ``tables`` are Arrow tables in memory, by the name that stands in the place of a path.
    """

    id: str | None
    features: str
    labels: tuple[LabelSpec, ...]
    out: str
    audit_json: str | None
    unmatched: str | None
    options: Options
    config: Mapping[str, Any]
    tables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def open_questions(self) -> list[str]:
        """What is to be confirmed about the table, a warning each."""
        return [f"to confirm: {note} (then delete this note from confirm)" for note in self.options.confirm]

    def outputs(self) -> Iterator[tuple[str, str]]:
        """The (key, path) of every file that is written."""
        yield "out", self.out
        if self.audit_json is not None:
            yield "audit_json", self.audit_json
        if self.unmatched is not None:
            yield "unmatched", self.unmatched

    def inputs(self) -> Iterator[tuple[str, str]]:
        """The (key, path) of every file that is read."""
        names = [("features", self.features)]
        names += [(f"labels[{index}]", label.path) for index, label in enumerate(self.labels)]
        yield from (pair for pair in names if pair[1] not in self.tables)
