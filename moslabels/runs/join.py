"""A join of labels onto a table in memory, with the same rules and the same gate as for files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError, UsageError, os_error
from moslabels.base.progress import SILENT, Cancel, relayed
from moslabels.base.settings import Settings
from moslabels.engine.connection import Engine
from moslabels.engine.databases import shared
from moslabels.engine.sessions import Connection, Relation, unwrapped
from moslabels.evidence import audit
from moslabels.evidence.run import Run
from moslabels.evidence.types import Audit
from moslabels.files.watched import watched
from moslabels.files.workspace import Workspace
from moslabels.labelling.keys import several
from moslabels.labelling.pipeline import Matched, columns_of, join_rows, judge, match_table
from moslabels.parquet import schemas
from moslabels.runs.arguments import check_options, checked_cancel, with_options
from moslabels.runs.shown import audit_look, shown_audit
from moslabels.sources.batches import feature_table
from moslabels.sources.in_memory import named_tables
from moslabels.sources.taken_over import Table, as_arrow
from moslabels.spec.entry import input_spec
from moslabels.spec.options import OptionKeywords
from moslabels.spec.table import TableSpec

if TYPE_CHECKING:
    import datasets
    import pandas
    import polars


FIRST_ROWS = 5  # that a notebook shows
MOST_OF_A_TEXT = 2**31 - 1  # bytes of a chunk of an Arrow column


@dataclass(frozen=True, repr=False)
class Joined:
    """The result of :func:`join`.

    Attributes
    ----------
    table : the features with their columns in order, and the label columns after them; one row per feature row, in
        order. Columns of a pandas DataFrame may share its memory, so a change of the one changes the other
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


def join(
    features: str | os.PathLike[str] | Table,
    labels: Any,
    *,
    connection: Connection | None = None,
    cancel: Cancel | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    **options: Unpack[OptionKeywords],
) -> Joined:
    """Join labels onto a feature table that is in memory or in a file. Nothing is written.

    Parameters
    ----------
    features
        A path, an Arrow table, batch, reader, Dataset or Scanner, a pandas or polars DataFrame, a polars LazyFrame, a
        Dataset of Hugging Face, a DuckDB relation, or another object that has ``__arrow_c_stream__``; one row per clip
        or frame. What is read from elsewhere is read once, whole.
    labels
        The same, or a list of them, read in order. An entry may be a mapping ``{"table": …}`` or ``{"path": …}`` with
        options of its own, and a ``name`` by which messages and the column ``mos_label_source`` know a table in memory
        (by default ``labels``, or ``labels[0]``, ``labels[1]``, …).
    connection
        The DuckDB connection whose database does the work, in a session of its own, under its memory limit and threads;
        by default a DuckDB that the process keeps for later calls. A wrapper of one, such as dbt-duckdb's ``session``,
        is taken for it. If it is interrupted, the join ends with ``duckdb.InterruptException`` (from DuckDB 2 on).
    cancel
        Ends the join with CancelledError soon after another thread sets it; such as a ``threading.Event``.
    memory_limit, threads
        What DuckDB may take without a connection: a text such as ``"4GB"``, a number.
    temp_dir
        A folder for what does not fit in memory, and for copies of text that DuckDB cannot read as it is.
    **options
        Those of a manifest's table, such as ``min_match_rate=0.9``.

    Returns
    -------
    Joined
        The features with the label columns: ``mos`` on 1 (worst) to 5 (best), ``mos_raw_0_100`` the same on 0 to 100, a
        status, a source, extras. One row per feature row, in order.

    Raises
    ------
    UsageError
        If the arguments are wrong.
    TableError, GateError
        If the table cannot be labelled. The row of an error counts from 1.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from moslabels import join
    >>> frames = pa.table({"clip": ["a", "a", "b"], "vmaf": [81.2, 79.9, 40.1]})
    >>> scores = pa.table({"clip": ["a", "b"], "mos": [80, 30]})
    >>> joined = join(frames, scores, feature_key_column="clip", label_key_column="clip")
    >>> joined.table["mos"].to_pylist()
    [4.2, 4.2, 2.2]
    >>> joined.audit["match_rate"]
    1.0
    """
    check_options(options)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    if connection is not None and (memory_limit is not None or threads is not None):
        raise UsageError("memory_limit and threads are those of the connection; set them there")
    if connection is not None:
        unwrapped(connection)
    progress = relayed(SILENT, checked_cancel(cancel))
    take_over = partial(as_arrow, connection, partial(progress.advance, 0))
    named_features, named_labels, tables = named_tables(features, labels, take_over)
    try:
        spec = input_spec(named_features, named_labels, options, tables)
    except OSError as error:  # The working folder is gone.
        raise os_error(error) from error
    args = {"features": named_features, "labels": named_labels, **options, **settings.given()}
    try:
        with (
            watched(path for _, path in spec.inputs()) as check_inputs,
            shared(),
            Workspace(settings.temp_dir) as workspace,
            Engine(settings, workspace.folder, connection, progress) as engine,
        ):
            return _joined(engine, workspace, spec, args, check_inputs)
    except MemoryError as error:
        raise TableError(f"{spec.features}: out of memory", code="resources", file=spec.features) from error
    except OSError as error:
        raise os_error(error) from error


with_options(join)


def _joined(
    engine: Engine, workspace: Workspace, spec: TableSpec, args: Mapping[str, Any], check_inputs: Callable[[], None]
) -> Joined:
    matched = match_table(engine, workspace, spec)
    diagnosis = judge(engine, matched)
    columns = columns_of(engine, matched)
    positions = join_rows(engine, matched)
    features = feature_table(engine, matched.source, matched.dropped, matched.key.columns)
    table = _appended(features, columns, positions, matched)
    check_inputs()
    run = Run(args=args)
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
        warnings=matched.warnings,
        provenance=run.provenance(inputs, {}),
    )
    return Joined(table, columns.column_names, shown_audit(document))


def _series(column: pa.ChunkedArray) -> Any:
    """Return a label column as pandas takes it. Integers that a float would round stay integers beside NULL."""
    if not pa.types.is_integer(column.type):
        return column.to_pandas()
    import pandas

    dtype = schemas.pandas_dtype(column)
    return column.to_pandas(types_mapper=lambda _: pandas.api.types.pandas_dtype(dtype) if "Int" in dtype else None)


def _appended(features: pa.Table, columns: pa.Table, positions: pa.ChunkedArray, matched: Matched) -> pa.Table:
    """Return the features and, for each row, the label columns at its position."""
    spec, dropped = matched.spec, matched.dropped
    if len(positions) != len(features):
        raise TableError(
            f"{spec.features}: its number of rows changed while it was read", code="changed", file=spec.features
        )
    longest = [
        pc.max(pc.binary_length(column)).as_py() or 0 for column in columns.columns if pa.types.is_string(column.type)
    ]
    rows = max(1, MOST_OF_A_TEXT // max(1, *longest))
    labels = [
        columns.take(chunk.slice(start, rows)) for chunk in positions.chunks for start in range(0, len(chunk), rows)
    ]
    table = pa.concat_tables(labels) if labels else columns.slice(0, 0)
    for name, values in zip(table.column_names, table.columns, strict=True):
        features = features.append_column(name, values)
    declared = schemas.declared(columns, positions)
    if not dropped and not any(map(schemas.needs_pandas, declared)):
        return features
    return features.replace_schema_metadata(schemas.changed(features.schema.metadata, dropped, declared))


def _record(run: Run, spec: TableSpec, path: str) -> dict[str, Any]:
    """Return the record of an input. A table in memory has no hash."""
    if path in spec.tables:
        return {"path": path, "exists": True, "kind": "memory", "sha256": None}
    return run.record(path)
