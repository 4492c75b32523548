"""A table in memory with its label columns and its audit: the result of :func:`join`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.engine.sessions import Connection, Relation
from moslabels.evidence import audit
from moslabels.evidence.audit import PartRecord
from moslabels.evidence.run import Run
from moslabels.evidence.types import Audit
from moslabels.labelling.keys import several
from moslabels.labelling.label_table import LabelTable
from moslabels.labelling.part_features import check_parts, part_counts, part_warnings, watched_parts
from moslabels.labelling.pipeline import Matched, join_rows, judge
from moslabels.parquet import schemas
from moslabels.runs.shown import audit_look, shown_audit
from moslabels.sources.batches import feature_table
from moslabels.sources.parquet_parts import PartsSource
from moslabels.spec.table import TableSpec

if TYPE_CHECKING:
    import datasets
    import pandas
    import polars


FIRST_ROWS = 5  # that a notebook shows


@dataclass(frozen=True, repr=False)
class Joined:
    """The result of :func:`join`.

    Attributes
    ----------
    table : the features with their columns in order, and the label columns after them; one row per feature row, in
        order. Columns of a pandas DataFrame may share its memory, so a change of the one changes the other. The rows of
        many parts follow each other in the order of the paths. The values of ``partitions`` are not columns of it
    label_columns : the names of the label columns
    audit : the audit, as :func:`materialize` returns it; there is no output, so its path, size and sha256 are None
    """

    table: pa.Table
    label_columns: list[str]
    audit: Audit

    def __repr__(self) -> str:
        return f"<moslabels table of {len(self.table)} rows and {len(self.table.column_names)} columns: {self.audit!r}>"

    def _repr_html_(self) -> str:
        """Return the audit and the first rows as HTML, for notebooks."""
        key = [name for name in several(self.audit["feature_key_column"]) if name not in self.label_columns]
        first = self.table.slice(0, FIRST_ROWS)
        # Two columns may have one name.
        places = [first.schema.get_field_index(name) for name in (*key, *self.label_columns)]
        columns = [first.column(place) for place in places if place >= 0]
        rows = zip(*([str(value) for value in column.to_pylist()] for column in columns), strict=True)
        names = [first.schema.names[place] for place in places if place >= 0]
        return audit_look(self.audit, (f"The first of {len(self.table)} rows", names, list(rows))).html()

    def to_pandas(self) -> pandas.DataFrame:
        """Return the table as a pandas DataFrame. If the features came as one, it has their index."""
        own = len(self.table.column_names) - len(self.label_columns)
        frame = self.table.select(range(own)).to_pandas()
        # Add the label columns one by one: the pandas metadata of the features does not describe them.
        for name in self.label_columns:
            place = name if frame.columns.nlevels == 1 else (name, *[""] * (frame.columns.nlevels - 1))
            frame[place] = _series(self.table[name]).set_axis(frame.index)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """Return the table as a polars DataFrame."""
        import polars

        frame = polars.from_arrow(self.table)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def to_dataset(self) -> datasets.Dataset:
        """Return the table as a Dataset of Hugging Face. If the features came as one, their feature types are kept."""
        import datasets

        info = datasets.DatasetInfo(features=datasets.Features.from_arrow_schema(self.table.schema))
        # The metadata may have the fingerprint of the features, by which results of theirs would be found in a cache.
        return datasets.Dataset(self.table.replace_schema_metadata(None), info=info)

    def relation(self, connection: Connection) -> Relation:
        """Return the table as a relation of a DuckDB connection, without a copy."""
        return connection.from_arrow(self.table)


def joined(engine: Engine, matched: Matched, columns: LabelTable, run: Run, check_inputs: Callable[[], None]) -> Joined:
    """Let a table pass the gate and return it with its label columns. Raise GateError and TableError.

    ``run`` has the arguments of the call. ``check_inputs`` raises TableError if a file changed.
    """
    with watched_parts(matched.spec, matched.source):
        diagnosis = judge(engine, matched)
        positions = columns.positions(join_rows(engine, matched))
        features = feature_table(engine, matched.source, matched.dropped, matched.key.columns)
        table = appended(features, columns, positions, matched)
        parts = _parts(engine, matched, run)
    check_inputs()
    return Joined(table, columns.table.column_names, audit_of(matched, diagnosis, run, parts))


def _parts(engine: Engine, matched: Matched, run: Run) -> list[PartRecord]:
    """Return the record of each part of a table of many parts. Raise TableError if parts changed, came or went."""
    source = matched.source
    if not isinstance(source, PartsSource):
        return []
    counts = part_counts(engine, source, matched.key, matched.match)
    records = [
        PartRecord.of(part.relative, count, run.record(part.path)["sha256"])
        for part, count in zip(source.parts, counts, strict=True)
    ]
    check_parts(matched.spec, source)
    return records


def audit_of(matched: Matched, diagnosis: dict[str, Any] | None, run: Run, parts: Sequence[PartRecord] = ()) -> Audit:
    """Return the audit of a table that is not written. ``run`` has the arguments of the call."""
    spec = matched.spec
    inputs = {
        "features": _record(run, spec, spec.features),
        "labels": [_record(run, spec, label.path) for label in spec.labels],
    }
    document = audit.build(
        spec=spec,
        labels=matched.labels,
        match=matched.match,
        diagnosis=diagnosis,
        output=None,
        parts=parts,
        warnings=[*matched.warnings, *_part_warnings(matched, parts)],
        provenance=run.provenance(inputs, {}),
    )
    return shown_audit(document)


def _part_warnings(matched: Matched, parts: Sequence[PartRecord]) -> list[str]:
    if not isinstance(matched.source, PartsSource):
        return []
    return part_warnings(matched.source, [part.matched_rows for part in parts])


def _series(column: pa.ChunkedArray) -> Any:
    """Return a label column as pandas takes it. Integers that a float would round stay integers beside NULL."""
    if not pa.types.is_integer(column.type):
        return column.to_pandas()
    import pandas

    dtype = schemas.pandas_dtype(column)
    return column.to_pandas(types_mapper=lambda _: pandas.api.types.pandas_dtype(dtype) if "Int" in dtype else None)


def appended(features: pa.Table, columns: LabelTable, positions: pa.ChunkedArray, matched: Matched) -> pa.Table:
    """Return the features and, for each row, the label columns at its position."""
    spec = matched.spec
    if len(positions) != len(features):
        raise TableError(
            f"{spec.features}: its number of rows changed while it was read", code="changed", file=spec.features
        )
    table = with_labels(features, columns, positions)
    return table.replace_schema_metadata(
        metadata(features.schema, matched.dropped, schemas.declared(columns.table, positions))
    )


def with_labels(features: pa.Table, columns: LabelTable, positions: pa.ChunkedArray) -> pa.Table:
    """Return a table and, after its columns, for each of its rows the label columns at a position."""
    taken = columns.taken(positions)
    for name, values in zip(taken.column_names, taken.columns, strict=True):
        features = features.append_column(name, values)
    return features


def metadata(features: pa.Schema, dropped: Sequence[str], declared: pa.Schema) -> Mapping[bytes, bytes] | None:
    """Return the metadata of features without the dropped columns and with label columns, see schemas.declared."""
    if not dropped and not any(map(schemas.needs_pandas, declared)):
        known: Mapping[bytes, bytes] | None = features.metadata
        return known
    return schemas.changed(features.metadata, dropped, declared)


def _record(run: Run, spec: TableSpec, path: str) -> dict[str, Any]:
    """Return the record of an input. A table in memory has no hash."""
    if path in spec.tables:
        return {"path": path, "exists": True, "kind": "memory", "sha256": None}
    return run.record(path)
