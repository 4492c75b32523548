"""A labelled table, read back: its keys and label columns, by the options and key columns that its evidence names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import counted, listed, short, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.listing import PartFile
from moslabels.files.workspace import Workspace
from moslabels.labelling.keys import Key, find_key
from moslabels.sources.columns import FLOAT_TYPES, Cell
from moslabels.sources.opening import open_table, reader_of
from moslabels.sources.parquet_parts import examined, join_parts, open_first
from moslabels.sources.source import Cells, Source
from moslabels.spec.dialect import WHITESPACE
from moslabels.spec.formats import format_of, format_problem
from moslabels.spec.names import SOURCE_COLUMN
from moslabels.spec.options import Options


def read_back(
    engine: Engine,
    workspace: Workspace,
    out: str,
    key_columns: Sequence[str],
    options: Options,
    features: str,
    opened: str | None = None,
) -> None:
    """Make the table ``output_values`` of a labelled table: its keys, statuses, sources and scores.

    ``key_columns`` are those that its evidence names: the output may hold others that would be taken for the key.
    ``features`` is the path of the features in the evidence, and ``opened`` what opens them, None where nothing may: a
    CSV output has the texts of their numbers, such as 12.0 for the key 12, and does not say that these are numbers.
    Raises TableError where it cannot be read, a value cannot be a key, or a key has two scores.
    """
    if problem := format_problem(out, "out"):
        raise TableError(f"{out}: {problem}", code="unreadable", file=out)
    options = _with_key(options, key_columns, out)
    source = open_table(engine, workspace, out, "feature", _dialect(options, features, out))
    key = find_key(engine, source, options, "feature")
    may_be_numbers = (
        source.format.cells is Cells.TEXT
        and not format_problem(features, "features")
        and reader_of(features).cells is not Cells.TEXT
    )
    if may_be_numbers and opened is not None:
        key = _as_written(engine, workspace, key, options, opened)
    elif may_be_numbers:
        _refuse_number_texts(engine, source, key, features)
    _read(engine, source, key, options)


def read_parts_back(
    engine: Engine, out: str, files: Sequence[PartFile], key_columns: Sequence[str], options: Options
) -> None:
    """Make the table ``output_values`` of the labelled parts of a table, see :func:`read_back`."""
    options = _with_key(options, key_columns, out)
    first = open_first(engine, out, files, options.partitions)
    roles = dict.fromkeys(_label_columns(options).values(), "label")
    roles |= {cell.column.name: "key" for cell in find_key(engine, first, options, "feature").cells}
    source = join_parts(engine, first, files, options.partitions, examined(files, roles, engine.memory))
    _read(engine, source, find_key(engine, source, options, "feature"), options)


def _label_columns(options: Options) -> dict[str, str]:
    return {"status": options.status_column, "source": SOURCE_COLUMN, "mos": "mos"}


def _read(engine: Engine, source: Source, key: Key, options: Options) -> None:
    named = _label_columns(options)
    columns = {alias: source.find("label", column, (), "label column") for alias, column in named.items()}
    cells = [*key.cells, *source.cells(columns)]
    source.run(engine, "output/20_output_values", cells, key.parameters(), key=key)
    for fault in engine.rows(render("output/30_output_fault")):
        raise _error(source, key, fault)


def _with_key(options: Options, columns: Sequence[str], out: str) -> Options:
    regex = options.feature_key_regex
    if options.feature_key_template is None and isinstance(regex, tuple) and len(regex) != len(columns):
        patterns = counted(len(regex), "pattern", "patterns")
        message = f"{out}: its evidence has {patterns} for the key {listed(columns)}"
        raise TableError(message, code="unreadable", file=out)
    return replace(options, feature_key_column=tuple(columns))


def _as_written(engine: Engine, workspace: Workspace, key: Key, options: Options, features: str) -> Key:
    """Return the key of a CSV output with the types that its values have in the features, if they are numbers there."""
    source = open_table(engine, workspace, features, "feature", {})
    cells = [
        replace(cell, column=replace(cell.column, type=_number_type(engine, source, original)))
        for cell, original in zip(key.cells, find_key(engine, source, options, "feature").cells, strict=True)
    ]
    return replace(key, keys=tuple(cells))


def _refuse_number_texts(engine: Engine, source: Source, key: Key, features: str) -> None:
    """Raise TableError if a key may be a number or a text, as the features that tell which cannot be opened."""
    for row in source.query(engine, "output/10_number_texts", key.cells, keys=key.cells):
        raise TableError(
            f"{source.path}: row {row['row']}: the key {shown(row['text'])} is a number or that text; its features, "
            f"{features}, tell, and they cannot be opened",
            code="bad-key",
            file=source.path,
            column=key.columns[0],
            row=row["row"],
        )


def _number_type(engine: Engine, source: Source, cell: Cell) -> str:
    """Return DOUBLE or DECIMAL if a column holds such numbers alone, else VARCHAR."""
    kinds = source.format.types_of(engine, source, cell)
    if kinds and all(kind.startswith("DECIMAL(") for kind in kinds):
        return kinds[0]
    is_float = any(kind in FLOAT_TYPES for kind in kinds) and "VARCHAR" not in kinds
    return "DOUBLE" if is_float else "VARCHAR"


def _error(source: Source, key: Key, fault: Mapping[str, Any]) -> TableError:
    path, row = source.place(fault["first_row"])
    if fault["fault"] == "key":
        column = key.columns[fault["fault_part"] - 1]
        return TableError(
            f"{path}: row {row}: the key column {shown(column)} holds {shown(fault['raw_value'])}, "
            f"{short(fault['first_value'])}, which cannot be a key ({fault['total']} such rows): it is no longer "
            "the key that was labelled by",
            code="bad-key",
            file=path,
            column=column,
            row=row,
            found=[fault],
        )
    if fault["fault"] == "score":
        return TableError(
            f"{path}: row {row} is labelled, and its mos is {shown(fault['first_value'])}, which is not a "
            f"finite number ({fault['total']} such rows)",
            code="bad-score",
            file=path,
            column="mos",
            row=row,
            found=[fault],
        )
    other, second = source.place(fault["second_row"])
    place = f"row {second}" if other == path else f"row {second} of {other}"
    return TableError(
        f"{path}: the key {shown(fault['raw_value'])} of {key.shown_columns} has two scores: {fault['first_value']} in "
        f"row {row} and {fault['second_value']} in {place} ({fault['total']} such keys)",
        code="conflict",
        file=other,
        column=key.columns[0],
        row=second,
        found=[fault],
    )


def _dialect(options: Options, features: str, out: str) -> dict[str, Any]:
    """Return how a CSV output is written: as its features, with a header, if these are CSV too."""
    given = options.feature_csv
    has_dialect = not format_problem(features, "features") and reader_of(features).has_dialect
    if not (given and has_dialect and reader_of(out).has_dialect):
        return {}
    kept = {"encoding", "decimal", *(["delimiter"] if format_of(out) == format_of(features) else [])}
    # The features may be split by whitespace, and no output is.
    return {name: value for name, value in given.items() if name in kept and value != WHITESPACE}
