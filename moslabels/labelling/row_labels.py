"""The join: which label each feature row has, and the proof that the rows are those that were counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, render
from moslabels.labelling.keys import Key
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import Match
from moslabels.sources.arrays import ascends, summed
from moslabels.sources.columns import Cell
from moslabels.sources.constants import integer
from moslabels.sources.distinct import DistinctRows
from moslabels.sources.few_rows import MOST_ROWS, few_rows
from moslabels.sources.source import Source

_COUNTED_AT_ONCE = 1 << 18
_MANY_PLACES = 16


def row_labels_statement(source: Source, cells: Sequence[Cell], missing: int, rows: int) -> Statement:
    """Return the statement of the join: one row per feature row, in the order of the file, with its label's number.

    ``cells`` are the key columns, and ``missing`` is the number of rows without a label.
    """
    row_type = "UINTEGER" if rows < 1 << 32 else "BIGINT"  # Sorting half the bytes takes half the room.
    return source.statement("match/40_row_labels", cells, {"missing": missing}, row_type=row_type)


def rows_of_positions(positions: pa.Array | pa.ChunkedArray, rows: pa.ChunkedArray | None = None) -> pa.Table:
    """Return how many rows have each ``position``, as ``rows``, in the order of the positions.

    Each of ``positions`` is that of one row or, with ``rows``, of so many. They are counted by ranges of positions: to
    count millions at once takes hundreds of megabytes.
    """
    highest = pc.max(positions).as_py() or 0
    if min(highest, len(positions)) < _COUNTED_AT_ONCE:
        return _counted(positions, rows, 0)
    counted = []
    for start in range(0, highest + 1, _COUNTED_AT_ONCE):
        first, last = integer(start)[0], integer(min(start + _COUNTED_AT_ONCE - 1, highest))[0]
        is_of_range = pc.and_(pc.greater_equal(positions, first), pc.less_equal(positions, last))
        of_range = None if rows is None else rows.filter(is_of_range)
        counted.append(_counted(positions.filter(is_of_range), of_range, start))
        pa.default_memory_pool().release_unused()  # It would keep most of what each range took.
    return pa.concat_tables(counted)


def _counted(positions: pa.Array | pa.ChunkedArray, rows: pa.ChunkedArray | None, start: int) -> pa.Table:
    if rows is not None:
        return pa.Table.from_arrays(summed(positions, rows), ["position", "rows"])
    found, counts = pc.value_counts(positions).flatten()
    return _in_order(found, counts, start)


def _in_order(positions: pa.Array, rows: pa.Array, start: int) -> pa.Table:
    """Return distinct positions, which are not below ``start``, and their rows, in the order of the positions.

    To put each in its place takes a tenth of the time of sorting them, unless there are many places for each.
    """
    places = pc.subtract(positions, integer(start)[0])
    highest = pc.max(places).as_py() or 0
    if highest > _MANY_PLACES * len(places):
        order = pc.sort_indices(positions)
    else:
        # It is given as many numbers as it shall return: pyarrow 21 cannot be told their number.
        padded = pa.concat_arrays([places, pa.nulls(max(0, highest + 1 - len(places)), places.type)])
        order = pc.inverse_permutation(padded).drop_null()
    return pa.Table.from_arrays([positions.take(order), rows.take(order)], ["position", "rows"])


def rows_with_label(held: pa.Table, missing: int, rows: int) -> int:
    """Return how many of so many rows have a label. ``held`` is what :func:`rows_of_positions` returned.

    Those without a label are at the last position, ``missing``.
    """
    position, of_position = (held.column(index) for index in range(2))
    # A constant to compare the positions with would make pyarrow import pandas.
    is_whole = len(held) == 0 or position[-1].as_py() != missing
    return rows - (0 if is_whole else int(of_position[-1].as_py()))


def row_labels(
    engine: Engine, source: Source, key: Key, labels: Labels, match: Match, distinct: DistinctRows | None
) -> pa.ChunkedArray:
    """Run the join, the heaviest query. Return the number of the label of each feature row (int32), in order.

    Rows without a label have the number ``labels.missing_id``. Arrow counts the result: it must say what was counted
    in SQL. Raise TableError if it does not. With the ``distinct`` rows the query is about these alone. If each row has
    another value, the values are the rows, and none is read again.
    """
    engine.progress.step("joining", match.input_rows)
    of_label = None
    if distinct is None and match.values == match.input_rows:
        positions = _of_rows(engine, source, labels, match)
    elif distinct is None:
        positions = _positions(engine, source, key, labels, match.input_rows)
    else:
        if distinct.is_exact and not match.groups:
            of_value, rows, _ = _of_values(engine, labels, match)
            of_label = rows_of_positions(of_value, rows)
        else:
            of_value = _positions(engine, distinct.source, key, labels, distinct.count)
        if len(of_value) != distinct.count:
            raise _miscount(source, f"{distinct.count} values were counted, and there are {len(of_value)}")
        assert distinct.codes is not None
        positions = of_value.take(distinct.codes)
    if match.has_many_rows:
        engine.let_go()  # Counting takes as much as the join.
    if of_label is None:
        of_label = counted_rows_of_labels(engine, labels, match)
    check_labelled(source, labels, match, of_label, rows_of_positions(positions), len(positions))
    return positions


def counted_rows_of_labels(engine: Engine, labels: Labels, match: Match) -> pa.Table:
    """Return what SQL counted: how many rows have each position, as :func:`rows_of_positions` returns it."""
    values, has_repeats = {"missing": labels.missing_id}, match.repeats > 0
    return engine.table(render("match/checks/41_rows_of_labels", values, has_repeats=has_repeats))


def check_labelled(source: Source, labels: Labels, match: Match, of_label: pa.Table, held: pa.Table, rows: int) -> None:
    """Raise TableError if rows were labelled otherwise than they were counted in SQL.

    So many rows were labelled. How many should have each position is in ``of_label``, and how many have it in ``held``,
    as :func:`rows_of_positions` returns them.
    """
    for what, counted, found in (
        *_sums(match, labels, source.rows),
        ("rows", match.input_rows, rows),
        ("rows with a label", match.matched_rows, rows_with_label(held, labels.missing_id, rows)),
        ("labels in use", len(of_label), len(held)),
    ):
        if counted != found:
            raise _miscount(source, f"{counted} {what} were counted, and there are {found}")
    if not of_label.equals(held):
        raise _miscount(source, "the rows of each label were counted otherwise than they were labelled")


def _of_values(engine: Engine, labels: Labels, match: Match) -> list[pa.ChunkedArray]:
    """Return for each value, in the order of their first rows: the number of its label, its rows, and the first row."""
    statement = render("match/41_value_labels", {"missing": labels.missing_id})
    if 0 < match.values <= MOST_ROWS:
        found = few_rows(engine, statement, pa.int32(), pa.int64(), pa.int64())
        return [pa.chunked_array([numbers]) for numbers in found]
    return list(engine.table(statement).columns)


def _of_rows(engine: Engine, source: Source, labels: Labels, match: Match) -> pa.ChunkedArray:
    """Return the number of the label of each row, if each has another value. What else is read is let go of."""
    label_ids, _, numbers = _of_values(engine, labels, match)
    if not _counts_up(numbers, match.input_rows):
        raise _miscount(source, f"{match.input_rows} rows were counted, and they are numbered otherwise")
    return label_ids


def _counts_up(numbers: pa.ChunkedArray, rows: int) -> bool:
    """Return whether these are the numbers from 1 to that of the last row, in order."""
    if len(numbers) != rows or not rows:
        return len(numbers) == rows
    return (numbers[0].as_py(), numbers[-1].as_py()) == (1, rows) and ascends(numbers)


def _positions(engine: Engine, source: Source, key: Key, labels: Labels, rows: int) -> pa.ChunkedArray:
    with source.reading():
        return engine.table(row_labels_statement(source, key.cells, labels.missing_id, rows)).column(0)


def _sums(match: Match, labels: Labels, rows: int | None) -> Iterator[tuple[str, int, int]]:
    """Yield what was counted twice: its name and both numbers."""
    if rows is not None:
        yield "rows", match.input_rows, rows
    yield "rows in the histogram", sum(match.scores.mos_histogram), match.matched_rows
    yield "keys in the histogram", sum(match.scores.mos_histogram_by_key), match.matched_feature_keys
    yield "keys with a label", match.matched_feature_keys, labels.count - match.unused_label_keys.count
    without = match.total_feature_keys - match.matched_feature_keys
    yield "keys without a label", without, match.unmatched_feature_keys.count
    if match.groups:
        yield "rows in all groups", sum(group.input_rows for group in match.groups), match.input_rows
        without = sum(group.rows_without_key for group in match.groups)
        yield "rows without a key in all groups", without, match.rows_without_key


def _miscount(source: Source, what: str) -> TableError:
    return TableError(
        f"{source.path}: {what}; one of the two is wrong, so nothing was written: run again when nothing writes to "
        "the file, and write it anew where that does not help",
        code="miscount",
        file=source.path,
    )
