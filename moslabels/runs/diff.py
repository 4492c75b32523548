"""What changed between two reports, audits or labelled tables: clips, scores, rules and inputs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from moslabels.base.errors import UsageError, is_from_outside
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import listed, shown, visible
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence import audit, report
from moslabels.evidence import embedded as evidence
from moslabels.evidence.documents import Reach
from moslabels.evidence.json_schema import audit_document, entry_document, misfits, report_document
from moslabels.evidence.provenance import recorded_hashes
from moslabels.evidence.strict_json import DocumentError, parse
from moslabels.files.contents import HEAD, not_json, not_parquet
from moslabels.files.regular import open_regular, reason
from moslabels.files.workspace import Workspace
from moslabels.labelling import output as labelled
from moslabels.labelling.keys import several
from moslabels.sources.opening import reader_of
from moslabels.sources.source import Cells
from moslabels.spec.formats import FORMATS, format_problem
from moslabels.spec.options import Options, option_problem, settled
from moslabels.spec.paths import refuse_url

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
    ``evidence``, a path, was written; None where nothing says it. Paths open from the
    root of ``reach``.
    """

    id: str | None
    output: str
    features: str
    reach: Reach
    evidence: str
    key: Sequence[str] | None = None
    sha256: str | None = None
    options: Options = Options()
    rule: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)


def diff(
    old: str, new: str, settings: Settings = DEFAULTS, old_root: str = "", *, only_root: bool = False
) -> dict[str, Any]:
    """Compare two reports, two audits or two labelled tables (a table with an audit too).

    Relative paths in them open from the working folder; those in ``old`` from ``old_root``, where a copy is kept.

    Returns ``{"same": …, "tables": […], "only_old": […], "only_new": […], "outside": […]}``: for each table the
    labelled clips gained and lost, those with another MOS and by how much, the rule and the inputs that changed. Tables
    of reports meet by id. ``outside`` lists the paths in them that lie outside of those folders, which ``only_root``
    refuses to open.
    Raises UsageError where a file is none of these, or its output is no longer the one that it is about; TableError
    where a table cannot be read.
    """
    for name, path in (("old", old), ("new", new), ("old_root", old_root)):
        refuse_url(name, path)
    reaches = (Reach(old_root, only_root), Reach("", only_root))
    sides = [_by_id(path, reach) for path, reach in zip((old, new), reaches, strict=True)]
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
    outside = [*dict.fromkeys(path for reach in reaches for path in reach.outside)]
    return {"same": same, "tables": tables, **only, "outside": outside}


def _by_id(path: str, reach: Reach) -> dict[str | None, _Side]:
    """The sides of the labelled tables of a file by id: of one that is no report, one side without."""
    found: dict[str | None, _Side] = {}
    audits: dict[str, str | None] = {}
    for side in _sides(path, reach):
        if side.id in found:
            raise UsageError(f"{path}: two tables have the id {shown(side.id)}")
        if side.evidence in audits:
            raise UsageError(
                f"{path}: tables {shown(audits[side.evidence])} and {shown(side.id)} name one audit, {side.evidence}"
            )
        found[side.id] = side
        if side.evidence != path:
            audits[side.evidence] = side.id
    return found


def _sides(path: str, reach: Reach) -> Iterator[_Side]:
    """The labelled tables of a file, which is opened once and told by what it holds, and not by its name."""
    is_parquet, document = _read(path)
    schema = document.get("schema") if isinstance(document, dict) and not is_parquet else None
    if schema == report.SCHEMA:
        _check_shape(path, "report", document, report_document())
        hashes = dict(recorded_hashes(document["run_provenance"].get("inputs")))
        for table in document["tables"]:
            if "summary" in table:
                yield _of_report(path, table, hashes, reach)
    elif schema == audit.SCHEMA:
        yield _of_audit(None, document, path, reach)
    elif isinstance(schema, str) and schema.startswith(audit.FAMILY):
        raise UsageError(f"{path}: is of the schema {shown(schema)}, which this version does not know")
    elif is_parquet and document is not None:
        yield _of_entry(path, document)
    elif format_problem(path, "out") is None:
        yield _Side(None, path, path, reach, path)
    else:
        raise UsageError(f"{path}: is no report, no audit and no table")


def _read(path: str) -> tuple[bool, Any]:
    """Whether a file is Parquet, and its evidence or its JSON value, None if it has none. Raises UsageError."""
    import pyarrow as pa

    head, is_parquet = b"", False
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD)
            is_parquet = head.startswith(b"PAR1")
            stream.seek(0)
            return is_parquet, evidence.read(stream) if is_parquet else parse(stream)
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    except pa.ArrowException as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    except DocumentError as error:
        suffix = FORMATS.get(os.path.splitext(path)[1].lower(), "json")
        if is_parquet or suffix == "json":
            raise UsageError(f"{path}: {(not is_parquet and not_json(head)) or error}") from error
        if suffix == "parquet":
            raise UsageError(f"{path}: cannot be read: it {not_parquet(head) or 'is no Parquet file'}") from error
        return False, None


def _check_shape(path: str, kind: str, document: Any, schema: Mapping[str, Any], needed: Sequence[str] = ()) -> None:
    """Refuse, with UsageError, a document of another shape. ``needed``: members that it must have, by default all."""
    wrong = [one for one in misfits(document, schema) if one.kind != "value"]
    if needed:
        wrong = [one for one in wrong if one.kind != "missing" or one.place in needed]
    unknown = [one.place for one in wrong if one.kind == "unknown"]
    if len(unknown) == len(wrong) > 0:
        raise UsageError(
            f"{path}: its {kind} holds what this version does not know, {listed(unknown)}; use a newer one"
        )
    if wrong:
        first = next(one for one in wrong if one.kind != "unknown")
        raise UsageError(f"{path}: is no {kind}: {visible(first.place) or 'it'} {first.says}")


def _of_report(path: str, table: Mapping[str, Any], hashes: Mapping[str, str], reach: Reach) -> _Side:
    identifier, config, beside = table["id"], table["config"], table["audit_json"]
    if beside is None:
        named = table.get("feature_key_column", config.get("feature_key_column"))
        key = several(named) if named is not None else None
        rule = {"config": config}
        return _Side(identifier, table["out"], table["features"], reach, path, key, None, _options(path, config), rule)
    opened = _within(reach, beside)
    is_parquet, document = _read(opened)
    if is_parquet or not isinstance(document, dict) or document.get("schema") != audit.SCHEMA:
        raise UsageError(f"{opened}: is no audit, and {path} names it as that of table {shown(identifier)}")
    side = _of_audit(identifier, document, beside, reach)
    summary = {name: document.get(name) for name in table["summary"]}
    inputs = {name: hashes.get(name, sha256) for name, sha256 in side.inputs.items()}
    if (summary, document.get("config", {}), side.inputs) != (table["summary"], config, inputs):
        raise UsageError(
            f"{path}: table {shown(identifier)} was labelled again since: {beside} is of another run; {_KEEP}"
        )
    return side


def _within(reach: Reach, path: str) -> str:
    """Where a path of a document opens from. Raises UsageError where it must not be opened."""
    opened = os.path.join(reach.root, path)
    try:
        reach.check(opened)
    except OSError as error:
        raise UsageError(f"{path} {reason(error)}") from error
    return opened


_NEEDED = ("schema", "output", "feature_table", "feature_key_column", "run_provenance")


def _of_audit(identifier: str | None, document: Mapping[str, Any], path: str, reach: Reach) -> _Side:
    _check_shape(path, "audit", document, audit_document(), _NEEDED)
    if document["output"] is None:
        raise UsageError(f"{path}: is the audit of a join in memory: there is no table to compare")
    return _Side(
        identifier,
        document["output"],
        document["feature_table"],
        reach,
        path,
        several(document["feature_key_column"]),
        document.get("output_sha256"),
        _options(path, document.get("config", {})),
        {name: document[name] for name in _RULE if name in document},
        dict(recorded_hashes(_inputs(document["run_provenance"]))),
    )


def _inputs(block: Mapping[str, Any]) -> Any:
    """The records of features and labels in a block, which may be the caller's own, of any shape."""
    inputs = block.get("inputs")
    return [inputs.get("features"), inputs.get("labels")] if isinstance(inputs, Mapping) else None


def _of_entry(path: str, entry: Any) -> _Side:
    _check_shape(path, "evidence", entry, entry_document())
    if entry["schema"] != evidence.SCHEMA:
        raise UsageError(
            f"{path}: its evidence is of the schema {shown(entry['schema'])}, which this version does not know"
        )
    return _Side(
        None,
        path,
        entry["features"]["path"],
        Reach(),
        path,
        several(entry["feature_key_column"]),
        None,
        _options(path, entry["config"]),
        {"config": entry["config"], "feature_key_column": entry["feature_key_column"]},
        {record["path"]: record["sha256"] for record in (entry["features"], *entry["labels"])},
    )


def _options(path: str, config: Mapping[str, Any]) -> Options:
    """The options of a table from what its evidence says. Raises UsageError where they are none of this version."""
    problems = [f"{name}: {problem}" for name, value in config.items() if (problem := option_problem(name, value))]
    if problems:
        raise UsageError(f"{path}: its options are not those of this version:", problems)
    return Options(**settled(config))


def _check_output(side: _Side, path: str) -> None:
    """Refuse to take another table for the one that the evidence is about."""
    try:
        with open_regular(path) as stream:
            if side.sha256 is None:
                return
            now = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    if now != side.sha256:
        raise UsageError(
            f"{path}: is no longer the table that {side.evidence} is about (its sha256 was {side.sha256[:12]}…, is "
            f"{now[:12]}…); {_KEEP}"
        )


def _compared(old: _Side, new: _Side, settings: Settings) -> dict[str, Any]:
    # A table that the caller names is no path of a document.
    paths = [side.output if side.output == side.evidence else _within(side.reach, side.output) for side in (old, new)]
    for side, path in zip((old, new), paths, strict=True):
        _check_output(side, path)
    if None in (old.sha256, new.sha256) and old.evidence != new.evidence and _is_one_file(*paths):
        raise UsageError(
            f"{old.evidence} and {new.evidence} name the same output, {new.output}, and without an audit nothing tells "
            f"which of them it is of; {_KEEP}, and give the table an audit_json"
        )
    with held(), Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine, released():
        engine.run(render("diff/10_diff_clips"))
        for name, side, path in (("old", old, paths[0]), ("new", new, paths[1])):
            key = _key(side, path)
            labelled.read_back(engine, workspace, path, key, side.options, side.features, _features(side, path))
            engine.run(render("diff/11_diff_clips_of_table", {"side": name}))
        found = engine.row(render("diff/20_diff_counts"))
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


def _key(side: _Side, path: str) -> Sequence[str]:
    """The key columns that the evidence names; without any, those that the table itself carries. Raises UsageError."""
    if side.key is not None:
        return side.key
    is_parquet, entry = _read(path) if side.evidence != side.output else (False, None)
    if is_parquet and entry is not None:
        found = _of_entry(path, entry).key
        assert found is not None
        return found
    raise UsageError(
        f"{path}: nothing says which column its key is: {side.evidence} does not; name an audit of it, or give the "
        "table an audit_json"
    )


def _features(side: _Side, path: str) -> str | None:
    """The features of a CSV output, where they can be opened: they tell what of its keys are numbers."""
    if reader_of(path).cells is not Cells.TEXT or side.features == side.output:
        return None
    try:
        features = _within(side.reach, side.features)
        open_regular(features).close()
    except (OSError, UsageError) as error:
        if is_from_outside(error):
            raise
        return None
    return features


def _is_one_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError as error:
        if is_from_outside(error):
            raise
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
    if document["outside"]:
        lines.append(f"named in them and outside of the folder: {', '.join(document['outside'])}")
    return "\n".join(lines) or "no tables"
