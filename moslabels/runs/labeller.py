"""Labels that are prepared once, for many feature tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Any, NoReturn, Unpack

import pyarrow as pa

from moslabels.base.errors import UsageError, errors_of_table
from moslabels.base.owned import Owned
from moslabels.base.progress import SILENT, Cancel, Progress
from moslabels.engine.connection import Engine
from moslabels.engine.sessions import Connection
from moslabels.evidence.run import Run
from moslabels.evidence.types import Audit
from moslabels.files.watched import check_kept, file_state, watched
from moslabels.labelling.label_table import label_table
from moslabels.labelling.labels import MANY, take_labels
from moslabels.labelling.pipeline import judge, meet, read_features, read_labels
from moslabels.labelling.stream import Stream
from moslabels.parquet import schemas
from moslabels.runs import log
from moslabels.runs.arguments import Features, with_options
from moslabels.runs.call import Call
from moslabels.runs.joined import Joined, audit_of, joined, metadata, with_labels
from moslabels.runs.labelled_batches import LabelledBatches
from moslabels.sources.constants import one_array
from moslabels.sources.in_memory import named_features, named_tables
from moslabels.sources.record_batches import Batches, record_batches
from moslabels.sources.taken_over import Table
from moslabels.spec.options import OptionKeywords
from moslabels.spec.table import TableSpec

MOST_CALLS = 500
"""A labeller takes another DuckDB after so many calls and batches: each leaves some 20 kB in it."""


class Labeller:
    """Labels that were read and checked once, ready for many feature tables. Make one with :func:`labeller`.

    It is a context manager: :meth:`close` lets go of its DuckDB and of its folder for temporary files. Threads may
    share it, and one call runs at a time. A forked child needs one of its own.
    """

    def __init__(self, call: Call, labels: Any) -> None:
        """Read and check the labels. Raise UsageError and TableError."""
        nothing = pa.table({})
        _, self._named, tables = named_tables(nothing, labels, call.take_over)
        # The partitions are those of features that come later.
        of_labels = {name: value for name, value in call.options.items() if name != "partitions"}
        spec = replace(call, options=of_labels).spec("features", self._named, tables)
        self._tables = {name: table for name, table in tables.items() if table is not nothing}
        self._call = call
        self._process = os.getpid()
        self._lock = Lock()
        self._last: TableSpec | None = None
        self._hashes: dict[tuple[str, tuple[int, ...] | None], str] = {}
        read = [path for _, path in spec.inputs()]
        where = ", ".join(label.path for label in spec.labels)
        with log.failure_of(spec), errors_of_table(where), watched(read) as check, ExitStack() as stack:
            self._states = {path: file_state(path) for path in read}
            self._workspace, self._engine = stack.enter_context(call.engine())
            self._labels = read_labels(self._engine, self._workspace, spec, MANY)
            self._columns = label_table(self._engine, self._labels, spec.options.status_column).decoded()
            check()
            self._calls = 0
            self._owned = Owned(self, stack.pop_all())

    def join(self, features: Features | Table) -> Joined:
        """Join the labels onto a feature table, as :func:`join` does: result, audit and errors are the same.

        Raise UsageError if this is closed, and TableError too if a label file changed since it was read.
        """
        with self._one_at_a_time():
            engine = self._begun()
            named, tables = named_features(features, self._tables, self._call.take_over)
            spec = self._spec(named, tables)
            own = [path for path in spec.single_inputs() if path == spec.features]
            run = Run(args=self._call.args(named, self._named), hashes=self._hashes)
            with log.failure_of(spec), errors_of_table(spec.features), watched(own) as check_features:
                engine.progress.table(spec.features, 1, 1)
                done = engine.together(
                    [tables.get(spec.features)], lambda: self._joined(engine, spec, run, check_features)
                )
                check_kept(self._states, "labeller")
        log.joined(spec, done.audit)
        return done

    def _joined(self, engine: Engine, spec: TableSpec, run: Run, check_features: Callable[[], None]) -> Joined:
        with engine.passing():
            matched = meet(engine, spec, read_features(engine, self._workspace, spec), self._labels)
            return joined(engine, matched, self._columns, run, check_features)

    def _spec(self, named: Any, tables: Mapping[str, pa.Table]) -> TableSpec:
        """Return the spec of features. Those of one name in memory after another have the same, with another table."""
        if not isinstance(named, str) or named not in tables:
            return self._call.spec(named, self._named, tables)
        if self._last is None or self._last.features != named:
            self._last = self._call.spec(named, self._named, tables)
        return replace(self._last, tables=tables)

    def batches(self, features: Batches, schema: pa.Schema | None = None) -> LabelledBatches:
        """Label features batch by batch. Each batch follows at once, and the gates come after the last one.

        Parameters
        ----------
        features
            A RecordBatchReader of pyarrow or another object that has ``__arrow_c_stream__``, a Dataset or a Scanner; or
            an iterable of record batches, with their ``schema``.
        schema
            The schema of the batches of an iterable.

        Returns
        -------
        LabelledBatches
            An iterator over the batches with the label columns, and at its end the audit. Batches, audit and errors are
            those of :meth:`join` of the whole table. It holds the distinct keys of the batches so far, not their rows.

        Raises
        ------
        UsageError
            If this is closed or the arguments are wrong.
        TableError
            If no batch with these columns can be labelled. While batches are read, if a value cannot be a key, before
            its batch is passed on.
        GateError
            After the last batch, if too few keys or rows have a label: what the batches became must not be used then.
        """
        with self._one_at_a_time():
            self._refuse_closed()
        own, batches = record_batches(features, schema, "features")
        spec = self._call.spec("features", self._named, {**self._tables, "features": own.empty_table()})
        with log.failure_of(spec), self._one_at_a_time(), errors_of_table(spec.features), self._begun().passing():
            stream = Stream(self._engine, spec, read_features(self._engine, self._workspace, spec), self._labels)
        rows = pa.nulls(0, pa.int32())
        kept = [index for index, name in enumerate(own.names) if name not in stream.dropped]
        labelled = with_labels(own.empty_table().select(kept), self._columns, pa.chunked_array([rows])).schema
        told = metadata(labelled, stream.dropped, schemas.declared(self._columns.table, None))
        labelled = labelled.with_metadata(told)
        return LabelledBatches(
            labelled, self._columns.table.column_names, self._labelled(stream, spec, batches, kept, labelled)
        )

    def _labelled(
        self, stream: Stream, spec: TableSpec, batches: Iterator[pa.RecordBatch], kept: list[int], schema: pa.Schema
    ) -> Generator[pa.RecordBatch, None, Audit]:
        """Yield the batches of features with the label columns. Return the audit, if the gate passes."""
        with log.failure_of(spec):
            for batch in batches:
                self._call.progress.advance(0)
                features = pa.Table.from_batches([batch])
                with self._one_at_a_time(), errors_of_table(spec.features):
                    positions = self._columns.positions(self._label_ids(stream, features))
                yield from _batches(with_labels(features.select(kept), self._columns, positions), schema)
            with self._one_at_a_time(), errors_of_table(spec.features), (engine := self._begun()).passing():
                matched = stream.matched(engine)
                diagnosis = judge(engine, matched)
                stream.check(engine, matched)
                check_kept(self._states, "labeller")
                run = Run(args=self._call.args("features", self._named), hashes=self._hashes)
                audit = audit_of(matched, diagnosis, run)
            log.joined(spec, audit)
            return audit

    def _label_ids(self, stream: Stream, features: pa.Table) -> pa.ChunkedArray:
        engine = self._begun()
        return engine.together([features], lambda: stream.label_ids(engine, features))

    def close(self) -> None:
        """Let go of the DuckDB and of the folder for temporary files. It may be closed twice."""
        if os.getpid() == self._process:
            with self._lock:
                self._owned.close()
        else:
            self._owned.close()  # What is its parent's stays. Nobody here would let go of the lock.

    def __reduce__(self) -> NoReturn:
        raise TypeError("a labeller holds a DuckDB, so it cannot be pickled; make one in each process")

    def __enter__(self) -> Labeller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Let other calls wait in this block. Raise UsageError in a forked child: who has the lock is not there."""
        if os.getpid() != self._process:
            raise UsageError("the labeller is of another process; make one after the fork")
        with self._lock:
            yield

    def _begun(self) -> Engine:
        """Return the engine for another call. Raise UsageError if this is closed."""
        self._refuse_closed()
        self._engine.settle()
        self._calls += 1
        if self._calls > MOST_CALLS:
            self._renew()
        return self._engine

    def _renew(self) -> None:
        """Go on with another DuckDB."""
        with errors_of_table("features"), ExitStack() as stack:
            workspace, engine = stack.enter_context(self._call.engine())
            take_labels(self._engine, engine)
            old = self._owned
            self._workspace, self._engine, self._calls = workspace, engine, 1
            self._owned = Owned(self, stack.pop_all())
        old.close()

    def _refuse_closed(self) -> None:
        if not self._owned.is_open:
            raise UsageError("the labeller is closed")


def _batches(table: pa.Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield a table as one batch, or as several if a text column has more than one array can hold."""
    if len(table):
        yield from table.replace_schema_metadata(schema.metadata).to_batches()
    else:
        yield pa.RecordBatch.from_arrays([one_array(column) for column in table.columns], schema=schema)


def labeller(
    labels: Any,
    *,
    connection: Connection | None = None,
    progress: Progress = SILENT,
    cancel: Cancel | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    **options: Unpack[OptionKeywords],
) -> Labeller:
    """Read and check labels once, for many feature tables. The arguments are those of :func:`join`.

    ``progress`` receives the events of this call and of all those of the labeller, from the thread of each.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from moslabels import labeller
    >>> scores = pa.table({"clip": ["a", "b"], "mos": [4, 2]})
    >>> with labeller(scores, feature_key_column="clip", label_key_column="clip") as prepared:
    ...     for clip in ("a", "b"):
    ...         prepared.join(pa.table({"clip": [clip]})).table["mos"].to_pylist()
    [4.0]
    [2.0]
    """
    return Labeller(Call.of(connection, progress, cancel, memory_limit, threads, temp_dir, options), labels)


with_options(labeller)
