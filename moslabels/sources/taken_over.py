"""Tables of other packages as Arrow tables. No package is imported for it: a value tells which one it is of."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from moslabels.base.errors import TableError, UsageError, is_from_outside
from moslabels.base.text import shown
from moslabels.engine.sessions import Connection, InterruptException, Relation
from moslabels.engine.worker import table_of

Look: TypeAlias = Callable[[], None]
"""A function that is called now and then while a table is read, and may raise."""


class ArrowTable(Protocol):
    """A table that can be handed over as Arrow, of pyarrow, pandas, polars, DuckDB or another package.

    See https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
    """

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class LazyFrame(Protocol):
    """A LazyFrame of polars, as type checkers see it who do not know polars."""

    def collect_batches(self) -> Any: ...


class Scannable(Protocol):
    """A Dataset or a Scanner of pyarrow."""

    def to_batches(self) -> Any: ...


class HuggingFaceDataset(Protocol):
    """A Dataset of Hugging Face."""

    def with_format(self, type: Any) -> Any: ...  # noqa: A002


Table: TypeAlias = ArrowTable | LazyFrame | Scannable | HuggingFaceDataset
"""What is taken over as an Arrow table. A frame that is not installed has no type, so no type here is that of one."""


def as_arrow(connection: Connection | None, look: Look, value: Any, name: str) -> pa.Table:
    """Return a table in memory as an Arrow table, without a copy if its columns are Arrow's.

    ``connection`` is the connection of a relation. ``look`` is called while DuckDB works, and between batches. Raise
    UsageError for a value of another kind, and TableError if it cannot be converted.
    """
    kinds = kinds_of(value)
    reader = next((_READERS[kind] for kind in kinds if kind in _READERS), None)
    if problem := _problem(value, kinds, has_reader=reader is not None):
        raise UsageError(f"{name}: {problem}")
    with taking_over(name):
        if isinstance(value, Relation):
            table = table_of(value, connection, look)
        elif reader is not None:
            table = reader(value, look)
        else:
            table = value if isinstance(value, pa.Table) else pa.table(value)
        list(table.column_names)  # Raises if a name is not text that Python can hold.
    return table


@contextmanager
def taking_over(name: str) -> Iterator[None]:
    """Turn what another package raises into a TableError. An exception from outside passes unchanged."""
    try:
        yield
    except InterruptException:
        raise
    except Exception as error:  # The other package may raise anything.
        if is_from_outside(error):
            raise
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and re.search("KeyboardInterrupt|Query interrupted", str(error)):
            raise KeyboardInterrupt from error
        raise TableError(
            f"{name}: cannot be taken over as an Arrow table: {error}", code="unreadable", file=name
        ) from error


def kinds_of(value: Any) -> list[str]:
    """Return the names of the class of a value and of its bases, each after its package."""
    return [f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}" for kind in type(value).__mro__]


def why_refused(value: Any, kinds: list[str]) -> str:
    """Return why a value, which may be an Arrow stream, is no table to join; empty if nothing speaks against it."""
    for kind in kinds:
        if kind in _REFUSED:
            return f"{shown(kind)} {_REFUSED[kind]}"
    if "pandas.DataFrame" in kinds and value.columns.nlevels > 1:
        return (
            f"its columns have {value.columns.nlevels} levels, so no option can name one of them; give each one name: "
            'frame.columns = ["_".join(map(str, levels)) for levels in frame.columns]'
        )
    return ""


def _problem(value: Any, kinds: list[str], *, has_reader: bool) -> str:
    """Return why a value is not a table that can be taken over; empty if it is one."""
    if problem := why_refused(value, kinds):
        return problem
    if has_reader or hasattr(value, "__arrow_c_stream__"):
        return ""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return (
        "must be a path, an Arrow table or reader, a Dataset, a pandas or polars frame, a DuckDB relation or another "
        f"object that has __arrow_c_stream__, not {shown(kind)}"
    )


def _of_frame(frame: Any, _look: Look) -> pa.Table:
    """Return a DataFrame of polars. Its Arrow stream has newer types, which fewer readers know."""
    objects = [name for name, kind in frame.schema.items() if str(kind).startswith("Object")]
    if objects:
        raise TypeError(f"column {shown(objects[0])} holds objects of Python")
    return frame.to_arrow()


def _of_plan(plan: Any, look: Look) -> pa.Table:
    """Return the rows of a LazyFrame of polars, which collects them in batches."""
    if not hasattr(plan, "collect_batches"):
        raise TypeError("this version of polars collects no batches; collect() it first")
    tables = []
    for frame in plan.collect_batches():
        look()
        tables.append(_of_frame(frame, look))
    return pa.concat_tables(tables) if tables else _of_frame(plan.head(0).collect(), look)


def _of_scanner(scanner: Any, look: Look) -> pa.Table:
    """Return the rows of a Scanner of pyarrow, in their order."""
    reader, batches = scanner.to_reader(), []
    for batch in reader:
        look()
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


_READERS: Mapping[str, Callable[[Any, Look], pa.Table]] = {
    "polars.DataFrame": _of_frame,
    "polars.LazyFrame": _of_plan,
    "pyarrow.Dataset": lambda dataset, look: _of_scanner(dataset.scanner(), look),
    "pyarrow.Scanner": _of_scanner,
    # Its own table may have rows that were filtered out, or in another order.
    "datasets.Dataset": lambda dataset, _: dataset.with_format("arrow")[:],
}
"""How the values of a class become an Arrow table, if not by ``__arrow_c_stream__``."""

_ONE_COLUMN = "is one column, and a join needs a key beside the others; give a frame"
_REFUSED: Mapping[str, str] = {
    "pandas.Series": f"{_ONE_COLUMN}, such as series.reset_index()",
    "polars.Series": _ONE_COLUMN,
    "pyarrow.ChunkedArray": _ONE_COLUMN,
    "pyarrow.Array": _ONE_COLUMN,
    "datasets.DatasetDict": 'holds several tables; give one of them, such as dataset["train"]',
    "datasets.IterableDataset": "is read from its source anew each time; give a Dataset",
}
