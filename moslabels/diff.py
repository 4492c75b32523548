"""What changed between two reports, audits or labelled tables: clips, scores, rules and inputs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moslabels import audit, evidence, labelled, report
from moslabels.contents import absence_advice, other_content, other_than_parquet
from moslabels.engine import Engine
from moslabels.errors import TableError, UsageError
from moslabels.keys import several
from moslabels.manifest import refuse_url
from moslabels.options import Options, settled, shown
from moslabels.provenance import file_record, recorded_hashes
from moslabels.render import render
from moslabels.settings import DEFAULTS, Settings
from moslabels.tables import FORMATS
from moslabels.workspace import Workspace

_RULE = (
    "config",
    "feature_key_column",
    "label_key_column",
    "label_mos_column",
    "key_normalize",
    "feature_key_regex",
    "label_key_regex",
    "min_match_rate",
    "label_files",
)


_KEEP = "keep the outputs of each run in a folder of their own (see --old-root), or compare two labelled tables"


@dataclass(frozen=True)
class _Side:
    """One labelled table, the options that it was labelled with, and what its evidence says of rule and inputs.

    ``key`` are the key columns that its evidence names, None where it names none. ``sha256`` is that of the output when
    ``evidence``, a path, was written; None where nothing says it. Paths open from ``root``.
    """

    id: str | None
    output: str
    features: str
    root: str
    evidence: str
    key: Sequence[str] | None = None
    sha256: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)


def diff(old: str, new: str, settings: Settings = DEFAULTS, old_root: str = "") -> dict[str, Any]:
    """Compare two reports, two audits or two labelled tables (a table with an audit too).

    Relative paths in them open from the working folder; those in ``old`` from ``old_root``, where a copy is kept.

    Returns ``{"same": …, "tables": […], "only_old": […], "only_new": […]}``: for each table the labelled clips gained
    and lost, those with another MOS and by how much, the rule and the inputs that changed. Tables of reports meet by
    id.
    Raises UsageError where a file is none of these, or its output is no longer the one that it is about; TableError
    where a table cannot be read.
    """
    for name, path in (("old", old), ("new", new), ("old_root", old_root)):
        refuse_url(name, path)
    sides = [{side.id: side for side in _sides(path, root)} for path, root in ((old, old_root), (new, ""))]
    if any(None in side for side in sides):  # One table on either side.
        sides = [dict.fromkeys([None], next(iter(side.values()))) for side in sides if len(side) == 1]
        if len(sides) != 2:
            raise UsageError(f"{old} and {new} cannot be compared: one is a report of several tables, the other is not")
    before, after = sides
    tables = [_compared(before[name], after[name], settings) for name in before if name in after]
    only = {
        "only_old": [name for name in before if name not in after],
        "only_new": [n for n in after if n not in before],
    }
    same = not any(only.values()) and all(_is_same(table) for table in tables)
    return {"same": same, "tables": tables, **only}


def _sides(path: str, root: str) -> Iterator[_Side]:
    if not os.path.exists(path):
        raise UsageError(f"{path}: there is no such file{absence_advice(path)}")
    suffix = FORMATS.get(os.path.splitext(path)[1].lower())
    document = _json(path) if suffix == "json" else None
    schema = document.get("schema") if document is not None else None
    if document is not None and schema == report.SCHEMA:
        try:
            hashes = dict(recorded_hashes(document["run_provenance"].get("inputs")))
            for table in document["tables"]:
                if "summary" in table:
                    yield _of_report(path, table, hashes, root)
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}: is no report: it lacks {error}") from error
    elif document is not None and schema == audit.SCHEMA:
        yield _of_audit(None, document, path, root)
    elif suffix is not None:
        yield _of_table(path, suffix)
    else:
        raise UsageError(f"{path}: is no report, no audit and no table")


def _of_report(path: str, table: Mapping[str, Any], hashes: Mapping[str, str], root: str) -> _Side:
    identifier, config, beside = table["id"], table["config"], table["audit_json"]
    if beside is None:
        named = table.get("feature_key_column", config.get("feature_key_column"))
        key = several(named) if named is not None else None
        return _Side(identifier, table["out"], table["features"], root, path, key, None, config, {"config": config})
    document = _json(os.path.join(root, beside)) or {}
    side = _of_audit(identifier, document, beside, root)
    summary = {name: document.get(name) for name in table["summary"]}
    inputs = {name: hashes.get(name, sha256) for name, sha256 in side.inputs.items()}
    if (summary, side.config, side.inputs) != (table["summary"], config, inputs):
        raise UsageError(
            f"{path}: table {shown(identifier)} was labelled again since: {beside} is of another run; {_KEEP}"
        )
    return side


def _json(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8-sig") as stream:
            document = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {other_content(path) or f'is no JSON: {error}'}") from error
    return document if isinstance(document, dict) else None


def _of_audit(identifier: str | None, document: Mapping[str, Any], path: str, root: str) -> _Side:
    if "output" in document and document["output"] is None:
        raise UsageError(f"{path}: is the audit of a join in memory: there is no table to compare")
    try:
        inputs = document["run_provenance"].get("inputs") or {}
        records = [inputs["features"], *inputs["labels"]] if "features" in inputs else []
        return _Side(
            identifier,
            document["output"],
            document["feature_table"],
            root,
            path,
            several(document["feature_key_column"]),
            document.get("output_sha256"),
            document.get("config", {}),
            {name: document[name] for name in _RULE if name in document},
            {record["path"]: record["sha256"] for record in records},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: is no audit: it lacks {error}") from error


def _of_table(path: str, kind: str) -> _Side:
    if kind != "parquet":
        return _Side(None, path, path, "", path)
    import pyarrow as pa

    try:
        entry = evidence.read(path)
    except (OSError, pa.ArrowException) as error:
        other = other_than_parquet(path) if os.path.isfile(path) else None
        reason = f"it {other}" if other else error
        raise TableError(f"{path}: cannot be read: {reason}", code="unreadable", file=path) from error
    if entry is None:
        return _Side(None, path, path, "", path)
    inputs = {record["path"]: record["sha256"] for record in (entry["features"], *entry["labels"])}
    rule = {"config": entry["config"], "feature_key_column": entry["feature_key_column"]}
    key = several(entry["feature_key_column"])
    return _Side(None, path, entry["features"]["path"], "", path, key, None, entry["config"], rule, inputs)


def _check_output(side: _Side) -> None:
    """Refuse to take another table for the one that the evidence is about."""
    path = os.path.join(side.root, side.output)
    if side.sha256 is not None and (now := file_record(path)["sha256"]) not in (side.sha256, None):
        raise UsageError(
            f"{path}: is no longer the table that {side.evidence} is about (its sha256 was {side.sha256[:12]}…, is "
            f"{now[:12]}…); {_KEEP}"
        )


def _compared(old: _Side, new: _Side, settings: Settings) -> dict[str, Any]:
    for side in (old, new):
        _check_output(side)
    paths = [os.path.join(side.root, side.output) for side in (old, new)]
    if None in (old.sha256, new.sha256) and old.evidence != new.evidence and _is_one_file(*paths):
        raise UsageError(
            f"{old.evidence} and {new.evidence} name the same output, {new.output}, and without an audit nothing tells "
            f"which of them it is of; {_KEEP}, and give the table an audit_json"
        )
    with Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine:
        engine.run(render("diff/table"))
        for name, side in (("old", old), ("new", new)):
            options = Options(**settled(side.config))
            path = os.path.join(side.root, side.output)
            if side.key is None:
                raise UsageError(
                    f"{path}: nothing says which column its key is: {side.evidence} does not; name an audit of "
                    "it, or give the table an audit_json"
                )
            labelled.read_back(engine, workspace, path, side.key, options, side.features)
            engine.run(render("diff/clips", {"side": name}))
        found = engine.row(render("diff/counts"))
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
        "rule": _changes(old.rule, new.rule),
        "inputs": _changes(old.inputs, new.inputs),
    }


def _is_one_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"what": name, "old": old.get(name), "new": new.get(name)}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _is_same(table: Mapping[str, Any]) -> bool:
    counts = [table[name]["count"] for name in ("gained", "lost", "changed")]
    return not any(counts) and not table["rule"] and not table["inputs"]


def text(document: Mapping[str, Any]) -> str:
    """The differences as people read them."""
    lines = []
    for table in document["tables"]:
        changed = table["changed"]
        lines.append(f"{table['id'] or table['new']}: {table['same']} clips as before")
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
        for kind in ("rule", "inputs"):
            lines += [f"  {kind} {one['what']}: {shown(one['old'])} -> {shown(one['new'])}" for one in table[kind]]
    for side, what in (("only_old", "old"), ("only_new", "new")):
        lines += [f"{name}: only in the {what} report" for name in document[side]]
    return "\n".join(lines) or "no tables"
