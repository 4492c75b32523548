"""Columns of label files that hold spread, votes or another score by their names: carried over, or told of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from moslabels.base.text import counted, listed, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.labelling.extras import Extra
from moslabels.labelling.label_inputs import LabelInput, LabelInputs
from moslabels.sources.columns import Column
from moslabels.spec.likeness import SCORE, SPREAD, VOTES, is_of_score, looks_like
from moslabels.spec.names import DEFAULT_TYPES

OF_KIND = {VOTES: "mos_n_ratings", SPREAD: "mos_std_dev"}
"""The default extra that a column of a kind feeds."""
LIKENESS = {SPREAD: "the spread of votes", VOTES: "a number of votes", SCORE: "a score"}
"""What a column of a kind looks like, in words."""


@dataclass(frozen=True)
class LeftOut:
    """A column of a label file that looks like spread, votes or a score and is not carried over, and why."""

    file: int
    column: str
    looks_like: str
    why: str


def with_aliases(inputs: LabelInputs) -> LabelInputs:
    """Return the label files with the columns that feed default extras by what their names say.

    A file that has an extra under a name of its own keeps that. Of several columns that could be one extra, none is.
    """
    extras = {extra.output: extra for extra in inputs.extras}
    for kind, output in OF_KIND.items():
        extra = extras.get(output, Extra("", output, {}, stated=DEFAULT_TYPES[output]))
        found = {number: alike[0] for number, alike in _alike(inputs, kind) if len(alike) == 1}
        added = {number: column for number, column in found.items() if number not in extra.columns}
        if added:
            extras[output] = replace(extra, columns={**extra.columns, **added}, by_likeness=frozenset(added))
    ordered = sorted(extras.values(), key=lambda extra: extra.output)
    named = tuple(replace(extra, alias=f"extra{number}") for number, extra in enumerate(ordered))
    return replace(inputs, extras=named)


def _alike(inputs: LabelInputs, kind: str) -> Iterator[tuple[int, list[Column]]]:
    """Yield the number of each label file, with the columns of it that the default extra of a kind may be."""
    for number, file in enumerate(inputs.files):
        names = [name for name in file.source.names if looks_like(name)]
        yield (
            number,
            [
                column
                for column in _free(file)
                if is_of_score(column.name, kind, file.mos.name, names) and file.source.may_be(column, "extra")
            ],
        )


def _free(file: LabelInput) -> list[Column]:
    """Return the columns of a label file that are not its key or its score."""
    roles = [column for column in (file.mos, file.mos_100, file.scale) if column is not None]
    taken = {*file.key.columns, *(column.name for column in roles)}
    return [column for column in file.source.columns if column.name not in taken]


def without_unfit(engine: Engine, inputs: LabelInputs) -> tuple[LabelInputs, list[LeftOut]]:
    """Return the label files without the extras that were taken by their names and hold other values, and these.

    A name alone is no reason to refuse a file.
    """
    likely = [extra for extra in inputs.extras if extra.by_likeness]
    if not likely:
        return inputs, []
    left_out = []
    extras = {extra.output: extra for extra in inputs.extras}
    for row in engine.rows(render("labels/26_unfit_extras", extras=likely)):
        extra, number = likely[row["extra"]], row["file"]
        if number not in extra.by_likeness:
            continue
        values = counted(row["total"], "value is", "values are")
        why = f"{values} not a {extra.stated} from 0 on, such as {shown(row['text'])} in row {row['row']}"
        left_out.append(LeftOut(number, extra.columns[number].name, _kind(extra.output), why))
        kept = {file: column for file, column in extras[extra.output].columns.items() if file != number}
        extras[extra.output] = replace(extras[extra.output], columns=kept)
        engine.run(render("labels/27_without_extra", {"file": number}, extra=extra))
    return replace(inputs, extras=tuple(extra for extra in extras.values() if extra.columns or extra.is_kept)), left_out


def _kind(output: str) -> str:
    return next(kind for kind, of_kind in OF_KIND.items() if of_kind == output)


def left_out(inputs: LabelInputs, unfit: Sequence[LeftOut], are_default: bool) -> list[LeftOut]:
    """Return the columns that look like spread, votes or a score and are not carried over, by file, in their order.

    ``unfit`` are those of :func:`without_unfit`; ``are_default`` says that no option names the extras.
    """
    alike = {kind: dict(_alike(inputs, kind)) for kind in OF_KIND}
    known = {(one.file, one.column): one for one in unfit}
    found = []
    for number, file in enumerate(inputs.files):
        taken = {extra.columns[number].name for extra in inputs.extras if number in extra.columns}
        for column in _free(file):
            kind = looks_like(column.name)
            if kind is None or column.name in taken:
                continue
            likely = alike.get(kind, {}).get(number, [])
            why = _why(inputs, number, column, likely) if are_default else "extras does not name it"
            found.append(known.get((number, column.name), LeftOut(number, column.name, kind, why)))
    return found


def _why(inputs: LabelInputs, number: int, column: Column, likely: Sequence[Column]) -> str:
    """Return why a column is not carried over by default. ``likely`` are those that could be the extra of its kind."""
    output = OF_KIND.get(looks_like(column.name) or "")
    if output is None:
        return f"{shown(inputs.files[number].mos.name)} is the score"
    if any(extra.output == output and number in extra.columns for extra in inputs.extras):
        return f"another column is {output}"
    if column in likely and len(likely) > 1:
        return f"{listed([other.name for other in likely if other is not column])} could be {output} as well"
    return f"its name does not say that it is {output}"
