"""Label files -> the table ``labels`` in the engine, by the statements of ``sql/labels/``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa

from moslabels.base.errors import TableError
from moslabels.base.text import counted, listed, short, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, render
from moslabels.files.workspace import Workspace
from moslabels.labelling.keys import Key, fault_advice, find_key
from moslabels.sources.columns import Aliased, Column
from moslabels.sources.opening import open_table
from moslabels.sources.source import Source
from moslabels.spec.names import LABEL_COLUMNS, MOS_NAMES, SOURCE_COLUMN
from moslabels.spec.options import key_parts
from moslabels.spec.table import LabelSpec, TableSpec

_NESTED = ("ARRAY", "OBJECT", "STRUCT", "TUPLE", "MAP", "BLOB", "UNION", "BIT", "VARIANT", "GEOMETRY")
# The types that mos_number in sql/rules/ takes, and those of cells whose type is that of each value.
_HOLDS_SCORES = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*|VARCHAR|JSON")


@dataclass(frozen=True)
class LabelFile:
    """What was found in one label file.

    ``mos_raw_column`` is the column of scores on 0-100 that is read beside ``mos_column``, None where there is none.
    ``mos_scale`` is the scale that was decided on, ``inferred`` what is to be said of a key column that nobody named,
    ``doubt`` what speaks against the scale.
    """

    path: str
    key: Key
    mos_column: str
    mos_raw_column: str | None
    mos_scale: Any
    rows: int
    rows_without_key: int
    missing_mos_rows: int
    inferred: str | None
    doubt: str | None


class _Columns(NamedTuple):
    """The key and the score columns of a label file; ``mos_100`` is its ``mos_raw_0_100`` beside ``mos``, if any."""

    key: Key
    mos: Column
    mos_100: Column | None

    def scores(self, row: Mapping[str, Any]) -> Column:
        """The score column that a row of a check is about."""
        return self.mos_100 if self.mos_100 is not None and row["is_mos_100"] else self.mos


@dataclass(frozen=True)
class Extra(Aliased):
    """A label column that is carried over.

    ``columns`` maps the number of a label file to the column of it that feeds the extra; ``sql_type`` is the type that
    is ``stated``, or else that all label files together give it. With ``is_kept`` it is written where it has no value.
    """

    output: str
    columns: Mapping[int, Column]
    sql_type: str = ""
    stated: str | None = None
    is_kept: bool = False


@dataclass(frozen=True)
class Labels:
    """The labels of one table, one per distinct key; their rows are in the engine's table ``labels``."""

    files: tuple[LabelFile, ...]
    count: int
    duplicates: int
    clipped: int
    extras: tuple[Extra, ...]
    absent: tuple[str, ...] = ()

    @property
    def doubts(self) -> list[str]:
        """Warnings about the scales that the scores of the files are taken to be on, and extras that no file has."""
        return [*(file.doubt for file in self.files if file.doubt is not None), *self.absent]

    @property
    def missing_id(self) -> int:
        """The position of the label columns of a feature row without a label: after those of all labels."""
        return self.count

    def column_names(self, status_column: str) -> list[str]:
        """The names of the label columns, in the order of the output."""
        return [*LABEL_COLUMNS, status_column, SOURCE_COLUMN, *(extra.output for extra in self.extras)]


def load_labels(engine: Engine, workspace: Workspace, spec: TableSpec) -> Labels:
    """Read all label files of a table into the engine, refuse what is wrong with them. Raises TableError."""
    sources = [
        open_table(engine, workspace, label.path, "label", label.options.label_csv, spec.tables)
        for label in spec.labels
    ]
    extras = _present_extras(sources, spec)
    engine.run(render("labels/10_label_inputs"))
    engine.run(render("labels/20_label_rows", extras=extras))
    columns = []
    for number, (label, source) in enumerate(zip(spec.labels, sources, strict=True)):
        columns.append(_read(engine, number, label, source, extras))
    _check_rows(engine, spec, columns)
    engine.run(render("labels/30_label_scales"))
    found = engine.rows(render("labels/31_label_files"))
    for row in found:
        if row["scale"] == "mixed":
            values = engine.row(render("labels/checks/32_mixed_scale", {"file": row["file"]}))
            raise _mixed_scale(spec.labels[row["file"]].path, columns[row["file"]].mos.name, values)
    _check_extras(engine, spec, extras)
    engine.run(render("labels/40_label_scores", extras=extras))
    clipped = _check_range(engine, spec, columns)
    _check_contradictions(engine, spec, columns, found)
    typed = _typed_extras(engine, spec, extras)
    engine.run(render("labels/50_labels", typed_extras=typed))
    counts = engine.row(render("labels/51_label_counts"))
    if counts["labels_loaded"] == 0:
        rows = sum(row["rows"] for row in found)
        without = sum(row["rows_without_key"] for row in found)
        raise TableError(
            f"no MOS labels loaded: of {rows} rows in {', '.join(label.path for label in spec.labels)}, {without} have "
            "no key and the others no score; check label_key_column, label_key_regex and label_mos_column",
            code="no-labels",
            file=spec.labels[0].path,
        )
    _check_conflicts(engine, spec, typed, columns)
    files = tuple(
        LabelFile(
            path=label.path,
            key=read.key,
            mos_column=read.mos.name,
            mos_raw_column=read.mos_100.name if read.mos_100 is not None else None,
            mos_scale=label.options.mos_scale if row["scale"] == "linear" else row["scale"],
            rows=row["rows"],
            rows_without_key=row["rows_without_key"],
            missing_mos_rows=row["missing_mos_rows"],
            inferred=_inferred(label, read.key),
            doubt=_doubt(label, read.mos.name, row),
        )
        for label, read, row in zip(spec.labels, columns, found, strict=True)
    )
    absent = [
        f"{_no_column(wanted.columns[0], sources)}; {shown(wanted.output)} is written without a value"
        for wanted in spec.options.wanted_extras()
        if wanted.is_kept and not any(extra.columns for extra in extras if extra.output == wanted.output)
    ]
    return Labels(files, counts["labels_loaded"], counts["duplicate_labels"], clipped, tuple(typed), tuple(absent))


def _inferred(label: LabelSpec, key: Key) -> str | None:
    if label.options.label_key_column is not None:
        return None
    return f"the key of {label.path} is {key.shown_columns}, which was inferred; label_key_column names another"


def _doubt(label: LabelSpec, column: str, row: Mapping[str, Any]) -> str | None:
    if label.options.mos_scale == "auto" and "dmos" in column.lower():
        return (
            f"{label.path}: column {shown(column)} is named like differential scores (DMOS), of which the smallest may "
            f'be the best; "auto" took the greatest as best, on {row["scale"]}: set mos_scale, such as '
            '{"worst": 100, "best": 0}'
        )
    if row["scale"] == "0-100" and row["low"] and not row["high"]:
        return (
            f"{label.path}: no score of column {shown(column)} is above 5, and all are taken to be on 0-100; where "
            'they are on 1-5, set mos_scale "1-5"'
        )
    if label.options.mos_scale == "auto" and row["scale"] == "0-100" and row["high"] and row["greatest"] <= 10:
        return (
            f"{label.path}: no score of column {shown(column)} is above 10, and all are taken to be on 0-100; where "
            'they are on 0-10, set mos_scale {"worst": 0, "best": 10}; where they are on 0-100, set mos_scale "0-100"'
        )
    return None


def label_columns_statement(labels: Labels) -> Statement:
    """Return the statement of the label columns: one row per label, and a last one for rows without a label."""
    return render("labels/60_label_columns", {"missing": labels.missing_id}, typed_extras=labels.extras)


def label_columns(engine: Engine, labels: Labels, status_column: str) -> pa.Table:
    """Return the label columns under their output names: a row per label, and a last one for rows without a label."""
    table = engine.table(label_columns_statement(labels)).rename_columns(labels.column_names(status_column))
    # A connection of a caller's may have settings for texts of other kinds.
    texts = (pa.types.is_large_string, pa.types.is_string_view)
    fields = [
        field.with_type(pa.string()) if any(kind(field.type) for kind in texts) else field for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _present_extras(sources: Sequence[Source], spec: TableSpec) -> list[Extra]:
    """The extras that any label file has a column for."""
    extras: list[Extra] = []
    feature_keys = {(part.column or "").lower() for part in key_parts(spec.options, "feature")}
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
            extras.append(Extra(alias, wanted.output, found, stated=wanted.type, is_kept=wanted.is_kept))
    return extras


def _no_column(extra: str, sources: Sequence[Source]) -> str:
    names = "; ".join(f"{source.path} has {listed(source.names)}" for source in sources)
    return f"extras: no label table has a column {shown(extra)}: {names}"


def _is_key(label: LabelSpec, column: Column) -> bool:
    return column.name in [part.column for part in key_parts(label.options, "label")]


def _extra_column(source: Source, candidates: Sequence[str]) -> Column | None:
    """The column of a file that feeds an extra: its exact name first, else without case; then the aliases."""
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


def _read(engine: Engine, number: int, label: LabelSpec, source: Source, extras: Sequence[Extra]) -> _Columns:
    """Read one label file into ``label_rows``; its key and score columns."""
    options = label.options
    key = find_key(source, options, "label")
    mos = source.find("score", options.label_mos_column, MOS_NAMES, "label_mos_column")
    present = [extra for extra in extras if number in extra.columns]
    scores = {"mos": mos}
    if options.label_mos_column is None and any(name.lower() == LABEL_COLUMNS[1] for name in source.names):
        other = source.find("score", None, [LABEL_COLUMNS[1]], "label_mos_column")
        scores |= {"mos_100": other} if other is not mos else {}
    others = source.cells({**scores, **{extra.alias: extra.columns[number] for extra in present}})
    cells = [*key.cells, *others]
    linear = options.mos_scale if isinstance(options.mos_scale, Mapping) else {}
    engine.run(
        render(
            "labels/11_label_inputs_of_file",
            {
                "file": number,
                "source": label.given,
                "mos_column": mos.name,
                "mos_scale": "linear" if linear else options.mos_scale,
                "worst": float(linear["worst"]) if linear else None,
                "best": float(linear["best"]) if linear else None,
                "out_of_range": options.out_of_range,
                "missing_mos": options.missing_mos,
            },
        )
    )
    source.run(
        engine,
        "labels/21_label_rows_of_file",
        cells,
        {**key.parameters(), "file": number, "missing_values": list(options.missing_values)},
        keys=key.cells,
        has_mos_100="mos_100" in scores,
        extras=extras,
        present=present,
    )
    return _Columns(key, mos, scores.get("mos_100"))


def _check_rows(engine: Engine, spec: TableSpec, columns: Sequence[_Columns]) -> None:
    for row in engine.rows(render("labels/checks/22_bad_keys")):
        path, column = spec.labels[row["file"]].path, columns[row["file"]].key.columns[row["fault_part"] - 1]
        raise TableError(
            f"{path}: row {row['row']}: column {shown(column)} holds {shown(row['raw_value'])}, "
            f"{short(row['key_fault'])}, which cannot be a key ({row['total']} such rows); "
            f"{fault_advice(row['key_fault'], column, 'label')}",
            code="bad-key",
            file=path,
            column=column,
            row=row["row"],
        )
    bad = engine.rows(render("labels/checks/23_bad_scores"))
    for row in bad:
        path, mos = spec.labels[row["file"]].path, columns[row["file"]].scores(row)
        column = mos.name
        found = _places([other for other in bad if other["mos_state"] == row["mos_state"]], spec, path)
        if row["mos_state"] == "bad":
            problem = f"{counted(row['total'], 'score is no finite number', 'scores are no finite numbers')}: {found}"
            advice = (
                f"the column is of type {short(mos.type)}, which holds no scores: convert it to numbers or text"
                if not _HOLDS_SCORES.fullmatch(mos.type)
                else "write them with a decimal point"
                if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", row["mos_text"].strip())
                else 'correct them, or list texts that mean no score in missing_values and set missing_mos "skip"'
            )
        else:
            problem = f"{counted(row['total'], 'label has no score', 'labels have no score')}: {found}"
            advice = 'correct them, or set missing_mos "skip" to leave them out'
        raise TableError(
            f"{path}: row {row['row']}: column {shown(column)}: {problem}; {advice}",
            code="bad-score" if row["mos_state"] == "bad" else "missing-score",
            file=path,
            column=column,
            row=row["row"],
        )


def _mixed_scale(path: str, column: str, found: Mapping[str, Any]) -> TableError:
    few, side = (found["high"], "above 5") if found["high"] < found["low"] else (found["low"], "at most 5")
    fewer = ", ".join(f"{shown(score['mos_text'])} in row {score['row']}" for score in found["fewer"])
    more = f" and {few - len(found['fewer'])} more" if few > len(found["fewer"]) else ""
    alone = "which stands alone and may be a typing error" if few == 1 else f"of {found['low'] + found['high']} scores"
    quartiles = ", ".join(f"{quartile:g}" for quartile in found["quartiles"])
    return TableError(
        f"{path}: column {shown(column)}: the scale of the scores cannot be told: {found['low']} are at most 5 and "
        f'{found["high"]} above; set mos_scale to "1-5", "0-100", {{"worst": …, "best": …}} or "per-value", or correct '
        f"them; least {found['least']:g}, quartiles {quartiles}, greatest {found['greatest']:g}; "
        f"{side}: {fewer}{more}, {alone}",
        code="mixed-scale",
        file=path,
        column=column,
    )


def _places(rows: Sequence[Mapping[str, Any]], spec: TableSpec, path: str, text: str = "mos_text") -> str:
    """Scores with their rows, and their files where these are others than the one that is named already."""
    files = [spec.labels[row["file"]].path for row in rows]
    return ", ".join(
        f"{shown(row[text])} in {'' if file == path else f'{file} '}row {row['row']}"
        for row, file in zip(rows, files, strict=True)
    )


def _check_range(engine: Engine, spec: TableSpec, columns: Sequence[_Columns]) -> int:
    """How many scores were clipped to their scale."""
    found = engine.row(render("labels/checks/41_out_of_range"))
    if found["refused"]:
        first = found["first_refused"][0]
        path = spec.labels[first["file"]].path
        outside = counted(found["refused"], "score is outside of its scale", "scores are outside of their scale")
        raise TableError(
            f"{path}: row {first['row']}: {outside} ({first['worst']:g} worst, {first['best']:g} best): "
            f"{_places(found['first_refused'], spec, path)}; correct them, set mos_scale, or set out_of_range "
            '"clip"',
            code="out-of-range",
            file=path,
            column=columns[first["file"]].scores(first).name,
            row=first["row"],
        )
    clipped: int = found["clipped"]
    return clipped


def _check_contradictions(
    engine: Engine, spec: TableSpec, columns: Sequence[_Columns], scales: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse labels whose scores in the columns ``mos`` and ``mos_raw_0_100`` are not the same."""
    tolerance = spec.options.mos_tolerance
    if all(read.mos_100 is None for read in columns):
        return
    found = engine.rows(render("labels/checks/42_contradictions", {"tolerance": tolerance}))
    for first in found:
        path, read = spec.labels[first["file"]].path, columns[first["file"]]
        assert read.mos_100 is not None
        examples = ", ".join(
            f"{shown(row['mos_text'])} (mos {row['mos']:.6g}) and {shown(row['mos_100_text'])} "
            f"(mos {row['other_mos']:.6g}) in row {row['row']}"
            for row in found
            if row["file"] == first["file"]
        )
        scale = scales[first["file"]]["scale"]
        if scale == "linear":
            scale = shown(spec.labels[first["file"]].options.mos_scale)
        contradict = counted(first["total"], "label contradicts itself", "labels contradict themselves")
        raise TableError(
            f"{path}: row {first['row']}: {contradict} in columns {shown(read.mos.name)} (taken to be on {scale}) and "
            f"{shown(read.mos_100.name)}: {examples}; they "
            f"differ by up to {first['greatest_difference']:.6g} on 1-5, and mos_tolerance is {tolerance:g}: correct "
            "them, name the column that is right with label_mos_column, or raise mos_tolerance where only the rounding "
            "differs",
            code="conflict",
            file=path,
            column=read.mos.name,
            row=first["row"],
        )


def _check_extras(engine: Engine, spec: TableSpec, extras: Sequence[Extra]) -> None:
    """Refuse values that do not fit the type that is stated for their extra."""
    stated = [extra for extra in extras if extra.stated is not None and extra.columns]
    bad = engine.rows(render("labels/checks/33_bad_extras", stated_extras=stated)) if stated else []
    for row in bad:
        extra, path = stated[row["extra"]], spec.labels[row["file"]].path
        column = extra.columns[row["file"]].name
        found = _places([other for other in bad if other["extra"] == row["extra"]], spec, path, "text")
        values = counted(row["total"], "value does not fit", "values do not fit")
        other = json.dumps({column: {"as": extra.output, "type": "VARCHAR"}}, ensure_ascii=False)
        raise TableError(
            f"{path}: row {row['row']}: column {shown(column)}: {values} {extra.stated}, the type of the extra "
            f"{shown(extra.output)}: {found}; correct them, leave the column out of extras, or state another type "
            f"there, such as {short(other)}",
            code="bad-extra",
            file=path,
            column=column,
            row=row["row"],
        )


def _typed_extras(engine: Engine, spec: TableSpec, extras: Sequence[Extra]) -> list[Extra]:
    """The extras that are written, each with its type: that a label has a value for, or that are kept anyway."""
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
        if sql_type := row["sql_type"] or (extra.stated if extra.is_kept else None):
            typed.append(replace(extra, sql_type=sql_type))
    return typed


def _check_conflicts(engine: Engine, spec: TableSpec, extras: Sequence[Extra], columns: Sequence[_Columns]) -> None:
    values = {"tolerance": spec.options.mos_tolerance}
    conflicts = engine.rows(render("labels/checks/52_conflicts", values, typed_extras=extras))
    if not conflicts:
        return
    names = {"mos": "mos", **{extra.value: extra.output for extra in extras}}
    first = conflicts[0]

    def place(row: Mapping[str, Any], which: str) -> str:
        path = spec.labels[row[f"{which}file"]].path
        return f"{path} row {row[f'{which}row']} says {shown(row[f'{which}mos_text'])} (mos {row[f'{which}mos']:.6g})"

    examples = "; ".join(
        f"{shown(row['key'])}: {place(row, 'first_')}, {place(row, '')}, "
        f"which differ in {', '.join(names[column] for column in row['columns'])}"
        for row in conflicts
    )
    inferred = _inferred(spec.labels[first["file"]], columns[first["file"]].key)
    raise TableError(
        f"conflicting MOS labels for {first['keys']} keys: {examples}; remove the stale labels, make the key tell the "
        "clips apart, or raise mos_tolerance where only the rounding differs" + (f"; {inferred}" if inferred else ""),
        code="conflict",
        file=spec.labels[first["file"]].path,
        column=columns[first["file"]].mos.name if first["columns"][0] == "mos" else names[first["columns"][0]],
        row=first["row"],
    )
