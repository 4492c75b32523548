"""The columns and patterns that options give for the parts of a key, and what is wrong with them together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from moslabels.base.text import counted, listed, nearest, shown
from moslabels.spec.options import Options
from moslabels.spec.templates import pieces

Clash = tuple[str, str]
"""An option, and what is wrong with its value beside those of other options."""


def key_columns(options: Options, side: str) -> tuple[str | None, ...]:
    """Return the columns that the key is made of; None stands for one that is inferred. ``side``: feature or label."""
    columns = getattr(options, f"{side}_key_column")
    return columns if isinstance(columns, tuple) else (columns,)


def key_template(options: Options, side: str) -> str | None:
    """Return the template that makes one text of the columns, if there is one."""
    template: str | None = getattr(options, f"{side}_key_template")
    return template


def key_regexes(options: Options, side: str) -> tuple[str | None, ...]:
    """Return the pattern of each part of the key. A single pattern holds for all of them."""
    regex = getattr(options, f"{side}_key_regex")
    return regex if isinstance(regex, tuple) else (regex,) * _parts(options, side)


def _parts(options: Options, side: str) -> int:
    return 1 if key_template(options, side) is not None else len(key_columns(options, side))


def value_parts(value: str, columns: Sequence[Any]) -> list[str] | None:
    """Return the text that a value has for each key column, or None if it is not a value of these columns.

    Of several columns it is a JSON list of texts. A column that is there for several parts has one text.
    """
    names = list(dict.fromkeys(columns))
    if len(names) == 1:
        return [value] * len(columns)
    try:
        parts = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, list) or len(parts) != len(names) or not all(isinstance(part, str) for part in parts):
        return None
    return [parts[names.index(column)] for column in columns]


def several_values(count: int) -> str:
    """Return what a value of so many key columns must be."""
    return f"must be a JSON list of texts, {json.dumps(['…'] * count, ensure_ascii=False)}"


def example_clashes(options: Options) -> Iterator[Clash]:
    """Yield what is wrong with the examples beside the columns of the feature key."""
    columns, parts = key_columns(options, "feature"), _parts(options, "feature")
    for value, key in options.examples.items():
        if value_parts(value, columns) is None:
            names = [str(column) for column in dict.fromkeys(columns)]
            yield "examples", f"{shown(value)} {several_values(len(names))}: the key columns are {listed(names)}"
        if key is not None and parts != (1 if isinstance(key, str) else len(key)):
            wanted = "a text" if parts == 1 else f"a list of {parts} texts"
            yield "examples", f"the key of {shown(value)} must be {wanted}, or null for none, not {shown(key)}"


def key_clashes(options: Options, side: str) -> list[Clash]:
    """Return what is wrong with the columns, patterns and template of one side."""
    return [*_template_clashes(options, side), *_pattern_clashes(options, side), *_repeated_columns(options, side)]


def _template_clashes(options: Options, side: str) -> Iterator[Clash]:
    template, name, columns = key_template(options, side), f"{side}_key_template", key_columns(options, side)
    if template is None:
        return
    if columns == (None,):
        yield name, f"needs {side}_key_column, which lists the columns that {{0}}, {{1}}, … stand for"
        return
    used = {piece for piece in pieces(template) if isinstance(piece, int)}
    there = f"{side}_key_column has {counted(len(columns), 'column', 'columns')}"
    if unknown := sorted(used - set(range(len(columns)))):
        last = f", {{0}} to {{{len(columns) - 1}}}" if len(columns) > 1 else ", {0}"
        yield name, f"names {{{unknown[0]}}}, and {there}{last}"
    for unused in sorted(set(range(len(columns))) - used):
        yield name, f"does not use {{{unused}}}, which is column {shown(columns[unused])}: two clips could get one key"


def _pattern_clashes(options: Options, side: str) -> Iterator[Clash]:
    regex, parts = getattr(options, f"{side}_key_regex"), _parts(options, side)
    if not isinstance(regex, tuple) or len(regex) == parts:
        return
    of_what = "the one text of the template" if key_template(options, side) is not None else f"{parts} key columns"
    yield f"{side}_key_regex", f"has {len(regex)} patterns for {of_what}"


def _repeated_columns(options: Options, side: str) -> Iterator[Clash]:
    columns, regexes = key_columns(options, side), key_regexes(options, side)
    if key_template(options, side) is not None:
        regexes = (None,) * len(columns)  # A template may use a column again: it need not be listed twice.
    seen = set()
    for column, regex in zip(columns, regexes, strict=False):
        if (column, regex) in seen:
            yield f"{side}_key_column", f"must not name {shown(column)} twice, but with another {side}_key_regex each"
        seen.add((column, regex))


def label_key_clashes(options: Options) -> list[Clash]:
    """Return what is wrong with the key of a label file, also beside that of the features."""
    problems = list(_constant_clashes(options))
    counts = {side: _parts(options, side) for side in ("feature", "label")}
    if counts["feature"] == counts["label"]:
        return problems + key_clashes(options, "label")
    problem = (
        f"names {counted(counts['label'], 'column', 'columns')} and feature_key_column {counts['feature']}; "
        "a key has the same parts on both sides"
    )
    if any(key_template(options, side) is not None for side in counts):
        problem = (
            f"makes {counted(counts['label'], 'part', 'parts')} of a key and feature_key_column {counts['feature']}; a "
            "template makes one part of all columns, and a key has the same parts on both sides"
        )
    return [*problems, ("label_key_column", problem)]


def _constant_clashes(options: Options) -> Iterator[Clash]:
    constants, columns = options.key_constants, key_columns(options, "label")
    if not constants:
        return
    named = [column for column in columns if column is not None]
    if not named:
        yield "key_constants", "needs label_key_column, which names the parts of the key"
        return
    for name in constants:
        if name not in named:
            known = f"label_key_column has {listed(named)}"
            yield "key_constants", f"gives {shown(name)}, which is not a part of the key{nearest(name, named)}; {known}"
    if set(named) <= set(constants):
        yield "key_constants", "leaves no column of the file in the key: all its rows would have one key"
