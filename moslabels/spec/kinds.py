"""Kinds of option values: the check of a value, and the same rules as JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from moslabels.base.text import nearest, shown
from moslabels.spec.names import EXTRA_TYPES, LABEL_COLUMNS, SOURCE_COLUMN
from moslabels.spec.templates import template_problem

_NORMALIZE = ("auto", "raw", "basename", "stem")
_SCALES = ("auto", "1-5", "0-100", "per-value")
_BOUND = "(?:0|[1-9][0-9]{0,14})(?:[.][0-9]{1,15})?"  # digits that a float holds
_SHORT_SCALE = re.compile(f"({_BOUND})-({_BOUND})")


@dataclass(frozen=True)
class Kind:
    """A kind of option value: what JSON may hold for it, and what its flag shows as placeholder.

    ``problem`` returns what is wrong with a value, or None. ``schema`` is the same rule as JSON Schema, as far as
    possible. If it ``is_json``, the flag takes JSON text. If it ``is_repeated``, the flag may be given again, for a
    list. ``settled`` returns the long form of a valid value that was written in short form.
    """

    problem: Callable[[Any], str | None]
    placeholder: str
    schema: Mapping[str, Any]
    is_json: bool = False
    is_repeated: bool = False
    settled: Callable[[Any], Any] = lambda value: value


def text_problem(value: Any) -> str | None:
    return None if isinstance(value, str) and value else f"must be a non-empty text, not {shown(value)}"


def _columns(value: Any) -> str | None:
    if isinstance(value, str):
        return text_problem(value)
    if not isinstance(value, list | tuple) or not value or any(text_problem(item) for item in value):
        return f"must be the name of a column, or a non-empty list of them, not {shown(value)}"
    return None


def _regexes(value: Any) -> str | None:
    if isinstance(value, str):
        return text_problem(value)
    if (
        not isinstance(value, list | tuple)
        or not value
        or any(item is not None and text_problem(item) for item in value)
    ):
        return f"must be a pattern, or a list with a pattern or null for each key column, not {shown(value)}"
    return None


def flag_problem(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, not {shown(value)}"


def _number(low: float, high: float, says: str) -> Callable[[Any], str | None]:
    def problem(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return f"must be {says}, not {shown(value)}"
        return None

    return problem


def choice_problem(*choices: str) -> Callable[[Any], str | None]:
    def problem(value: Any) -> str | None:
        if value in choices and isinstance(value, str):
            return None
        return f"must be one of {', '.join(choices)}, not {shown(value)}{nearest(value, choices)}"

    return problem


_extra_type = choice_problem(*EXTRA_TYPES)


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _scale(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        if not isinstance(value, str) or (value not in _SCALES and not _SHORT_SCALE.fullmatch(value)):
            return (
                f'must be one of {", ".join(_SCALES)}, another scale as worst-best such as "100-0", or '
                f'{{"worst": …, "best": …}}, which a bound below 0 needs; not {shown(value)}'
            )
        if value in _SCALES:
            return None
        value = _long_scale(value)
    if set(value) != {"worst", "best"} or not all(map(_is_finite, value.values())):
        return f'must hold the numbers "worst" and "best" and nothing else, not {shown(value)}'
    if value["worst"] == value["best"]:
        return f"must have a worst that differs from its best, not {shown(value)}"
    return None


def _long_scale(value: Any) -> Any:
    short = None if value in _SCALES or not isinstance(value, str) else _SHORT_SCALE.fullmatch(value)
    return value if short is None else {"worst": _plain_number(short[1]), "best": _plain_number(short[2])}


def _plain_number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _constants(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f'must be an object of columns and texts, such as {{"corpus": "konvid"}}, not {shown(value)}'
    for name, text in value.items():
        if text_problem(name) or not isinstance(text, str) or not text.strip():
            return f"must hold a text for each column, not {shown(text)} for {shown(name)}"
    return None


def _examples(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        says = 'must be an object of values and their keys, such as {"x_960.mp4": "x", "y.mp4": null}'
        return f"{says}, not {shown(value)}"
    for of_value, key in value.items():
        if not isinstance(of_value, str):
            return f"must hold values as texts, not {shown(of_value)}"
        parts = key if isinstance(key, list | tuple) and len(key) > 1 else [key]
        if key is not None and any(text_problem(part) for part in parts):
            says = "a key as a non-empty text, as a list of these for a key of several columns, or null for none"
            return f"must hold {says}, not {shown(key)} for {shown(of_value)}"
    return None


def _examples_of_tuples(value: Any) -> Any:
    return {of_value: tuple(key) if isinstance(key, list) else key for of_value, key in value.items()}


def _texts(value: Any) -> str | None:
    if isinstance(value, str) and value:
        return None
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return None
    return f'must be a list of texts, or one text such as "NA", not {shown(value)}'


def _text_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _notes(value: Any) -> str | None:
    if isinstance(value, list | tuple) and all(isinstance(item, str) and item.strip() for item in value):
        return None
    return f'must be a list of non-empty texts, such as ["the scale is 0-100"], not {shown(value)}'


def _extras(value: Any) -> str | None:
    if not isinstance(value, Mapping | list | tuple):
        return f'must be a list of columns or an object {{"label column": "output column"}}, not {shown(value)}'
    taken: set[str] = set()
    for column, chosen in value.items() if isinstance(value, Mapping) else ((item, item) for item in value):
        if isinstance(value, Mapping) and isinstance(chosen, Mapping):
            if not chosen or not set(chosen) <= {"as", "type", "missing_values"}:
                known = '"as", "type" or "missing_values", and nothing else'
                return f"must hold for {shown(column)} {known}, not {shown(chosen)}"
            if problem := _extra_type(chosen.get("type", EXTRA_TYPES[0])):
                return f'"type" of {shown(column)} {problem}'
            if problem := _texts(chosen.get("missing_values", [])):
                return f'"missing_values" of {shown(column)} {problem}'
            chosen = chosen.get("as", column)
        for name in (column, chosen):
            if text_problem(name):
                return f"must hold non-empty texts, not {shown(name)}"
        if chosen.lower() in (*LABEL_COLUMNS, SOURCE_COLUMN):
            return f"must not write the column {shown(chosen)}, which is a label column already"
        if chosen.lower() in taken:
            return f"must not write two columns named {shown(chosen)}"
        taken.add(chosen.lower())
    return None


NAME = {"type": "string", "minLength": 1}


def list_of(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def one_of(*choices: str) -> dict[str, Any]:
    return {"enum": list(choices)}


COLUMN = Kind(text_problem, "COLUMN", NAME)
COLUMNS = Kind(_columns, "COLUMN", {"anyOf": [NAME, list_of(NAME, minItems=1)]}, is_repeated=True)
REGEX = Kind(
    _regexes,
    "RE2",
    {"anyOf": [{"type": "string"}, list_of({"anyOf": [NAME, {"type": "null"}]}, minItems=1)]},
    is_repeated=True,
)
FLAG = Kind(flag_problem, "", {"type": "boolean"})
RATE = Kind(_number(0, 1, "a number from 0 to 1"), "0..1", {"type": "number", "minimum": 0, "maximum": 1})
TOLERANCE = Kind(
    _number(0, 4, "a number from 0 to 4 (on the 1-5 scale)"), "MOS", {"type": "number", "minimum": 0, "maximum": 4}
)
NORMALIZE = Kind(choice_problem(*_NORMALIZE), "|".join(_NORMALIZE), one_of(*_NORMALIZE))
TEMPLATE = Kind(template_problem, "TEMPLATE", {"type": "string", "pattern": r"^[^{}]*(\{[0-9]{1,4}\}[^{}]*)+$"})
CONSTANTS = Kind(
    _constants, "JSON", {"type": "object", "additionalProperties": {"type": "string", "pattern": r"\S"}}, is_json=True
)
EXAMPLES = Kind(
    _examples,
    "JSON",
    {
        "type": "object",
        "additionalProperties": {"anyOf": [NAME, list_of(NAME, minItems=2), {"type": "null"}]},
    },
    is_json=True,
    settled=_examples_of_tuples,
)
KEY_CASE = Kind(choice_problem("exact", "fold"), "exact|fold", one_of("exact", "fold"))
OUT_OF_RANGE = Kind(choice_problem("error", "clip"), "error|clip", one_of("error", "clip"))
MISSING = Kind(choice_problem("error", "skip"), "error|skip", one_of("error", "skip"))
SCALE = Kind(
    _scale,
    "SCALE",
    {
        "anyOf": [
            one_of(*_SCALES),
            {"type": "string", "pattern": f"^{_SHORT_SCALE.pattern}$"},
            {
                "type": "object",
                "properties": {"worst": {"type": "number"}, "best": {"type": "number"}},
                "required": ["worst", "best"],
                "additionalProperties": False,
            },
        ]
    },
    is_json=True,
    settled=_long_scale,
)
TEXTS = Kind(_texts, "TEXT|JSON", {"anyOf": [NAME, list_of({"type": "string"})]}, is_json=True, settled=_text_list)
NOTES = Kind(_notes, "JSON", list_of({"type": "string", "pattern": r"\S"}), is_json=True)
EXTRAS = Kind(
    _extras,
    "JSON",
    {
        "anyOf": [
            list_of(NAME, uniqueItems=True),
            {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        NAME,
                        {
                            "type": "object",
                            "properties": {
                                "as": NAME,
                                "type": one_of(*EXTRA_TYPES),
                                "missing_values": {"anyOf": [NAME, list_of({"type": "string"})]},
                            },
                            "additionalProperties": False,
                            "minProperties": 1,
                        },
                    ]
                },
            },
        ]
    },
    is_json=True,
)
