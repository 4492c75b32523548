"""Label files -> the table ``labels`` in the engine, by the statements of ``sql/labels/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moslabels.base.text import counted, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.workspace import Workspace
from moslabels.labelling.aliases import LIKENESS, LeftOut, left_out, with_aliases, without_unfit
from moslabels.labelling.extras import Extra, absent_extras, typed_extras
from moslabels.labelling.keys import Key
from moslabels.labelling.label_checks import check
from moslabels.labelling.label_inputs import LabelInput, judge_scales, make_scores, open_labels, read_rows
from moslabels.spec.names import LABEL_COLUMNS, SOURCE_COLUMN
from moslabels.spec.table import TableSpec

FEW = 20_000
"""So many labels are held as a table: a statement on a table takes less time to plan."""
MANY = 1_000_000
"""So many are if many features shall meet them. Each takes some 100 bytes."""


@dataclass(frozen=True)
class LabelFile:
    """What was found in one label file, whose path was ``given`` so.

    ``mos_raw_column`` is the column of scores on 0-100 that is read beside ``mos_column``, if any. ``mos_scale`` is the
    scale that was decided on, ``inferred`` what to say of a key column that no option names, ``doubt`` what speaks
    against the scale.
    """

    path: str
    given: str
    key: Key
    mos_column: str
    mos_raw_column: str | None
    mos_scale: Any
    mos_scale_column: str | None
    rows: int
    rows_without_key: int
    missing_mos_rows: int
    inferred: str | None
    doubt: str | None


@dataclass(frozen=True)
class Labels:
    """The labels of one table, one per distinct key; their rows are in the engine's table ``labels``."""

    files: tuple[LabelFile, ...]
    count: int
    duplicates: int
    clipped: int
    extras: tuple[Extra, ...]
    absent: tuple[str, ...] = ()
    collisions: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    first_clipped: Mapping[str, Any] | None = None

    @property
    def extra_columns(self) -> list[dict[str, str]]:
        """Which column of which label file feeds each extra that is written, in the order of the extras."""
        return [
            {"output": extra.output, "path": self.files[number].path, "column": column.name}
            for extra in self.extras
            for number, column in sorted(extra.columns.items())
        ]

    @property
    def columns_left_out(self) -> list[dict[str, str]]:
        """The columns that look like spread, votes or a score and are not carried over."""
        return [
            {"path": self.files[one.file].path, "column": one.column, "looks_like": one.looks_like, "why": one.why}
            for one in self.left_out
        ]

    @property
    def notes(self) -> list[str]:
        """What was done with the columns that look like spread, votes or a score, a text each."""
        return [
            *(
                f"{self.files[number].path}: column {shown(extra.columns[number].name)} is carried over as "
                f"{extra.output}, by its name"
                for extra in self.extras
                for number in sorted(extra.by_likeness)
                if number in extra.columns
            ),
            *(
                f"{one['path']}: column {shown(one['column'])} looks like {LIKENESS[one['looks_like']]} and is not "
                f"carried over: {one['why']}; extras can name it"
                for one in self.columns_left_out
            ),
        ]

    @property
    def doubts(self) -> list[str]:
        """Warnings about the scales that the scores of the files are taken to be on, and extras that no file has."""
        scales = [file.doubt for file in self.files if file.doubt is not None]
        return [*scales, *self._clipped(), *self.absent, *self.collisions]

    def _clipped(self) -> list[str]:
        """Return a warning if scores were clipped."""
        if self.first_clipped is None:
            return []
        file, row, text = (self.first_clipped[name] for name in ("file", "row", "text"))
        scores = counted(self.clipped, "score outside of its scale was", "scores outside of their scale were")
        where = f"{shown(text)} in {self.files[file].path} row {row}"
        return [f'{scores} clipped to its end (out_of_range is "clip"), such as {where}']

    @property
    def missing_id(self) -> int:
        """What stands for the number of a label where a feature row has none: it comes after all labels."""
        return sum(file.rows for file in self.files)

    def column_names(self, status_column: str) -> list[str]:
        """The names of the label columns, in the order of the output."""
        return [*LABEL_COLUMNS, status_column, SOURCE_COLUMN, *(extra.output for extra in self.extras)]


def load_labels(engine: Engine, workspace: Workspace, spec: TableSpec, most_held: int = FEW) -> Labels:
    """Read all label files of a table into the engine's ``labels``. Raise TableError for the first thing wrong.

    ``most_held`` labels at most are held as a table. More of them are a view.
    """
    inputs = open_labels(engine, workspace, spec)
    if spec.options.extras is None:
        inputs = with_aliases(inputs)
    read_rows(engine, inputs)
    found = judge_scales(engine, inputs)
    check(engine, "label_rows", inputs, found)
    inputs, unfit = without_unfit(engine, inputs)
    check(engine, "extras", inputs, [{"stated_extras": len(inputs.stated_extras)}])
    may_be_outside = inputs.any_mos_100 or any(file["may_be_outside"] for file in found)
    make_scores(engine, inputs, may_be_outside)
    counts = {"out_of_range": 0, "contradictions": 0, "clipped": 0}
    if may_be_outside:
        counts = engine.row(render("labels/41_score_counts", {"tolerance": inputs.tolerance}))
    check(engine, "label_scores", inputs, [counts])
    scores = sum(file["scores"] for file in found)
    repeats = _repeats(engine) if scores != found[0]["hashes"] else 0
    typed = typed_extras(engine, spec, inputs.extras)
    are_held = scores <= most_held
    engine.run(render("labels/50_labels", typed_extras=typed, has_repeats=repeats > 0, are_held=are_held))
    check(engine, "labels", replace(inputs, extras=tuple(typed)), [{"no_labels": int(not scores), "repeats": repeats}])
    return Labels(
        files=tuple(_label_file(file, row) for file, row in zip(inputs.files, found, strict=True)),
        count=scores - repeats,
        duplicates=repeats,
        clipped=counts["clipped"],
        first_clipped=engine.row(render("labels/42_first_clipped")) if counts["clipped"] else None,
        extras=tuple(typed),
        absent=absent_extras(inputs.sources, spec, inputs.extras),
        collisions=_collisions(engine) if spec.options.key_case == "fold" else (),
        left_out=tuple(left_out(inputs, unfit, spec.options.extras is None)),
    )


def _repeats(engine: Engine) -> int:
    """Return how many labels are later ones of their key, and make a table of these."""
    engine.run(render("labels/44_label_repeats"))
    repeats: int = engine.row(render("labels/45_repeat_count"))["repeats"]
    return repeats


def collision_examples(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return keys, each with two of the values that became it, as a message shows them."""
    return "; ".join(f"{shown(row['key'])} from {' and '.join(map(shown, row['raw_values']))}" for row in rows)


def _collisions(engine: Engine) -> tuple[str, ...]:
    """Return a warning, with two examples, if case folding may have made one label of several clips."""
    found = engine.rows(render("labels/53_label_collisions"))
    if not found:
        return ()
    keys = counted(found[0]["total"], "label key comes", "label keys come")
    return (
        f'{keys} from several different values: {collision_examples(found)}; key_case is "fold": where these are '
        'different clips, set it to "exact"',
    )


def _label_file(file: LabelInput, row: Mapping[str, Any]) -> LabelFile:
    return LabelFile(
        path=file.path,
        given=file.label.given,
        key=file.key,
        mos_column=file.mos.name,
        mos_raw_column=file.mos_100.name if file.mos_100 is not None else None,
        mos_scale=file.label.options.mos_scale if row["scale"] == "linear" else row["scale"],
        mos_scale_column=file.scale.name if file.scale is not None else None,
        rows=row["rows"],
        rows_without_key=row["rows_without_key"],
        missing_mos_rows=row["missing_mos_rows"],
        inferred=file.inferred,
        doubt=_doubt(file, row),
    )


def _doubt(file: LabelInput, row: Mapping[str, Any]) -> str | None:
    """Return what speaks against the scale of a label file, if anything."""
    label, column = file.label, file.mos.name
    if file.scale is not None:
        return None
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


def take_labels(old: Engine, new: Engine) -> None:
    """Take the labels that features meet from one engine to another."""
    for table in ("labels", "label_keys", "label_scores", "label_scales"):
        kept = old.table(render("labels/70_kept", table=table))
        with new.passing():
            new.run(render("labels/71_kept_again", table=table, kept=new.register(kept)))
    new.run(render("labels/72_numbered_labels"))
