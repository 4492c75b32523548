"""The options for how CSV is written: the check of a dialect, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moslabels.base.text import nearest, shown
from moslabels.spec.kinds import NAME, Kind, choice_problem, flag_problem, list_of, one_of, text_problem

ENCODINGS = ("utf-8", "utf-16", "latin-1")
WHITESPACE = "whitespace"
"""The delimiter that is a run of blanks and tabs."""


def merges(options: Mapping[str, Any]) -> bool:
    """Return whether a run of delimiters counts as one, by a valid value of ``feature_csv`` or ``label_csv``."""
    return options.get("delimiter") == WHITESPACE or options.get("merge_delimiters", False)


def _dialect(value: Any) -> str | None:
    if isinstance(value, str):
        return _delimiter(value)
    if not isinstance(value, Mapping):
        return f'must be an object, or a delimiter such as ";", not {shown(value)}'
    problems = []
    for name, item in value.items():
        if name not in _DIALECT:
            known = nearest(name, _DIALECT) or f"; there are {', '.join(_DIALECT)}"
            problems.append(f"has no member {shown(name)}{known}")
        elif problem := _DIALECT[name](item):
            problems.append(f'"{name}" {problem}')
    if "column_names" in value and value.get("header", False) is not False:
        problems.append('"column_names" are those of a file without a header; leave out "header"')
    if value.get("delimiter") == WHITESPACE and value.get("merge_delimiters") is False:
        problems.append(f'"merge_delimiters" cannot be false with the delimiter "{WHITESPACE}"')
    if "sheet" in value and len(value) > 1:
        problems.append('"sheet" names one of an Excel workbook, which has none of the others; leave one of them out')
    return "; ".join(problems) or None


def _long_dialect(value: Any) -> Any:
    return {"delimiter": value} if isinstance(value, str) else value


def _column_names(value: Any) -> str | None:
    if not isinstance(value, list | tuple) or not value or any(text_problem(item) for item in value):
        return f"must be a list of the names of all columns, in their order, not {shown(value)}"
    twice = [name for index, name in enumerate(value) if name in value[:index]]
    return f"must not name {shown(twice[0])} twice" if twice else None


def _delimiter(value: Any) -> str | None:
    if value == WHITESPACE:
        return None
    if not isinstance(value, str) or not 1 <= len(value.encode("utf-8", "replace")) <= 4:
        return f"must be a text of 1 to 4 bytes, or {WHITESPACE}, not {shown(value)}"
    if set(value) & set('"\r\n\0'):
        return f"must hold no quote, line break or NUL, not {shown(value)}"
    return None


_DIALECT: Mapping[str, Callable[[Any], str | None]] = {
    "header": flag_problem,
    "column_names": _column_names,
    "delimiter": _delimiter,
    "merge_delimiters": flag_problem,
    "decimal": choice_problem(".", ","),
    "encoding": choice_problem(*ENCODINGS),
    "sheet": text_problem,
}

DIALECT_HELP = (
    'a delimiter such as ";" or "whitespace", or any of {"header": true, "delimiter": ",", "merge_delimiters": false, '
    '"decimal": ".", "encoding": "utf-8"}, and of a file without a header "column_names": ["a", "b"]; '
    'of an Excel workbook, {"sheet": "MOS"}'
)
_DELIMITER = {
    "anyOf": [
        one_of(WHITESPACE),
        {"type": "string", "minLength": 1, "maxLength": 4, "pattern": '^[^"\r\n\0]+$'},
    ]
}
DIALECT = Kind(
    _dialect,
    "DELIMITER|JSON",
    {
        "anyOf": [
            _DELIMITER,
            {
                "type": "object",
                "properties": {
                    "header": {"type": "boolean"},
                    "sheet": NAME,
                    "column_names": list_of(NAME, minItems=1, uniqueItems=True),
                    "delimiter": _DELIMITER,
                    "merge_delimiters": {"type": "boolean"},
                    "decimal": one_of(".", ","),
                    "encoding": one_of(*ENCODINGS),
                },
                "additionalProperties": False,
            },
        ]
    },
    is_json=True,
    settled=_long_dialect,
)
