"""The features of a table of many parts, opened as one table: its key, and what is counted and checked by part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from moslabels.base.errors import MosLabelsError, TableError, is_from_outside
from moslabels.base.text import counted
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.listing import PartFile, list_parts
from moslabels.files.watched import check_state
from moslabels.labelling.keys import Key, find_key
from moslabels.labelling.match import Features, Match, PartCounts
from moslabels.sources.faults import fault
from moslabels.sources.parquet_parts import PartFacts, PartsSource, examined, join_parts, open_first
from moslabels.sources.source import Source
from moslabels.spec.table import TableSpec

Examine: TypeAlias = Callable[[Sequence[PartFile], Mapping[str, str], float], Sequence[PartFacts]]
"""Reads the footers of parts. It gets the roles of the columns that will be read, and DuckDB's memory in bytes."""
_SHOWN = 3


def open_parts(engine: Engine, spec: TableSpec, examine: Examine | None = None) -> Features:
    """Open all parts of a table, and find its key. Raise TableError if parts are damaged or do not fit together."""
    assert spec.parts is not None
    options = spec.options
    files = list_parts(spec.parts.items, spec.parts.root, spec.out)
    refuse_labels_among(files, (label.path for label in spec.labels))
    first = open_first(engine, spec.features, files, options.partitions)
    roles = {cell.column.name: "key" for cell in find_key(engine, first, options, "feature").cells}
    if options.match_rate_by is not None:
        roles.setdefault(first.find("group", options.match_rate_by, (), "match_rate_by").name, "group")
    facts = (examine or examined)(files, roles, engine.memory)
    source = join_parts(engine, first, files, options.partitions, facts)
    return Features(source, find_key(engine, source, options, "feature"))


def refuse_labels_among(files: Sequence[PartFile], paths: Iterable[str]) -> None:
    """Raise TableError if one of the paths of label files is a part."""
    labels = {os.path.realpath(path) for path in paths}
    for file in files:
        if os.path.realpath(file.path) in labels:
            raise TableError(
                f"{file.path}: is a label file, and also a part of the features; keep labels elsewhere, or name the "
                'parts by a pattern that leaves it out, such as {"glob": "…/part-*.parquet"}',
                code="parts",
                file=file.path,
            )


def check_parts(spec: TableSpec, source: PartsSource) -> None:
    """Raise TableError if parts changed, came or went since they were listed."""
    assert spec.parts is not None
    listed = [file.path for file in list_parts(spec.parts.items, spec.parts.root, spec.out)]
    if listed != [part.path for part in source.parts]:
        changed = sorted({*listed} ^ {part.path for part in source.parts})[0]
        says = "came or went while the table was read; run again when nothing writes to its folder"
        raise fault(changed, says, "changed")
    for part, fact in zip(source.parts, source.facts, strict=True):
        check_state(part.path, fact.state)


@contextmanager
def watched_parts(spec: TableSpec, source: Source) -> Iterator[None]:
    """Raise TableError if the block fails and parts changed meanwhile, because that may be the cause."""
    try:
        yield
    except (MosLabelsError, OSError) as error:
        if isinstance(source, PartsSource) and not is_from_outside(error):
            check_parts(spec, source)
        raise


def part_counts(engine: Engine, source: PartsSource, key: Key, match: Match) -> list[PartCounts]:
    """Return the counts of each part. Raise TableError if they are not those of its footer, or not those of all."""
    rows = engine.rows(render("parts/20_part_counts", cells=key.cells))
    found = {row.pop("part"): PartCounts(**row) for row in rows}
    nothing = PartCounts(input_rows=0, rows_without_key=0, matched_rows=0, total_feature_keys=0, matched_feature_keys=0)
    counts = [found.get(number, nothing) for number in range(1, len(source.parts) + 1)]
    for part, count in zip(source.parts, counts, strict=True):
        if part.rows != count.input_rows:
            says = f"its footer has {part.rows} rows, and {count.input_rows} were read; write it anew"
            raise fault(part.path, says, "miscount")
    if sum(count.matched_rows for count in counts) != match.matched_rows:
        says = "the rows of the parts with a label are not those of all; nothing was written"
        raise fault(source.path, says, "miscount")
    return counts


def part_warnings(source: PartsSource, matched_rows: Sequence[int]) -> list[str]:
    """Return warnings about the parts: columns that differ, and parts without any label."""
    parts = zip(source.parts, matched_rows, strict=True)
    empty = [part.relative for part, matched in parts if part.rows and not matched]
    found = list(source.doubts)
    if empty:
        more = f" and {len(empty) - _SHOWN} more" if len(empty) > _SHOWN else ""
        found.append(
            f"{len(empty)} of {counted(len(source.parts), 'part', 'parts')} without any label: "
            f"{', '.join(empty[:_SHOWN])}{more}"
        )
    return found
