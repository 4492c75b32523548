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
    """Return the names of folders ``name=value`` of which each part has one above it, the outermost first."""
    counts = [Counter(urllib.parse.unquote(name) for name, _ in _folders(file)) for file in files]
    return [name for name in counts[0] if all(count[name] == 1 for count in counts)]


def _folders(file: PartFile) -> list[tuple[str, str]]:
    """Return name and value of the folders above a part that are named so, as they are written."""
    found = [name.partition("=") for name in (file.features or file.path).split(os.sep)[:-1]]
    return [(name, value) for name, mark, value in found if mark]


def values_of_folders(file: PartFile, partitions: Sequence[str]) -> tuple[str | None, ...]:
    """Return the values of ``partitions`` in the names of the folders of a part. Raise TableError if one is not there.

    They are percent-decoded, as Hive and Spark write them. Hive's name for no value is None. Raise TableError also if
    the codes are not UTF-8: what stands in for them could make one value of two.
    """
    path = file.features or file.path
    folders = _folders(file)
    values: list[str | None] = []
    for wanted in partitions:
        found = [value for name, value in folders if urllib.parse.unquote(name) == wanted]
        if len(found) != 1:
            says = f"{len(found)} folders above it have" if found else "no folder above it has"
            raise fault(
                path,
                f"{says} a name {shown(wanted + '=…')}, for which partitions asks; each must have one",
                "parts",
                column=wanted,
            )
        try:
            values.append(None if found[0] == _NO_PARTITION else urllib.parse.unquote(found[0], errors="strict"))
        except UnicodeDecodeError as error:
            raise fault(
                path,
                f"the folder {shown(f'{wanted}={found[0]}')} above it has codes that are not UTF-8; give it a name in "
                "UTF-8, in which %C3%A9 is é",
                "parts",
                column=wanted,
            ) from error
    return tuple(values)
