"""The names of tables in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from moslabels.base.errors import UsageError
from moslabels.base.text import shown
from moslabels.spec.features import GLOB

TakeOver: TypeAlias = Callable[[Any, str], pa.Table]
"""A function that turns a value into an Arrow table. The text is the name of the table in messages."""


def named_tables(features: Any, labels: Any, take_over: TakeOver) -> tuple[Any, list[Any], dict[str, pa.Table]]:
    """Return the path or name of the features, those of the labels, and the tables in memory by name.

    ``features`` and each of ``labels`` are a path or what ``take_over`` turns into an Arrow table. Features may also
    name many parts. Raise UsageError if two tables have one name, or an entry of the labels is wrong. Raise what
    ``take_over`` raises.
    """
    tables: dict[str, pa.Table] = {}
    given = list(labels) if isinstance(labels, list | tuple) else [labels]
    named_features = _named_features(features, tables, take_over)
    named_labels = _named_labels(given, tables, take_over)
    for path in (features, *(label.get("path") if isinstance(label, Mapping) else label for label in given)):
        _refuse_name_of_table(path, tables)
    return named_features, named_labels, tables


def named_features(
    features: Any, label_tables: Mapping[str, pa.Table], take_over: TakeOver
) -> tuple[Any, dict[str, pa.Table]]:
    """Return what :func:`named_tables` does, for other features of the same labels: path or name, and all tables."""
    tables = dict(label_tables)
    named = _named_features(features, tables, take_over)
    _refuse_name_of_table(features, tables)
    return named, tables


def _refuse_name_of_table(path: Any, tables: Mapping[str, pa.Table]) -> None:
    if isinstance(path, str | os.PathLike) and os.fspath(path) in tables:
        raise UsageError(f"{shown(os.fspath(path))} is a path and the name of a table in memory; name the table apart")


def _named_features(features: Any, tables: dict[str, pa.Table], take_over: TakeOver) -> Any:
    return features if names_parts(features) else _named(features, "features", tables, take_over)


def names_parts(features: Any) -> bool:
    """Return whether features are a pattern of paths, or a list of paths and patterns."""
    if isinstance(features, list | tuple):
        return all(isinstance(item, str | os.PathLike) or names_parts(item) for item in features)
    return isinstance(features, Mapping) and set(features) == {GLOB}


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
