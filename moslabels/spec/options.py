"""The options of a table, defined once.

The manifest, the command's flags, the keywords of :func:`moslabels.materialize` and their documentation
all derive from the fields of :class:`Options`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from moslabels.base.text import counted, nearest, shown

LABEL_COLUMNS = ("mos", "mos_raw_0_100")
SOURCE_COLUMN = "mos_label_source"
DEFAULT_EXTRAS: Mapping[str, tuple[str, ...]] = {
    "corpus": ("corpus",),
    "corpus_version": ("corpus_version",),
    "mos_n_ratings": ("mos_n_ratings", "n_ratings", "rating_count"),
    "mos_std_dev": ("mos_std_dev", "stddev", "std_dev"),
    "split": ("split",),
}
"""Output column -> the label columns that may feed it, in order of preference."""
EXTRA_TYPES = ("BIGINT", "BOOLEAN", "DOUBLE", "VARCHAR")
_DEFAULT_TYPES = {**dict.fromkeys(DEFAULT_EXTRAS, "VARCHAR"), "mos_n_ratings": "BIGINT", "mos_std_dev": "DOUBLE"}

ENCODINGS = ("utf-8", "utf-16", "latin-1")
_NORMALIZE = ("auto", "raw", "basename", "stem")
_SCALES = ("auto", "1-5", "0-100", "per-value")


@dataclass(frozen=True)
class Kind:
    """A kind of option value: what JSON may hold for it, and what its flag shows as placeholder.

    ``problem`` returns what is wrong with a value, or None; ``schema`` says the same as JSON Schema, as far as it can.
    The flag takes JSON text where it ``is_json``; where it ``is_repeated`` it may be given again, for a list.
    """

    problem: Callable[[Any], str | None]
    placeholder: str
    schema: Mapping[str, Any]
    is_json: bool = False
    is_repeated: bool = False


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value else f"must be a non-empty text, not {shown(value)}"


def _columns(value: Any) -> str | None:
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list | tuple) or not value or any(_text(item) for item in value):
        return f"must be the name of a column, or a non-empty list of them, not {shown(value)}"
    twice = [name for index, name in enumerate(value) if name in value[:index]]
    return f"must not name {shown(twice[0])} twice" if twice else None


def _regexes(value: Any) -> str | None:
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list | tuple) or not value or any(item is not None and _text(item) for item in value):
        return f"must be a pattern, or a list with a pattern or null for each key column, not {shown(value)}"
    return None


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, not {shown(value)}"


def _number(low: float, high: float, says: str) -> Callable[[Any], str | None]:
    def problem(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return f"must be {says}, not {shown(value)}"
        return None

    return problem


def _choice(*choices: str) -> Callable[[Any], str | None]:
    def problem(value: Any) -> str | None:
        if value in choices and isinstance(value, str):
            return None
        return f"must be one of {', '.join(choices)}, not {shown(value)}{nearest(value, choices)}"

    return problem


_extra_type = _choice(*EXTRA_TYPES)


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _scale(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        if isinstance(value, str) and value in _SCALES:
            return None
        return f'must be one of {", ".join(_SCALES)} or {{"worst": …, "best": …}}, not {shown(value)}'
    if set(value) != {"worst", "best"} or not all(map(_is_finite, value.values())):
        return f'must hold the numbers "worst" and "best" and nothing else, not {shown(value)}'
    if value["worst"] == value["best"]:
        return f"must have a worst that differs from its best, not {shown(value)}"
    return None


def _texts(value: Any) -> str | None:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return None
    return f'must be a list of texts, such as ["NA"], not {shown(value)}'


def _extras(value: Any) -> str | None:
    if not isinstance(value, Mapping | list | tuple):
        return f'must be a list of columns or an object {{"label column": "output column"}}, not {shown(value)}'
    taken: set[str] = set()
    for column, chosen in value.items() if isinstance(value, Mapping) else ((item, item) for item in value):
        if isinstance(value, Mapping) and isinstance(chosen, Mapping):
            if not chosen or not set(chosen) <= {"as", "type"}:
                return f'must hold for {shown(column)} an "as", a "type" or both, and nothing else, not {shown(chosen)}'
            if problem := _extra_type(chosen.get("type", EXTRA_TYPES[0])):
                return f'"type" of {shown(column)} {problem}'
            chosen = chosen.get("as", column)
        for name in (column, chosen):
            if _text(name):
                return f"must hold non-empty texts, not {shown(name)}"
        if chosen.lower() in (*LABEL_COLUMNS, SOURCE_COLUMN):
            return f"must not write the column {shown(chosen)}, which is a label column already"
        if chosen.lower() in taken:
            return f"must not write two columns named {shown(chosen)}"
        taken.add(chosen.lower())
    return None


def _dialect(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"must be an object, not {shown(value)}"
    problems = []
    for name, item in value.items():
        if name not in _DIALECT:
            known = nearest(name, _DIALECT) or f"; there are {', '.join(_DIALECT)}"
            problems.append(f"has no member {shown(name)}{known}")
        elif problem := _DIALECT[name](item):
            problems.append(f'"{name}" {problem}')
    return "; ".join(problems) or None


def _delimiter(value: Any) -> str | None:
    if not isinstance(value, str) or not 1 <= len(value.encode("utf-8", "replace")) <= 4:
        return f"must be a text of 1 to 4 bytes, not {shown(value)}"
    if set(value) & set('"\r\n\0'):
        return f"must hold no quote, line break or NUL, not {shown(value)}"
    return None


_DIALECT: Mapping[str, Callable[[Any], str | None]] = {
    "header": _flag,
    "delimiter": _delimiter,
    "encoding": _choice(*ENCODINGS),
}

_NAME = {"type": "string", "minLength": 1}


def _list(items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def _one_of(*choices: str) -> dict[str, Any]:
    return {"enum": list(choices)}


COLUMN = Kind(_text, "COLUMN", _NAME)
COLUMNS = Kind(_columns, "COLUMN", {"anyOf": [_NAME, _list(_NAME, minItems=1, uniqueItems=True)]}, is_repeated=True)
REGEX = Kind(
    _regexes,
    "RE2",
    {"anyOf": [{"type": "string"}, _list({"anyOf": [_NAME, {"type": "null"}]}, minItems=1)]},
    is_repeated=True,
)
FLAG = Kind(_flag, "", {"type": "boolean"})
RATE = Kind(_number(0, 1, "a number from 0 to 1"), "0..1", {"type": "number", "minimum": 0, "maximum": 1})
TOLERANCE = Kind(
    _number(0, 4, "a number from 0 to 4 (on the 1-5 scale)"), "MOS", {"type": "number", "minimum": 0, "maximum": 4}
)
NORMALIZE = Kind(_choice(*_NORMALIZE), "|".join(_NORMALIZE), _one_of(*_NORMALIZE))
OUT_OF_RANGE = Kind(_choice("error", "clip"), "error|clip", _one_of("error", "clip"))
MISSING = Kind(_choice("error", "skip"), "error|skip", _one_of("error", "skip"))
SCALE = Kind(
    _scale,
    "SCALE",
    {
        "anyOf": [
            _one_of(*_SCALES),
            {
                "type": "object",
                "properties": {"worst": {"type": "number"}, "best": {"type": "number"}},
                "required": ["worst", "best"],
                "additionalProperties": False,
            },
        ]
    },
    is_json=True,
)
TEXTS = Kind(_texts, "JSON", _list({"type": "string"}), is_json=True)
EXTRAS = Kind(
    _extras,
    "JSON",
    {
        "anyOf": [
            _list(_NAME, uniqueItems=True),
            {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        _NAME,
                        {
                            "type": "object",
                            "properties": {"as": _NAME, "type": _one_of(*EXTRA_TYPES)},
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
DIALECT = Kind(
    _dialect,
    "JSON",
    {
        "type": "object",
        "properties": {
            "header": {"type": "boolean"},
            "delimiter": {"type": "string", "minLength": 1, "maxLength": 4, "pattern": '^[^"\r\n\0]+$'},
            "encoding": _one_of(*ENCODINGS),
        },
        "additionalProperties": False,
    },
    is_json=True,
)


def _option(default: Any, kind: Kind, says: str, *, of_label: bool = False) -> Any:
    metadata = {"kind": kind, "help": says, "of_label": of_label}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Every option of one table, with its value. ``None`` means: not set.

    A field that is ``of_label`` may also be set by a single entry of ``labels``, for that file alone.
    """

    feature_key_column: str | tuple[str, ...] | None = _option(
        None, COLUMNS, "key column of the features, or several that are the key together; inferred by default"
    )
    label_key_column: str | tuple[str, ...] | None = _option(
        None,
        COLUMNS,
        "key column of the labels, or several that are the key together; inferred by default",
        of_label=True,
    )
    label_mos_column: str | None = _option(
        None, COLUMN, "score column of the labels; inferred from its name by default", of_label=True
    )
    key_normalize: str = _option(
        "auto",
        NORMALIZE,
        "what of a key counts; auto: basename where the column's name contains path, file, name or src, else raw",
        of_label=True,
    )
    feature_key_regex: str | tuple[str | None, ...] | None = _option(
        None, REGEX, "pattern searched in the normalised feature key; its first group, or the whole match, is the key"
    )
    label_key_regex: str | tuple[str | None, ...] | None = _option(
        None,
        REGEX,
        "pattern searched in the normalised label key; its first group, or the whole match, is the key",
        of_label=True,
    )
    min_match_rate: float = _option(
        0.95, RATE, "least share of distinct feature keys with a label, and of feature rows with a key"
    )
    match_rate_by: str | None = _option(
        None, COLUMN, "feature column (corpus, resolution, …) each value of which must reach min_match_rate by itself"
    )
    status_column: str = _option("mos_label_status", COLUMN, "name of the column that says ok or missing-label")
    overwrite: bool = _option(False, FLAG, "replace label columns that the features already have")
    mos_scale: str | dict[str, float] = _option(
        "auto", SCALE, 'scale of the scores: auto, 1-5, 0-100, per-value or {"worst": 100, "best": 0}', of_label=True
    )
    out_of_range: str = _option(
        "error", OUT_OF_RANGE, "refuse a score outside its scale, or clip it to the end of the scale", of_label=True
    )
    missing_mos: str = _option("error", MISSING, "refuse a label that has no score, or skip it", of_label=True)
    missing_values: tuple[str, ...] = _option((), TEXTS, 'texts that mean no score, such as ["NA"]', of_label=True)
    mos_tolerance: float = _option(
        1e-6, TOLERANCE, "two scores of one key that differ by no more (on 1-5) are the same label"
    )
    extras: tuple[str, ...] | dict[str, str | dict[str, str]] | None = _option(
        None,
        EXTRAS,
        'label columns to carry over: ["a", "b"], {"label column": "output column"} or {"label column": {"as": "output '
        f'column", "type": "{"|".join(EXTRA_TYPES)}"}}}}; [] for none; where not set: {", ".join(DEFAULT_EXTRAS)}',
    )
    label_csv: dict[str, Any] = _option(
        {}, DIALECT, 'how label CSV is written: {"header": true, "delimiter": ",", "encoding": "utf-8"}', of_label=True
    )
    feature_csv: dict[str, Any] = _option(
        {}, DIALECT, 'how feature CSV is written: {"header": true, "delimiter": ",", "encoding": "utf-8"}'
    )

    def wanted_extras(self) -> list[WantedExtra]:
        """The extras, by output name."""
        if self.extras is None:
            pairs = DEFAULT_EXTRAS.items()
            return [WantedExtra(output, columns, _DEFAULT_TYPES[output]) for output, columns in pairs]
        if not isinstance(self.extras, Mapping):
            return [_wanted(name, {}) for name in sorted(self.extras)]
        given = [
            _wanted(column, chosen if isinstance(chosen, Mapping) else {"as": chosen})
            for column, chosen in self.extras.items()
        ]
        return sorted(given, key=lambda extra: extra.output)


@dataclass(frozen=True)
class WantedExtra:
    """An extra as the options name it: its output column, and the label columns that may feed it, the first that is
    there. ``type`` is None where the values decide it; with ``is_kept`` it is written where it has no value, too.
    """

    output: str
    columns: tuple[str, ...]
    type: str | None
    is_kept: bool = False


def _wanted(column: str, chosen: Mapping[str, str]) -> WantedExtra:
    output = chosen.get("as", column)
    return WantedExtra(output, (column,), chosen.get("type", _DEFAULT_TYPES.get(output.lower())), "type" in chosen)


class OptionKeywords(TypedDict, total=False):
    """The fields of :class:`Options` as type checkers know them where they are keywords."""

    feature_key_column: str | Sequence[str] | None
    label_key_column: str | Sequence[str] | None
    label_mos_column: str | None
    key_normalize: str
    feature_key_regex: str | Sequence[str | None] | None
    label_key_regex: str | Sequence[str | None] | None
    min_match_rate: float
    match_rate_by: str | None
    status_column: str
    overwrite: bool
    mos_scale: str | Mapping[str, float]
    out_of_range: str
    missing_mos: str
    missing_values: list[str] | tuple[str, ...]
    mos_tolerance: float
    extras: list[str] | tuple[str, ...] | Mapping[str, str | Mapping[str, str]] | None
    label_csv: Mapping[str, Any]
    feature_csv: Mapping[str, Any]


FIELDS: Mapping[str, dataclasses.Field[Any]] = {field.name: field for field in dataclasses.fields(Options)}
LABEL_FIELDS: Mapping[str, dataclasses.Field[Any]] = {
    name: field for name, field in FIELDS.items() if field.metadata["of_label"]
}


def option_problem(name: str, value: Any) -> str | None:
    """What is wrong with the value of one known option, or None. ``None`` is right where it is the default."""
    field = FIELDS[name]
    if value is None and field.default is None:
        return None
    problem: str | None = field.metadata["kind"].problem(value)
    return problem


def settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Valid option values in the form that :class:`Options` keeps: lists become tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


@dataclass(frozen=True)
class KeyPart:
    """One column of a key, None where it is to be inferred, and the pattern for it."""

    column: str | None
    regex: str | None


def key_parts(options: Options, side: str) -> list[KeyPart]:
    """The columns that are the key together; one pattern alone holds for all of them. ``side``: feature or label."""
    columns, regex = getattr(options, f"{side}_key_column"), getattr(options, f"{side}_key_regex")
    columns = columns if isinstance(columns, tuple) else (columns,)
    regexes = regex if isinstance(regex, tuple) else (regex,) * len(columns)
    return [KeyPart(*part) for part in zip(columns, regexes, strict=True)]


def clashes(options: Options) -> list[tuple[str, str]]:
    """Problems between valid options of one table: (option, problem) pairs."""
    problems = _pattern_problems(options, "feature")
    extras = [extra.output for extra in options.wanted_extras()]
    taken = {name.lower() for name in (*LABEL_COLUMNS, SOURCE_COLUMN, *extras)}
    if options.status_column.lower() in taken:
        problem = f"must not be the name of another label column, {shown(options.status_column)}"
        problems.append(("status_column", problem))
    return problems


def label_clashes(options: Options) -> list[tuple[str, str]]:
    """Problems between valid options of one label file and its table: (option, problem) pairs."""
    counts = {side: _count(getattr(options, f"{side}_key_column")) for side in ("feature", "label")}
    if counts["feature"] == counts["label"]:
        return _pattern_problems(options, "label")
    problem = (
        f"names {counted(counts['label'], 'column', 'columns')} and feature_key_column {counts['feature']}; "
        "a key has the same parts on both"
    )
    return [("label_key_column", f"{problem} sides")]


def _pattern_problems(options: Options, side: str) -> list[tuple[str, str]]:
    columns, regex = getattr(options, f"{side}_key_column"), getattr(options, f"{side}_key_regex")
    if not isinstance(regex, tuple) or len(regex) == _count(columns):
        return []
    return [(f"{side}_key_regex", f"has {len(regex)} patterns for {_count(columns)} key columns")]


def _count(columns: str | tuple[str, ...] | None) -> int:
    return len(columns) if isinstance(columns, tuple) else 1
