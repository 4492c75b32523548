"""Labels joined onto a table that a script holds: the same rules and the same gate as for files; nothing is written."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Unpack

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError, UsageError, is_from_outside, os_error
from moslabels.base.progress import SILENT, Cancel, relayed
from moslabels.base.settings import Settings
from moslabels.base.text import shown
from moslabels.engine.connection import Engine, table_of
from moslabels.engine.sessions import Connection, InterruptException, Relation, unwrapped
from moslabels.evidence import audit
from moslabels.evidence.run import Run
from moslabels.files.paths import absolute
from moslabels.files.watched import watched
from moslabels.files.workspace import Workspace
from moslabels.labelling.labels import label_columns
from moslabels.labelling.match import checked_row_labels, match_features
from moslabels.parquet import schemas
from moslabels.runs.arguments import check_options, checked_cancel, with_options
from moslabels.runs.table import Read, collision_warnings, judge, read_table
from moslabels.sources.batches import batch_rows, typed_batches
from moslabels.spec.manifest import TableSpec, input_spec
from moslabels.spec.options import OptionKeywords

if TYPE_CHECKING:
    import pandas
    import polars


_TakeOver: TypeAlias = Callable[[Any, str], pa.Table]
MOST_OF_A_TEXT = 2**31 - 1  # bytes of a chunk of an Arrow column


class ArrowTable(Protocol):
    """What can be handed over as Arrow: tables, batches and readers of pyarrow, frames of pandas and polars, relations
    of DuckDB. https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@dataclass(frozen=True)
class Joined:
    """What :func:`join` returns.

    Attributes
    ----------
    table : the features, their own columns in their own order, and the label columns after them; one row per feature
        row, in order. Of a pandas DataFrame they are its memory: what is changed there changes here
    label_columns : the names of the label columns
    audit : the audit, as :func:`materialize` returns it; there is no output, so its path, size and sha256 are None
    """

    table: pa.Table
    label_columns: list[str]
    audit: dict[str, Any]

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a pandas DataFrame; the index that a DataFrame came with is its index again."""
        own = len(self.table.column_names) - len(self.label_columns)
        frame = self.table.select(range(own)).to_pandas()
        # By themselves: what pandas wrote of the names and types of the features does not hold for them.
        for name in self.label_columns:
            place = name if frame.columns.nlevels == 1 else (name, *[""] * (frame.columns.nlevels - 1))
            frame[place] = _series(self.table[name]).set_axis(frame.index)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """The table as a polars DataFrame."""
        import polars

        frame = polars.from_arrow(self.table)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def relation(self, connection: Connection) -> Relation:
        """The table as a relation of a DuckDB connection, without a copy."""
        return connection.from_arrow(self.table)


def join(
    features: str | os.PathLike[str] | ArrowTable,
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
    features : a path, an Arrow table, batch or reader, a pandas or polars DataFrame, or a DuckDB relation; one row per
        clip or frame. A reader or a relation is read once, whole
    labels : the same, or a list of them, read in order; an entry may be a mapping ``{"table": …}`` or
        ``{"path": …}`` with options of its own, and a ``name`` by which messages and the column ``mos_label_source``
        know a table in memory (otherwise ``labels``, or ``labels[0]``, ``labels[1]``, …)
    connection : the DuckDB connection whose database does the work, in a session of its own, under its memory limit and
        threads; by default a DuckDB that lives as long as the call. What wraps one, as dbt-duckdb's ``session``, is
        taken for it. Where it is interrupted, the join ends with ``duckdb.InterruptException`` (from DuckDB 2 on)
    cancel : ends the join soon after it is set, from another thread, by CancelledError; such as a ``threading.Event``
    memory_limit, threads : what DuckDB may take, where it is not that of a connection: ``"4GB"``, a number
    temp_dir : a folder for what does not fit in the memory, and for copies of text that DuckDB cannot read as it is
    options : those of a manifest's table, such as ``min_match_rate=0.9``

    Returns a :class:`Joined`. Raises UsageError (a MosLabelsError, a ValueError) where the arguments are wrong and
    TableError or GateError where the table cannot be labelled; the row of an error counts from 1.
    """
    check_options(options)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    if connection is not None and (memory_limit is not None or threads is not None):
        raise UsageError("memory_limit and threads are those of the connection; set them there")
    if connection is not None:
        unwrapped(connection)
    progress = relayed(SILENT, checked_cancel(cancel))
    tables: dict[str, pa.Table] = {}
    take_over = partial(_arrow, connection, partial(progress.advance, 0))
    named_features = _named(features, "features", tables, take_over)
    named_labels = _named_labels(labels, tables, take_over)
    paths = [features, *(label.get("path") if isinstance(label, Mapping) else label for label in _listed(labels))]
    for path in paths:
        if isinstance(path, str | os.PathLike) and os.fspath(path) in tables:
            raise UsageError(
                f"{shown(os.fspath(path))} is a path and the name of a table in memory; name the table apart"
            )
    try:
        spec = input_spec(named_features, named_labels, options, tables)
    except OSError as error:  # The working folder is gone.
        raise os_error(error) from error
    args = {"features": named_features, "labels": named_labels, **options, **settings.given()}
    try:
        with (
            watched(path for _, path in spec.inputs()) as check_inputs,
            Workspace(settings.temp_dir) as workspace,
            Engine(settings, workspace.folder, connection, progress) as engine,
        ):
            read = read_table(engine, workspace, spec)
            match = match_features(engine, read.source, read.key, spec.options.match_rate_by)
            diagnosis = judge(engine, spec, read.labels, match)
            columns = label_columns(engine, read.labels, spec.options.status_column)
            positions = checked_row_labels(engine, read.source, read.key, read.labels, match)
            table = _appended(_features(engine, spec, read), columns, positions, spec, read.dropped)
            check_inputs()
            run = Run(args=args)
            inputs = {
                "features": _record(run, spec, spec.features),
                "labels": [_record(run, spec, label.path) for label in spec.labels],
            }
            document = audit.build(
                spec=spec,
                labels=read.labels,
                match=match,
                diagnosis=diagnosis,
                output=None,
                warnings=[*read.labels.doubts, *collision_warnings(match)],
                provenance=run.provenance(inputs, {}),
            )
    except MemoryError as error:
        raise TableError(f"{spec.features}: out of memory", code="resources", file=spec.features) from error
    except OSError as error:
        raise os_error(error) from error
    return Joined(table, columns.column_names, document)


with_options(join)


def _named(value: Any, name: str, tables: dict[str, pa.Table], take_over: _TakeOver) -> Any:
    """A path as it is; another table under its name, and in ``tables``."""
    if isinstance(value, str | os.PathLike):
        if not isinstance(os.fspath(value), str):
            raise UsageError(f"{name}: must be a path of text, not {shown(value)}")
        return value
    if name in tables:
        raise UsageError(f"two tables are named {shown(name)}; name them apart")
    tables[name] = take_over(value, name)
    return name


def _listed(labels: Any) -> list[Any]:
    return list(labels) if isinstance(labels, list | tuple) else [labels]


def _named_labels(labels: Any, tables: dict[str, pa.Table], take_over: _TakeOver) -> list[Any]:
    given = _listed(labels)
    named = []
    for index, entry in enumerate(given):
        name = "labels" if len(given) == 1 else f"labels[{index}]"
        if not isinstance(entry, Mapping):
            named.append(_named(entry, name, tables, take_over))
            continue
        rest = {key: value for key, value in entry.items() if key not in ("table", "name")}
        if ("table" in entry) == ("path" in entry):
            raise UsageError(f"labels[{index}]: must have either a table or a path, besides its options")
        if "path" in entry:
            named.append(dict(entry))
            continue
        if isinstance(entry["table"], str | os.PathLike):
            raise UsageError(f'labels[{index}].table: is a path; write {{"path": …}}')
        name = entry.get("name", name)
        if not isinstance(name, str) or not name or not name.isprintable():
            raise UsageError(f"labels[{index}].name: must be a non-empty text that can be printed, not {shown(name)}")
        named.append({"path": _named(entry["table"], name, tables, take_over), **rest})
    return named


def _arrow(connection: Connection | None, look: Callable[[], None], value: Any, name: str) -> pa.Table:
    """A table in memory as an Arrow table, without a copy where its columns are Arrow's."""
    if not hasattr(value, "__arrow_c_stream__"):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        lazy = "; collect() it first" if kind.startswith("polars.") and hasattr(value, "collect") else ""
        raise UsageError(
            f"{name}: must be a path, an Arrow table or reader, a pandas or polars DataFrame or a DuckDB relation, "
            f"not {shown(kind)}{lazy}"
        )
    try:
        table = table_of(value, connection, look) if isinstance(value, Relation) else _taken_over(value)
        _ = table.column_names  # Not all are text that Python can hold.
    except InterruptException:
        raise
    except Exception as error:  # Whatever the other package raises.
        if is_from_outside(error):
            raise
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and re.search("KeyboardInterrupt|Query interrupted", str(error)):
            raise KeyboardInterrupt from error
        raise TableError(
            f"{name}: cannot be taken over as an Arrow table: {error}", code="unreadable", file=name
        ) from error
    return table


def _taken_over(value: Any) -> pa.Table:
    polars = sys.modules.get("polars")
    if polars is None or not isinstance(value, polars.DataFrame):
        return value if isinstance(value, pa.Table) else pa.table(value)
    if objects := [column for column in value.columns if value[column].dtype == polars.Object]:
        raise TypeError(f"column {shown(objects[0])} holds objects of Python")
    return value.to_arrow()  # Its stream has the newest types of Arrow, which fewer readers know.


def _features(engine: Engine, spec: TableSpec, read: Read) -> pa.Table:
    """The feature columns that are kept."""
    if spec.features in spec.tables:
        table = spec.tables[spec.features]
    elif read.source.reader == "parquet":
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(absolute(spec.features)) as file:  # Mapped, a file that others cut kills the process.
                table = file.read()
        except (pa.ArrowException, OSError) as error:
            if is_from_outside(error):
                raise
            raise TableError(
                f"{spec.features}: cannot be decoded: {error}", code="unreadable", file=spec.features
            ) from error
    else:
        rows = batch_rows(len(read.source.columns))
        schema, batches = typed_batches(engine, read.source, read.dropped, rows, read.key.columns)
        return pa.Table.from_batches(batches, schema)
    return table.select([index for index, name in enumerate(table.column_names) if name not in read.dropped])


def _series(column: pa.ChunkedArray) -> Any:
    """A label column as pandas takes it. Integers that a float would round stay integers beside NULL."""
    if not pa.types.is_integer(column.type):
        return column.to_pandas()
    import pandas

    dtype = schemas.pandas_dtype(column)
    return column.to_pandas(types_mapper=lambda _: pandas.api.types.pandas_dtype(dtype) if "Int" in dtype else None)


def _appended(
    features: pa.Table, columns: pa.Table, positions: pa.ChunkedArray, spec: TableSpec, dropped: Sequence[str]
) -> pa.Table:
    """The features and, for each row, the label columns at its position."""
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
    """The record of an input; a table in memory has no hash."""
    if path in spec.tables:
        return {"path": path, "exists": True, "kind": "memory", "sha256": None}
    return run.record(path)
