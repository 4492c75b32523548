"""What :func:`join` and :func:`labeller` are given beside tables, checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from moslabels.base.errors import UsageError, os_error
from moslabels.base.progress import Progress, relayed
from moslabels.base.settings import Settings
from moslabels.engine.connection import Engine
from moslabels.engine.sessions import Connection, unwrapped
from moslabels.files.workspace import Workspace
from moslabels.runs.arguments import check_options, checked_cancel, checked_progress
from moslabels.sources.taken_over import as_arrow
from moslabels.spec.entry import input_spec
from moslabels.spec.table import TableSpec


@dataclass(frozen=True)
class Call:
    """The options of a call, where DuckDB works, and what ends it."""

    options: Mapping[str, Any]
    settings: Settings
    connection: Connection | None
    progress: Progress

    @classmethod
    def of(
        cls,
        connection: Connection | None,
        progress: Any,
        cancel: Any,
        memory_limit: str | None,
        threads: int | None,
        temp_dir: str | os.PathLike[str] | None,
        options: Mapping[str, Any],
    ) -> Call:
        """Return the arguments if they are right. Raise UsageError."""
        check_options(options)
        settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
        if connection is not None and (memory_limit is not None or threads is not None):
            raise UsageError("memory_limit and threads are those of the connection; set them there")
        if connection is not None:
            unwrapped(connection)
        return cls(options, settings, connection, relayed(checked_progress(progress), checked_cancel(cancel)))

    def take_over(self, value: Any, name: str) -> pa.Table:
        """Return a table in memory as an Arrow table. Raise UsageError and TableError."""
        return as_arrow(self.connection, partial(self.progress.advance, 0), value, name)

    def args(self, features: Any, labels: list[Any]) -> dict[str, Any]:
        """Return the arguments for the evidence. The tables are paths, or names of tables in memory."""
        return {"features": features, "labels": labels, **self.options, **self.settings.given()}

    def spec(self, features: Any, labels: list[Any], tables: Mapping[str, pa.Table]) -> TableSpec:
        """Return the spec of these tables. Raise UsageError."""
        try:
            return input_spec(features, labels, self.options, tables)
        except OSError as error:  # The working folder is gone.
            raise os_error(error) from error

    @contextmanager
    def engine(self) -> Iterator[tuple[Workspace, Engine]]:
        with (
            Workspace(self.settings.temp_dir) as workspace,
            Engine(self.settings, workspace.folder, self.connection, self.progress) as engine,
        ):
            yield workspace, engine
