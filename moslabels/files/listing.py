"""The files of a table of many parts: what folders, patterns and lists name, in one order."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from moslabels.base.errors import TableError, ignored
from moslabels.base.text import counted, listed

SUFFIXES = (".parquet", ".pq")
_OTHERS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_SHOWN = 3
_MOST_NAMES, _NAMES_OF_A_PART = 100_000, 100
"""How many files and folders may stand where evidence says that parts are: so many, and so many more per part."""
_LITERAL = re.compile(r"\[([*?[])\]")
"""A wildcard that stands for itself, as ``glob.escape`` writes it."""


@dataclass(frozen=True)
class Item:
    """What names parts: a ``file``, a ``folder`` with all that is below it, or a ``glob``, a pattern of paths."""

    kind: str
    path: str


@dataclass(frozen=True)
class PartFile:
    """One part: its path, and its path below the folder of the table, with ``/`` between folders.

    A labelled part may have another folder than its features, whose path tells the values of partitions: ``features``.
    """

    path: str
    relative: str
    features: str = ""


def list_parts(items: Sequence[Item], root: str, out: str | None = None) -> list[PartFile]:
    """Return the Parquet files that items name, by their path below ``root``.

    Names that begin with ``_`` or ``.`` are left out, as Spark and Hive leave them out. Raise TableError if there are
    none, if a folder is a link, which would be read twice or without end, if two items name one file, or if a part lies
    inside of the folder ``out``.
    """
    found: dict[str, PartFile] = {}
    inside_out = os.path.realpath(out) + os.sep if out is not None else None
    for item in items:
        paths = _paths(item)
        if not paths:
            raise _fault(item.path, _nothing(item), "no-file")
        for path in paths:
            relative = os.path.relpath(path, root).replace(os.sep, "/")
            if relative in found:
                raise _fault(path, "is named twice by features; name each part once", "parts")
            if inside_out is not None and os.path.realpath(path).startswith(inside_out):
                raise _fault(
                    path, f"is a part of the features, and lies inside of out, {out}; write to another folder", "parts"
                )
            found[relative] = PartFile(path, relative)
    return [found[relative] for relative in sorted(found)]


def _paths(item: Item) -> list[str]:
    if item.kind == "file":
        return [item.path]
    if item.kind == "folder":
        return list(_below(item.path))
    return [path for path in _matches(item.path) if path.lower().endswith(SUFFIXES) and os.path.isfile(path)]


def _matches(pattern: str) -> Iterable[str]:
    """Return the paths of a pattern. ``**`` stands for any folders; no wildcard stands for a first ``_`` or ``.``."""
    root, rest = split_pattern(pattern)
    for path in glob.iglob(pattern, recursive=True):
        hidden = [name for name in os.path.relpath(path, root).split(os.sep) if name.startswith(("_", "."))]
        # A name that the pattern spells out is wanted, whatever it begins with.
        if all(any(_spells(part, name) for part in rest) for name in hidden):
            _refuse_linked_folders(path, root)
            yield path


def _spells(part: str, name: str) -> bool:
    return part[:1] == name[:1] and fnmatch.fnmatchcase(name, part)


def _refuse_linked_folders(path: str, root: str) -> None:
    folder = os.path.dirname(path)
    while len(folder) > len(root):
        if os.path.islink(folder):
            raise _linked(folder)
        folder = os.path.dirname(folder)


def split_pattern(pattern: str) -> tuple[str, list[str]]:
    """Return the folder above all paths that a pattern can match, and the names and wildcards below it."""
    names = pattern.split(os.sep)
    literal = [_LITERAL.sub(r"\1", name) for name in names]
    fixed = next((index for index, name in enumerate(names) if glob.escape(literal[index]) != name), len(names) - 1)
    root = os.sep.join(literal[:fixed])
    return root or (os.sep if pattern.startswith(os.sep) else os.curdir), names[fixed:]


def _below(folder: str) -> Iterator[str]:
    """Yield the Parquet files below a folder."""
    try:
        with os.scandir(folder) as entries:
            known = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _fault(folder, f"cannot be read: {error.strerror}") from error
    for entry in known:
        if entry.name.startswith(("_", ".")):
            continue
        if entry.is_dir():
            if entry.is_symlink():
                raise _linked(entry.path)
            yield from _below(entry.path)
        elif entry.name.lower().endswith(SUFFIXES):
            yield entry.path


def other_tables(folder: str) -> list[str]:
    """Return the tables below a folder that are not Parquet. Names that begin with ``_`` or ``.`` are left out."""
    found = []
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        tables = (name for name in sorted(names) if name.lower().endswith(_OTHERS) and not name.startswith(("_", ".")))
        found += [os.path.join(above, name) for name in tables]
    return found


def files_below(folder: str) -> Iterator[str]:
    """Yield all files below a folder, hidden ones too, and the links, which are not followed."""
    for above, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if os.path.islink(os.path.join(above, name))]
        for name in sorted([*names, *links]):
            yield os.path.join(above, name)


def check_extent(items: Sequence[Item], parts: int) -> None:
    """Raise TableError if far more files and folders stand where items are looked for than so many parts need.

    Evidence may name any folder: that of the whole machine, at worst. Patterns follow links, as ``glob`` does.
    """
    room = _MOST_NAMES + _NAMES_OF_A_PART * parts
    for item in items:
        is_pattern = item.kind == "glob"
        root, below = split_pattern(item.path) if is_pattern else (item.path, ["**"])
        left = [(root, 0)] if item.kind != "file" else []
        while left:
            folder, depth = left.pop()
            for path, is_folder in _names(folder, follows=is_pattern):
                room -= 1
                if room < 0:
                    says = (
                        f"holds far more files and folders than {counted(parts, 'part', 'parts')}, and is not searched"
                    )
                    raise _fault(root, says, "parts")
                if is_folder and ("**" in below or depth + 1 < len(below)):
                    left.append((path, depth + 1))


def _names(folder: str, *, follows: bool) -> Iterator[tuple[str, bool]]:
    """Yield the path of all that stands in a folder, and whether it is a folder. One that cannot be read is empty."""
    with ignored(OSError), os.scandir(folder) as entries:
        for entry in entries:
            yield entry.path, os.path.isdir(entry.path) if follows else entry.is_dir(follow_symlinks=False)


def is_path_of_part(relative: str) -> bool:
    """Return whether a text that evidence has for the path of a part is that of a Parquet file below a folder."""
    names = relative.split("/")
    return "\0" not in relative and relative.lower().endswith(SUFFIXES) and not {"", ".", ".."} & {*names}


def _linked(folder: str) -> TableError:
    return _fault(folder, "is a link to a folder, which is not followed; name that folder itself in features", "parts")


def _nothing(item: Item) -> str:
    """Return what to say of an item that names no part."""
    if item.kind == "glob":
        return f"no Parquet file has a path of this pattern, {' or '.join(SUFFIXES)}"
    others = list(map(os.path.basename, other_tables(item.path)))
    if others:
        return (
            f"holds no Parquet file, but {counted(len(others), 'file', 'files')} such as {listed(others[:_SHOWN])}: "
            "only Parquet has tables of many parts; name one file, or write them as Parquet"
        )
    return f"is a folder without a Parquet file ({', '.join(SUFFIXES)})"


def _fault(path: str, says: str, code: str = "unreadable") -> TableError:
    return TableError(f"{path}: {says}", code=code, file=path)
