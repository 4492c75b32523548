"""Comparison of a JSON value with a JSON Schema: where it does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from moslabels.base.text import shown

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Misfit(NamedTuple):
    """A place at which a JSON value does not fit a schema, and the kind of the misfit.

    The kind is ``missing`` or ``unknown`` (a member), ``type`` (a value of another type) or ``value`` (a value of the
    right type that the schema does not allow).
    """

    place: str
    kind: str
    says: str


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a JSON value fits a schema and has no members that the schema does not know."""
    return not any(misfits(value, schema))


def misfits(value: Any, schema: Mapping[str, Any], place: str = "") -> Iterator[Misfit]:
    """Yield where a JSON value does not fit a schema. Conditions (``if``, ``allOf``) and patterns are not checked."""
    if "anyOf" in schema:
        tried = [list(misfits(value, one, place)) for one in schema["anyOf"]]
        yield from min(tried, key=lambda found: _distance(found, place))
        return
    choices = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else None
    if choices is not None:
        if type(value) not in {type(choice) for choice in choices}:
            yield Misfit(place, "type", f"is {shown(value)}, not one of {', '.join(map(shown, choices))}")
        elif value not in choices:
            yield Misfit(place, "value", f"is {shown(value)}, not one of {', '.join(map(shown, choices))}")
        return
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield Misfit(place, "type", f"is {shown(value)}, which is not of the type {kind}")
    elif kind == "object":
        yield from _misfits_of_members(value, schema, place)
    elif kind == "array":
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield Misfit(place, "value", f"has {len(value)} items")
        for index, item in enumerate(value):
            yield from misfits(item, schema.get("items", {}), f"{place}[{index}]")
    elif kind in ("integer", "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield Misfit(place, "value", f"is {shown(value)}, which is out of its range")
    elif kind == "string" and len(value) < schema.get("minLength", 0):
        yield Misfit(place, "value", "is empty")


def _misfits_of_members(value: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[Misfit]:
    def inner(name: str) -> str:
        return f"{place}.{name}" if place else name

    members, others = schema.get("properties"), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield Misfit(inner(name), "missing", "is missing")
    for name, item in value.items():
        if members is not None and name in members:
            yield from misfits(item, members[name], inner(name))
        elif isinstance(others, Mapping):
            yield from misfits(item, others, inner(name))
        elif members is not None:
            yield Misfit(inner(name), "unknown", "is unknown")


def _distance(found: Sequence[Misfit], place: str) -> tuple[bool, int, int]:
    """Return how far a value is from one of several schemas. It is farthest if the type is another one."""
    is_other = any(one.kind == "type" and one.place == place for one in found)
    return is_other, sum(one.kind == "type" for one in found), len(found)
