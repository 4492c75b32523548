"""The steps of labelling one table: read, match, judge, label columns, row labels. Every command walks them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from moslabels.base.errors import GateError, TableError
from moslabels.base.text import listed, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, render
from moslabels.files.watched import file_size
from moslabels.files.workspace import Workspace
from moslabels.labelling import gate
from moslabels.labelling.diagnosis import diagnose
from moslabels.labelling.doubts import match_doubts
from moslabels.labelling.examples import check_examples
from moslabels.labelling.keys import Key, find_key
from moslabels.labelling.label_table import LabelTable, label_columns_statement, label_table
from moslabels.labelling.labels import FEW, Labels, load_labels
from moslabels.labelling.match import (
    Features,
    Match,
    columns_read,
    group_column,
    match_features,
)
from moslabels.labelling.row_labels import row_labels, row_labels_statement
from moslabels.sources.distinct import DistinctRows, distinct_rows
from moslabels.sources.opening import open_table
from moslabels.sources.source import Source
from moslabels.spec.names import LABEL_COLUMNS, SOURCE_COLUMN
from moslabels.spec.options import Options
from moslabels.spec.table import TableSpec

if TYPE_CHECKING:
    from moslabels.labelling.part_features import Examine


@dataclass(frozen=True)
class Matched:
    """One table before the gate: its features, its labels, and how many keys and rows of either meet.

    ``dropped`` names the feature columns that label columns replace. ``distinct`` are the distinct rows of features in
    memory.
    """

    spec: TableSpec
    source: Source
    key: Key
    labels: Labels
    dropped: Sequence[str]
    match: Match
    distinct: DistinctRows | None

    @property
    def warnings(self) -> list[str]:
        """What is to be confirmed, and what is doubtful about the labels and the keys, a text each."""
        doubts = [*self.labels.doubts, *match_doubts(self.labels, self.match)]
        return [*self.spec.open_questions, *doubts, *gate.rate_doubts(self.match, self.spec.options)]


def read_features(engine: Engine, workspace: Workspace, spec: TableSpec, examine: Examine | None = None) -> Features:
    """Open the features of a table, find their key. Raise TableError.

    ``examine`` reads the footers of many parts. Without it, this process does.
    """
    if spec.parts is not None:
        from moslabels.labelling.part_features import open_parts  # Few tables have parts.

        engine.progress.step("reading features")
        return open_parts(engine, spec, examine)
    engine.progress.step("reading features", file_size(spec.features), "bytes")
    source = open_table(engine, workspace, spec.features, "feature", spec.options.feature_csv, spec.tables)
    return Features(source, find_key(engine, source, spec.options, "feature"))


def read_labels(engine: Engine, workspace: Workspace, spec: TableSpec, most_held: int = FEW) -> Labels:
    """Read all labels of a table into the engine and check them, see load_labels. Raise TableError."""
    engine.progress.step("reading labels", sum(file_size(label.path) for label in spec.labels), "bytes")
    labels = load_labels(engine, workspace, spec, most_held)
    for note in labels.notes:
        engine.progress.note(note)
    return labels


def match_table(engine: Engine, workspace: Workspace, spec: TableSpec, examine: Examine | None = None) -> Matched:
    """Read features and labels of a table and let their keys meet. Raise TableError."""
    return match_labels(engine, workspace, spec, read_features(engine, workspace, spec, examine))


def match_labels(engine: Engine, workspace: Workspace, spec: TableSpec, features: Features) -> Matched:
    """Read the labels of a table and let their keys meet those of its features, which were read. Raise TableError."""
    return meet(engine, spec, features, read_labels(engine, workspace, spec))


def meet(engine: Engine, spec: TableSpec, features: Features, labels: Labels) -> Matched:
    """Let the keys of features meet those of the labels that the engine has, which others may have met before.

    Raise TableError.
    """
    dropped = check_rule(engine, spec, features, labels)
    by = group_column(features.source, spec.options.match_rate_by)
    distinct = distinct_rows(engine, features.source, columns_read(features.key, by))
    return meet_rows(engine, spec, features, labels, dropped, distinct)


def check_rule(engine: Engine, spec: TableSpec, features: Features, labels: Labels) -> list[str]:
    """Return the feature columns that label columns replace.

    Raise TableError if they must not, or if examples do not give their keys.
    """
    check_examples(engine, features, spec.options.examples)
    return _replaced_columns(features.source, spec.options, features.key, labels)


def meet_rows(
    engine: Engine,
    spec: TableSpec,
    features: Features,
    labels: Labels,
    dropped: Sequence[str],
    distinct: DistinctRows | None,
) -> Matched:
    """Let keys meet labels, after :func:`check_rule`. ``distinct`` are the rows of features in memory."""
    source, key = features.source, features.key
    size = (file_size(spec.features), "bytes") if source.rows is None else (source.rows,)
    engine.progress.step("matching", *size)
    by = group_column(source, spec.options.match_rate_by)
    match = match_features(engine, features, labels, by, distinct)
    return Matched(spec, source, key, labels, dropped, match, distinct)


def judge(engine: Engine, matched: Matched) -> dict[str, Any] | None:
    """Let a table pass the gate. Return why keys have no label, None if all have one.

    Raise GateError, which holds the same, if too few keys have a label or too few rows have a key.
    """
    spec, match = matched.spec, matched.match
    if match.has_many_rows:
        engine.let_go()  # From here on, Arrow has what was found.
    problem = gate.problem(match, spec.options, spec.features)
    if problem is None and not match.unmatched_feature_keys.count:
        return None
    engine.progress.step("diagnosing")
    why = diagnose(engine, spec, matched.labels, match)
    if problem is None:
        return why
    message = gate.refusal(problem, why, spec, matched.labels, match)
    raise GateError(message, file=spec.features, column=match.key.columns[0], diagnosis=why)


def columns_of(engine: Engine, matched: Matched) -> LabelTable:
    """Return the label columns of the labels that features use, and of no label."""
    status_column, used = matched.spec.options.status_column, matched.match.matched_feature_keys
    return label_table(engine, matched.labels, status_column, used)


def join_rows(engine: Engine, matched: Matched) -> pa.ChunkedArray:
    """Run the join: for each feature row, in order, return the number of its label (int32).

    :meth:`LabelTable.positions` says where in the label columns that is. Raise TableError if the rows are not those
    that were counted.
    """
    return row_labels(engine, matched.source, matched.key, matched.labels, matched.match, matched.distinct)


def unmatched_statement(matched: Matched) -> Statement:
    """Return the statement of the complete anti joins, with the file and row of each key."""
    paths, offsets = matched.source.places
    labels = [label.path for label in matched.spec.labels]
    return render("unmatched/20_unmatched", {"paths": paths, "offsets": offsets, "labels": labels})


def last_statements(matched: Matched) -> list[Statement]:
    """Return the statements of the label columns, of the join and of the labelled table, which are not run."""
    return [
        label_columns_statement(matched.labels),
        row_labels_statement(matched.source, matched.key.cells, matched.labels.missing_id, matched.match.input_rows),
        _labelled_statement(matched),
        render("compile/labelled_rows"),
    ]


def _labelled_statement(matched: Matched) -> Statement:
    """Return the statement that makes a view of the labelled table."""
    source, labels, keys = matched.source, matched.labels, matched.key.cells
    # The values in the names of folders are not columns of the files.
    kept = [column for column in source.columns if column.name not in matched.dropped and not column.partition]
    features = source.cells({f"feature{number}": column for number, column in enumerate(kept, start=1)})
    return source.statement(
        "compile/labelled",
        [*keys, *features],
        feature_cells=features,
        keys=keys,
        label_names=labels.column_names(matched.spec.options.status_column),
        typed_extras=labels.extras,
    )


def _replaced_columns(source: Source, options: Options, key: Key, labels: Labels) -> list[str]:
    """Return the feature columns that label columns replace, which they do with ``overwrite`` alone.

    Raise TableError without ``overwrite`` if there are any, and if a key column is one.
    """
    stale = {"mos_std_dev", "mos_n_ratings"}
    taken = {name.lower() for name in labels.column_names(options.status_column)}
    if options.overwrite:
        taken |= stale
    present = [name for name in source.names if name.lower() in taken]
    for column in key.columns:
        if column not in present:
            continue
        raise TableError(
            f"{source.path}: the key column {shown(column)} has the name of a label column; give the label column "
            "another name (status_column, extras), or the key column",
            code="label-columns",
            file=source.path,
            column=column,
        )
    if present and not options.overwrite:
        # Under another name, it may be a feature, which overwrite would lose.
        named_here = {*LABEL_COLUMNS, SOURCE_COLUMN, Options.status_column, *stale}
        renamed = [name for name in present if name.lower() not in named_here]
        other = f", or give {listed(renamed)} of the labels another name (status_column, extras)" if renamed else ""
        raise TableError(
            f"refusing to overwrite existing MOS columns: {', '.join(present)}, in {source.path}; set overwrite to "
            f"replace them{other}",
            code="label-columns",
            file=source.path,
            column=present[0],
        )
    return present
