"""A labelled table, read back: its keys and its label columns, by the options that it was labelled with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from moslabels.engine import Engine
from moslabels.keys import find_key
from moslabels.options import Options
from moslabels.render import Statement, render
from moslabels.tables import format_of, open_table
from moslabels.workspace import Workspace


def statement(
    engine: Engine,
    workspace: Workspace,
    name: str,
    options: Options,
    features: str,
    out: str,
    named: Mapping[str, str],
    **values: Any,
) -> Statement:
    """The statement ``name`` over a labelled table. ``named`` are its label columns by alias. Raises TableError."""
    source = open_table(engine, workspace, out, "feature", _dialect(options, features, out))
    key = find_key(source, options, "feature")
    columns = {alias: source.find("label", column, (), "label column") for alias, column in named.items()}
    cells = [*key.cells, *source.cells(columns)]
    bound = {**source.values(cells), **key.parameters(), **values}
    return render(name, bound, source=source, cells=cells, keys=key.cells)


def _dialect(options: Options, features: str, out: str) -> dict[str, Any]:
    """How a CSV output is written: as its features are, with a header, where these are CSV too."""
    given = options.feature_csv
    if format_of(out) != "csv" or format_of(features) != "csv" or not given:
        return {}
    same_suffix = os.path.splitext(out)[1].lower() == os.path.splitext(features)[1].lower()
    return {name: value for name, value in given.items() if name != "delimiter" or same_suffix} | {"header": True}
