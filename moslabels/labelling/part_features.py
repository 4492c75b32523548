"""The features of a table of many parts, opened as one table, and its key."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.files.listing import PartFile, list_parts
from moslabels.labelling.keys import find_key
from moslabels.labelling.match import Features
from moslabels.sources.parquet_parts import PartFacts, examined, join_parts, open_first
from moslabels.spec.table import TableSpec

Examine: TypeAlias = Callable[[Sequence[PartFile], Mapping[str, str], float], Sequence[PartFacts]]
"""Reads the footers of parts. It gets the roles of the columns that will be read, and DuckDB's memory in bytes."""


def open_parts(engine: Engine, spec: TableSpec, examine: Examine = examined) -> Features:
    """Open all parts of a table, and find its key. Raise TableError if parts are damaged or do not fit together."""
    assert spec.parts is not None
    options = spec.options
    files = list_parts(spec.parts.items, spec.parts.root, spec.out)
    _refuse_labels_among(files, spec)
    first = open_first(engine, spec.features, files, options.partitions)
    roles = {cell.column.name: "key" for cell in find_key(engine, first, options, "feature").cells}
    if options.match_rate_by is not None:
        roles.setdefault(first.find("group", options.match_rate_by, (), "match_rate_by").name, "group")
    facts = examine(files, roles, engine.memory)
    source = join_parts(engine, first, files, options.partitions, facts)
    return Features(source, find_key(engine, source, options, "feature"))


def _refuse_labels_among(files: Sequence[PartFile], spec: TableSpec) -> None:
    labels = {os.path.realpath(label.path) for label in spec.labels}
    for file in files:
        if os.path.realpath(file.path) in labels:
            raise TableError(
                f"{file.path}: is a label file, and also a part of the features; keep labels elsewhere, or name the "
                'parts by a pattern that leaves it out, such as {"glob": "…/part-*.parquet"}',
                code="parts",
                file=file.path,
            )
