"""Features that come in batches: which label each row has, and what has been counted by their end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.engine.connection import Engine
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import (
    Features,
    columns_read,
    group_column,
)
from moslabels.labelling.pipeline import Matched, check_rule, meet_rows
from moslabels.labelling.row_labels import check_labelled, counted_rows_of_labels
from moslabels.sources.constants import whole
from moslabels.sources.distinct import counted_rows, distinct, distinct_of, merged
from moslabels.sources.source import Source
from moslabels.spec.table import TableSpec

_FEW = 100_000


class Stream:
    """Features that come in batches, and meet the labels that an engine has, which may be another one each time.

    It holds no batch, but their distinct values of the columns that are read, and which labels they have. ``features``
    are those of a table in memory that has the columns of the batches and no rows. ``dropped`` names the columns that
    label columns replace. Raise TableError if features with these columns cannot be labelled.
    """

    def __init__(self, engine: Engine, spec: TableSpec, features: Features, labels: Labels) -> None:
        self._spec = spec
        self._features = features
        self._labels = labels
        self.dropped = check_rule(engine, spec, features, labels)
        self._group = group_column(features.source, spec.options.match_rate_by)
        self._read = columns_read(features.key, self._group)
        self._rows = 0
        self._values = _Sums(distinct_of(features.source, self._read).values)
        self._held = _Sums(_held(pa.nulls(0, pa.int32())))

    def label_ids(self, engine: Engine, table: pa.Table) -> pa.ChunkedArray:
        """Return for each row of the next batch the number of its label (int32). Raise TableError."""
        key = self._features.key
        source = _of_part(self._features.source, table=table)
        for cell in key.cells:
            source.usable(cell.column, "key")
        if self._group is not None:
            source.usable(self._group, "group")
        found = distinct_of(source, self._read)
        values = {**key.parameters(), "missing": self._labels.missing_id}
        with engine.passing(), source.reading():
            rows = counted_rows(engine, source, found.values)
            known = {"keys": key.cells, "key": key, "all_fit": rows.all_fit}
            rules = rows.source.statement("match/39_value_labels", key.cells, values, **known)
            of_value = engine.table(rules)
        first_row = pc.add(found.values["first_row"], whole(self._rows))
        self._values.add(found.values.set_column(found.values.num_columns - 1, "first_row", first_row))
        self._rows += len(table)
        if pc.any(of_value["is_bad"]).as_py():
            self.matched(engine)  # It raises what is wrong with the rows so far.
        label_ids = of_value["label_id"].take(found.codes)
        self._held.add(_held(label_ids))
        return label_ids

    def matched(self, engine: Engine) -> Matched:
        """Return how the rows so far meet the labels, as if they had been one table. Raise TableError."""
        source = _of_part(self._features.source, counted=self._rows)
        rows = counted_rows(engine, source, self._values.sum())
        features = replace(self._features, source=source)
        return meet_rows(engine, self._spec, features, self._labels, self.dropped, rows)

    def check(self, engine: Engine, matched: Matched) -> None:
        """Raise TableError if the rows were labelled otherwise than they were counted."""
        held = self._held.sum().select(["position", "rows"]).sort_by("position")
        of_label = counted_rows_of_labels(engine, self._labels, matched.match)
        check_labelled(matched.source, self._labels, matched.match, of_label, held, self._rows)


class _Sums:
    """Distinct rows of batches, which are added up whenever they are twice as many as were left the last time."""

    def __init__(self, nothing: pa.Table) -> None:
        self._tables = [nothing]
        self._rows = 0
        self._most = _FEW

    def add(self, values: pa.Table) -> None:
        self._tables.append(values)
        self._rows += len(values)
        if self._rows > self._most:
            self._most = max(_FEW, 2 * len(self.sum()))

    def sum(self) -> pa.Table:
        """Return the distinct rows so far, each once."""
        self._tables = [merged(pa.concat_tables(self._tables))]
        self._rows = len(self._tables[0])
        return self._tables[0]


def _held(positions: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return how many rows have each position, as a table of distinct rows."""
    return distinct(pa.Table.from_arrays([positions], ["position"])).values


def _of_part(source: Source, **changes: Any) -> Source:
    """Return a source with changes of its only part."""
    return replace(source, parts=(replace(source.part, **changes),))
