"""Examples of values and the keys that they must give: the check of a rule before any row is joined by it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import short, shown, shown_apart
from moslabels.engine.connection import Engine
from moslabels.labelling.key_values import KeyValues, NotHeldError
from moslabels.labelling.match import Features
from moslabels.spec.key_rules import value_parts


@dataclass(frozen=True)
class Given:
    """What a value gives: its key, None for none, as an example has it; or why it gives no key that could be told."""

    key: str | list[str] | None
    problem: str | None = None


def keys_given(engine: Engine, features: Features, values: Sequence[str]) -> list[Given]:
    """Return what each of some values gives by the rule of the features, as ``explain`` shows it."""
    known = KeyValues(engine, features)
    return [_given(known, features, value) for value in values]


def _given(known: KeyValues, features: Features, value: str) -> Given:
    key = features.key
    parts = value_parts(value, key.columns)
    assert parts is not None  # The options were checked.
    try:
        ways = known.forms(parts)
    except NotHeldError as error:
        column = error.cell.column
        return Given(None, f"column {shown(column.name)} cannot hold {shown(error.value)}: it is {column.type}")
    found: dict[str | None, Sequence[str]] = {}
    for forms in ways:
        steps = known.steps(forms)
        if fault := next((step["fault"] for step in steps if step["fault"]), None):
            return Given(None, f"it cannot be a key: {short(fault)}")
        found.setdefault(steps[0]["key"], [form.type for form in forms])
    if len(found) > 1:
        told = " and ".join(f"{_shown(one)} as {', '.join(kinds)}" for one, kinds in found.items())
        return Given(None, f"it gives {told}, and the features hold both: take another example")
    (only,) = found
    return Given(json.loads(only) if only is not None and len(key.parts) > 1 else only)


def check_examples(engine: Engine, features: Features, examples: Mapping[str, str | Sequence[str] | None]) -> None:
    """Raise TableError if values do not give the keys that they must give. It tells all of them."""
    if not examples:
        return
    wanted = {value: list(key) if isinstance(key, tuple) else key for value, key in examples.items()}
    given = dict(zip(wanted, keys_given(engine, features, list(wanted)), strict=True))
    wrong = {value: one for value, one in given.items() if one.problem is not None or one.key != wanted[value]}
    if not wrong:
        return
    told = [f"{shown(value)}: {_told(one, wanted[value])}" for value, one in wrong.items()]
    source, key = features.source, features.key
    raise TableError(
        f"{source.path}: {len(wrong)} of {len(wanted)} examples do not give the key that they must give: "
        f"{'; '.join(told)}; the rule is {key.shown_rule}: change it, or the example if the rule is right (moslabels "
        "explain shows the steps of a value)",
        code="bad-example",
        file=source.path,
        column=key.columns[0],
        found=[
            {"value": value, "key": one.key, "wanted": wanted[value], "problem": one.problem}
            for value, one in wrong.items()
        ],
    )


def _told(given: Given, wanted: Any) -> str:
    if given.problem is not None:
        return given.problem
    if given.key is None or wanted is None:
        return f"it gives {_shown(given.key)}, and must give {_shown(wanted)}"
    found, must = shown_apart(given.key, wanted)
    return f"it gives the key {found}, and must give {must}"


def _shown(key: Any) -> str:
    return "no key" if key is None else f"the key {shown(key)}"
