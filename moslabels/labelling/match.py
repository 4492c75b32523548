"""A feature table -> which label each of its rows has, by the statements of ``sql/match/``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.labelling.findings import Check, Finding, Row, bad_key
from moslabels.labelling.keys import Key
from moslabels.labelling.labels import Labels
from moslabels.labelling.scores import Scores, find_scores
from moslabels.sources.columns import Column
from moslabels.sources.distinct import DistinctRows
from moslabels.sources.source import Source

_FEW_ROWS = 1 << 18


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

    ``values`` are the distinct values of the key columns, ``repeats`` those of them whose key is that of another.
    ``used_labels`` has for each label file its labels, and how many of them a feature has.
    """

    key: Key
    values: int
    repeats: int
    matched_rows: int
    unmatched_feature_keys: Sample
    unused_label_keys: Sample
    key_collisions: Sample
    values_without_key: list[dict[str, Any]]
    scores: Scores
    groups: tuple[Group, ...]
    used_labels: tuple[tuple[int, int], ...]

    @property
    def has_many_rows(self) -> bool:
        """Whether Arrow needs memory for what is found of each row: so much that DuckDB is to let go of some."""
        return self.input_rows > _FEW_ROWS


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
    known = {"are_values": are_values, "all_fit": distinct is not None and distinct.all_fit}
    rows.run(engine, "match/20_feature_keys", key.cells, key.parameters(), keys=key.cells, key=key, **known)
    counts: dict[str, Any] = engine.row(render("match/30_match_counts"))
    for check in CHECKS:
        check.run(engine, features, [source.path], [counts])
    total, matched = counts["total_feature_keys"], counts["matched_feature_keys"]
    has_repeats = counts["repeats"] > 0
    return Match(
        value=None,
        key=key,
        values=counts["values"],
        repeats=counts["repeats"],
        input_rows=counts["input_rows"],
        rows_without_key=counts["rows_without_key"],
        total_feature_keys=total,
        matched_feature_keys=matched,
        matched_rows=counts["matched_rows"],
        unmatched_feature_keys=_sample(engine, "match/31_unmatched_feature_keys", total - matched, source),
        unused_label_keys=_sample(engine, "match/32_unused_label_keys", labels.count - matched),
        key_collisions=_sample(engine, "match/33_key_collisions", counts["repeats"]),
        values_without_key=_values_without_key(engine, source) if counts["values_without_key"] else [],
        scores=find_scores(engine, source, counts["matched_rows"], matched, has_repeats, labels.clipped > 0),
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


def group_column(source: Source, match_rate_by: str | None) -> Column | None:
    """Return the column that ``match_rate_by`` names, if it is given. Raise TableError."""
    return source.find("group", match_rate_by, (), "match_rate_by") if match_rate_by is not None else None


def columns_read(key: Key, by: Column | None) -> list[Column]:
    """Return the columns of features that statements read: those of the key, and that of the groups."""
    read = [cell.column for cell in key.cells]
    return read if by is None or by in read else [*read, by]
