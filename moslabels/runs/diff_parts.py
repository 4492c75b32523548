"""What changed between the parts of two tables: as JSON values, and in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from moslabels.base.text import counted, visible
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.listing import PartFile
from moslabels.labelling.output import read_parts_back
from moslabels.runs.diff_output import key_of
from moslabels.runs.diff_sides import Side

_SHOWN = 3


def read_parts(engine: Engine, side: Side, path: str) -> None:
    """Make the table ``output_values`` of the labelled parts in a folder, see :func:`read_parts_back`."""
    files = [PartFile(os.path.join(path, part.path), part.path, part.features) for part in side.parts or ()]
    read_parts_back(engine, path, files, key_of(side, path), side.options)


def add_parts(engine: Engine, name: str, side: Side) -> None:
    """Add the clips of each part, which :func:`read_parts` has read, to those that :func:`part_changes` compares."""
    values = {"side": name, "paths": [part.path for part in side.parts or ()]}
    engine.run(render("diff/13_diff_part_clips_of_table", values))


def part_changes(engine: Engine, old: Side, new: Side) -> dict[str, Any] | None:
    """Return the parts that were added, removed or changed, or None if both tables are one file.

    If one of them is one file, no parts are compared.
    """
    if old.parts is None and new.parts is None:
        return None
    found: Mapping[str, Any] = {}
    if old.parts is not None and new.parts is not None:
        values = {}
        for name, parts in (("old", old.parts), ("new", new.parts)):
            values[f"{name}_paths"] = [part.path for part in parts]
            values[f"{name}_hashes"] = [part.features_sha256 for part in parts]
        found = engine.row(render("diff/21_diff_parts", values))
    return {
        **{name: None if side.parts is None else len(side.parts) for name, side in (("old", old), ("new", new))},
        **{
            name: {"count": found.get(name, 0), "sample": found.get(f"first_{name}") or []}
            for name in ("added", "removed", "changed")
        },
        "same": found.get("same", 0),
    }


def are_same_parts(parts: Mapping[str, Any] | None) -> bool:
    """Return whether no part differs, and both tables are of the same kind."""
    if parts is None:
        return True
    return None not in (parts["old"], parts["new"]) and not any(
        parts[name]["count"] for name in ("added", "removed", "changed")
    )


def part_lines(parts: Mapping[str, Any] | None) -> list[str]:
    """Return the changes of parts as lines for people."""
    if parts is None:
        return []
    if None in (parts["old"], parts["new"]):
        old, new = ("one file" if parts[side] is None else counted(parts[side], "part", "parts") for side in _SIDES)
        return [f"was {old}, is {new}: only their clips are compared"]
    lines = []
    for name, total in (("added", parts["new"]), ("removed", parts["old"])):
        if count := parts[name]["count"]:
            shown = [visible(path) for path in parts[name]["sample"][:_SHOWN]]
            more = f" and {count - len(shown)} more" if count > len(shown) else ""
            lines.append(f"{count} of {counted(total, 'part', 'parts')} {name}: {', '.join(shown)}{more}")
    if count := parts["changed"]["count"]:
        sample = parts["changed"]["sample"]
        lines.append(f"{counted(count, 'part', 'parts')} changed{', the first' if count > len(sample) else ''}:")
        lines += [f"  {_changed(part)}" for part in sample]
    return lines


_SIDES = ("old", "new")


def _changed(part: Mapping[str, Any]) -> str:
    says = ["other features"] if part["features_changed"] else []
    for name, what in (("rows", "rows"), ("matched_rows", "rows labelled")):
        old, new = (part[f"{side}_{name}"] for side in _SIDES)
        says += [f"{old} -> {new} {what}"] if old != new else []
    for name, what in (("gained", "gained"), ("lost", "lost"), ("changed", "with another MOS")):
        says += [f"{part[name]} {what}"] if part[name] else []
    return f"{visible(part['path'])}: {', '.join(says)}"
