"""A first manifest: tables, the rules that ``suggest`` found for them, and comments with the evidence for each."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import listed, short, shown, visible
from moslabels.evidence.json_schema import schema_text
from moslabels.files.places import Place
from moslabels.files.publish import write_whole
from moslabels.files.reserve import reserved
from moslabels.runs.given_features import GivenFeatures, ids_of, relative_path
from moslabels.spec.formats import split_suffix
from moslabels.spec.manifest import checked, manifest_document
from moslabels.spec.options import FIELDS
from moslabels.spec.paths import path_argument
from moslabels.suggestions.many_parts import out_folder
from moslabels.suggestions.search import suggest
from moslabels.suggestions.text import (
    example_texts,
    left_out_texts,
    nothing_found_text,
    read_texts,
    readable_json,
    rule_text,
    score_text,
)

SCHEMA_FILE = "manifest.schema.json"
_NO_RULE = (
    "No rule was found, so the entry has none: add feature_key_column, label_key_column and, if a part of the value "
    "is the key, feature_key_regex and label_key_regex; moslabels explain shows what they make of a value"
)


@dataclass(frozen=True)
class Proposal:
    """A proposal for one table: its id, the rule with its results or why there is none, and what to confirm."""

    id: str
    is_rule: bool
    lines: tuple[str, ...]
    confirm: tuple[str, ...]


@dataclass(frozen=True)
class Started:
    """A manifest that was written. ``is_schema_other`` is true if a schema of another version beside it was kept.

    ``unused`` are the label files that no table has.
    """

    proposals: tuple[Proposal, ...]
    schema_path: str
    is_schema_other: bool
    unused: tuple[str, ...]


def start_manifest(
    features: Sequence[Any],
    labels: Sequence[str],
    out: str,
    *,
    settings: Settings = DEFAULTS,
    feature_csv: str | Mapping[str, Any] | None = None,
    label_csv: str | Mapping[str, Any] | None = None,
    is_to_add: bool = False,
    progress: Progress = SILENT,
) -> Started:
    """Write a manifest of feature tables, each with all of the label tables, and its schema for editors beside it.

    If ``is_to_add``, add the tables to a manifest that exists, and keep all that it holds. Paths in it are relative to
    its folder. Raise UsageError if ``out`` exists or an argument is wrong. Raise TableError if a table cannot be read.
    In both cases nothing is written.
    """
    for name, path in [("out", out), *(("labels", path) for path in labels)]:
        path_argument(name, path)
    given = list(map(GivenFeatures.of, features))
    folder = os.path.dirname(out)
    schema_path = os.path.join(folder, SCHEMA_FILE)
    ids = ids_of(given, folder)
    _check(given, out, schema_path, is_to_add)
    with held(), reserved([out] if is_to_add else [out, schema_path]) as places, released():
        before = _manifest_to_extend(out, given, ids) if is_to_add else None
        tables, proposals, unused = [], [], list(labels)
        for number, (identifier, one) in enumerate(zip(ids, given, strict=True), start=1):
            progress.table(one.path, number, len(given))
            found = suggest(
                one.value,
                labels,
                settings=settings,
                feature_csv=feature_csv,
                label_csv=label_csv,
                is_one_of_many=len(given) > 1,
                progress=progress,
            )
            unused = [label for label in unused if label in found["left_out"]]
            table = _table(identifier, one, found, folder)
            tables.append(table)
            proposals.append(_proposal(table, found, folder))
        comments = {proposal.id: _comment(proposal) for proposal in proposals}
        make = _new_manifest if before is None else partial(_extended, before)
        text = readable_json(_right(make(tables, comments, out), out)) + "\n"
        if before is not None and manifest_document(out) != before:
            raise UsageError(f"{out}: the manifest was changed meanwhile, and stays as it is; run the command again")
        _check(given, out, schema_path, is_to_add)
        is_schema_other = not is_to_add and _write_schema(places[schema_path], schema_path)
        write_whole(places[out], text)
    return Started(tuple(proposals), schema_path, is_schema_other, tuple(unused))


def _right(document: dict[str, Any], out: str) -> dict[str, Any]:
    checked(out, document, Path(out).parent)
    return document


def _write_schema(place: Place, path: str) -> bool:
    """Write the schema if there is none. Return whether there is one of another version, which stays."""
    wanted = schema_text("manifest")
    if not os.path.lexists(path):
        write_whole(place, wanted)
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read() != wanted


def _new_manifest(tables: list[dict[str, Any]], comments: Mapping[str, Any], out: str) -> dict[str, Any]:
    return {
        "$schema": SCHEMA_FILE,
        "_about": [
            "Names that begin with _ are comments. $schema lets an editor check the rest.",
            "Each rule is a proposal, found in the values alone: look in _rules at what it rests on.",
            f"To try the rules without writing a table: {try_command(out)}",
            "Options stand in defaults, or in a table, which wins; moslabels options tells what each does.",
        ],
        "_rules": comments,
        "defaults": {"min_match_rate": FIELDS["min_match_rate"].default},
        "tables": tables,
    }


def _manifest_to_extend(out: str, features: Sequence[GivenFeatures], ids: Sequence[str]) -> Any:
    """Return the document of a manifest that exists. Raise UsageError if it is wrong, or has a table of these ids."""
    document = manifest_document(out)
    manifest = checked(out, document, Path(out).parent)
    known = {table.id for table in manifest.tables}
    if taken := [(one.value, name) for one, name in zip(features, ids, strict=True) if name in known]:
        raise UsageError(
            f"{out}: the manifest has these tables already, and stays as it is:",
            [
                f"features: {shown(value)} would be table {shown(name)}; if it is another one, rename the file, or add "
                "the entry that moslabels suggest prints, with an id of its own"
                for value, name in taken
            ],
        )
    return document


def _extended(
    before: Mapping[str, Any], tables: Sequence[Mapping[str, Any]], comments: Mapping[str, Any], out: str
) -> dict[str, Any]:
    """Return a manifest with more tables. All that it holds stays, in its order.

    Raise UsageError if its defaults would change a rule that was found without them.
    """
    for table in tables:
        if clashing := [name for name in before.get("defaults", {}) if _is_of_rule(name) and name not in table]:
            raise UsageError(
                f"{out}: the rule of table {shown(table['id'])} was found without the options {listed(clashing)} of "
                "defaults, which would hold for it too; move them from defaults to the tables that need them"
            )
    rules = before.get("_rules", {})
    told = {"_rules": {**rules, **comments}} if isinstance(rules, Mapping) else {}
    return {**before, **told, "tables": [*before["tables"], *tables]}


def _is_of_rule(name: str) -> bool:
    """Return whether an option says how keys and scores are read, which a rule rests on."""
    return "key" in name or name.startswith(("mos_scale", "label_", "feature_"))


def try_command(manifest: str) -> str:
    """Return the command that tries a manifest."""
    return visible(f"moslabels batch {shlex.quote(manifest)} --dry-run")


def _check(features: Sequence[GivenFeatures], out: str, schema_path: str, is_to_add: bool = False) -> None:
    problems = [
        f"features: {shown(one.value)} is given twice" for index, one in enumerate(features) if one in features[:index]
    ]
    if os.path.realpath(out) == os.path.realpath(schema_path):
        problems.append(f"out: {shown(out)} is where the schema is written; write to another file")
    elif not is_to_add and os.path.lexists(out):
        problems.append(
            f"out: {shown(out)} exists already, and stays; write to another file, or add the tables to it with --add"
        )
    if problems:
        raise UsageError("the arguments are wrong:", problems)


def _table(identifier: str, given: GivenFeatures, found: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Return the entry of a table, with the best rule if one was found."""
    path = given.path
    of_paths = {read["path"]: read["options"] for read in found["read"] if read["options"]}
    options: Mapping[str, Any] = of_paths.get(path, {})
    labels: Sequence[Any] = found["labels"]
    of_labels = [of_paths.get(label, {}) for label in labels]
    if all(own == of_labels[0] for own in of_labels):
        options = {**options, **of_labels[0]}
    else:
        labels = [{"path": label, **own} if own else label for label, own in zip(labels, of_labels, strict=True)]
    more: dict[str, Any] = {}
    if found["suggestions"]:
        options, labels, entry = (found["suggestions"][0][name] for name in ("options", "labels", "manifest"))
        more = {name: entry[name] for name in ("examples", "confirm") if name in entry}
    relative, name = relative_path(path, folder), os.path.basename(identifier)
    suffix = "" if given.is_many else split_suffix(relative)[1]
    stem = out_folder(relative, name) if given.is_many else os.path.join(os.path.dirname(relative), f"{name}_mos")
    return {
        "id": identifier,
        "features": given.relative(folder),
        "labels": [
            {**label, "path": relative_path(label["path"], folder)}
            if isinstance(label, Mapping)
            else relative_path(label, folder)
            for label in labels
        ],
        "out": stem + suffix,
        "audit_json": f"{stem}.audit.json",
        **options,
        **more,
    }


def _proposal(table: Mapping[str, Any], found: Mapping[str, Any], folder: str) -> Proposal:
    out = os.path.join(folder, table["out"])
    confirm = [
        f"{short(told['path'])}: {note}" for told in (*found["read"], *found["scores"]) for note in told["confirm"]
    ]
    confirm += [f"out {shown(table['out'])} exists: a run replaces it"] if os.path.lexists(out) else []
    scores = [*left_out_texts(found), *(text for read in found["read"] for text in read_texts(read))]
    scores += [score_text(score) for score in found["scores"]]
    if not found["suggestions"]:
        return Proposal(table["id"], False, (nothing_found_text(found), *scores), tuple(confirm))
    rule = found["suggestions"][0]
    counts = (
        f"match rate {rule['match_rate']:.3f} ({rule['matched_feature_keys']} of {rule['total_feature_keys']} keys), "
        f"rows with a key {rule['key_rate']:.3f}, collisions {rule['key_collisions']} + "
        f"{rule['label_key_collisions']}, conflicts {rule['conflicts']}, {rule['matched_values']}"
    )
    lines = (f"{rule_text(rule)}: {counts}", *(f"such as {text}" for text in example_texts(rule)), *scores)
    return Proposal(table["id"], True, lines, (*rule["confirm"], *confirm))


def _comment(proposal: Proposal) -> list[str]:
    todo = () if proposal.is_rule else (_NO_RULE,)
    return [*proposal.lines, *todo, *(f"confirm: {note}" for note in proposal.confirm)]
