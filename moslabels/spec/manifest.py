"""A manifest, or the arguments of one call -> table specs: frozen, complete and valid, or every problem at once."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import json_fault, nearest, short, shown
from moslabels.base.urls import is_url, url_problem
from moslabels.files.contents import absence_advice, other_content
from moslabels.files.places import hidden_start, names_of, start_of_hidden, written_path
from moslabels.spec.formats import format_problem
from moslabels.spec.options import FIELDS, LABEL_FIELDS, REGEX, Options, clashes, label_clashes, option_problem, settled

TABLE_KEYS = ("id", "features", "labels", "out", "audit_json", "unmatched")
_REQUIRED = TABLE_KEYS[:4]
_MOST_NESTED = 100  # lists and objects in one another, where no key takes more than a few
_TOO_DEEP = f"nests lists or objects more than {_MOST_NESTED} deep"
REGEXES = tuple(name for name, field in FIELDS.items() if field.metadata["kind"] is REGEX)


@dataclass(frozen=True)
class LabelSpec:
    """One label file: where it is, the path as it was given, the options that hold for it, and those of its own."""

    path: str
    given: str
    options: Options
    config: Mapping[str, Any]


@dataclass(frozen=True)
class TableSpec:
    """One table to label: every path and option final. ``config`` holds the options that were given.

    ``tables`` are Arrow tables in memory, by the name that stands in the place of a path.
    """

    id: str | None
    features: str
    labels: tuple[LabelSpec, ...]
    out: str
    audit_json: str | None
    unmatched: str | None
    options: Options
    config: Mapping[str, Any]
    tables: Mapping[str, Any] = field(default_factory=dict)

    def outputs(self) -> Iterator[tuple[str, str]]:
        """The (key, path) of every file that is written."""
        yield "out", self.out
        if self.audit_json is not None:
            yield "audit_json", self.audit_json
        if self.unmatched is not None:
            yield "unmatched", self.unmatched

    def inputs(self) -> Iterator[tuple[str, str]]:
        """The (key, path) of every file that is read."""
        names = [("features", self.features)]
        names += [(f"labels[{index}]", label.path) for index, label in enumerate(self.labels)]
        yield from (pair for pair in names if pair[1] not in self.tables)


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
    path = path_argument("manifest", path)
    base = Path(path_argument("base_dir", base_dir) if base_dir is not None else Path(path).parent)
    return checked(path, _read(path), base)


def checked(path: str, document: Any, base: Path) -> Manifest:
    """The manifest that a JSON document is, or is to be at a path. Raises UsageError with every problem found."""
    problems = _Problems()
    tables, paths = _tables(document, base, problems)
    problems.extend(_path_problems(paths, {}, path))
    problems.raise_if_any(f"{path}: the manifest is wrong:")
    return Manifest(path, tuple(tables))


def table_spec(
    features: str | os.PathLike[str],
    labels: Any,
    out: str | os.PathLike[str],
    audit_json: str | os.PathLike[str] | None,
    unmatched: str | os.PathLike[str] | None,
    options: Mapping[str, Any],
    tables: Mapping[str, Any] | None = None,
) -> TableSpec:
    """The spec of one table from the arguments of a call: checked as an entry of a manifest is. Raises UsageError.

    ``tables`` are those in memory, by the names that ``features`` and ``labels`` give them.
    """
    entry: dict[str, Any] = {
        "features": _text_path(features),
        "labels": [_text_label(label) for label in labels] if isinstance(labels, list | tuple) else labels,
        "out": _text_path(out),
        "audit_json": _text_path(audit_json),
        "unmatched": _text_path(unmatched),
        **options,
    }
    problems = _Problems()
    _check_members(entry, "", problems)
    spec, paths = _table(entry, {}, "", None, problems, tables or {})
    problems.extend(_path_problems([paths], {}, None))
    problems.raise_if_any("the arguments are wrong:")
    assert spec is not None
    return spec


def input_spec(
    features: str | os.PathLike[str], labels: Any, options: Mapping[str, Any], tables: Mapping[str, Any] | None = None
) -> TableSpec:
    """The spec of a table that is read and not written. Raises UsageError."""
    folder = os.fspath(features)
    nowhere = os.path.join("" if path_problem(folder) else folder, "none.parquet")  # No input can have this path.
    return table_spec(features, labels, nowhere, None, None, options, tables)


def _text_label(label: Any) -> Any:
    if isinstance(label, Mapping):
        return {name: _text_path(value) if name == "path" else value for name, value in label.items()}
    return _text_path(label)


@dataclass
class _Paths:
    """The files of one table, as (JSON path, path): what was right of them, whatever else is wrong."""

    inputs: list[tuple[str, str]]
    outputs: list[tuple[str, str]]


def report_problems(manifest: Manifest, reports: Mapping[str, str]) -> list[str]:
    """Report paths that are also an input or another output of a manifest's tables: a text for each."""
    paths = [
        _Paths(
            [(f"tables[{index}].{key}", path) for key, path in table.inputs()],
            [(f"tables[{index}].{key}", path) for key, path in table.outputs()],
        )
        for index, table in enumerate(manifest.tables)
    ]
    return _path_problems(paths, reports, manifest.path)


def _path_problems(tables: Sequence[_Paths], reports: Mapping[str, str], manifest: str | None) -> list[str]:
    """Outputs that are also an input or another output: a text for each. ``reports`` are further outputs by name."""
    # A file has its own name and those of the links to it: who replaces any of them replaces it for somebody.
    taken: dict[str, str] = {}
    inputs = [("the manifest", manifest)] if manifest is not None else []
    inputs += [pair for table in tables for pair in table.inputs]
    for name, path in inputs:
        for link in names_of(path):
            taken.setdefault(link, name)
    outputs = [pair for table in tables for pair in table.outputs] + list(reports.items())
    problems = []
    written: dict[str, str] = {}
    reserved: dict[str, str] = {}  # How the names begin of what stands beside an output until it is whole.
    for name, path in outputs:
        place, links = written_path(path), names_of(path)
        other = taken.get(place) or next((written[link] for link in links if link in written), None)
        if other is not None:
            problems.append(f"{name}: {shown(path)} is also {other}; write to another file")
        for link in links:
            taken.setdefault(link, name)
        written.setdefault(place, name)
        reserved.setdefault(hidden_start(place), name)
    for path, name in taken.items():
        if (beside := start_of_hidden(path)) in reserved:
            problems.append(f"{name}: {shown(path)} is where {reserved[str(beside)]} is staged; write to another file")
    return problems


def _text_path(path: Any) -> Any:
    return os.fspath(path) if isinstance(path, os.PathLike) else path


class Members(dict[str, Any]):
    """A JSON object that remembers which of its members were given twice (``object_pairs_hook``)."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.twice = sorted(name for name, count in counts.items() if count > 1)


def _read(path: str) -> Any:
    try:
        with open(path, encoding="utf-8-sig") as stream:
            return json.load(stream, object_pairs_hook=Members)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such manifest{absence_advice(path)}") from None
    except OSError as error:
        raise UsageError(f"{path}: the manifest cannot be read: {error.strerror}") from error
    except RecursionError:
        raise UsageError(f"{path}: the manifest is no JSON that can be read: it {_TOO_DEEP}") from None
    except ValueError as error:
        advice = _json_advice(error) if isinstance(error, json.JSONDecodeError) else ""
        problem = other_content(path) or f"the manifest is no JSON: {json_fault(error)}{advice}"
        raise UsageError(f"{path}: {problem}") from error


def _json_advice(error: json.JSONDecodeError) -> str:
    """What to do about the commonest slips of a hand that is used to other languages."""
    here, before = error.doc[error.pos :], error.doc[: error.pos].rstrip()
    if here.startswith("\\"):
        return '; in JSON a backslash is written twice, such as "\\\\d+"'
    if here.startswith(("//", "/*", "#")):
        return '; JSON has no comments: a name that begins with _ is one, such as "_why": "…"'
    if here.startswith("'"):
        return '; JSON quotes texts with "'
    if here.startswith(",") or (here.startswith(("]", "}")) and before.endswith(",")):
        return "; a comma is one too many, as after the last entry"
    return ""


class _Problems(list[str]):
    def add(self, path: str, problem: str) -> None:
        self.append(f"{path}: {problem}" if path else problem)

    def add_once(self, path: str, problem: str) -> None:
        if f"{path}: {problem}" not in self:
            self.add(path, problem)

    def raise_if_any(self, heading: str) -> None:
        if self:
            raise UsageError(heading, list(self))


def _tables(document: Any, base: Path, problems: _Problems) -> tuple[list[TableSpec], list[_Paths]]:
    _check_members(document, "", problems)
    if not isinstance(document, dict):
        problems.add("", f"must be an object with a list of tables, not {shown(document)}")
        return [], []
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
        return [], []
    specs = []
    paths = []
    ids: dict[str, int] = {}
    for index, entry in enumerate(entries):
        spec, paths_of_table = _table(entry, defaults, f"tables[{index}]", base, problems, {})
        specs += [spec] if spec is not None else []
        paths.append(paths_of_table)
        identifier = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(identifier, str) and ids.setdefault(identifier, index) != index:
            problems.add(f"tables[{index}].id", f"{shown(identifier)} is also the id of tables[{ids[identifier]}]")
    return specs, paths


def _check_members(value: Any, path: str, problems: _Problems, depth: int = 0) -> None:
    """Report members given twice and texts that UTF-8 cannot spell, in a JSON value and in all values inside of it."""
    if depth > _MOST_NESTED:
        problems.add(short(path), _TOO_DEEP)
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            problems.add(
                path, f"{shown(value)} holds half of a character (a lone surrogate), or bytes that are not UTF-8"
            )
    elif isinstance(value, Mapping):
        for name in getattr(value, "twice", ()):
            problems.add(f"{path}.{name}" if path else name, "is given twice")
        for name, item in value.items():
            _check_members(name, path, problems)
            _check_members(item, f"{path}.{name}" if path else str(name), problems, depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_members(item, f"{path}[{index}]", problems, depth + 1)


def _options(
    given: Mapping[str, Any], known: Mapping[str, Any], others: Sequence[str], prefix: str, problems: _Problems
) -> dict[str, Any]:
    """The options among the members of an object, those that are right; the others are reported."""
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
    from moslabels.engine.regex import regex_problem

    return [problem for pattern in given if pattern is not None and (problem := regex_problem(pattern))]


def _table(
    entry: Any,
    defaults: Mapping[str, Any],
    where: str,
    base: Path | None,
    problems: _Problems,
    tables: Mapping[str, Any],
) -> tuple[TableSpec | None, _Paths]:
    """The spec of one entry of ``tables`` (``where`` is its JSON path), None where it is wrong, and its files."""
    prefix = f"{where}." if where else ""
    known_before = len(problems)
    if not isinstance(entry, dict):
        problems.add(where, f"must be an object, not {shown(entry)}")
        return None, _Paths([], [])
    keys = TABLE_KEYS if where else TABLE_KEYS[1:]
    given = _options(entry, FIELDS, keys, prefix, problems)
    for key in _REQUIRED:
        if key in keys and key not in entry:
            problems.add(f"{prefix}{key}", "is missing")
    identifier = entry.get("id")
    if "id" in entry and where and (not isinstance(identifier, str) or not identifier):
        problems.add(f"{prefix}id", f"must be a non-empty text, not {shown(identifier)}")
    features, out, audit_json, unmatched = (
        _resolved(base, _path(entry, key, prefix, base, problems, tables))
        for key in ("features", "out", "audit_json", "unmatched")
    )
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
    paths = _Paths(
        [(f"{prefix}{key}", path) for key, path in inputs if path is not None],
        [(f"{prefix}{key}", path) for key, path in outputs if path is not None],
    )
    if len(problems) > known_before or features is None or out is None:
        return None, paths
    label_specs = tuple(label for _, label in labels)
    return TableSpec(identifier, features, label_specs, out, audit_json, unmatched, options, config, tables), paths


def _resolved(base: Path | None, given: str | None) -> str | None:
    if base is None or given is None:
        return given
    path = str(base / given)
    return os.path.join(os.curdir, path) if is_url(path) else path  # Of ./s3:/x, pathlib leaves s3:/x.


def _path(
    entry: Mapping[str, Any],
    key: str,
    prefix: str,
    base: Path | None,
    problems: _Problems,
    tables: Mapping[str, Any],
) -> str | None:
    value = entry.get(key)
    if key not in entry or (key not in _REQUIRED and value is None):
        return None
    if not isinstance(value, str) or not value:
        problems.add(f"{prefix}{key}", f"must be a path, not {_shown_table(value)}")
    elif value not in tables and (
        problem := path_problem(value, base) or (None if key == "audit_json" else format_problem(value, key))
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
    problems: _Problems,
    tables: Mapping[str, Any],
    of_defaults: Sequence[tuple[str, str]],
) -> list[tuple[int, LabelSpec]]:
    """The label files that are right, each with its place in the list. ``of_defaults`` are clashes that are theirs."""
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
            own = _options(entry, LABEL_FIELDS, ("path",), f"{where}.", problems)
            path = entry.get("path")
        if not isinstance(path, str) or not path:
            found = _shown_table(entry if path is None else path)
            problems.add(where, f'must be a path, or an object with a "path", not {found}')
        elif path not in tables and (problem := path_problem(path, base) or format_problem(path, "labels")):
            problems.add(where, f"{shown(path)} {problem}")
        else:
            label = LabelSpec(_resolved(base, path) or path, path, replace(options, **settled(own)), own)
            for name, problem in label_clashes(label.options):
                # Said once where the table says it for all of its label files, or the defaults for all tables.
                is_of_defaults = name not in own and (name, problem) in of_defaults
                place = "defaults." if is_of_defaults else f"{where}." if own else prefix
                problems.add_once(f"{place}{name}", problem)
            labels.append((index, label))
    return labels


def _shown_table(value: Any) -> str:
    """What stands in the place of a path; a table in memory by its kind, and not by what it holds."""
    if not hasattr(value, "__arrow_c_stream__"):
        return shown(value)
    return f"a {type(value).__module__.split('.')[0]} {type(value).__name__}; join() takes tables in memory"


def path_argument(name: str, path: Any) -> str:
    """A path that was given as an argument, as text. Raises UsageError where it is none."""
    problems = _Problems()
    path = _text_path(path)
    if not isinstance(path, str) or not path:
        problems.add(name, f"must be a path, not {shown(path)}")
    else:
        _check_members(path, name, problems)
        if problem := path_problem(path):
            problems.add(name, f"{shown(path)} {problem}")
    problems.raise_if_any("the arguments are wrong:")
    return str(path)


def refuse_url(name: str, path: str) -> None:
    """Refuse, with UsageError, an argument that is a URL in the place of a path."""
    if problem := url_problem(path):
        raise UsageError("the arguments are wrong:", [f"{name}: {shown(path)} {problem}"])


def path_problem(path: str, base: Path | None = None) -> str | None:
    """Why a text cannot be the path of a file, or None. A relative one opens from ``base``."""
    if "\0" in path:
        return "holds a NUL character, which no path can"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return "holds half a character, which no path can"
    return url_problem(path, base or "")
