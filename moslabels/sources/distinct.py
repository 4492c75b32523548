"""The distinct values of columns of an Arrow table. Arrow finds them, so that statements read a row per value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.engine.connection import Engine
from moslabels.sources.arrays import repeated, summed
from moslabels.sources.arrow_table import ArrowTable, all_fit, as_read, is_text, register, values_of
from moslabels.sources.columns import Column
from moslabels.sources.constants import one_array, whole, zeros
from moslabels.sources.part import Part
from moslabels.sources.source import Source

_SAMPLE = 4096
_ROWS_OF_A_RUN = 4
"""So many rows are equal on average, at least, where runs are counted in place of rows."""


class CountedTable(ArrowTable):
    """A table in memory of distinct rows, each with how many rows it stands for and the number of the first of them."""

    reader = "counted"


@dataclass(frozen=True)
class Distinct:
    """The distinct rows of a table.

    ``values`` has them in the order in which they come first: the columns, ``rows`` (how many rows are equal to it) and
    ``first_row`` (the number of the first of these, from 1). ``codes`` has for each row of the table its place there.
    """

    values: pa.Table
    codes: pa.Array


@dataclass(frozen=True)
class DistinctRows:
    """The distinct rows of a source, as statements read them, and the place among them of each row of the source.

    ``is_exact`` says that DuckDB too distinguishes them all. To it, two floats are one value that are two to Arrow: 0.0
    and -0.0. ``all_fit`` says that all can be keys: they are whole numbers, and texts that are not too long.
    """

    source: Source
    codes: pa.Array | None
    is_exact: bool
    all_fit: bool

    @property
    def count(self) -> int:
        count = self.source.part.rows
        assert count is not None
        return count


def distinct_rows(engine: Engine, source: Source, columns: Sequence[Column]) -> DistinctRows | None:
    """Return the distinct rows of some columns of a table in memory, or None if the table is not in memory."""
    if source.has_several or source.part.table is None:
        return None
    found = distinct_of(source, columns)
    return counted_rows(engine, source, found.values, found.codes)


def distinct_of(source: Source, columns: Sequence[Column]) -> Distinct:
    """Return the distinct rows of some columns of a table in memory, under the names that statements read them by."""
    once = list(dict.fromkeys(columns))  # One column may be several parts of a key.
    arrays = [as_read(values_of(source, column)) for column in once]
    return distinct(pa.Table.from_arrays(arrays, [column.ident for column in once]))


def counted_rows(engine: Engine, source: Source, values: pa.Table, codes: pa.Array | None = None) -> DistinctRows:
    """Return distinct rows as the source of statements that read another one. ``values`` are those of a Distinct."""
    part = Part(source.path, register(engine, values), counted=len(values))
    counted = Source(source.path, source.role, CountedTable(), (part,), source.columns)
    *read, _, _ = values.columns
    is_exact = all(is_text(column.type) or pa.types.is_integer(column.type) for column in read)
    return DistinctRows(counted, codes, is_exact, all_fit(read))


def distinct(table: pa.Table) -> Distinct:
    """Return the distinct rows of a table that has at least one column."""
    columns = [_decoded(column) for column in table.columns]
    if len(columns) == 1 and _has_runs(columns[0]):
        return _distinct_of_runs(columns[0], table.column_names[0])
    return _distinct(pa.Table.from_arrays(columns, table.column_names))


def _distinct(table: pa.Table) -> Distinct:
    """Return the distinct rows of a table whose values need not be decoded."""
    columns = table.columns
    codes = one_array(_codes(columns))
    if len(codes) and codes[-1].as_py() == len(codes) - 1:  # All rows differ: the last row has the last code.
        places, numbers = codes, pc.add(codes.cast(pa.int64()), whole(1))
        counts = pc.add(zeros(len(codes)), whole(1))
    else:
        places, numbers = _first_rows(codes)
        counts = codes.value_counts().field("counts")  # Codes come first in their order, and so are counted in it.
    values = [column.take(places) for column in columns]
    return Distinct(pa.Table.from_arrays([*values, counts, numbers], [*table.column_names, "rows", "first_row"]), codes)


def merged(values: pa.Table) -> pa.Table:
    """Return rows such as ``values`` of a Distinct, of which several may be equal, with each once.

    Of equal rows, the one that comes first must have the lowest ``first_row``.
    """
    return _merged(values, distinct(values.select(values.column_names[:-2])))


def _merged(values: pa.Table, found: Distinct) -> pa.Table:
    _, rows = summed(found.codes, values["rows"])  # Codes count in the order in which they come first.
    places = pc.subtract(found.values["first_row"], whole(1))
    columns = [*found.values.columns[:-2], rows, values["first_row"].take(places)]
    return pa.Table.from_arrays(columns, values.column_names)


def _has_runs(column: pa.ChunkedArray) -> bool:
    """Return whether equal rows follow each other, as the frames of a clip do, by the first rows: then runs are few.

    Of floats, two that are equal may not be one value to Arrow: 0.0 and -0.0.
    """
    if not (is_text(column.type) or pa.types.is_integer(column.type)) or len(column) < _SAMPLE:
        return False
    return len(pc.run_end_encode(one_array(column.slice(0, _SAMPLE))).values) <= _SAMPLE // _ROWS_OF_A_RUN


def _distinct_of_runs(column: pa.ChunkedArray, name: str) -> Distinct:
    """Return the distinct values of a column. Its runs of equal rows are counted in place of its rows."""
    runs = [pc.run_end_encode(chunk, pa.int64()) for chunk in column.chunks if len(chunk)]
    lengths = [pc.subtract(run.run_ends, pa.concat_arrays([zeros(1), run.run_ends[:-1]])) for run in runs]
    rows = pa.concat_arrays(lengths)
    ends = pc.cumulative_sum(rows)
    first_rows = pc.add(pc.subtract(ends, rows), whole(1))
    values = pa.Table.from_arrays(
        [pa.chunked_array([run.values for run in runs]), rows, first_rows], [name, "rows", "first_row"]
    )
    found = _distinct(values.select([name]))
    codes = repeated(found.codes, ends, len(column))
    return Distinct(_merged(values, found), codes)


def _codes(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Return a number for each row. Rows that are equal have the same, and the rows that come first count from 0."""
    codes, _ = _encoded(columns[0])
    for column in columns[1:]:
        others, count = _encoded(column)
        wide = pc.add(pc.multiply(codes.cast(pa.int64()), count), others.cast(pa.int64()))
        codes, _ = _encoded(wide)
    return codes


def _encoded(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.Scalar]:
    """Return the codes of the values of a column, and how many values there are."""
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    encoded = pc.dictionary_encode(column, null_encoding="encode")  # All chunks have one dictionary.
    codes = pa.chunked_array([chunk.indices for chunk in encoded.chunks], pa.int32())
    values = encoded.chunk(0).dictionary if encoded.num_chunks else pa.nulls(0)
    return codes, pc.count(values, mode="all")


def _first_rows(codes: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return for each code the first row that has it, counted from 0, and counted from 1."""
    so_far = pc.cumulative_max(codes)
    # pa.array would import pandas for its constants.
    nothing = pa.nulls(min(1, len(codes)))
    is_new = [pc.is_null(nothing), pc.not_equal(so_far[1:], so_far[:-1])]
    places = pc.indices_nonzero(pa.concat_arrays(is_new))
    numbers = pc.indices_nonzero(pa.concat_arrays([pc.is_valid(nothing), *is_new]))
    return places, numbers.cast(pa.int64())


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with the values that DuckDB reads in it, in a form that Arrow can take rows of."""
    kind = column.type
    if pa.types.is_run_end_encoded(kind):
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    elif pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    elif pa.types.is_string_view(kind):
        column = column.cast(pa.large_string())
    elif pa.types.is_binary_view(kind):
        column = column.cast(pa.large_binary())
    return column if column.type == kind else _decoded(column)
