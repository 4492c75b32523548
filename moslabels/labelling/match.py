"""A feature table -> which label each of its rows has, by the statements of ``sql/match/``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, render
from moslabels.labelling.findings import Check, Finding, Row, bad_key
from moslabels.labelling.keys import Key
from moslabels.labelling.labels import Labels
from moslabels.labelling.scores import Scores, find_scores
from moslabels.sources.columns import Cell, Column
from moslabels.sources.constants import integer, one_array, zeros
from moslabels.sources.distinct import DistinctRows
from moslabels.sources.source import Source

_COUNTED_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class Features:
    """An open feature table and its key."""

    source: Source
    key: Key


def _bad_keys(features: Features, rows: Sequence[Row]) -> Finding:
    path, row = features.source.place(rows[0]["row"])
    return bad_key(path, features.key.columns, "feature", {**rows[0], "row": row})


CHECKS: tuple[Check[Features], ...] = (Check("match/checks/31_bad_keys", "bad-key", "bad_keys", _bad_keys),)
"""The checks of the feature keys, in the order in which they run. A new check is a statement, a count and a row.

The counts are those of ``match/30_match_counts``.
"""


@dataclass(frozen=True)
class Sample:
    """How many keys of a kind there are, and the first of them by key, each with its place."""

    count: int
    rows: tuple[dict[str, Any], ...]

    @property
    def keys(self) -> list[str]:
        return [row["key"] for row in self.rows]


def rate(matched: int, total: int) -> float:
    """Return matched / total, or 0 if total is 0."""
    return matched / total if total else 0.0


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The counts of some feature rows, and of the distinct keys that they have."""

    input_rows: int
    rows_without_key: int
    total_feature_keys: int
    matched_feature_keys: int

    @property
    def match_rate(self) -> float:
        """The part of the distinct feature keys that have a label, or 0 if there are no keys."""
        return rate(self.matched_feature_keys, self.total_feature_keys)


@dataclass(frozen=True, kw_only=True)
class PartCounts(Counts):
    """The counts of one part of a table."""

    matched_rows: int


@dataclass(frozen=True, kw_only=True)
class Group(Counts):
    """The counts of the feature rows that have one value of ``match_rate_by``."""

    value: str | None

    @property
    def key_rate(self) -> float:
        """The part of the feature rows that yield a key, or 0 if there are no rows."""
        return rate(self.input_rows - self.rows_without_key, self.input_rows)


@dataclass(frozen=True, kw_only=True)
class Match(Group):
    """How features and labels meet: counts over all feature rows and over their distinct keys.

    ``used_labels`` has for each label file its labels, and how many of them a feature has.
    """

    key: Key
    matched_rows: int
    unmatched_feature_keys: Sample
    unused_label_keys: Sample
    key_collisions: Sample
    values_without_key: list[dict[str, Any]]
    scores: Scores
    groups: tuple[Group, ...]
    used_labels: tuple[tuple[int, int], ...]


def match_features(
    engine: Engine, features: Features, labels: Labels, by: Column | None, distinct: DistinctRows | None
) -> Match:
    """Let the distinct keys of a feature table meet the engine's ``labels``. Raise TableError.

    What the counts say is not there is not looked for. ``by`` is the column of the groups. ``distinct`` are the
    distinct rows of the features in the columns that are read, if they were found already.
    """
    source, key = features.source, features.key
    rows = distinct.source if distinct is not None else source
    are_values = distinct is not None and distinct.is_exact and by is None
    if are_values:
        pass  # They are the values, each with the number of its rows.
    elif source.has_several:
        source.run(engine, "parts/10_part_values", key.cells)
        engine.run(render("parts/11_feature_values", cells=key.cells))
    else:
        rows.run(engine, "match/10_feature_values", key.cells)
    rows.run(
        engine, "match/20_feature_keys", key.cells, key.parameters(), keys=key.cells, key=key, are_values=are_values
    )
    counts: dict[str, Any] = engine.row(render("match/30_match_counts"))
    for check in CHECKS:
        check.run(engine, features, [source.path], [counts])
    total, matched = counts["total_feature_keys"], counts["matched_feature_keys"]
    return Match(
        value=None,
        key=key,
        input_rows=counts["input_rows"],
        rows_without_key=counts["rows_without_key"],
        total_feature_keys=total,
        matched_feature_keys=matched,
        matched_rows=counts["matched_rows"],
        unmatched_feature_keys=_sample(engine, "match/31_unmatched_feature_keys", total - matched, source),
        unused_label_keys=_sample(engine, "match/32_unused_label_keys", labels.count - matched),
        key_collisions=_sample(engine, "match/33_key_collisions", counts["repeats"]),
        values_without_key=_values_without_key(engine, source) if counts["values_without_key"] else [],
        scores=find_scores(engine, source, counts["matched_rows"], matched, labels.clipped > 0),
        groups=_groups(engine, rows, key, by) if by is not None else (),
        used_labels=_used_labels(engine, labels, matched),
    )


def _groups(engine: Engine, source: Source, key: Key, column: Column) -> tuple[Group, ...]:
    (cell,) = source.cells({"group": column})
    rows = source.query(engine, "match/37_groups", [*key.cells, cell], keys=key.cells, cell=cell)
    return tuple(Group(**row) for row in rows)


def _values_without_key(engine: Engine, source: Source) -> list[dict[str, Any]]:
    return [source.placed(row) for row in engine.rows(render("match/34_values_without_key"))]


def _used_labels(engine: Engine, labels: Labels, matched: int) -> tuple[tuple[int, int], ...]:
    """Return the labels of each file, and how many of them features use. Of one file, both are counted already."""
    if len(labels.files) == 1:
        return ((labels.count, matched),)
    return tuple((row["labels"], row["used"]) for row in engine.rows(render("match/38_used_labels")))


def _sample(engine: Engine, name: str, count: int, source: Source | None = None) -> Sample:
    """Return the sample of a statement, which runs if there may be any by a count.

    With a ``source`` the rows are numbered through all of its parts.
    """
    rows = engine.rows(render(name)) if count else []
    total = rows[0]["total"] if rows else 0
    rows = rows if source is None else [source.placed(row) for row in rows]
    return Sample(total, tuple({name: value for name, value in row.items() if name != "total"} for row in rows))


def row_labels_statement(source: Source, cells: Sequence[Cell], missing: int, rows: int) -> Statement:
    """Return the statement of the join: one row per feature row, in the order of the file, with its label's number.

    ``cells`` are the key columns, and ``missing`` is the number of rows without a label.
    """
    row_type = "UINTEGER" if rows < 1 << 32 else "BIGINT"  # Sorting half the bytes takes half the room.
    return source.statement("match/40_row_labels", cells, {"missing": missing}, row_type=row_type)


def rows_of_positions(positions: pa.Array | pa.ChunkedArray, rows: pa.ChunkedArray | None = None) -> pa.Table:
    """Return how many rows have each ``position``, as ``rows``, in the order of the positions.

    Each of ``positions`` is that of one row or, with ``rows``, of so many. They are counted by ranges of positions: to
    count millions at once takes hundreds of megabytes.
    """
    highest = pc.max(positions).as_py() or 0
    if highest < _COUNTED_AT_ONCE:
        return _counted(positions, rows)
    counted = []
    for start in range(0, highest + 1, _COUNTED_AT_ONCE):
        first, last = integer(start)[0], integer(min(start + _COUNTED_AT_ONCE - 1, highest))[0]
        is_of_range = pc.and_(pc.greater_equal(positions, first), pc.less_equal(positions, last))
        counted.append(_counted(positions.filter(is_of_range), None if rows is None else rows.filter(is_of_range)))
    return pa.concat_tables(counted)


def _counted(positions: pa.Array | pa.ChunkedArray, rows: pa.ChunkedArray | None) -> pa.Table:
    counted = pc.value_counts(positions).flatten() if rows is None else _summed(positions, rows)
    return pa.Table.from_arrays(counted, ["position", "rows"]).sort_by("position")


def _summed(positions: pa.Array | pa.ChunkedArray, rows: pa.ChunkedArray) -> list[pa.Array]:
    """Return each position once, and the sum of its rows. Table.group_by would make pyarrow import pandas."""
    order = pc.sort_indices(positions)
    runs = pc.run_end_encode(one_array(positions.take(order)), run_end_type=pa.int64())
    ends = pc.subtract(runs.run_ends, integer(1)[0])
    upto = pc.cumulative_sum(one_array(rows.take(order))).take(ends)
    before = pa.concat_arrays([zeros(min(1, len(upto))).cast(upto.type), upto[:-1]])
    return [runs.values, pc.subtract(upto, before)]


def rows_with_label(held: pa.Table, missing: int, rows: int) -> int:
    """Return how many of so many rows have a label. ``held`` is what :func:`rows_of_positions` returned.

    Those without a label are at the last position, ``missing``.
    """
    position, of_position = (held.column(index) for index in range(2))
    # A constant to compare the positions with would make pyarrow import pandas.
    is_whole = len(held) == 0 or position[-1].as_py() != missing
    return rows - (0 if is_whole else int(of_position[-1].as_py()))


def group_column(source: Source, match_rate_by: str | None) -> Column | None:
    """Return the column that ``match_rate_by`` names, if it is given. Raise TableError."""
    return source.find("group", match_rate_by, (), "match_rate_by") if match_rate_by is not None else None


def columns_read(key: Key, by: Column | None) -> list[Column]:
    """Return the columns of features that statements read: those of the key, and that of the groups."""
    read = [cell.column for cell in key.cells]
    return read if by is None or by in read else [*read, by]


def row_labels(
    engine: Engine, source: Source, key: Key, labels: Labels, match: Match, distinct: DistinctRows | None
) -> pa.ChunkedArray:
    """Run the join, the heaviest query. Return the number of the label of each feature row (int32), in order.

    Rows without a label have the number ``labels.missing_id``. Arrow counts the result: it must say what was counted
    in SQL. Raise TableError if it does not. With the ``distinct`` rows the query is about these alone.
    """
    engine.progress.step("joining", match.input_rows)
    of_label = None
    if distinct is None:
        positions = _positions(engine, source, key, labels, match.input_rows)
    else:
        if distinct.is_exact and not match.groups:
            of_value, rows = engine.table(render("match/41_value_labels", {"missing": labels.missing_id})).columns
            of_label = rows_of_positions(of_value, rows)
        else:
            of_value = _positions(engine, distinct.source, key, labels, distinct.count)
        if len(of_value) != distinct.count:
            raise _miscount(source, f"{distinct.count} values were counted, and there are {len(of_value)}")
        assert distinct.codes is not None
        positions = of_value.take(distinct.codes)
    if of_label is None:
        of_label = counted_rows_of_labels(engine, labels)
    check_labelled(source, labels, match, of_label, rows_of_positions(positions), len(positions))
    return positions


def counted_rows_of_labels(engine: Engine, labels: Labels) -> pa.Table:
    """Return what SQL counted: how many rows have each position, as :func:`rows_of_positions` returns it."""
    return engine.table(render("match/checks/41_rows_of_labels", {"missing": labels.missing_id}))


def check_labelled(source: Source, labels: Labels, match: Match, of_label: pa.Table, held: pa.Table, rows: int) -> None:
    """Raise TableError if rows were labelled otherwise than they were counted in SQL.

    So many rows were labelled. How many should have each position is in ``of_label``, and how many have it in ``held``,
    as :func:`rows_of_positions` returns them.
    """
    for what, counted, found in (
        *_sums(match, labels, source.rows),
        ("rows", match.input_rows, rows),
        ("rows with a label", match.matched_rows, rows_with_label(held, labels.missing_id, rows)),
        ("labels in use", len(of_label), len(held)),
    ):
        if counted != found:
            raise _miscount(source, f"{counted} {what} were counted, and there are {found}")
    if not of_label.equals(held):
        raise _miscount(source, "the rows of each label were counted otherwise than they were labelled")


def _positions(engine: Engine, source: Source, key: Key, labels: Labels, rows: int) -> pa.ChunkedArray:
    with source.reading():
        return engine.table(row_labels_statement(source, key.cells, labels.missing_id, rows)).column(0)


def _sums(match: Match, labels: Labels, rows: int | None) -> Iterator[tuple[str, int, int]]:
    """Yield what was counted twice: its name and both numbers."""
    if rows is not None:
        yield "rows", match.input_rows, rows
    yield "rows in the histogram", sum(match.scores.mos_histogram), match.matched_rows
    yield "keys in the histogram", sum(match.scores.mos_histogram_by_key), match.matched_feature_keys
    yield "keys with a label", match.matched_feature_keys, labels.count - match.unused_label_keys.count
    without = match.total_feature_keys - match.matched_feature_keys
    yield "keys without a label", without, match.unmatched_feature_keys.count
    if match.groups:
        yield "rows in all groups", sum(group.input_rows for group in match.groups), match.input_rows
        without = sum(group.rows_without_key for group in match.groups)
        yield "rows without a key in all groups", without, match.rows_without_key


def _miscount(source: Source, what: str) -> TableError:
    return TableError(
        f"{source.path}: {what}; one of the two is wrong, so nothing was written: run again when nothing writes to "
        "the file, and write it anew where that does not help",
        code="miscount",
        file=source.path,
    )
