"""Tables in memory, as Arrow tables with names."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from moslabels.base.errors import TableError, UsageError, is_from_outside
from moslabels.base.text import shown
from moslabels.engine.connection import table_of
from moslabels.engine.sessions import Connection, InterruptException, Relation

TakeOver: TypeAlias = Callable[[Any, str], pa.Table]
"""A function that turns a value into an Arrow table. The text is the name of the table in messages."""


def named_tables(
    features: Any, labels: Any, take_over: TakeOver
) -> tuple[str | os.PathLike[str], list[Any], dict[str, pa.Table]]:
    """Return the path or name of the features, those of the labels, and the tables in memory by name.

    ``features`` and each of ``labels`` are a path or what ``take_over`` turns into an Arrow table. Raise UsageError if
    two tables have one name, or an entry of the labels is wrong. Raise what ``take_over`` raises.
    """
    tables: dict[str, pa.Table] = {}
    given = list(labels) if isinstance(labels, list | tuple) else [labels]
    named_features = _named(features, "features", tables, take_over)
    named_labels = _named_labels(given, tables, take_over)
    for path in (features, *(label.get("path") if isinstance(label, Mapping) else label for label in given)):
        if isinstance(path, str | os.PathLike) and os.fspath(path) in tables:
            raise UsageError(
                f"{shown(os.fspath(path))} is a path and the name of a table in memory; name the table apart"
            )
    return named_features, named_labels, tables


def _named(value: Any, name: str, tables: dict[str, pa.Table], take_over: TakeOver) -> Any:
    """Return a path as it is. Put any other table into ``tables`` and return its name."""
    if isinstance(value, str | os.PathLike):
        if not isinstance(os.fspath(value), str):
            raise UsageError(f"{name}: must be a path of text, not {shown(value)}")
        return value
    if name in tables:
        raise UsageError(f"two tables are named {shown(name)}; name them apart")
    tables[name] = take_over(value, name)
    return name


def _named_labels(given: Sequence[Any], tables: dict[str, pa.Table], take_over: TakeOver) -> list[Any]:
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


def as_arrow(connection: Connection | None, look: Callable[[], None], value: Any, name: str) -> pa.Table:
    """Return a table in memory as an Arrow table, without a copy if its columns are Arrow's.

    ``connection`` is the connection of a relation. ``look`` is called while DuckDB works, and may raise. Raise
    UsageError for a value of another kind, and TableError if it cannot be converted.
    """
    if not hasattr(value, "__arrow_c_stream__"):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        lazy = "; collect() it first" if kind.startswith("polars.") and hasattr(value, "collect") else ""
        raise UsageError(
            f"{name}: must be a path, an Arrow table or reader, a pandas or polars DataFrame or a DuckDB relation, "
            f"not {shown(kind)}{lazy}"
        )
    try:
        table = table_of(value, connection, look) if isinstance(value, Relation) else _taken_over(value)
        list(table.column_names)  # Raises if a name is not text that Python can hold.
    except InterruptException:
        raise
    except Exception as error:  # The other package may raise anything.
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
    return value.to_arrow()  # The Arrow stream of polars has newer types, which fewer readers know.
