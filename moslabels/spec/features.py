"""The member ``features``: one file, or a folder, a pattern or a list of files: a table of many parts."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moslabels.base.text import shown
from moslabels.files.listing import SUFFIXES, Item, split_pattern
from moslabels.spec.formats import known_format
from moslabels.spec.paths import path_problem, resolved
from moslabels.spec.problems import Problems

GLOB = "glob"
"""The member of an object that is a pattern of paths."""


@dataclass(frozen=True)
class PartsSpec:
    """What names the parts of a table: as it was given, its items with final paths, and the folder above all parts."""

    given: Any
    items: tuple[Item, ...]
    root: str


def is_of_parts(value: Any, base: Path | None) -> bool:
    """Return whether features are a table of many parts: anything but the path of one file."""
    if isinstance(value, str):
        return not path_problem(value, base) and os.path.isdir(resolved(base, value) or "")
    return isinstance(value, Mapping | list | tuple)


def read_parts(value: Any, where: str, base: Path | None, problems: Problems) -> PartsSpec | None:
    """Return the spec of a table of many parts, or None if its problems were reported. ``where`` is its JSON path."""
    known_before = len(problems)
    entries = list(value) if isinstance(value, list | tuple) else [value]
    if not entries:
        problems.add(where, "must name one file at least")
    items = []
    for index, entry in enumerate(entries):
        place = f"{where}[{index}]" if isinstance(value, list | tuple) else where
        if (item := _item(entry, place, base, problems)) is not None:
            items.append(item)
    if len(problems) > known_before:
        return None
    return PartsSpec(value, tuple(items), _root(items))


def _item(entry: Any, where: str, base: Path | None, problems: Problems) -> Item | None:
    is_pattern = isinstance(entry, Mapping)
    if is_pattern and set(entry) != {GLOB}:
        problems.add(where, f'must be a path, or {{"glob": "a pattern of paths"}} alone, not {shown(entry)}')
        return None
    path = entry[GLOB] if is_pattern else entry
    if not isinstance(path, str) or not path:
        problems.add(where, f"must be a path, not {shown(path)}")
        return None
    if problem := path_problem(path, base):
        problems.add(where, f"{shown(path)} {problem}")
        return None
    if is_pattern:
        # The folder of the manifest is none of the pattern, whatever it is named.
        literal = Path(glob.escape(str(base))) if base is not None else None
        return Item(GLOB, resolved(literal, path) or path)
    final = resolved(base, path) or path
    if os.path.isdir(final):
        return Item("folder", final)
    if not path.lower().endswith(SUFFIXES):
        problems.add(
            where, f"{shown(path)} must be a folder that is there, or a file of Parquet ({', '.join(SUFFIXES)})"
        )
        return None
    return Item("file", final)


def named(items: Sequence[Item]) -> str:
    """Return what names parts as a flag takes it: a path, or JSON."""
    told = [{GLOB: item.path} if item.kind == GLOB else item.path for item in items]
    one = told[0] if len(told) == 1 else told
    return one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)


def _root(items: Sequence[Item]) -> str:
    folders = [_folder(item) for item in items]
    try:
        return os.path.commonpath(folders) or os.curdir
    except ValueError:  # Some are relative, others not.
        return os.path.commonpath([os.path.abspath(folder) for folder in folders])


def _folder(item: Item) -> str:
    if item.kind == "folder":
        return item.path
    return split_pattern(item.path)[0] if item.kind == GLOB else os.path.dirname(item.path) or os.curdir


def out_problem(out: str, parts: PartsSpec) -> str | None:
    """Return why a path cannot be the folder to which the labelled parts are written, or None."""
    for item in parts.items:
        if item.kind == "folder" and (os.path.realpath(out) + os.sep).startswith(os.path.realpath(item.path) + os.sep):
            return f"lies inside of the features, {shown(item.path)}; write to another folder"
    if os.path.isdir(out):
        return None
    if os.path.lexists(out):
        return "is a file, and features are a table of many parts: out must be a folder"
    if known_format(out) is not None and known_format(parts.root) is None:
        return "is named like one file, and features are a table of many parts: out must be a folder"
    return None
