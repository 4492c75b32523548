"""Features as an argument named them, and how a manifest in a folder names them."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.urls import is_url
from moslabels.files.listing import split_pattern
from moslabels.spec.entry import text_features
from moslabels.spec.features import GLOB, is_of_parts, read_parts
from moslabels.spec.formats import split_suffix
from moslabels.spec.paths import path_argument
from moslabels.spec.problems import Problems
from moslabels.suggestions.many_parts import name_of


@dataclass(frozen=True)
class GivenFeatures:
    """Features as they were given: what names them, and the file, or the folder above many parts."""

    value: Any
    path: str
    is_many: bool

    @classmethod
    def of(cls, value: Any) -> GivenFeatures:
        """Return features that were given. Raise UsageError if they name nothing."""
        value = text_features(value)
        if not is_of_parts(value, None):
            return cls(value, path_argument("features", value), False)
        problems = Problems()
        parts = read_parts(value, "features", None, problems)
        problems.raise_if_any("the arguments are wrong:")
        assert parts is not None
        return cls(value, parts.root, True)

    @property
    def stem(self) -> str:
        """The path without the suffix of a file."""
        return os.path.join(self.path, os.pardir, name_of(self.path)) if self.is_many else split_suffix(self.path)[0]

    def relative(self, folder: str) -> Any:
        """Return what names them as a manifest in a folder writes it."""
        return _relative_features(self.value, folder)


def ids_of(features: Sequence[GivenFeatures], folder: str) -> list[str]:
    """Return a name for each table: that of its file or folder, its path if several have one name, or a number too."""
    ways: list[Callable[[GivenFeatures], str]] = [
        lambda one: os.path.basename(one.stem),
        lambda one: relative_path(one.stem, folder),
        lambda one: relative_path(one.path, folder),
    ]
    named = [list(map(way, features)) for way in ways]
    last = [f"{name}_{number}" for number, name in enumerate(named[0], start=1)]
    return next((names for names in (*named, last) if len(set(names)) == len(names)), named[-1])


def _relative_features(value: Any, folder: str) -> Any:
    if isinstance(value, list):
        return [_relative_features(item, folder) for item in value]
    if isinstance(value, Mapping):
        root, rest = split_pattern(value[GLOB])
        return {GLOB: os.path.join(glob.escape(relative_path(root, folder)), *rest)}
    return relative_path(value, folder)


def relative_path(path: str, folder: str) -> str:
    """Return a path as a manifest in a folder writes it. An absolute path outside of the folder stays as it is.

    Links are followed first, because .. is the real parent of a folder.
    """
    parent, name = os.path.split(path)
    relative = os.path.relpath(os.path.join(os.path.realpath(parent), name), os.path.realpath(folder))
    if os.path.isabs(path) and relative.startswith(os.pardir + os.sep):
        return path
    return os.path.join(os.curdir, relative) if is_url(relative) else relative
