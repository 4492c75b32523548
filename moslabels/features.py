"""A feature table -> which label each of its rows has, by the statements of ``sql/features/`` and ``sql/checks/``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from moslabels.engine import Engine
from moslabels.errors import TableError
from moslabels.keys import Key
from moslabels.labels import Labels
from moslabels.options import short, shown
from moslabels.render import render
from moslabels.tables import Source, reading


@dataclass(frozen=True)
class Sample:
    """How many keys there are of a kind, and the first of them by key."""

    count: int
    sample: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """What came of the join: counts over all feature rows and over their distinct keys."""

    key: Key
    input_rows: int
    rows_without_key: int
    matched_rows: int
    total_feature_keys: int
    matched_feature_keys: int
    unmatched_feature_keys: Sample
    unused_label_keys: Sample
    key_collisions: Sample
    mos_stats: dict[str, float | None]

    @property
    def match_rate(self) -> float:
        """The share of distinct feature keys that have a label, 0 where there are none."""
        return self.matched_feature_keys / self.total_feature_keys if self.total_feature_keys else 0.0

    @property
    def key_rate(self) -> float:
        """The share of feature rows that yield a key, 0 where there are none."""
        return (self.input_rows - self.rows_without_key) / self.input_rows if self.input_rows else 0.0


def match_features(engine: Engine, source: Source, key: Key) -> Match:
    """Join the distinct keys of a feature table to the engine's ``labels``. Raises TableError."""
    values = {**source.values(key.cells), **key.parameters()}
    with reading(source):
        engine.run(render("features/10_values", values, source=source, cells=key.cells))
        engine.run(render("features/20_keys", values, keys=key.cells))
    for row in engine.rows(render("checks/feature_keys")):
        column = key.columns[row["fault_part"] - 1]
        raise TableError(
            f"{source.path}: row {row['row']}: column {shown(column)} holds {shown(row['raw_value'])}, "
            f"{short(row['key_fault'])}, which cannot be a key "
            f"({row['total']} such rows); name another feature_key_column",
            file=source.path,
            column=column,
            row=row["row"],
        )
    counts: dict[str, Any] = engine.row(render("checks/match_counts"))
    return Match(
        key=key,
        **counts,
        unmatched_feature_keys=_sample(engine, "checks/unmatched_feature_keys"),
        unused_label_keys=_sample(engine, "checks/unused_label_keys"),
        key_collisions=_sample(engine, "checks/key_collisions"),
        mos_stats=engine.row(render("checks/mos_stats")),
    )


def _sample(engine: Engine, name: str) -> Sample:
    rows = engine.rows(render(name))
    return Sample(rows[0]["total"] if rows else 0, tuple(row["key"] for row in rows))


def row_labels(engine: Engine, source: Source, key: Key, labels: Labels, rows: int) -> pa.ChunkedArray:
    """The position of the label columns of every feature row (int32), in the order of the file: four bytes a row."""
    values = {**source.values(key.cells), "missing": labels.missing_id}
    with reading(source):
        row_type = "UINTEGER" if rows < 1 << 32 else "BIGINT"  # Sorting half the bytes takes half the room.
        statement = render("features/30_row_labels", values, source=source, cells=key.cells, row_type=row_type)
        return engine.table(statement).column(0)
