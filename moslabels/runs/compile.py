"""The statements of a table in order, values filled in, for the DuckDB shell: what labelling runs, but the writing."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from dataclasses import replace

from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import visible
from moslabels.engine.connection import Engine
from moslabels.engine.shell_text import filled_in
from moslabels.engine.statements import Statement, render
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.labelling.labels import label_columns
from moslabels.labelling.match import match_features, row_labels
from moslabels.runs.table import read_table
from moslabels.spec.manifest import TableSpec


def compiled(tables: Iterable[TableSpec], settings: Settings = DEFAULTS) -> str:
    """The SQL of tables, one after the other. Their files are read: columns, types and scales come from them.

    The last two results of each table are its label columns, and for each feature row, in order, which of them it gets.
    Raises what labelling the tables would raise before the gate.
    """
    with Engine(settings) as engine:
        rules = "\n\n".join(map(_told, engine.ran))
    tables_sql = [_table(spec, settings) for spec in tables]
    return "\n\n".join([rules, *tables_sql]) + "\n"


def _table(spec: TableSpec, settings: Settings) -> str:
    with held(), Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine, released():
        rules = len(engine.ran)
        engine.run(render("compile/fresh"))
        read = read_table(engine, workspace, spec)
        match = match_features(engine, read.source, read.key, spec.options.match_rate_by)
        label_columns(engine, read.labels, spec.options.status_column)
        row_labels(engine, read.source, read.key, read.labels, match.input_rows)
        copies = {_bound(copy): f"{path}.copy{os.path.splitext(copy)[1]}" for copy, path in workspace.copies.items()}
        lines = [f"-- Table {visible(str(spec.id))}: {visible(spec.features)} -> {visible(spec.out)}"]
        lines += [
            f"-- SQL alone cannot read {visible(path)}: save it as {visible(copies[_bound(copy)])}, as UTF-8, and rows "
            "of JSON as lines of JSON."
            for copy, path in workspace.copies.items()
        ]
        return "\n\n".join([*lines, *(_told(_with_copies(one, copies)) for one in engine.ran[rules:])])


def _bound(path: str) -> str:
    return glob.escape(absolute(path))


def _with_copies(statement: Statement, copies: dict[str, str]) -> Statement:
    path = statement.values.get("path")
    if path not in copies:
        return statement
    return replace(statement, values={**statement.values, "path": _bound(copies[path])})


def _told(statement: Statement) -> str:
    return f"-- sql/{statement.name}.sql\n{filled_in(statement)}"
