"""The spec of a table: its files and options, all final. Labelling needs nothing else from a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moslabels.spec.features import PartsSpec
from moslabels.spec.options import Options


@dataclass(frozen=True)
class LabelSpec:
    """One label file: its path, the path as it was given, all of its options, and those of its own entry."""

    path: str
    given: str
    options: Options
    config: Mapping[str, Any]


@dataclass(frozen=True)
class TableSpec:
    """One table to label. All paths and options are final. ``config`` holds the options that were given.

    ``tables`` are the Arrow tables in memory, by the name that replaces their path. If a table has many ``parts``,
    ``features`` is the folder above all of them, and ``out`` is a folder.
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
    parts: PartsSpec | None = None

    @property
    def open_questions(self) -> list[str]:
        """Return a warning for each open question about the table."""
        return [f"to confirm: {note} (then delete this note from confirm)" for note in self.options.confirm]

    def outputs(self) -> Iterator[tuple[str, str]]:
        """Yield the (key, path) of every file that is written."""
        yield "out", self.out
        if self.audit_json is not None:
            yield "audit_json", self.audit_json
        if self.unmatched is not None:
            yield "unmatched", self.unmatched

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield the (key, path) of every file that is read."""
        names = [("features", self.features)]
        names += [(f"labels[{index}]", label.path) for index, label in enumerate(self.labels)]
        yield from (pair for pair in names if pair[1] not in self.tables)

    def single_inputs(self) -> Iterator[str]:
        """Yield the path of every file that is read, without the parts of a table of many, which are listed later."""
        yield from (path for key, path in self.inputs() if key != "features" or self.parts is None)
