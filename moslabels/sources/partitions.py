"""Columns whose values are in the names of folders, such as ``corpus=KoNViD``."""

from __future__ import annotations

import os
import urllib.parse
from collections import Counter
from collections.abc import Sequence

from moslabels.base.text import shown
from moslabels.files.listing import PartFile
from moslabels.sources.columns import Column
from moslabels.sources.faults import fault

_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def columns_of_folders(files: Sequence[PartFile], partitions: Sequence[str]) -> list[Column]:
    """Return a column for each of ``partitions``. Raise TableError if a part has no such folder."""
    for file in files:
        values_of_folders(file, partitions)
    return [Column(name, name, "VARCHAR", partition=number) for number, name in enumerate(partitions, start=1)]


def names_of_folders(files: Sequence[PartFile]) -> list[str]:
    """Return the names of folders ``name=value`` of which each part has one above it, the outermost first.

    Raise TableError as :func:`values_of_folders` does.
    """
    counts = [Counter(name for name, _ in _folders(file)) for file in files]
    return [name for name in counts[0] if all(count[name] == 1 for count in counts)]


def _folders(file: PartFile) -> list[tuple[str, str]]:
    """Return name and value of the folders above a part that are named so. The value is as it is written."""
    path = file.features or file.path
    found = [name.partition("=") for name in path.split(os.sep)[:-1]]
    return [(_decoded(path, name, f"{name}={value}"), value) for name, mark, value in found if mark]


def _decoded(path: str, text: str, folder: str, column: str | None = None) -> str:
    """Return a name or a value in the name of a folder, which is percent-encoded, as Hive and Spark write it."""
    try:
        return urllib.parse.unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise fault(
            path,
            f"the folder {shown(folder)} above it has codes that are not UTF-8; give it a name in UTF-8, in which "
            "%C3%A9 is é",
            "parts",
            column=column,
        ) from error


def values_of_folders(file: PartFile, partitions: Sequence[str]) -> tuple[str | None, ...]:
    """Return the values of ``partitions`` in the names of the folders of a part. Raise TableError if one is not there.

    They are percent-decoded. Hive's name for no value is None. Raise TableError also if the codes of a name, or of such
    a value, are not UTF-8: what stands in for them could make one of two.
    """
    path = file.features or file.path
    folders = _folders(file) if partitions else []  # Other folders may be named as they like.
    values: list[str | None] = []
    for wanted in partitions:
        found = [value for name, value in folders if name == wanted]
        if len(found) != 1:
            says = f"{len(found)} folders above it have" if found else "no folder above it has"
            raise fault(
                path,
                f"{says} a name {shown(wanted + '=…')}, for which partitions asks; each must have one",
                "parts",
                column=wanted,
            )
        (value,) = found
        values.append(None if value == _NO_PARTITION else _decoded(path, value, f"{wanted}={value}", wanted))
    return tuple(values)
