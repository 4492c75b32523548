"""Features as typed Arrow columns in file order, for writers of another format and for ``join``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from moslabels.base.text import listed
from moslabels.engine.connection import Engine
from moslabels.sources.columns import Column
from moslabels.sources.faults import fault
from moslabels.sources.source import Source

_CELLS_PER_BATCH = 4_000_000
_FEWEST_ROWS = 1_000


def batch_rows(columns: int) -> int:
    """Return how many rows make a batch, so that wide tables take no more memory than narrow ones."""
    return max(_FEWEST_ROWS, min(65_536, _CELLS_PER_BATCH // max(1, columns)))


def text_rows(columns: int) -> int:
    """Return how many rows make a batch that is written as text: fewer, as it is copied a few times on its way."""
    return max(_FEWEST_ROWS, batch_rows(columns) // 4)


def typed_batches(
    engine: Engine,
    source: Source,
    dropped: Sequence[str],
    rows: int,
    keys: Sequence[str],
    *,
    names_without_case: bool = False,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the columns of a feature table without the dropped ones: their schema, and batches of ``rows`` rows.

    The page of formats in the guide lists the types. ``keys`` names the key columns, whose values keep their keys.
    Raise TableError if a column has no type, or if two columns have one name. If ``names_without_case``, names that
    differ only by case are one name.
    """
    columns = _kept(source, dropped)
    names = [column.name for column in columns]
    # Parquet readers do not tell names apart by case.
    ignores_case = names_without_case or source.format.ignores_case
    counts = Counter(name.lower() if ignores_case else name for name in names)
    twice = [name for name in names if counts[name.lower() if ignores_case else name] > 1]
    if twice:
        raise fault(
            source.path,
            f"columns {listed(twice)} have one name{', but for case' * ignores_case}; rename them, or write the format "
            "that they are in",
            "cannot-hold",
            column=twice[0],
        )
    return source.format.typed_batches(engine, source, columns, rows, keys)


def text_batches(engine: Engine, source: Source, columns: Sequence[Column], rows: int) -> Iterator[pa.RecordBatch]:
    """Return the cells of a table of texts unchanged. An empty cell is NULL, and "" is an empty text.

    They are converted in Arrow, because DuckDB takes minutes to bind thousands of expressions.
    """
    cells = source.cells({column.ident: column for column in columns})
    with source.reading():
        _, batches = engine.stream(source.statement("sources/rows", cells), rows)
        for batch in batches:
            yield batch.select([cell.value for cell in cells])


def feature_table(engine: Engine, source: Source, dropped: Sequence[str], keys: Sequence[str]) -> pa.Table:
    """Return the columns of a feature table without the dropped ones as one Arrow table. Raise TableError."""
    table = source.format.as_arrow(source, dropped)
    if table is not None:
        return table
    schema, batches = typed_batches(engine, source, dropped, batch_rows(len(source.columns)), keys)
    return pa.Table.from_batches(batches, schema)


def _kept(source: Source, dropped: Sequence[str]) -> list[Column]:
    return [column for column in source.columns if column.name not in dropped]
