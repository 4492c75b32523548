"""Reading of a manifest. A JSON file becomes the specs of its tables, or UsageError lists every problem in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import json_fault, nearest, nearest_several, shown
from moslabels.files.contents import absence_advice, other_content
from moslabels.spec.entry import read_entry, right_options
from moslabels.spec.options import FIELDS
from moslabels.spec.paths import TablePaths, overlaps, path_argument
from moslabels.spec.problems import TOO_DEEP, Members, Problems, check_members
from moslabels.spec.table import TableSpec


@dataclass(frozen=True)
class Manifest:
    """A valid manifest. ``path`` is the path that it was read from, as given."""

    path: str
    tables: tuple[TableSpec, ...]

    def only(self, ids: Sequence[str]) -> Manifest:
        """Return the manifest with these of its tables alone, in its order. Raise UsageError if one is not there."""
        problems = Problems()
        if not isinstance(ids, list | tuple):
            problems.add("tables", f"must be a list of ids, not {shown(ids)}")
        elif not ids:
            problems.add("tables", "must name one table at least")
        else:
            known = [str(table.id) for table in self.tables]
            for index, name in enumerate(ids):
                if name not in known:
                    problems.add("", f"there is no table {shown(name)}{nearest_several(name, known)}")
                elif name in ids[:index]:
                    problems.add("", f"table {shown(name)} is named twice")
        problems.raise_if_any(f"{self.path}: the choice of tables is wrong:")
        return replace(self, tables=tuple(table for table in self.tables if table.id in ids))


def load_manifest(path: str | os.PathLike[str], base_dir: str | os.PathLike[str] | None = None) -> Manifest:
    """Read and check a manifest. Write nothing.

    Parameters
    ----------
    path
        A JSON file.
    base_dir
        The folder that relative paths in it resolve from; by default that of the manifest.

    Returns
    -------
    Manifest
        Its ``tables`` are in the order of the file. All of their paths and options are final.

    Raises
    ------
    UsageError
        If the manifest is wrong. ``problems`` lists every problem, each with its JSON path.

    Examples
    --------
    In the folder ``examples/quickstart``:

    >>> from moslabels import load_manifest
    >>> manifest = load_manifest("manifest.json")
    >>> [table.id for table in manifest.tables]
    ['natural', 'hdr']
    >>> manifest.tables[0].options.min_match_rate
    0.95
    """
    path = path_argument("manifest", path)
    base = Path(path_argument("base_dir", base_dir) if base_dir is not None else Path(path).parent)
    return checked(path, manifest_document(path), base)


def checked(path: str, document: Any, base: Path) -> Manifest:
    """Return the manifest in a JSON document of a path. Raise UsageError with every problem found."""
    problems = Problems()
    tables, paths = _read_tables(document, base, problems)
    problems.extend(overlaps(paths, {}, path))
    problems.raise_if_any(f"{path}: the manifest is wrong:")
    return Manifest(path, tuple(tables))


def report_problems(manifest: Manifest, reports: Mapping[str, str]) -> list[str]:
    """Return a text for each report path that is also an input or another output of a manifest's tables."""
    paths = [
        TablePaths(
            [(f"tables[{index}].{key}", path) for key, path in table.inputs()],
            [(f"tables[{index}].{key}", path) for key, path in table.outputs()],
            [(f"tables[{index}].out", table.out)] if table.parts is not None else [],
        )
        for index, table in enumerate(manifest.tables)
    ]
    return overlaps(paths, reports, manifest.path)


def manifest_document(path: str) -> Any:
    """Return the JSON document of a manifest, as its file has it. Raise UsageError if it cannot be read."""
    try:
        with open(path, encoding="utf-8-sig") as stream:
            return json.load(stream, object_pairs_hook=Members)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such manifest{absence_advice(path)}") from None
    except OSError as error:
        raise UsageError(f"{path}: the manifest cannot be read: {error.strerror}") from error
    except RecursionError:
        raise UsageError(f"{path}: the manifest is not readable JSON: it {TOO_DEEP}") from None
    except ValueError as error:
        advice = _json_advice(error) if isinstance(error, json.JSONDecodeError) else ""
        problem = other_content(path) or f"the manifest is not JSON: {json_fault(error)}{advice}"
        raise UsageError(f"{path}: {problem}") from error


def _json_advice(error: json.JSONDecodeError) -> str:
    """Return advice for the most common slips of people who write other languages, or an empty text."""
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


def _read_tables(document: Any, base: Path, problems: Problems) -> tuple[list[TableSpec], list[TablePaths]]:
    check_members(document, "", problems)
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
    defaults = right_options(defaults, FIELDS, (), "defaults.", problems)
    entries = document.get("tables")
    if not isinstance(entries, list) or not entries:
        problems.add("tables", "must be a non-empty list" + (f", not {shown(entries)}" if "tables" in document else ""))
        return [], []
    specs = []
    paths = []
    ids: dict[str, int] = {}
    for index, entry in enumerate(entries):
        spec, paths_of_table = read_entry(entry, defaults, f"tables[{index}]", base, problems, {})
        specs += [spec] if spec is not None else []
        paths.append(paths_of_table)
        identifier = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(identifier, str) and ids.setdefault(identifier, index) != index:
            problems.add(f"tables[{index}].id", f"{shown(identifier)} is also the id of tables[{ids[identifier]}]")
    return specs, paths
