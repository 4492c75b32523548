"""Label files as they are read: their key and score columns, and their rows in the table ``label_rows``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.workspace import Workspace
from moslabels.labelling.extras import Extra, present_extras
from moslabels.labelling.findings import Row
from moslabels.labelling.keys import Key, find_key
from moslabels.sources.arrow_table import all_fit, values_of
from moslabels.sources.columns import Column
from moslabels.sources.opening import open_table
from moslabels.sources.source import Source
from moslabels.spec.names import LABEL_COLUMNS, MOS_NAMES
from moslabels.spec.table import LabelSpec, TableSpec


@dataclass(frozen=True)
class LabelInput:
    """An open label file: its entry, its key and score columns.

    ``mos_100`` is its column ``mos_raw_0_100`` if that is read beside ``mos``. ``scale`` is the column that has the
    scale of each row.
    """

    label: LabelSpec
    source: Source
    key: Key
    mos: Column
    mos_100: Column | None
    scale: Column | None = None

    @property
    def path(self) -> str:
        return self.label.path

    @property
    def mos_scale(self) -> str:
        """The scale of its scores, as far as options say it, by the name that statements have for it."""
        given = self.label.options.mos_scale
        return "per-row" if self.scale is not None else "linear" if isinstance(given, Mapping) else given

    @property
    def inferred(self) -> str | None:
        """What to say of a key column that no option names."""
        if self.label.options.label_key_column is not None:
            return None
        columns = self.key.shown_columns
        return f"the key of {self.path} is {columns}, which was inferred; label_key_column names another"

    def scores(self, row: Row) -> Column:
        """Return the score column that a row of a check is about."""
        return self.mos_100 if self.mos_100 is not None and row["is_mos_100"] else self.mos


@dataclass(frozen=True)
class LabelInputs:
    """All label files of a table, in the order given, and their extras."""

    files: tuple[LabelInput, ...]
    extras: tuple[Extra, ...]
    tolerance: float

    @property
    def paths(self) -> list[str]:
        return [file.path for file in self.files]

    @property
    def sources(self) -> list[Source]:
        return [file.source for file in self.files]

    @property
    def any_mos_100(self) -> bool:
        """Whether a file has scores on 0-100 beside those of its score column."""
        return any(file.mos_100 is not None for file in self.files)

    @property
    def any_scale(self) -> bool:
        """Whether a file has a column with the scale of each row."""
        return any(file.scale is not None for file in self.files)

    @property
    def any_row_scale(self) -> bool:
        """Whether the scores of a file may be on scales that differ from row to row."""
        return any(file.mos_scale in ("per-row", "per-value") for file in self.files)

    @property
    def stated_extras(self) -> list[Extra]:
        """The extras that have a column, and a type that the options state."""
        return [extra for extra in self.extras if extra.stated is not None and extra.columns]


def open_labels(engine: Engine, workspace: Workspace, spec: TableSpec) -> LabelInputs:
    """Open all label files of a table and find their columns. Raise TableError."""
    sources = [
        open_table(engine, workspace, label.path, "label", label.options.label_csv, spec.tables)
        for label in spec.labels
    ]
    extras = present_extras(sources, spec)
    files = [_with_columns(engine, label, source) for label, source in zip(spec.labels, sources, strict=True)]
    return LabelInputs(tuple(files), tuple(extras), spec.options.mos_tolerance)


def _with_columns(engine: Engine, label: LabelSpec, source: Source) -> LabelInput:
    options = label.options
    key = find_key(engine, source, options, "label")
    mos = source.find("score", options.label_mos_column, MOS_NAMES, "label_mos_column")
    mos_100 = None
    if options.label_mos_column is None and any(name.lower() == LABEL_COLUMNS[1] for name in source.names):
        other = source.find("score", None, [LABEL_COLUMNS[1]], "label_mos_column")
        mos_100 = other if other is not mos else None
    named = options.mos_scale_column
    scale = source.find("scale", named, (), "mos_scale_column") if named is not None else None
    return LabelInput(label, source, key, mos, mos_100, scale)


def read_rows(engine: Engine, inputs: LabelInputs) -> None:
    """Read the rows of all label files into ``label_rows``. Raise TableError."""
    engine.run(
        render(
            "labels/20_label_rows",
            extras=inputs.extras,
            any_mos_100=inputs.any_mos_100,
            any_scale=inputs.any_scale,
        )
    )
    for number, file in enumerate(inputs.files):
        _read_file(engine, number, file, inputs.extras)


def make_scores(engine: Engine, inputs: LabelInputs, may_be_outside: bool) -> None:
    """Make the view ``label_scores``. If scores may be outside of their scale, they are clipped to it."""
    engine.run(
        render(
            "labels/40_label_scores",
            extras=inputs.extras,
            any_mos_100=inputs.any_mos_100,
            any_row_scale=inputs.any_row_scale,
            may_be_outside=may_be_outside,
            is_one_file=len(inputs.files) == 1,
        )
    )


def judge_scales(engine: Engine, inputs: LabelInputs) -> list[dict[str, Any]]:
    """Make the table ``label_scales``. Return what is known of each label file, and the counts of its checks."""
    rules = [_rules(file) for file in inputs.files]
    values = {name: [rule[name] for rule in rules] for name in rules[0]}
    engine.run(render("labels/30_label_scales", values, any_scale=inputs.any_scale))
    return engine.rows(render("labels/31_label_files"))


def _rules(file: LabelInput) -> dict[str, Any]:
    """Return the row of a label file in ``label_scales``."""
    options = file.label.options
    linear = options.mos_scale if isinstance(options.mos_scale, Mapping) else {}
    return {
        "source": file.label.given,
        "mos_column": file.mos.name,
        "mos_scale": file.mos_scale,
        "worst": float(linear["worst"]) if linear else None,
        "best": float(linear["best"]) if linear else None,
        "out_of_range": options.out_of_range,
        "max_clipped": float(options.max_clipped),
        "missing_mos": options.missing_mos,
    }


def _all_fit(file: LabelInput) -> bool:
    """Return whether all values of the key columns fit, which is known of a table in memory alone."""
    if file.source.part.table is None or file.key.constants:
        return False
    return all_fit(values_of(file.source, cell.column) for cell in file.key.cells)


def _read_file(engine: Engine, number: int, file: LabelInput, extras: tuple[Extra, ...]) -> None:
    present = [extra for extra in extras if number in extra.columns]
    scores = file.source.cells({"mos": file.mos, **({"mos_100": file.mos_100} if file.mos_100 is not None else {})})
    others = {
        **({"scale": file.scale} if file.scale is not None else {}),
        **{extra.alias: extra.columns[number] for extra in present},
    }
    file.source.run(
        engine,
        "labels/21_label_rows_of_file",
        [*file.key.cells, *scores, *file.source.cells(others)],
        {
            **file.key.parameters(),
            "file": number,
            "missing_values": list(file.label.options.missing_values),
        },
        key=file.key,
        all_fit=_all_fit(file),
        is_first=number == 0,
        scores=scores,
        has_mos_100=file.mos_100 is not None,
        has_scale=file.scale is not None,
        present=present,
    )
