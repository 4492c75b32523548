"""Why keys did not meet: samples of what is left on either side, and what the keys differ by. No match changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.labelling import common_parts
from moslabels.labelling.alike import alike_pattern, has_one_number
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import Match
from moslabels.spec.table import TableSpec

_SHOWN = 3
_DOUBTFUL = ("text after the id", "scientific notation", "unique prefix")

_LOST = "a spreadsheet wrote it so, and its last digits are lost: get that file again, with the ids as text"
_TELL = "write one name in both tables where it is the same clip; no pattern can tell that it is"

_ADVICE = {
    "case": 'set key_case "fold"',
    "folder": 'set key_normalize "basename"',
    "leading zeros": 'set feature_key_regex and label_key_regex to "^0*(.+)$" where no two ids differ by zeros alone',
    "separators": "write the keys with one separator; they are compared exactly",
    "Unicode form": "write the keys in one Unicode form (NFC); they are compared exactly",
    "several of these": "set key_normalize, or patterns that leave the common part on either side",
    "quotes": "take the quotes out of the values, or set feature_key_regex and label_key_regex to "
    + shown("^[^A-Za-z0-9]?(.*?)[^A-Za-z0-9]?$"),
    "invisible characters": "take the characters that cannot be seen (such as U+FEFF) out of the values",
    "the form of characters": "write the keys with plain digits, letters, spaces and hyphens (NFKC); they are compared "
    "exactly",
    "URL codes": "write the names on either side as they are, not as in a URL (%20)",
    "the form of numbers": 'write whole numbers in digits alone (a column with gaps: pandas type "Int64"), or, against '
    'an end of ".0", set feature_key_regex and label_key_regex to "^(.*?)(?:[.]0*)?$"',
    "text after the id": _TELL,
    "scientific notation": _LOST,
    "unique prefix": "set feature_key_regex or label_key_regex to a pattern of the part that both have",
}
_WORDS = {
    "unique prefix": "what follows the shorter one",
    "several of these": "several differences at once (such as case, folder and extension)",
}
"""The differences whose names do not say what they are."""


def diagnose(engine: Engine, spec: TableSpec, labels: Labels, match: Match) -> dict[str, Any]:
    """Return what did not meet, as JSON values: counts, samples with file, row, raw value and key, near misses."""
    paths = [label.path for label in spec.labels]
    near_misses = []
    common: dict[str, Any] | None = None
    if match.unmatched_feature_keys.count:
        likeness = _likeness(engine, match)
        for row in _near_misses(engine, match, likeness):
            told = {name: value for name, value in row.items() if name != "colliding" or value is not None}
            near_misses.append({**told, "advice": _advice(row, stems_are_safe=_stems_are_safe(engine, match, row))})
        if not likeness.none_apart:
            common = common_parts.in_common(engine, labels, match, has_near=bool(near_misses))
    return {
        "input_rows": match.input_rows,
        "rows_without_key": match.rows_without_key,
        "total_feature_keys": match.total_feature_keys,
        "matched_feature_keys": match.matched_feature_keys,
        "labels_loaded": labels.count,
        "unmatched_feature_keys": {
            "count": match.unmatched_feature_keys.count,
            "sample": list(match.unmatched_feature_keys.rows),
        },
        "unused_label_keys": {
            "count": match.unused_label_keys.count,
            "sample": [{**row, "file": paths[row["file"]]} for row in match.unused_label_keys.rows],
        },
        "values_without_key": match.values_without_key,
        "near_misses": near_misses,
        **({"in_common": common} if common is not None else {}),
    }


@dataclass(frozen=True)
class _Likeness:
    """How alike unmatched feature keys are: their ``pattern``, if they are alike, and how alike labels are to them.

    If none is near, labels are like them too, and all are of one length. If they also have one number each, all else of
    them is the same text, so nothing that several keys begin or end with tells the sides apart.
    """

    pattern: str | None = None
    none_near: bool = False
    none_apart: bool = False


def _likeness(engine: Engine, match: Match) -> _Likeness:
    first = match.unmatched_feature_keys.keys[0]
    pattern = alike_pattern(first) if len(match.key.parts) == 1 else None
    if pattern is None:
        return _Likeness()
    unlike = engine.row(render("unmatched/04_unlike_keys", {"pattern": pattern}))
    if unlike["keys"]:
        return _Likeness()
    none_near = not (unlike["labels"] or unlike["lengths_differ"])
    return _Likeness(pattern, none_near, none_near and has_one_number(first))


def _near_misses(engine: Engine, match: Match, likeness: _Likeness) -> list[dict[str, Any]]:
    """Return what unmatched keys differ from labels by, a row each. What counts rule out is not looked for."""
    if likeness.none_near:
        return []
    keys = match.key.parts
    engine.run(render("unmatched/05_near_key"))
    engine.run(render("unmatched/07_near_pairs", {"pattern": likeness.pattern}, keys=keys))
    counts = engine.row(render("unmatched/08_near_counts", keys=keys))
    lengths_differ, has_scientific = counts["lengths_differ"], counts["has_scientific"]
    has_doubtful = lengths_differ or has_scientific
    if not counts["near_pairs"] and not has_doubtful:
        return []
    if has_doubtful:
        engine.run(render("unmatched/09_doubtful_pairs", lengths_differ=lengths_differ, has_scientific=has_scientific))
    engine.run(render("unmatched/10_near_keys", has_doubtful=has_doubtful))
    return engine.rows(render("unmatched/11_near_misses"))


def _stems_are_safe(engine: Engine, match: Match, row: Mapping[str, Any]) -> bool:
    """Return whether stems are what a row of near misses counted: keys without their extensions, and no others."""
    if row["difference"] != "extension" or len(match.key.parts) > 1:
        return True
    sides = {"features": row["feature_extension"] != "", "labels": row["label_extension"] != ""}
    return bool(engine.row(render("unmatched/15_stems", sides))["are_safe"])


def _advice(row: Mapping[str, Any], *, stems_are_safe: bool) -> str:
    if row["colliding"] is not None:
        return f"ignore it only where the keys that would get one label are of one clip{_if_one_clip(row)}"
    if row["difference"] == "an extension given twice":
        extension = min(filter(None, (row["feature_extension"], row["label_extension"])))
        pattern = shown(f"^(.*?)(?:[.]{extension[1:]})*$")
        return f"write the extension once, or set feature_key_regex and label_key_regex to {pattern}"
    if row["difference"] != "extension":
        return _ADVICE[row["difference"]]
    sides = {"feature_key_regex": row["feature_extension"], "label_key_regex": row["label_extension"]}
    patterns = [
        f"{option} {shown(f'^(.*?)(?:[.]{extension[1:]})?$')}" for option, extension in sides.items() if extension
    ]
    ways = ['key_normalize "stem"'] if stems_are_safe or not patterns else []
    return f"set {', or '.join([*ways, *([' and '.join(patterns)] if patterns else [])])}"


def lines(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return the diagnosis as a message says it, a text per finding."""
    unused = diagnosis["unused_label_keys"]
    counts = (
        f"{diagnosis['matched_feature_keys']} of {diagnosis['total_feature_keys']} feature keys have a label; "
        f"{unused['count']} of {diagnosis['labels_loaded']} labels are used by no feature"
    )
    return [counts, *causes(diagnosis), *samples(diagnosis)]


def causes(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return the part of the lines that tells what the keys differ by."""
    unmatched = diagnosis["unmatched_feature_keys"]
    said = []
    for row in diagnosis["near_misses"]:
        what = row["difference"]
        if what == "extension":
            extensions = [row[name] for name in ("feature_extension", "label_extension") if row[name]]
            what = f"the extension {' and '.join(dict.fromkeys(extensions))}"
        what = _WORDS.get(what, what)
        if row["keys"]:
            said.append(
                f"{row['keys']} of {unmatched['count']} unmatched keys differ from a label only by {what}, such as "
                f"{_pair(row['examples'][0])}: {row['advice']}"
            )
        if colliding := row.get("colliding"):
            said.append(
                f"{colliding['count']} of {unmatched['count']} unmatched keys would get a label that another key has "
                f"or would get if {what} were ignored: {' and '.join(map(shown, colliding['keys']))} that of "
                f"{shown(colliding['label_key'])}: that is not a rule unless these are one clip{_if_one_clip(row)}"
            )
        if row["ambiguous"]:
            said.append(f"{row['ambiguous']} of {unmatched['count']} unmatched keys {_ambiguous(row, what)}")
    if "in_common" in diagnosis:
        said += common_parts.lines(diagnosis["in_common"])
    return said


def samples(diagnosis: Mapping[str, Any]) -> list[str]:
    """Return the part of the lines that shows the first keys of either side, and values without a key."""
    said = _samples("feature keys without a label", diagnosis["unmatched_feature_keys"])
    said += _samples("labels that no feature uses", diagnosis["unused_label_keys"])
    without = diagnosis["values_without_key"]
    if without:
        said.append(f"values that yield no key: {', '.join(_place(row) for row in without[:_SHOWN])}")
    return said


def _if_one_clip(row: Mapping[str, Any]) -> str:
    """Return what to do if keys are of one clip, where it is usual that several are, as those of frames."""
    return f"; then {_ADVICE[row['difference']]}" if row["difference"] == "unique prefix" else ""


def _ambiguous(row: Mapping[str, Any], what: str) -> str:
    example = "" if row["keys"] else f", such as {_pair(row['examples'][0])}"
    likeness = f"are like a label but for {what}{example}: each of these would meet several labels"
    if row["difference"] not in _DOUBTFUL:
        return f"{likeness}, so it is not a rule"
    advice = row["advice"] if row["difference"] != "unique prefix" else "give the others labels of their own"
    return f"{likeness}, or one that may be another key's, so it is not a rule; {advice}"


def _pair(example: Mapping[str, Any]) -> str:
    return f"{shown(example['key'])} in the features and {shown(example['label_key'])} in the labels"


def _samples(what: str, sample: Mapping[str, Any]) -> list[str]:
    rows: Sequence[Mapping[str, Any]] = sample["sample"][:_SHOWN]
    if not rows:
        return []
    more = f" and {sample['count'] - len(rows)} more" if sample["count"] > len(rows) else ""
    places = [f"{shown(row['key'])} ({_place(row)})" for row in rows]
    return [f"{what}: {', '.join(places)}{more}"]


def _place(row: Mapping[str, Any]) -> str:
    return f"{shown(row['raw_value'])} in {row['file']} row {row['row']}"
