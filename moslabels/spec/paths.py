"""The check of paths: whether a text can be one, and that no output is also an input or another output."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import shown
from moslabels.base.urls import is_url, url_problem
from moslabels.files.places import hidden_start, names_of, start_of_hidden, written_path
from moslabels.spec.problems import Problems, check_members


@dataclass
class TablePaths:
    """The valid files of one table, as pairs of JSON path and path. Other members of the table may be wrong.

    ``out_folders`` are those outputs that are folders, which are replaced as a whole.
    """

    inputs: list[tuple[str, str]]
    outputs: list[tuple[str, str]]
    out_folders: list[tuple[str, str]] = field(default_factory=list)


def overlaps(tables: Sequence[TablePaths], reports: Mapping[str, str], manifest: str | None) -> list[str]:
    """Return a text for each output that is also an input or another output. ``reports`` are more outputs, by name."""
    # A file has its own name and those of the links to it. Replacing any of them replaces the file for some reader.
    taken: dict[str, str] = {}
    inputs = [("the manifest", manifest)] if manifest is not None else []
    inputs += [pair for table in tables for pair in table.inputs]
    for name, path in inputs:
        for link in names_of(path):
            taken.setdefault(link, name)
    outputs = [pair for table in tables for pair in table.outputs] + list(reports.items())
    problems = []
    written: dict[str, str] = {}
    reserved: dict[str, str] = {}  # starts of the names of the hidden files of outputs
    for name, path in outputs:
        place, links = written_path(path), names_of(path)
        other = taken.get(place) or next((written[link] for link in links if link in written), None)
        if other is not None:
            problems.append(f"{name}: {shown(path)} is also {other}; write to another file")
        for link in links:
            taken.setdefault(link, name)
        written.setdefault(place, name)
        reserved.setdefault(hidden_start(place), name)
    for name, folder in [pair for table in tables for pair in table.out_folders]:
        above = written_path(folder) + os.sep
        problems += [
            f"{other}: {shown(path)} lies inside of {name}, {shown(folder)}, which is replaced as a whole; "
            "keep it elsewhere"
            for other, path in (*inputs, *outputs)
            if any(link.startswith(above) for link in names_of(path))
        ]
    for path, name in taken.items():
        if (beside := start_of_hidden(path)) in reserved:
            problems.append(f"{name}: {shown(path)} is where {reserved[str(beside)]} is staged; write to another file")
    return problems


def text_path(path: Any) -> Any:
    return os.fspath(path) if isinstance(path, os.PathLike) else path


def resolved(base: Path | None, given: str | None) -> str | None:
    if base is None or given is None:
        return given
    path = str(base / given)
    return os.path.join(os.curdir, path) if is_url(path) else path  # pathlib turns ./s3:/x into s3:/x.


def path_argument(name: str, path: Any) -> str:
    """Return a path argument as text. Raise UsageError if it is not a path."""
    problems = Problems()
    path = text_path(path)
    if not isinstance(path, str) or not path:
        problems.add(name, f"must be a path, not {shown(path)}")
    else:
        check_members(path, name, problems)
        if problem := path_problem(path):
            problems.add(name, f"{shown(path)} {problem}")
    problems.raise_if_any("the arguments are wrong:")
    return str(path)


def refuse_url(name: str, path: str) -> None:
    """Raise UsageError if an argument is a URL instead of a path."""
    if problem := url_problem(path):
        raise UsageError("the arguments are wrong:", [f"{name}: {shown(path)} {problem}"])


def path_problem(path: str, base: Path | None = None) -> str | None:
    """Return why a text cannot be the path of a file, or None. A relative path opens from ``base``."""
    if "\0" in path:
        return "holds a NUL character, which no path can"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return "holds half a character, which no path can"
    return url_problem(path, base or "")
