"""The check of one table, which makes a frozen, complete and valid spec of an entry or of arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from moslabels.base.text import nearest, shown
from moslabels.engine.regex import regex_problem
from moslabels.spec.clashes import clashes, label_clashes
from moslabels.spec.features import is_of_parts, out_problem, read_parts
from moslabels.spec.formats import format_problem
from moslabels.spec.kinds import REGEX
from moslabels.spec.options import FIELDS, LABEL_FIELDS, Options, option_problem, settled
from moslabels.spec.paths import TablePaths, overlaps, path_problem, resolved, text_path
from moslabels.spec.problems import Problems, check_members
from moslabels.spec.table import LabelSpec, TableSpec

TABLE_KEYS = ("id", "features", "labels", "out", "audit_json", "unmatched")
REQUIRED = TABLE_KEYS[:4]
REGEXES = tuple(name for name, field in FIELDS.items() if field.metadata["kind"] is REGEX)


def table_spec(
    features: Any,
    labels: Any,
    out: str | os.PathLike[str],
    audit_json: str | os.PathLike[str] | None,
    unmatched: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
    tables: Mapping[str, Any] | None = None,
) -> TableSpec:
    """Return the spec of one table from the arguments of a call. Raise UsageError.

    They are checked like an entry of a manifest. ``tables`` are the tables in memory, by the names that ``features``
    and ``labels`` give them.
    """
    entry: dict[str, Any] = {
        "features": text_features(features),
        "labels": [_text_label(label) for label in labels] if isinstance(labels, list | tuple) else labels,
        "out": text_path(out),
        "audit_json": text_path(audit_json),
        "unmatched": text_path(unmatched),
        **options,
    }
    problems = Problems()
    check_members(entry, "", problems)
    spec, paths = read_entry(entry, {}, "", None, problems, tables or {})
    problems.extend(overlaps([paths], {}, None))
    problems.raise_if_any("the arguments are wrong:")
    assert spec is not None
    return spec


def input_spec(
    features: Any, labels: Any, options: Mapping[str, Any], tables: Mapping[str, Any] | None = None
) -> TableSpec:
    """Return the spec of a table that is read and not written. Raise UsageError."""
    # No input can have this path, and nothing is written to it.
    is_folder = not _is_in_memory(features, tables or {}) and is_of_parts(text_features(features), None)
    nowhere = os.path.join(os.devnull, "none" if is_folder else "none.parquet")
    return table_spec(features, labels, nowhere, None, None, options, tables)


def text_features(features: Any) -> Any:
    """Return features with their paths as texts."""
    if isinstance(features, list | tuple):
        return [text_features(item) for item in features]
    if isinstance(features, Mapping):
        return {name: text_path(value) for name, value in features.items()}
    return text_path(features)


def _text_label(label: Any) -> Any:
    if isinstance(label, Mapping):
        return {name: text_path(value) if name == "path" else value for name, value in label.items()}
    return text_path(label)


def right_options(
    given: Mapping[str, Any], known: Mapping[str, Any], others: Sequence[str], prefix: str, problems: Problems
) -> dict[str, Any]:
    """Return the valid options among the members of an object, and report the others."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if name in others:
            continue
        if name not in known:
            problems.add(f"{prefix}{name}", f"is unknown{nearest(name, (*known, *others))}")
        elif name in REGEXES and value == "":
            options[name] = None
        elif problem := option_problem(name, value):
            problems.add(f"{prefix}{name}", problem)
        elif name in REGEXES and (regex_problems := _regex_problems(value)):
            problems.extend(f"{prefix}{name}: {problem}" for problem in regex_problems)
        else:
            options[name] = value
    return options


def _regex_problems(patterns: str | Sequence[str | None] | None) -> list[str]:
    given = [patterns] if isinstance(patterns, str) else patterns or ()
    if not given:
        return []
    return [problem for pattern in given if pattern is not None and (problem := regex_problem(pattern))]


def read_entry(
    entry: Any,
    defaults: Mapping[str, Any],
    where: str,
    base: Path | None,
    problems: Problems,
    tables: Mapping[str, Any],
) -> tuple[TableSpec | None, TablePaths]:
    """Return the spec of one entry of ``tables``, or None if it is wrong, and its files. ``where`` is its JSON path."""
    prefix = f"{where}." if where else ""
    known_before = len(problems)
    if not isinstance(entry, dict):
        problems.add(where, f"must be an object, not {shown(entry)}")
        return None, TablePaths([], [])
    keys = TABLE_KEYS if where else TABLE_KEYS[1:]
    given = right_options(entry, FIELDS, keys, prefix, problems)
    for key in REQUIRED:
        if key in keys and key not in entry:
            problems.add(f"{prefix}{key}", "is missing")
    identifier = entry.get("id")
    if "id" in entry and where and (not isinstance(identifier, str) or not identifier):
        problems.add(f"{prefix}id", f"must be a non-empty text, not {shown(identifier)}")
    value = entry.get("features")
    is_many = not _is_in_memory(value, tables) and is_of_parts(value, base)
    parts = read_parts(value, f"{prefix}features", base, problems) if is_many else None
    features, out, audit_json, unmatched = (
        resolved(base, _table_path(entry, key, prefix, base, problems, tables, is_many=is_many))
        for key in ("features", "out", "audit_json", "unmatched")
    )
    if parts is not None:
        features = parts.root
        if features in tables:
            problems.add(f"{prefix}features", f"{shown(features)} is a folder and the name of a table in memory")
        if out is not None and (problem := out_problem(out, parts)):
            problems.add(f"{prefix}out", f"{shown(out)} {problem}")
    elif not is_many and "partitions" in given:
        problems.add(f"{prefix}partitions", "must stand beside features of many parts: a folder, a glob or a list")
    config = {**defaults, **given}
    options = Options(**settled(config))
    of_defaults = Options(**settled(defaults))
    for name, problem in clashes(options):
        is_of_defaults = name not in given and (name, problem) in clashes(of_defaults)
        problems.add_once(f"{'defaults.' if is_of_defaults else prefix}{name}", problem)
    known = [] if "label_key_column" in given else label_clashes(of_defaults)
    labels = _labels(entry.get("labels", ()), options, prefix, base, problems, tables, known)
    inputs = [("features", features), *((f"labels[{index}]", label.path) for index, label in labels)]
    outputs = [("out", out), ("audit_json", audit_json), ("unmatched", unmatched)]
    paths = TablePaths(
        [(f"{prefix}{key}", path) for key, path in inputs if path is not None],
        [(f"{prefix}{key}", path) for key, path in outputs if path is not None],
        [(f"{prefix}out", out)] if is_many and out is not None else [],
    )
    if len(problems) > known_before or features is None or out is None:
        return None, paths
    label_specs = tuple(label for _, label in labels)
    return TableSpec(
        identifier, features, label_specs, out, audit_json, unmatched, options, config, tables, parts
    ), paths


def _is_in_memory(value: Any, tables: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and value in tables


def _table_path(
    entry: Mapping[str, Any],
    key: str,
    prefix: str,
    base: Path | None,
    problems: Problems,
    tables: Mapping[str, Any],
    *,
    is_many: bool,
) -> str | None:
    """Return a path of an entry, None if it has none or a wrong one. Features of many parts are not one path."""
    value = entry.get(key)
    if key not in entry or (key not in REQUIRED and value is None) or (is_many and key == "features"):
        return None
    if not isinstance(value, str) or not value:
        problems.add(f"{prefix}{key}", f"must be a path, not {_shown_table(value)}")
    elif value not in tables and (
        problem := path_problem(value, base)
        or (None if key == "audit_json" or (is_many and key == "out") else format_problem(value, key))
    ):
        problems.add(f"{prefix}{key}", f"{shown(value)} {problem}")
    else:
        return value
    return None


def _labels(
    entries: Any,
    options: Options,
    prefix: str,
    base: Path | None,
    problems: Problems,
    tables: Mapping[str, Any],
    of_defaults: Sequence[tuple[str, str]],
) -> list[tuple[int, LabelSpec]]:
    """Return the valid label files, each with its index. ``of_defaults`` are the clashes that the defaults cause."""
    if not isinstance(entries, list | tuple):
        hint = f", such as {shown([entries])}" if isinstance(entries, str) else ""
        problems.add(f"{prefix}labels", f"must be a list of paths{hint}, not {shown(entries)}")
        return []
    if isinstance(entries, list) and not entries:
        problems.add(f"{prefix}labels", "must name one label table at least")
    labels = []
    for index, entry in enumerate(entries):
        where = f"{prefix}labels[{index}]"
        own: dict[str, Any] = {}
        path = entry
        if isinstance(entry, Mapping):
            own = right_options(entry, LABEL_FIELDS, ("path",), f"{where}.", problems)
            path = entry.get("path")
        if not isinstance(path, str) or not path:
            found = _shown_table(entry if path is None else path)
            problems.add(where, f'must be a path, or an object with a "path", not {found}')
        elif path not in tables and (problem := path_problem(path, base) or format_problem(path, "labels")):
            problems.add(where, f"{shown(path)} {problem}")
        else:
            label = LabelSpec(resolved(base, path) or path, path, replace(options, **settled(own)), own)
            for name, problem in label_clashes(label.options):
                # A clash that comes from the table or from the defaults is reported there once, not for each file.
                is_of_defaults = name not in own and (name, problem) in of_defaults
                place = "defaults." if is_of_defaults else f"{where}." if own else prefix
                problems.add_once(f"{place}{name}", problem)
            labels.append((index, label))
    return labels


def _shown_table(value: Any) -> str:
    """Return the text of a value that was given for a path. For a table in memory it is the kind, not the contents."""
    if not hasattr(value, "__arrow_c_stream__"):
        return shown(value)
    return f"a {type(value).__module__.split('.')[0]} {type(value).__name__}; join() takes tables in memory"
