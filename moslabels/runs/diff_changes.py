"""What changed in the rule and in the inputs of a table: as JSON values, and in words, down to each member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from moslabels.base.text import shown, shown_apart
from moslabels.runs.checked import NOTHING
from moslabels.runs.diff_sides import Side


def rule_changes(old: Side, new: Side) -> list[dict[str, Any]]:
    """Return the members of the rule that changed. A label file with the same bytes may have another path."""
    rules = [dict(side.rule) for side in (old, new)]
    if all("label_files" in rule for rule in rules):
        files = [[dict(file) for file in rule["label_files"]] for rule in rules]
        for of_old, of_new in zip(*files, strict=False):
            sha256 = old.inputs.get(of_old.get("path", ""))
            if sha256 is not None and sha256 == new.inputs.get(of_new.get("path", "")):
                for name in ("path", "source"):
                    of_old.pop(name, None)
                    of_new.pop(name, None)
        for rule, found in zip(rules, files, strict=True):
            rule["label_files"] = found
    return _changes(*rules)


def input_changes(old: Side, new: Side) -> list[dict[str, Any]]:
    """Return the inputs whose bytes changed, by path. One with the same bytes at another path did not change."""
    moved = {*old.inputs.values()} & {*new.inputs.values()}
    apart = [
        {path: sha256 for path, sha256 in side.inputs.items() if path in other.inputs or sha256 not in moved}
        for side, other in ((old, new), (new, old))
    ]
    return _changes(*apart)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"what": name, "old": old.get(name), "new": new.get(name)}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def change_lines(kind: str, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each value that changed, with its place in its member of the rule or the inputs."""
    return [
        f"{kind} {place}: {_told(old, new)}"
        for one in changes
        for place, old, new in _inside(one["what"], *(_value(one[side]) for side in ("old", "new")))
    ]


def _inside(place: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the place, the old and the new of each value that differs inside of a value."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            yield from _inside(f"{place}.{name}", old.get(name, NOTHING), new.get(name, NOTHING))
    elif _holds_objects(old) and _holds_objects(new):
        for index, pair in enumerate(zip_longest(old, new, fillvalue=NOTHING)):
            yield from _inside(f"{place}[{index}]", *pair)
    elif old != new:
        yield place, old, new


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def _value(value: Any) -> Any:
    return NOTHING if value is None else value


def _told(old: Any, new: Any) -> str:
    if old is NOTHING or new is NOTHING:
        return " -> ".join("absent" if value is NOTHING else shown(value) for value in (old, new))
    return " -> ".join(shown_apart(old, new))
