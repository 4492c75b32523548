"""Extras: label columns that are carried over, and the type that each is written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from moslabels.base.errors import TableError
from moslabels.base.text import listed, short, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.sources.columns import Aliased, Column
from moslabels.sources.source import Source
from moslabels.spec.key_rules import key_columns
from moslabels.spec.table import LabelSpec, TableSpec

_NESTED = ("ARRAY", "OBJECT", "STRUCT", "TUPLE", "MAP", "BLOB", "UNION", "BIT", "VARIANT", "GEOMETRY")


@dataclass(frozen=True)
class Extra(Aliased):
    """A label column that is carried over.

    ``columns`` maps the number of a label file to the column of it that feeds the extra. ``sql_type`` is the type that
    is ``stated``, else the one that all label files together give it. With ``is_kept`` it is written without a value.
    ``by_likeness`` are the files of which the column is taken because of the words of its name.
    """

    output: str
    columns: Mapping[int, Column]
    sql_type: str = ""
    stated: str | None = None
    is_kept: bool = False
    by_likeness: frozenset[int] = frozenset()
    missing_values: tuple[str, ...] = ()


def present_extras(sources: Sequence[Source], spec: TableSpec) -> list[Extra]:
    """Return the extras that a label file has a column for, or that are kept anyway.

    Raise TableError if the options name one that no file has.
    """
    extras: list[Extra] = []
    feature_keys = {(column or "").lower() for column in key_columns(spec.options, "feature")}
    for wanted in spec.options.wanted_extras():
        found = {
            number: column for number, source in enumerate(sources) if (column := _extra_column(source, wanted.columns))
        }
        if not found and spec.options.extras is not None and not wanted.is_kept:
            message = _no_column(wanted.columns[0], sources)
            raise TableError(message, code="no-column", file=sources[0].path, column=wanted.columns[0])
        if spec.options.extras is None and wanted.output in feature_keys:
            # Of a key such as (corpus, id) the features have the corpus already.
            found = {number: column for number, column in found.items() if not _is_key(spec.labels[number], column)}
        if found or wanted.is_kept:
            alias = f"extra{len(extras)}"
            extra = Extra(alias, wanted.output, found, stated=wanted.type, is_kept=wanted.is_kept)
            extras.append(replace(extra, missing_values=wanted.missing_values))
    return extras


def absent_extras(sources: Sequence[Source], spec: TableSpec, extras: Sequence[Extra]) -> tuple[str, ...]:
    """Return a warning for each extra that is written although no label file has a column for it."""
    return tuple(
        f"{_no_column(wanted.columns[0], sources)}; {shown(wanted.output)} is written without a value"
        for wanted in spec.options.wanted_extras()
        if wanted.is_kept and not any(extra.columns for extra in extras if extra.output == wanted.output)
    )


def _no_column(extra: str, sources: Sequence[Source]) -> str:
    names = "; ".join(f"{source.path} has {listed(source.names)}" for source in sources)
    return f"extras: no label table has a column {shown(extra)}: {names}"


def _is_key(label: LabelSpec, column: Column) -> bool:
    return column.name in key_columns(label.options, "label")


def _extra_column(source: Source, candidates: Sequence[str]) -> Column | None:
    """Return the column of a file that feeds an extra: its exact name, else without case; then the other names."""
    for name in candidates:
        for exact in (True, False):
            found = [c for c in source.columns if (c.name == name if exact else c.name.lower() == name.lower())]
            if len(found) > 1:
                raise TableError(
                    f"{source.path}: {len(found)} columns are named {shown(name)}; extras cannot tell which to take",
                    code="ambiguous-column",
                    file=source.path,
                    column=name,
                )
            if found:
                return source.usable(found[0], "extra")
    return None


def typed_extras(engine: Engine, spec: TableSpec, extras: Sequence[Extra]) -> list[Extra]:
    """Return the extras that are written, each with its type: those with a value, and those that are kept anyway.

    Raise TableError if the values of one are nested.
    """
    if not extras:
        return []
    typed = []
    for row in engine.rows(render("labels/43_extra_types", extras=extras)):
        extra = extras[row["extra"]]
        nested = [name for name in row["types"] if name.split("(")[0] in _NESTED or name.endswith("]")]
        if nested:
            files = ", ".join(spec.labels[number].path for number in extra.columns)
            raise TableError(
                f"extras: column {shown(extra.output)} of {files} holds values of type {short(nested[0])}; an extra is "
                "text, a number, a truth value, a date or a time",
                code="bad-extra",
                file=spec.labels[min(extra.columns)].path,
                column=extra.output,
            )
        if pointed := row["pointed"]:
            path = spec.labels[pointed["file"]].path
            raise TableError(
                f'{path}: extras: column {shown(extra.output)}: label_csv says "decimal": ",", and '
                f"{shown(pointed['text'])} in row {pointed['row']} has a decimal point; write all numbers in one "
                'way, or give the column the "type" "VARCHAR"',
                code="bad-extra",
                file=path,
                column=extra.output,
                row=pointed["row"],
            )
        if sql_type := row["sql_type"] or (extra.stated if extra.is_kept else None):
            typed.append(replace(extra, sql_type=sql_type))
    return typed
