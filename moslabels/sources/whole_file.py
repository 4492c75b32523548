"""Files that a reader of another package turns into one Arrow table, which is in memory as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from moslabels.engine.connection import Engine
from moslabels.files.workspace import Workspace
from moslabels.sources.arrow_table import ArrowTable
from moslabels.sources.part import Part
from moslabels.sources.source import FileFormat, Source

Read = Callable[[str, Mapping[str, Any]], pa.Table]
"""Reads the table at a path. The mapping is the value of ``feature_csv`` or ``label_csv``."""


class WholeFile(ArrowTable, FileFormat):
    """A format that is read as a whole. Rows count from 1 after the names of the columns."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def open(self, engine: Engine, workspace: Workspace, part: Part, role: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG002
        return self.open_table(engine, part.path, role, self._read(part.path, options))
