"""The table that evidence is about: where it is now, whether it is still the one, and how its keys are read back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from moslabels.base.errors import TableError, UsageError, is_from_outside
from moslabels.evidence.documents import Entry, Unknown, load
from moslabels.files.listing import SUFFIXES, Item, check_extent, files_below
from moslabels.files.regular import open_regular, reason
from moslabels.files.same import moved
from moslabels.runs.diff_sides import KEEP, Side, key_of_entry, within
from moslabels.sources.opening import reader_of
from moslabels.sources.source import Cells


def table_at(side: Side) -> str:
    """Return the path of the table that the evidence is about, a file, or the folder of its parts.

    Raise UsageError if it is not the table any more.

    The table is where the evidence says. If the folder was copied or moved, it is as far from the evidence as it was
    when it was written; its sha256 tells that it is the one.
    """
    if side.output == side.evidence:  # The caller named the table itself, so its path is not one of a document.
        _check(side, side.output)
        return side.output
    try:
        path = within(side.reach, side.output)
        _check(side, path)
    except UsageError:
        if (found := _table_beside(side)) is None:
            raise
        return found
    return path


def _table_beside(side: Side) -> str | None:
    """Return where the table is if it was copied or moved together with its evidence, or None if it is not there."""
    if side.parts is None:
        return _beside(side, side.output, side.sha256)
    found = moved(side.output, side.recorded, side.opened)
    try:
        if found is not None:
            side.reach.check(found)
            _check_parts(side, found)
    except (OSError, UsageError) as error:
        if is_from_outside(error):
            raise
        return None
    return found


def _check_parts(side: Side, folder: str) -> None:
    """Raise UsageError if the files in a folder are not the parts that the evidence is about, and no others."""
    if not os.path.isdir(folder):
        raise UsageError(f"{folder}: is not a folder, and the table of {side.evidence} is one of many parts")
    paths = {os.path.join(folder, part.path): part for part in side.parts or ()}
    for path in paths:
        try:
            side.reach.check(path)
        except OSError as error:
            raise UsageError(f"{path} {reason(error)}") from error
    try:
        check_extent([Item("folder", folder)], len(paths))
    except TableError as error:
        raise UsageError(str(error)) from error
    others = (path for path in files_below(folder) if path.lower().endswith(SUFFIXES) and path not in paths)
    if (other := next(others, None)) is not None:
        raise UsageError(f"{other}: is not a part of the table that {side.evidence} is about; {KEEP}")
    for path, part in paths.items():
        _check_file(path, side.evidence, part.sha256)


def _check(side: Side, path: str) -> None:
    """Raise UsageError if what is at a path is not the table that the evidence is about."""
    if side.parts is None:
        _check_file(path, side.evidence, side.sha256)
    elif side.output != side.evidence:
        _check_parts(side, path)


def _check_file(path: str, evidence: str, sha256: str | None) -> None:
    try:
        with open_regular(path) as stream:
            if sha256 is None:
                return
            now = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    if now != sha256:
        raise UsageError(
            f"{path}: is no longer the table that {evidence} is about (its sha256 was {sha256[:12]}…, is "
            f"{now[:12]}…); {KEEP}"
        )


def _beside(side: Side, path: str, sha256: str | None) -> str | None:
    """Return where a file of the evidence is if both were copied or moved together, or None if it is not there."""
    found = moved(path, side.recorded, side.opened) if sha256 is not None else None
    if found is None:
        return None
    try:
        side.reach.check(found)
        with open_regular(found) as stream:
            return found if hashlib.file_digest(stream, "sha256").hexdigest() == sha256 else None
    except OSError as error:
        if is_from_outside(error):
            raise
        return None


def key_of(side: Side, path: str) -> Sequence[str]:
    """Return the key columns that the evidence names, or else those in the evidence inside the table at ``path``.

    Raise UsageError if neither names any.
    """
    if side.key is not None:
        return side.key
    carried = load(path) if side.evidence != side.output else None
    if isinstance(carried, Entry) and (found := key_of_entry(path, carried)) is not None:
        return found
    if isinstance(carried, Unknown) and not carried.is_bare:
        raise UsageError(f"{path}: {carried.fault}")
    raise UsageError(
        f"{path}: nothing says which column its key is: {side.evidence} does not; name an audit of it, or give the "
        "table an audit_json"
    )


def features_of(side: Side, path: str) -> str | None:
    """Return the features of a CSV output, or None if they cannot be opened. They tell which keys are numbers."""
    if reader_of(path).cells is not Cells.TEXT or side.features == side.output:
        return None
    if (found := _beside(side, side.features, side.inputs.get(side.features))) is not None:
        return found
    try:
        features = within(side.reach, side.features)
        open_regular(features).close()
    except (OSError, UsageError) as error:
        if is_from_outside(error):
            raise
        return None
    return features
