"""The options of a table, defined once.

The manifest, the command's flags, the keywords of :func:`moslabels.materialize` and their documentation
all derive from the fields of :class:`Options`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from moslabels.spec.dialect import DIALECT, DIALECT_HELP
from moslabels.spec.kinds import (
    COLUMN,
    COLUMNS,
    CONSTANTS,
    EXAMPLES,
    EXTRAS,
    FLAG,
    KEY_CASE,
    MISSING,
    NORMALIZE,
    NOTES,
    OUT_OF_RANGE,
    RATE,
    REGEX,
    SCALE,
    TEMPLATE,
    TEXTS,
    TOLERANCE,
    Kind,
)
from moslabels.spec.names import DEFAULT_EXTRAS, DEFAULT_TYPES, EXTRA_TYPES


def _option(default: Any, kind: Kind, says: str, *, of_label: bool = False) -> Any:
    metadata = {"kind": kind, "help": says, "of_label": of_label}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Every option of one table, with its value. ``None`` means that it is not set.

    A single entry of ``labels`` may also set a field that is ``of_label``, for that file alone.
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
        "what of a key counts; auto: basename if the column's name contains path, file, name or src, else raw",
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
    key_constants: dict[str, str] = _option(
        {},
        CONSTANTS,
        'parts of the label key that the file has no column for: {"corpus": "konvid"}; label_key_column names them too',
        of_label=True,
    )
    key_case: str = _option(
        "exact", KEY_CASE, "compare keys as they are, or fold: without regard to case, by the case folding of Unicode"
    )
    feature_key_template: str | None = _option(
        None,
        TEMPLATE,
        'makes one text of the columns of feature_key_column before it is normalised, such as "{0}_{1}.yuv"',
    )
    label_key_template: str | None = _option(
        None,
        TEMPLATE,
        'makes one text of the columns of label_key_column before it is normalised, such as "{0}_{1}.yuv"',
        of_label=True,
    )
    examples: dict[str, str | tuple[str, ...] | None] = _option(
        {},
        EXAMPLES,
        'values of the feature key column with the key that each must give, or null: {"x_960.mp4": "x", "y": null}; '
        "for several columns, a value is the text of a JSON list, and a key is a list",
    )
    min_match_rate: float = _option(
        0.95, RATE, "least share of distinct feature keys with a label, and of feature rows with a key"
    )
    warn_match_rate: float | None = _option(
        None, RATE, "greater than min_match_rate: warn if one of the same shares is below it"
    )
    match_rate_by: str | None = _option(
        None, COLUMN, "feature column (corpus, resolution, …) each value of which must reach min_match_rate by itself"
    )
    partitions: tuple[str, ...] = _option(
        (),
        TEXTS,
        "names of the folders name=value of features of many parts, whose value is a column for keys and match_rate_by",
    )
    status_column: str = _option("mos_label_status", COLUMN, "name of the column that says ok or missing-label")
    overwrite: bool = _option(False, FLAG, "replace label columns that the features already have")
    mos_scale: str | dict[str, float] = _option(
        "auto",
        SCALE,
        'scale of the scores: auto, 1-5, 0-100, per-value, another as worst-best such as 100-0, or {"worst": 100, '
        '"best": 0}',
        of_label=True,
    )
    mos_scale_column: str | None = _option(
        None,
        COLUMN,
        "column of the labels with the scale of each row, as 1-5, 0-100 or worst..best, such as 100..0",
        of_label=True,
    )
    out_of_range: str = _option(
        "error", OUT_OF_RANGE, "refuse a score outside its scale, or clip it to the end of the scale", of_label=True
    )
    max_clipped: float = _option(
        0.05, RATE, 'greatest share of the labels of a file that out_of_range "clip" may clip', of_label=True
    )
    missing_mos: str = _option("error", MISSING, "refuse a label that has no score, or skip it", of_label=True)
    missing_values: tuple[str, ...] = _option(
        (), TEXTS, 'text that means no score, such as "NA", or a list of them', of_label=True
    )
    mos_tolerance: float = _option(
        1e-6, TOLERANCE, "two scores of one key that differ by no more (on 1-5) are the same label"
    )
    extras: tuple[str, ...] | dict[str, str | dict[str, Any]] | None = _option(
        None,
        EXTRAS,
        'label columns to carry over: ["a", "b"], {"label column": "output column"} or {"label column": {"as": "output '
        f'column", "type": "{"|".join(EXTRA_TYPES)}", "missing_values": ["NA"]}}}}; [] for none; if not set: '
        f"{', '.join(DEFAULT_EXTRAS)}",
    )
    label_csv: dict[str, Any] = _option({}, DIALECT, f"how label CSV is written: {DIALECT_HELP}", of_label=True)
    feature_csv: dict[str, Any] = _option({}, DIALECT, f"how feature CSV is written: {DIALECT_HELP}")
    confirm: tuple[str, ...] = _option(
        (), NOTES, "open questions about the table, such as those of suggest; each is a warning until it is deleted"
    )

    def wanted_extras(self) -> list[WantedExtra]:
        """Return the extras, sorted by the name of their output column."""
        if self.extras is None:
            pairs = DEFAULT_EXTRAS.items()
            return [WantedExtra(output, columns, DEFAULT_TYPES[output]) for output, columns in pairs]
        if not isinstance(self.extras, Mapping):
            return [_wanted(name, {}) for name in sorted(self.extras)]
        given = [
            _wanted(column, chosen if isinstance(chosen, Mapping) else {"as": chosen})
            for column, chosen in self.extras.items()
        ]
        return sorted(given, key=lambda extra: extra.output)


@dataclass(frozen=True)
class WantedExtra:
    """An extra as the options name it: its output column, and the label columns of which the first present feeds it.

    ``type`` is None if the values decide it. If ``is_kept``, the column is written even if it has no value.
    """

    output: str
    columns: tuple[str, ...]
    type: str | None
    is_kept: bool = False
    missing_values: tuple[str, ...] = ()


def _wanted(column: str, chosen: Mapping[str, Any]) -> WantedExtra:
    output = chosen.get("as", column)
    kind = chosen.get("type", DEFAULT_TYPES.get(output.lower()))
    missing = chosen.get("missing_values", ())
    missing = (missing,) if isinstance(missing, str) else tuple(missing)
    return WantedExtra(output, (column,), kind, "type" in chosen, missing)


class OptionKeywords(TypedDict, total=False):
    """The fields of :class:`Options` as keywords, for type checkers."""

    feature_key_column: str | Sequence[str] | None
    label_key_column: str | Sequence[str] | None
    label_mos_column: str | None
    key_normalize: str
    feature_key_regex: str | Sequence[str | None] | None
    label_key_regex: str | Sequence[str | None] | None
    key_constants: Mapping[str, str]
    key_case: str
    feature_key_template: str | None
    label_key_template: str | None
    examples: Mapping[str, str | Sequence[str] | None]
    min_match_rate: float
    warn_match_rate: float | None
    match_rate_by: str | None
    partitions: str | list[str] | tuple[str, ...]
    status_column: str
    overwrite: bool
    mos_scale: str | Mapping[str, float]
    mos_scale_column: str | None
    out_of_range: str
    max_clipped: float
    missing_mos: str
    missing_values: str | list[str] | tuple[str, ...]
    mos_tolerance: float
    extras: list[str] | tuple[str, ...] | Mapping[str, str | Mapping[str, Any]] | None
    label_csv: str | Mapping[str, Any]
    feature_csv: str | Mapping[str, Any]
    confirm: list[str] | tuple[str, ...]


FIELDS: Mapping[str, dataclasses.Field[Any]] = {field.name: field for field in dataclasses.fields(Options)}
LABEL_FIELDS: Mapping[str, dataclasses.Field[Any]] = {
    name: field for name, field in FIELDS.items() if field.metadata["of_label"]
}


def option_problem(name: str, value: Any) -> str | None:
    """Return what is wrong with the value of a known option, or None. None is right if it is the default."""
    field = FIELDS[name]
    if value is None and field.default is None:
        return None
    problem: str | None = field.metadata["kind"].problem(value)
    return problem


def settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return valid option values in the form that :class:`Options` keeps: in full, and lists as tuples."""
    long = {name: FIELDS[name].metadata["kind"].settled(value) for name, value in given.items()}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in long.items()}
