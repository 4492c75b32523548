"""A join of labels onto a table in memory, with the same rules and the same gate as for files."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Unpack

from moslabels.base.errors import errors_of_table
from moslabels.base.progress import SILENT, Cancel, Progress
from moslabels.engine.connection import Engine
from moslabels.engine.databases import shared
from moslabels.engine.sessions import Connection
from moslabels.evidence.run import Run
from moslabels.files.watched import watched
from moslabels.files.workspace import Workspace
from moslabels.labelling.pipeline import columns_of, match_table
from moslabels.runs import log
from moslabels.runs.arguments import Features, with_options
from moslabels.runs.call import Call
from moslabels.runs.joined import Joined, joined
from moslabels.sources.in_memory import named_tables
from moslabels.sources.taken_over import Table
from moslabels.spec.options import OptionKeywords
from moslabels.spec.table import TableSpec


def join(
    features: Features | Table,
    labels: Any,
    *,
    connection: Connection | None = None,
    progress: Progress = SILENT,
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
        or frame. What is read from elsewhere is read once, whole. A folder of Parquet files, ``{"glob": "…"}`` or a
        list of paths is a table of many parts, which must all have the same columns.
    labels
        The same, or a list of them, read in order. An entry may be a mapping ``{"table": …}`` or ``{"path": …}`` with
        options of its own, and a ``name`` by which messages and the column ``mos_label_source`` know a table in memory
        (by default ``labels``, or ``labels[0]``, ``labels[1]``, …).
    connection
        The DuckDB connection whose database does the work, in a session of its own, under its memory limit and threads;
        by default a DuckDB that the process keeps for later calls. A wrapper of one, such as dbt-duckdb's ``session``,
        is taken for it. If it is interrupted, the join ends with ``duckdb.InterruptException`` (from DuckDB 2 on).
    progress
        Receives the events of the call; a :class:`moslabels.Progress`.
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
    call = Call.of(connection, progress, cancel, memory_limit, threads, temp_dir, options)
    named_features, named_labels, tables = named_tables(features, labels, call.take_over)
    spec = call.spec(named_features, named_labels, tables)
    with (
        log.failure_of(spec),
        errors_of_table(spec.features),
        watched(spec.single_inputs()) as check,
        shared(),
        call.engine() as (workspace, engine),
    ):
        engine.progress.table(spec.features, 1, 1)
        run = Run(args=call.args(named_features, named_labels))
        paths = [spec.features, *(label.path for label in spec.labels)]
        done = engine.together(
            [tables.get(path) for path in paths], lambda: _joined(workspace, engine, spec, run, check)
        )
        log.joined(spec, done.audit)
        return done


def _joined(
    workspace: Workspace, engine: Engine, spec: TableSpec, run: Run, check_inputs: Callable[[], None]
) -> Joined:
    matched = match_table(engine, workspace, spec)
    return joined(engine, matched, columns_of(engine, matched).decoded(), run, check_inputs)


with_options(join)
