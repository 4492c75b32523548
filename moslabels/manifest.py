"""A manifest, or the arguments of one call -> table specs: frozen, complete and valid, or every problem at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from moslabels.errors import UsageError
from moslabels.options import FIELDS, LABEL_FIELDS, Options, clashes, nearest, option_problem, settled, shown
from moslabels.tables import format_problem

TABLE_KEYS = ("id", "features", "labels", "out", "audit_json")
REGEXES = ("feature_key_regex", "label_key_regex")


@dataclass(frozen=True)
class LabelSpec:
    """One label file: where it is, the path as it was given, and the options that hold for it."""

    path: str
    given: str
    options: Options


@dataclass(frozen=True)
class TableSpec:
    """One table to label: every path and option final. ``config`` holds the options that were given."""

    id: str | None
    features: str
    labels: tuple[LabelSpec, ...]
    out: str
    audit_json: str | None
    options: Options
    config: Mapping[str, Any]

    def outputs(self) -> Iterator[tuple[str, str]]:
        """The (key, path) of every file that is written."""
        yield "out", self.out
        if self.audit_json is not None:
            yield "audit_json", self.audit_json

    def inputs(self) -> Iterator[tuple[str, str]]:
        """The (key, path) of every file that is read."""
        yield "features", self.features
        for index, label in enumerate(self.labels):
            yield f"labels[{index}]", label.path


@dataclass(frozen=True)
class Manifest:
    """A valid manifest. ``path`` is the path that it was read from, as given."""

    path: str
    tables: tuple[TableSpec, ...]


def load_manifest(path: str | os.PathLike[str], base_dir: str | os.PathLike[str] | None = None) -> Manifest:
    """Read and check a manifest.

    Relative paths in it resolve from ``base_dir``, by default the folder of the manifest. Raises UsageError with
    every problem found, each with its JSON path; nothing has been written by then.
    """
    path = os.fspath(path)
    document = _read(path)
    base = Path(base_dir if base_dir is not None else Path(path).parent)
    problems = _Problems()
    tables = _tables(document, base, problems)
    if not problems:
        problems.extend(path_problems(tables, {}, path))
    problems.raise_if_any(f"{path}: the manifest is wrong:")
    return Manifest(path, tuple(tables))


def table_spec(
    features: str | os.PathLike[str],
    labels: Sequence[Any],
    out: str | os.PathLike[str],
    audit_json: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
) -> TableSpec:
    """The spec of one table from the arguments of a call: checked as an entry of a manifest is. Raises UsageError."""
    entry: dict[str, Any] = {
        "features": _text_path(features),
        "labels": [
            {**label, "path": _text_path(label.get("path"))} if isinstance(label, Mapping) else _text_path(label)
            for label in labels
        ],
        "out": _text_path(out),
        "audit_json": _text_path(audit_json),
        **options,
    }
    problems = _Problems()
    spec = _table(entry, {}, "", None, problems)
    if spec is not None and not problems:
        problems.extend(path_problems([spec], {}, None))
    problems.raise_if_any("the arguments are wrong:")
    assert spec is not None
    return spec


def path_problems(tables: Sequence[TableSpec], reports: Mapping[str, str], manifest: str | None) -> list[str]:
    """Outputs that are also an input or another output: a text for each. ``reports`` are further outputs by name."""

    def named(index: int, table: TableSpec, key: str) -> str:
        return key if table.id is None else f"tables[{index}].{key}"

    inputs: dict[str, str] = {}
    if manifest is not None:
        inputs[os.path.realpath(manifest)] = "the manifest"
    for index, table in enumerate(tables):
        for key, path in table.inputs():
            inputs.setdefault(_real(path), named(index, table, key))
    outputs: dict[str, str] = {}
    problems = []
    written = [(named(i, table, key), path) for i, table in enumerate(tables) for key, path in table.outputs()]
    for name, path in [*written, *reports.items()]:
        other = inputs.get(_real(path)) or outputs.get(_real(path))
        if other is not None:
            problems.append(f"{name}: {shown(path)} is also {other}; write to another file")
        outputs.setdefault(_real(path), name)
    return problems


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def _text_path(path: Any) -> Any:
    return os.fspath(path) if isinstance(path, os.PathLike) else path


class _Members(dict[str, Any]):
    """A JSON object that remembers which of its members were given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.twice = [name for name, _ in pairs if name in seen or seen.add(name)]  # type: ignore[func-returns-value]


def _read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8-sig") as stream:
            return json.load(stream, object_pairs_hook=_Members)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such manifest") from None
    except OSError as error:
        raise UsageError(f"{path}: the manifest cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{path}: the manifest is no JSON: {error.msg} at {where}") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UsageError(f"{path}: the manifest is no JSON: {error}") from error


class _Problems(list[str]):
    def add(self, path: str, problem: str) -> None:
        self.append(f"{path}: {problem}" if path else problem)

    def raise_if_any(self, heading: str) -> None:
        if self:
            raise UsageError(heading, list(self))


def _tables(document: Any, base: Path, problems: _Problems) -> list[TableSpec]:
    if not isinstance(document, dict):
        problems.add("", f"must be an object with a list of tables, not {shown(document)}")
        return []
    _report_twice(document, "", problems)
    for name in document:
        if name not in ("defaults", "tables", "$schema") and not name.startswith("_"):
            problems.add(name, f"is unknown{nearest(name, ('defaults', 'tables'))}; a comment begins with _")
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict):
        problems.add("defaults", f"must be an object, not {shown(defaults)}")
        defaults = {}
    defaults = _options(defaults, FIELDS, (), "defaults.", problems)
    entries = document.get("tables")
    if not isinstance(entries, list) or not entries:
        problems.add("tables", "must be a non-empty list" + (f", not {shown(entries)}" if "tables" in document else ""))
        return []
    specs = []
    ids: dict[str, int] = {}
    for index, entry in enumerate(entries):
        spec = _table(entry, defaults, f"tables[{index}]", base, problems)
        if spec is None:
            continue
        specs.append(spec)
        if spec.id in ids:
            problems.add(f"tables[{index}].id", f"{shown(spec.id)} is also the id of tables[{ids[spec.id]}]")
        elif spec.id is not None:
            ids[spec.id] = index
    return specs


def _report_twice(value: dict[str, Any], prefix: str, problems: _Problems) -> None:
    """Report members given twice, in this object and in all objects in it."""
    for name in getattr(value, "twice", ()):
        problems.add(f"{prefix}{name}", "is given twice")
    for name, item in value.items():
        for place, inner in enumerate(item) if isinstance(item, list) else [(None, item)]:
            if isinstance(inner, dict):
                _report_twice(inner, f"{prefix}{name}." if place is None else f"{prefix}{name}[{place}].", problems)


def _options(
    given: Mapping[str, Any], known: Mapping[str, Any], others: Sequence[str], prefix: str, problems: _Problems
) -> dict[str, Any]:
    """The options among the members of an object, those that are right; the others are reported."""
    options = {}
    for name, value in given.items():
        if name in others:
            continue
        if name not in known:
            problems.add(f"{prefix}{name}", f"is unknown{nearest(name, (*known, *others))}")
        elif name in REGEXES and value == "":
            options[name] = None
        elif problem := option_problem(name, value) or (_regex_problem(value) if name in REGEXES else None):
            problems.add(f"{prefix}{name}", problem)
        else:
            options[name] = value
    return options


def _regex_problem(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    from moslabels.engine import regex_problem

    return regex_problem(pattern)


def _table(
    entry: Any, defaults: Mapping[str, Any], where: str, base: Path | None, problems: _Problems
) -> TableSpec | None:
    """The spec of one entry of ``tables`` (``where`` is its JSON path), or None where it is wrong."""
    prefix = f"{where}." if where else ""
    known_before = len(problems)
    if not isinstance(entry, dict):
        problems.add(where, f"must be an object, not {shown(entry)}")
        return None
    keys = TABLE_KEYS if where else TABLE_KEYS[1:]
    given = _options(entry, FIELDS, keys, prefix, problems)
    for key in keys[:-1]:
        if key not in entry:
            problems.add(f"{prefix}{key}", "is missing")
    paths = {key: _path(entry, key, prefix, problems) for key in ("features", "out", "audit_json")}
    identifier = entry.get("id")
    if "id" in entry and where and (not isinstance(identifier, str) or not identifier):
        problems.add(f"{prefix}id", f"must be a non-empty text, not {shown(identifier)}")
    config = {**defaults, **given}
    options = Options(**settled(config))
    for name, problem in clashes(options):
        problems.add(f"{prefix}{name}", problem)
    labels = _labels(entry.get("labels", ()), options, prefix, base, problems)
    if len(problems) > known_before:
        return None
    return TableSpec(
        identifier,
        _resolved(base, paths["features"]),
        tuple(labels),
        _resolved(base, paths["out"]),
        _resolved(base, paths["audit_json"]) if paths["audit_json"] is not None else None,
        options,
        config,
    )


def _resolved(base: Path | None, given: str | None) -> str:
    assert given is not None
    return given if base is None else str(base / given)


def _path(entry: Mapping[str, Any], key: str, prefix: str, problems: _Problems) -> str | None:
    value = entry.get(key)
    if key not in entry or (key == "audit_json" and value is None):
        return None
    if not isinstance(value, str) or not value:
        problems.add(f"{prefix}{key}", f"must be a path, not {shown(value)}")
    elif key != "audit_json" and (problem := format_problem(value, key)):
        problems.add(f"{prefix}{key}", f"{shown(value)} {problem}")
    else:
        return value
    return None


def _labels(entries: Any, options: Options, prefix: str, base: Path | None, problems: _Problems) -> list[LabelSpec]:
    if not isinstance(entries, list | tuple):
        problems.add(f"{prefix}labels", f"must be a list of paths, not {shown(entries)}")
        return []
    if isinstance(entries, list) and not entries:
        problems.add(f"{prefix}labels", "must name one label table at least")
    labels = []
    for index, entry in enumerate(entries):
        where = f"{prefix}labels[{index}]"
        own: dict[str, Any] = {}
        path = entry
        if isinstance(entry, Mapping):
            own = _options(entry, LABEL_FIELDS, ("path",), f"{where}.", problems)
            path = entry.get("path")
        if not isinstance(path, str) or not path:
            problems.add(where, f'must be a path, or an object with a "path", not {shown(entry)}')
        elif problem := format_problem(path, "labels"):
            problems.add(where, f"{shown(path)} {problem}")
        else:
            labels.append(LabelSpec(_resolved(base, path), path, replace(options, **settled(own))))
    return labels
