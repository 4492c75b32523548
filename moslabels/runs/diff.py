"""What changed between two reports, audits or labelled tables: clips, scores, rules and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence.documents import Reach
from moslabels.files.same import is_one_file
from moslabels.files.workspace import Workspace
from moslabels.labelling.output import read_back
from moslabels.runs.diff_changes import change_lines, input_changes, rule_changes
from moslabels.runs.diff_output import features_of, key_of, table_at
from moslabels.runs.diff_parts import add_parts, are_same_parts, part_changes, part_lines, read_parts
from moslabels.runs.diff_sides import KEEP, Side, Sides, sides_by_id
from moslabels.spec.paths import refuse_url

_DISJOINT = (
    "no clip is labelled in both, so the two cannot be compared: they are of other clips, or other rules made the keys"
)


def diff(
    old: str,
    new: str,
    settings: Settings = DEFAULTS,
    old_base_dir: str = "",
    *,
    only_root: bool = False,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Compare two reports, two audits or two labelled tables (a table with an audit too).

    A labelled table of many parts is a folder.

    Relative paths in ``new`` open from the working folder. Relative paths in ``old`` open from ``old_base_dir``.

    Return ``{"same": …, "tables": […], "only_old": […], "only_new": […], "not_compared": […], "outside": […]}``. Each
    table has the labelled clips gained and lost, those with another MOS and by how much, the parts that changed if it
    has many, and the changes of the rule and of the inputs. ``disjoint`` is true if both have labelled clips and share
    none. Tables of two reports are paired by id. If one of them is of chosen tables, ``not_compared`` lists the others.
    ``outside`` lists the paths in them that lie outside of those folders; ``only_root`` refuses to open these.

    Raise UsageError if a file is none of these, or if its output has changed since. Raise TableError if a table cannot
    be read.
    """
    for name, path in (("old", old), ("new", new), ("old_root", old_base_dir)):
        refuse_url(name, path)
    reaches = (Reach(old_base_dir, only_root), Reach("", only_root))
    sides = [sides_by_id(path, reach) for path, reach in zip((old, new), reaches, strict=True)]
    if any(None in side for side in sides):  # Then each side must have one table.
        sides = [Sides({None: next(iter(side.values()))}) for side in sides if len(side) == 1]
        if len(sides) != 2:
            raise UsageError(f"{old} and {new} cannot be compared: one is a report of several tables, the other is not")
    before, after = sides
    both = [name for name in before if name in after]
    tables = []
    for number, identifier in enumerate(both, start=1):
        progress.table(identifier or new, number, len(both))
        tables.append(compared(before[identifier], after[identifier], settings, progress))
    only_old, not_in_new = _only(before, after)
    only_new, not_in_old = _only(after, before)
    if not_in_new + not_in_old and not both + only_old + only_new:
        raise UsageError(f"{old} and {new} cannot be compared: one is of chosen tables, which the other lacks")
    only = {"only_old": only_old, "only_new": only_new, "not_compared": not_in_new + not_in_old}
    same = not (only_old or only_new) and all(_is_same(table) for table in tables)
    outside = [*dict.fromkeys(path for reach in reaches for path in reach.outside)]
    return {"same": same, "tables": tables, **only, "outside": outside}


def _only(sides: Sides, others: Sides) -> tuple[list[str | None], list[str | None]]:
    """Return the ids of tables that the other side lacks, and of those that the other report did not choose."""
    lacking = [name for name in sides if name not in others]
    left_out = [name for name in lacking if others.chosen is not None and name not in others.chosen]
    return [name for name in lacking if name not in left_out], left_out


def compared(old: Side, new: Side, settings: Settings, progress: Progress) -> dict[str, Any]:
    progress.step("comparing with the evidence")
    paths = [table_at(side) for side in (old, new)]
    if None in (old.sha256, new.sha256) and old.evidence != new.evidence and is_one_file(*paths):
        raise UsageError(
            f"{old.evidence} and {new.evidence} name the same output, {new.output}, and without an audit nothing tells "
            f"which of them it is of; {KEEP}, and give the table an audit_json"
        )
    with (
        held(),
        Workspace(settings.temp_dir) as workspace,
        Engine(settings, workspace.folder, progress=progress) as engine,
        released(),
    ):
        engine.run(render("diff/10_diff_clips"))
        engine.run(render("diff/12_diff_part_clips"))
        for name, side, path in (("old", old, paths[0]), ("new", new, paths[1])):
            progress.step(f"reading the {name} one")
            if side.parts is not None:
                read_parts(engine, side, path)
                add_parts(engine, name, side)
            else:
                key = key_of(side, path)
                read_back(engine, workspace, path, key, side.options, side.features, features_of(side, path))
            engine.run(render("diff/11_diff_clips_of_table", {"side": name}))
        found = engine.row(render("diff/20_diff_counts"))
        parts = part_changes(engine, old, new)
    return {
        "id": old.id,
        "old": old.output,
        "new": new.output,
        "gained": {"count": found["gained"], "sample": found["first_gained"] or []},
        "lost": {"count": found["lost"], "sample": found["first_lost"] or []},
        "changed": {
            "count": found["changed"],
            "mean_change": found["mean_change"],
            "mean_absolute_change": found["mean_absolute_change"],
            "largest": found["largest"] or [],
        },
        "same": found["same"],
        "disjoint": bool(found["gained"] and found["lost"]) and not found["changed"] and not found["same"],
        "parts": parts,
        "rule": rule_changes(old, new),
        "inputs": input_changes(old, new),
    }


def _is_same(table: Mapping[str, Any]) -> bool:
    counts = [table[name]["count"] for name in ("gained", "lost", "changed")]
    return not any(counts) and are_same_parts(table["parts"]) and not table["rule"] and not table["inputs"]


def diff_text(document: Mapping[str, Any]) -> str:
    """Return the differences as text for people."""
    lines = []
    for table in document["tables"]:
        changed = table["changed"]
        says = _DISJOINT if table["disjoint"] else f"{table['same']} clips as before"
        lines.append(f"{table['id'] or table['new']}: {says}")
        for name in ("gained", "lost"):
            sample = ", ".join(map(shown, table[name]["sample"][:3]))
            lines += [f"  {table[name]['count']} {name}: {sample}"] if table[name]["count"] else []
        if changed["count"]:
            lines.append(
                f"  {changed['count']} with another MOS: mean change {changed['mean_change']:+.4g}, mean of the sizes "
                f"{changed['mean_absolute_change']:.4g}; the largest:"
            )
            lines += [
                f"    {shown(one['key'])}: {one['old']:.6g} -> {one['new']:.6g} ({one['change']:+.4g})"
                for one in changed["largest"]
            ]
        lines += [f"  {line}" for line in part_lines(table["parts"])]
        for kind in ("rule", "inputs"):
            lines += [f"  {line}" for line in change_lines(kind, table[kind])]
    for side, what in (("only_old", "old"), ("only_new", "new")):
        lines += [f"{name}: only in the {what} report" for name in document[side]]
    lines += [f"{name}: not compared, because one report is of chosen tables" for name in document["not_compared"]]
    if document["outside"]:
        lines.append(f"named in them and outside of the folder: {', '.join(document['outside'])}")
    return "\n".join(lines) or "no tables"
