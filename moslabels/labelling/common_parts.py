"""What unmatched keys have in common with each other and not with the other side: what all begin or end with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import Match

_LEAST = 3
_EXTENSION = re.compile(r"[.][A-Za-z][A-Za-z0-9]{0,4}")
_SAID = {"feature": ("unmatched keys", "no label does"), "label": ("unused labels", "no feature key does")}


def in_common(engine: Engine, labels: Labels, match: Match, has_near: bool) -> dict[str, Any] | None:
    """Return what keys that no near miss explains begin or end with, as JSON values; None if it is nothing.

    A key of several columns has no beginning or end of its own, and fewer than three keys of a side say nothing. With
    ``has_near`` the engine has the table of near misses.
    """
    sides = {"feature": match.unmatched_feature_keys.count, "label": match.unused_label_keys.count}
    sides = {side: count for side, count in sides.items() if count >= _LEAST}
    if len(match.key.columns) > 1 or not sides:
        return None
    engine.run(render("unmatched/06_key_parts"))
    likely = engine.rows(render("unmatched/12_likely_parts", sides=list(sides), has_near=has_near))
    # To count all keys takes long where there are millions, and most often their parts are those of the other side too.
    if all(row["is_shared"] for row in likely):
        return None
    values = {f"{name}s": [row[name] for row in likely] for name in ("side", "place", "part", "kind", "total")}
    parts = engine.rows(render("unmatched/13_common_parts", values, sides=list(sides), has_near=has_near))
    if not parts:
        return None
    patterns = _patterns(parts) if _may_be_left_out(parts, labels, match) else {}
    would_meet = 0
    if patterns:
        regexes = {f"{side}_regex": patterns.get(side) for side in _SAID}
        found = engine.row(render("unmatched/14_without_common_parts", regexes))
        would_meet = 0 if found["colliding"] else found["keys"]
    options = {f"{side}_key_regex": pattern for side, pattern in patterns.items()} if would_meet else {}
    return {"parts": parts, "would_meet": would_meet, "options": options}


def _may_be_left_out(parts: Sequence[Mapping[str, Any]], labels: Labels, match: Match) -> bool:
    """Return whether a pattern may leave parts out: there is none yet, and no part stands for that of the other side.

    ``train_1`` and ``test_1`` are two clips; ``1.mp4`` and ``1_raw`` may be one.
    """
    if any(regex for key in (match.key, *(file.key for file in labels.files)) for regex in key.regexes):
        return False
    places: dict[str, list[str]] = {}
    for row in parts:
        places.setdefault(row["place"], []).append(row["part"])
    return all(len(texts) == 1 or any(map(_EXTENSION.fullmatch, texts)) for texts in places.values())


def _patterns(parts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return a pattern for each side that has parts: it leaves them out where they are."""
    ends = {(row["side"], row["place"]): f"(?:{_literal(row['part'])})?" for row in parts}
    return {
        side: f"^{ends.get((side, 'begin'), '')}(.*?){ends.get((side, 'end'), '')}$"
        for side in _SAID
        if any(of == side for of, _ in ends)
    }


def _literal(text: str) -> str:
    """Return a pattern of a text, without a backslash where there is another way: JSON doubles it."""
    return re.sub(r"[][\\^.*+?(){}|$]", lambda found: f"\\{found[0]}" if found[0] in "[]\\^" else f"[{found[0]}]", text)


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return what keys have in common as a message says it, a text per finding."""
    said = []
    for row in found["parts"]:
        keys, others = _SAID["label" if row["side"] == "label" else "feature"]
        said.append(f"{row['keys']} of {row['total']} {keys} {row['place']} with {shown(row['part'])}, and {others}")
    if found["would_meet"]:
        options = " and ".join(f"{name} {shown(pattern)}" for name, pattern in found["options"].items())
        said.append(
            f"without that, {found['would_meet']} unmatched keys would meet a label each: where these are the same "
            f"clips, set {options}"
        )
    return said
