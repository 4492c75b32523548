"""The statements of a table in order, with their values, for the DuckDB shell."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import counted, shown, visible
from moslabels.engine.connection import Engine
from moslabels.engine.databases import kept
from moslabels.engine.shell_text import filled_in
from moslabels.engine.statements import Statement, render
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.labelling.pipeline import last_statements, match_table
from moslabels.sources.faults import fault
from moslabels.sources.opening import reader_of
from moslabels.sources.parquet_parts import PartsSource
from moslabels.sources.source import Source
from moslabels.sources.whole_file import WholeFile
from moslabels.spec.table import TableSpec


@kept()
def compiled(
    tables: Iterable[TableSpec],
    settings: Settings = DEFAULTS,
    *,
    is_relative: bool = False,
    progress: Progress = SILENT,
) -> str:
    """Return the SQL of tables, one after the other.

    Their files are read, and their labels and keys are made, because columns, types and scales depend on them. The join
    is not run. The last three results of each table are its label columns, for each feature row, in order, the number
    of the label columns that it gets, and the labelled table, which is also the view ``labelled``. Paths are absolute,
    or relative to the working folder if ``is_relative``. Raise what labelling the tables raises before the gate.
    """
    with Engine(settings) as engine:
        rules = "\n\n".join(map(_told, engine.preamble()))
    specs = list(tables)
    tables_sql = []
    for number, spec in enumerate(specs, start=1):
        progress.table(spec.id or spec.features, number, len(specs))
        tables_sql.append(_table(spec, settings, is_relative, progress))
    return "\n\n".join([rules, *tables_sql]) + "\n"


def _refuse_whole_files(spec: TableSpec) -> None:
    """Raise TableError if a table is in a file that another package reads: no DuckDB shell follows that."""
    features = [spec.features] if spec.parts is None else []
    for path in (*features, *(label.path for label in spec.labels)):
        if isinstance(reader_of(path), WholeFile):
            raise fault(path, "no DuckDB shell reads it, so no SQL can be printed: write its table as CSV or Parquet")


def _table(spec: TableSpec, settings: Settings, is_relative: bool, progress: Progress) -> str:
    _refuse_whole_files(spec)
    with (
        held(),
        Workspace(settings.temp_dir) as workspace,
        Engine(settings, workspace.folder, progress=progress) as engine,
        released(),
    ):
        rules = len(engine.ran)
        engine.run(render("compile/fresh"))
        matched = match_table(engine, workspace, spec)
        statements = [*engine.ran[rules:], *last_statements(matched)]
        copies = {_bound(copy): f"{path}.copy{os.path.splitext(copy)[1]}" for copy, path in workspace.copies.items()}
        lines = [f"-- Table {visible(str(spec.id))}: {visible(spec.features)} -> {visible(spec.out)}"]
        lines += [
            f"-- SQL alone cannot read {visible(path)}: save it as {visible(copies[_bound(copy)])}, as UTF-8, and rows "
            "of JSON as lines of JSON."
            for copy, path in workspace.copies.items()
        ]
        lines += _notes(matched.source)
        packed = {_bound(unpacked): found for unpacked, found in workspace.unpacked.items()}
        statements = [_with_copies(one, copies, packed) for one in statements]
        return "\n\n".join([*lines, *(_told(_relative(one) if is_relative else one) for one in statements)])


def _notes(source: Source) -> Iterator[str]:
    """Yield what is to be said of a table of many parts: the order of its rows, and what the view leaves out."""
    if not isinstance(source, PartsSource):
        return
    yield f"-- Its rows are those of {counted(len(source.parts), 'part', 'parts')}, in the order of their paths."
    for problem in source.unfit.values():
        yield f"-- The view labelled leaves out {shown(problem.column)}: {visible(str(problem))}"


def _bound(path: str) -> str:
    return glob.escape(absolute(path))


def _with_copies(statement: Statement, copies: dict[str, str], packed: dict[str, tuple[str, str]]) -> Statement:
    """Return a statement that reads what the user has: a copy to be made, or a file that DuckDB unpacks."""
    path = statement.values.get("path")
    if path in packed:
        packed_path, codec = packed[path]
        values = {"path": _bound(packed_path), "compression": codec}
    elif path in copies:
        values = {"path": _bound(copies[path])}
    else:
        return statement
    return replace(statement, values={**statement.values, **values})


def _relative(statement: Statement) -> Statement:
    """Return a statement that reads its files by paths from the working folder."""
    values = dict(statement.values)
    for name, value in values.items():
        if isinstance(value, str) and (name == "path" or name.startswith("path_")):
            values[name] = _from_here(value)
        elif isinstance(value, list) and name == "paths":
            values[name] = [_from_here(path) for path in value]
    return replace(statement, values=values)


def _from_here(path: str) -> str:
    # The path of the folder may hold what is escaped in a path, so the folder is escaped too.
    relative = os.path.relpath(path, glob.escape(os.getcwd()))
    # What begins with a point is neither ~ nor a scheme such as s3:.
    return relative if relative.startswith(os.pardir + os.sep) else os.path.join(os.curdir, relative)


def _told(statement: Statement) -> str:
    return f"-- sql/{statement.name}.sql\n{filled_in(statement)}"
