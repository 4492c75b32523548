"""The check of the parts of a table of many parts: of its output and of its features, by the records in its audit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import shown
from moslabels.evidence.audit import PartRecord, sha256_of_parts
from moslabels.files.listing import Item, check_extent, files_below, is_path_of_part, list_parts, split_pattern
from moslabels.runs.agreement import compare_sums
from moslabels.runs.checked import NOTHING, Checked
from moslabels.runs.verify_files import Files
from moslabels.spec.features import GLOB, PartsSpec, read_parts
from moslabels.spec.problems import Problems
from moslabels.spec.table import TableSpec

_MOST_OTHERS = 20


def have_paths(checked: Checked, parts: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the parts of an audit have paths below their folders, each its own. Note those that have not."""
    seen: set[str] = set()
    for index, part in enumerate(parts):
        path, where = part["path"], f"parts[{index}].path"
        if not is_path_of_part(path):
            checked.compare(where, path, "the path of a Parquet file below a folder")
        elif path in seen:
            checked.compare(where, path, "a path that no other part has")
        else:
            seen.add(path)
            continue
        checked.tell_not("a part has such a path, so no part is looked for, and nothing is labelled again")
        return False
    if not parts:
        checked.tell_not("it has no parts, and none that moslabels wrote lacks them")
    return bool(parts)


def parts_spec(
    files: Files, checked: Checked, document: Mapping[str, Any], block: Mapping[str, Any], *, is_ours: bool
) -> PartsSpec | None:
    """Return what named the parts of a table, or None if that is not known any more or must not be opened."""
    root = document["feature_table"]
    found: PartsSpec | None = None
    if is_ours:
        given = block["args"]
        base = given.get("base_dir") or (os.path.dirname(given["manifest"]) if given.get("manifest") else None)
        found = read_parts(document["features"], "features", Path(base) if base else None, Problems())
    if found is None or found.root != root:
        checked.tell_not(f"what named its parts cannot be told: features, of which {shown(root)} is the folder")
        return None
    for item in found.items:
        if why := files.refusal(_folder(item)):
            checked.tell_not(f"{item.path}: {why}")
            return None
    return found


def _folder(item: Item) -> str:
    return split_pattern(item.path)[0] if item.kind == GLOB else item.path


def spec_with_parts(spec: TableSpec, document: Mapping[str, Any], parts: PartsSpec) -> TableSpec:
    """Return a spec of the files of parts as that of the table whose parts are named as they were."""
    return replace(spec, features=document["feature_table"], parts=parts)


def paths_of_features(document: Mapping[str, Any]) -> list[str]:
    return [os.path.join(document["feature_table"], part["path"]) for part in document["parts"]]


class PartsCheck:
    """Checks of the parts of one table, whose paths :func:`have_paths` has found to be right."""

    def __init__(self, files: Files, checked: Checked, document: Mapping[str, Any]) -> None:
        self._files = files
        self._checked = checked
        self._document = document
        self._parts = document["parts"]

    def written(self) -> bool:
        """Compare the parts of the output with their hashes, and the sums in the audit with the parts.

        Return whether the folder of the output may be searched: labelling again does so too.
        """
        checked, document, out = self._checked, self._document, self._document["output"]
        records = [PartRecord(**part) for part in self._parts]
        checked.compare("output_sha256, of its parts", document["output_sha256"], sha256_of_parts(records))
        compare_sums(checked, document)
        self._progress("the parts of the output")
        for number, part in enumerate(self._parts, start=1):
            path = os.path.join(out, part["path"])
            if (now := self._files.sha256(checked, path)) is not None:
                checked.compare(f"output_sha256 of {path}", part["sha256"], now)
                checked.compare(f"output_bytes of {path}", part["bytes"], os.path.getsize(path))
            self._files.run.progress.advance(number)
        if self._files.refusal(out):
            return False
        try:
            check_extent([Item("folder", out)], len(self._parts))
        except TableError as error:
            checked.tell_not(str(error))
            return False
        self._look_for_others(out)
        return True

    def _look_for_others(self, out: str) -> None:
        """Note links among the parts of the output, and files that are not of it: the first few."""
        claimed = {os.path.join(out, part["path"]) for part in self._parts}
        others = ((path, os.path.islink(path)) for path in files_below(out))
        for number, (path, is_link) in enumerate(one for one in others if one[1] or one[0] not in claimed):
            if number == _MOST_OTHERS:
                self._checked.compare(out, "the parts alone", "a folder with more files that are not of the output")
                return
            if is_link:
                self._checked.compare(path, "a file or a folder", "a link")
            else:
                self._checked.compare(path, NOTHING, "a file in the folder of the output")

    def features(self, parts: PartsSpec | None) -> bool:
        """Compare the parts of the features with their hashes. Return whether all are there, and no others."""
        checked = self._checked
        is_whole = True
        paths = paths_of_features(self._document)
        self._progress("the parts of the features")
        for number, (path, part) in enumerate(zip(paths, self._parts, strict=True), start=1):
            now = self._files.sha256(checked, path)
            is_whole = is_whole and now is not None
            if now is not None and now != part["features_sha256"]:
                checked.compare(f"features_sha256 of {path}", part["features_sha256"], now)
                checked.changed_inputs.append(path)
            self._files.run.progress.advance(number)
        if parts is None:
            return False
        try:
            check_extent(parts.items, len(paths))
            now_named = {file.path for file in list_parts(parts.items, parts.root, self._document["output"])}
        except TableError as error:
            checked.tell_not(f"its features cannot be listed: {error}")
            return False
        wanted = {os.path.normpath(path) for path in paths}
        added = sorted(path for path in now_named if os.path.normpath(path) not in wanted)
        for path in added:
            checked.compare(f"features_sha256 of {path}", NOTHING, "a part of the features that is not in the audit")
        return is_whole and not added

    def _progress(self, what: str) -> None:
        self._files.run.progress.step(f"hashing {what}", len(self._parts), "parts")


def compare_parts(
    checked: Checked, claimed: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], *, is_same: bool
) -> None:
    """Compare the parts of an audit with those of labelling again. Other versions may write other bytes."""
    left_out = () if is_same else ("sha256", "bytes")
    of_audit, of_again = (
        {part["path"]: {name: value for name, value in part.items() if name not in left_out} for part in parts}
        for parts in (claimed, found)
    )
    checked.compare("parts, labelled again", of_audit, of_again)
