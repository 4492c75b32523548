"""The labelled tables of a report, an audit or a table, as one side of a comparison."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import listed, shown, visible
from moslabels.evidence.documents import Audit, Document, Entry, Evidence, Reach, Report, Unknown, load
from moslabels.evidence.provenance import recorded_hashes
from moslabels.files.listing import Item, is_path_of_part, list_parts
from moslabels.files.regular import reason
from moslabels.files.same import moved
from moslabels.labelling.keys import several
from moslabels.spec.formats import format_problem
from moslabels.spec.options import Options, option_problem, settled

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
"""The members of an audit that hold the rule by which a table was labelled."""
KEEP = "keep the outputs of each run in a folder of their own (see --old-root), or compare two labelled tables"


@dataclass(frozen=True)
class SidePart:
    """One part of a table of many parts: its path below the folder, that of its features, and the hashes of both.

    ``sha256`` is None if the folder itself was named, and so no evidence apart from it says what it was.
    """

    path: str
    features: str
    features_sha256: str
    sha256: str | None


@dataclass(frozen=True)
class Side:
    """One labelled table, with its options, its rule and its inputs from its evidence.

    ``evidence`` is the path of the evidence as named, ``opened`` where it was opened, and ``recorded`` where the run
    wrote it, or None if that is not known. ``key`` are the key columns that it names, or None. ``sha256`` is the hash
    of the output when the evidence was written, or None if it is not known. ``parts`` are those of a table of many
    parts, whose ``output`` is a folder; None for one file. Paths open from the ``base_dir`` of ``reach``.
    """

    id: str | None
    output: str
    features: str
    reach: Reach
    evidence: str
    opened: str = ""
    recorded: str | None = None
    key: Sequence[str] | None = None
    sha256: str | None = None
    options: Options = Options()
    rule: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[SidePart] | None = None


class Sides(dict[str | None, Side]):
    """The labelled tables of a report by id, or the one table of another file under None.

    ``chosen`` are the ids of all tables of a report that lists chosen tables, and else None.
    """

    chosen: Sequence[str] | None = None


def sides_by_id(path: str, reach: Reach) -> Sides:
    """Return the labelled tables of a file. Raise UsageError."""
    found, audits = Sides(), dict[str, str | None]()
    document = load(path)
    if isinstance(document, Report) and "manifest_tables" in document.members:
        _check_shape(path, "report", document)
        found.chosen = [table["id"] for table in document.members["tables"]]
    for side in _sides(path, document, reach):
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


def _sides(path: str, document: Document, reach: Reach) -> Iterator[Side]:
    """Yield the labelled tables of a file, or that in a folder. Its contents decide what it is, not its name."""
    if os.path.isdir(path):
        yield _of_folder(path)
        return
    if isinstance(document, Report):
        _check_shape(path, "report", document)
        if document.members.get("dry_run"):
            raise UsageError(f"{path}: is the report of a dry run, which wrote no table to compare")
        hashes = dict(recorded_hashes(document.block.get("inputs")))
        for table in document.members["tables"]:
            if "summary" in table:
                yield _of_report(path, table, hashes, document.block, reach)
    elif isinstance(document, Audit):
        yield _of_audit(None, document, path, path, reach)
    elif isinstance(document, Entry):
        yield _of_entry(path, document)
    elif not document.is_bare:
        raise UsageError(f"{path}: {document.fault}")
    elif format_problem(path, "out") is None:
        yield Side(None, path, path, reach, path)
    else:
        raise UsageError(f"{path}: is not a report, an audit or a table")


def _check_shape(path: str, kind: str, document: Evidence, needed: Sequence[str] = ()) -> None:
    """Raise UsageError if a document has another shape. ``needed`` are the members it must have, by default all."""
    wrong = [one for one in document.misfits() if one.kind != "value"]
    if needed:
        wrong = [one for one in wrong if one.kind != "missing" or one.place in needed]
    unknown = [one.place for one in wrong if one.kind == "unknown"]
    if len(unknown) == len(wrong) > 0:
        raise UsageError(
            f"{path}: its {kind} holds what this version does not know, {listed(unknown)}; use a newer one"
        )
    if wrong:
        first = next(one for one in wrong if one.kind != "unknown")
        raise UsageError(f"{path}: its {kind} is not valid: {visible(first.place) or 'it'} {first.says}")


def _of_report(path: str, table: Mapping[str, Any], hashes: Mapping[str, str], block: Any, reach: Reach) -> Side:
    identifier, config, beside = table["id"], table["config"], table["audit_json"]
    if beside is None:
        named = table.get("feature_key_column", config.get("feature_key_column"))
        key = several(named) if named is not None else None
        rule = {"config": config}
        options = _options(path, config)
        if os.path.isdir(folder := within(reach, table["out"])):
            side = _of_folder(folder)
            if dict(side.rule["config"]) != config:
                raise UsageError(
                    f"{path}: table {shown(identifier)} was labelled again since, with other options; {KEEP}"
                )
            return replace(side, id=identifier, output=table["out"], reach=reach, evidence=path)
        return Side(identifier, table["out"], table["features"], reach, path, key=key, options=options, rule=rule)
    faults = []
    for place in _places_of_audit(path, beside, block, reach):
        try:
            return _of_audit_in_report(path, table, hashes, place, reach)
        except UsageError as error:
            faults.append(error)
    raise faults[0]


def _places_of_audit(path: str, beside: str, block: Any, reach: Reach) -> Iterator[str]:
    """Yield where an audit of a report may be: where the report says, and as far from the report as it was."""
    yield os.path.join(reach.base_dir, beside)
    if (found := moved(beside, _recorded(block, "report_json"), path)) is not None:
        yield found


def _of_audit_in_report(
    path: str, table: Mapping[str, Any], hashes: Mapping[str, str], place: str, reach: Reach
) -> Side:
    identifier, config, beside = table["id"], table["config"], table["audit_json"]
    _check_reach(reach, place, beside)
    audit = load(place)
    if isinstance(audit, Unknown) and not audit.is_bare:
        raise UsageError(f"{place}: {audit.fault}")
    if not isinstance(audit, Audit):
        raise UsageError(f"{place}: is not an audit, and {path} names it as that of table {shown(identifier)}")
    side = _of_audit(identifier, audit, beside, place, reach)
    summary = {name: audit.members.get(name) for name in table["summary"]}
    inputs = {name: hashes.get(name, sha256) for name, sha256 in side.inputs.items()}
    if (summary, audit.members.get("config", {}), side.inputs) != (table["summary"], config, inputs):
        raise UsageError(
            f"{path}: table {shown(identifier)} was labelled again since: {beside} is of another run; {KEEP}"
        )
    return side


def _recorded(block: Any, name: str) -> str | None:
    """Return the path that a run wrote evidence to, or None if its block does not tell."""
    outputs = block.get("outputs") if isinstance(block, Mapping) else None
    path = outputs.get(name) if isinstance(outputs, Mapping) else None
    return path if isinstance(path, str) and path and "\0" not in path else None


_NEEDED = ("schema", "output", "feature_table", "feature_key_column", "run_provenance")


def _of_audit(identifier: str | None, audit: Audit, path: str, opened: str, reach: Reach) -> Side:
    _check_shape(path, "audit", audit, _NEEDED)
    document = audit.members
    if document["output"] is None:
        raise UsageError(f"{path}: is the audit of a join in memory: there is no table to compare")
    return Side(
        identifier,
        document["output"],
        document["feature_table"],
        reach,
        path,
        opened,
        _recorded(audit.block, "audit_json"),
        audit.key,
        document.get("output_sha256"),
        _options(path, document.get("config", {})),
        {name: document[name] for name in _RULE if name in document},
        dict(recorded_hashes(_inputs(audit.block))),
        _parts_of_audit(path, document) if "parts" in document else None,
    )


def _parts_of_audit(path: str, document: Mapping[str, Any]) -> list[SidePart]:
    """Return the parts in an audit. Raise UsageError if it does not tell all of each."""
    parts = []
    for index, part in enumerate(document["parts"]):
        relative, hashes = part.get("path"), [part.get("features_sha256"), part.get("sha256")]
        if None in (relative, *hashes) or not is_path_of_part(relative):
            raise UsageError(
                f"{path}: its audit is not valid: parts[{index}] must have the path of a Parquet file below its "
                "folder, features_sha256 and sha256"
            )
        parts.append(SidePart(relative, os.path.join(document["feature_table"], relative), *hashes))
    if not parts or len({part.path for part in parts}) != len(parts):
        raise UsageError(f"{path}: its audit is not valid: parts must have each part once, and one at least")
    return parts


def _inputs(block: Mapping[str, Any]) -> Any:
    """Return the records of features and labels in a block. It may be the caller's own, of any shape."""
    inputs = block.get("inputs")
    return [inputs.get("features"), inputs.get("labels")] if isinstance(inputs, Mapping) else None


def _of_entry(path: str, carried: Entry) -> Side:
    _check_shape(path, "evidence", carried)
    if carried.schema_fault:
        raise UsageError(f"{path}: {carried.schema_fault}")
    entry = carried.members
    return Side(
        None,
        path,
        entry["features"]["path"],
        Reach(),
        path,
        key=carried.key,
        options=_options(path, entry["config"]),
        rule={"config": entry["config"], "feature_key_column": entry["feature_key_column"]},
        inputs={record["path"]: record["sha256"] for record in (entry["features"], *entry["labels"])},
    )


_OF_ONE_PART = ("features", "counts", "match_rate")
"""The members of the evidence in a part that are not those of all parts."""


def _of_folder(path: str) -> Side:
    """Return the table whose labelled parts are in a folder. Each has evidence of its own; raise UsageError if not."""
    parts: list[SidePart] = []
    shared: list[dict[str, Any]] = []
    side: Side | None = None
    for file in list_parts([Item("folder", path)], path):
        carried = load(file.path)
        if not isinstance(carried, Entry):
            raise UsageError(f"{file.path}: {carried.fault if isinstance(carried, Unknown) else 'is not a part'}")
        found = _of_entry(file.path, carried)
        side = side or found
        entry = carried.members
        if "is_part" not in entry:
            raise UsageError(f"{file.path}: was labelled as one file, not as a part of a table; name the file itself")
        shared.append({name: value for name, value in entry.items() if name not in _OF_ONE_PART})
        if shared[-1] != shared[0]:
            names = [name for name in shared[0] if shared[-1].get(name) != shared[0][name]]
            raise UsageError(
                f"{file.path}: is of another run than {parts[0].path} beside it: their evidence differs in "
                f"{listed(names)}; compare folders that one run wrote each"
            )
        parts.append(SidePart(file.relative, entry["features"]["path"], entry["features"]["sha256"], None))
    assert side is not None  # A folder without a part is an error.
    labels = {record["path"]: record["sha256"] for record in shared[0]["labels"]}
    return replace(side, output=path, features=path, evidence=path, inputs=labels, parts=parts)


def _options(path: str, config: Mapping[str, Any]) -> Options:
    """Return the options of a table from its evidence. Raise UsageError if they are not options of this version."""
    problems = [f"{name}: {problem}" for name, value in config.items() if (problem := option_problem(name, value))]
    if problems:
        raise UsageError(f"{path}: its options are not those of this version:", problems)
    return Options(**settled(config))


def within(reach: Reach, path: str) -> str:
    """Return the path at which a path of a document opens. Raise UsageError if it must not be opened."""
    opened = os.path.join(reach.base_dir, path)
    _check_reach(reach, opened, path)
    return opened


def _check_reach(reach: Reach, opened: str, path: str) -> None:
    try:
        reach.check(opened)
    except OSError as error:
        raise UsageError(f"{path} {reason(error)}") from error


def key_of_entry(path: str, carried: Entry) -> Sequence[str] | None:
    """Return the key columns that the evidence inside a table names. Raise UsageError if it is not valid."""
    return _of_entry(path, carried).key
