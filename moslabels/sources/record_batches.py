"""Batches of other packages as Arrow record batches, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import pyarrow as pa

from moslabels.base.errors import UsageError
from moslabels.base.text import shown
from moslabels.engine.sessions import Relation
from moslabels.sources.taken_over import ArrowTable, Scannable, kinds_of, taking_over, why_refused

Batches: TypeAlias = ArrowTable | Scannable | Iterable[Any]
"""What is read batch by batch. With a schema, it is any iterable of record batches."""


def record_batches(value: Any, schema: pa.Schema | None, name: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema of batches, and the batches. ``name`` is that of their table in messages.

    ``schema`` is that of an iterable of batches, which has none of its own. Raise UsageError for a value of another
    kind, and TableError if a package cannot hand over its batches.
    """
    if schema is not None:
        return schema, _of_iterable(value, schema, name)
    open_reader = _opener(value, name)
    with taking_over(name):
        reader = open_reader()
        list(reader.schema.names)  # Raises if a name is not text that Python can hold.
    return reader.schema, _of_reader(reader, name)


def _opener(value: Any, name: str) -> Callable[[], pa.RecordBatchReader]:
    """Return what opens a reader of a value. Raise UsageError if nothing can."""
    kinds = kinds_of(value)
    if problem := why_refused(value, kinds):
        raise UsageError(f"{name}: {problem}")
    if isinstance(value, pa.RecordBatchReader):
        return lambda: value
    if isinstance(value, Relation):  # Without the select, DuckDB 1.5 leaves out rows that were fetched before.
        return lambda: pa.RecordBatchReader.from_stream(value.select("*"))
    if "pyarrow.Dataset" in kinds:
        return lambda: value.scanner().to_reader()
    if "pyarrow.Scanner" in kinds:
        return lambda: value.to_reader()
    if hasattr(value, "__arrow_c_stream__"):
        return lambda: pa.RecordBatchReader.from_stream(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    advice = "; pyarrow.dataset.dataset(path) reads a file" if isinstance(value, str | os.PathLike) else ""
    raise UsageError(
        f"{name}: must be a RecordBatchReader or another object that has __arrow_c_stream__, a Dataset, a Scanner, or "
        f"with schema= an iterable of record batches, not {shown(kind)}{advice}"
    )


def _of_reader(reader: pa.RecordBatchReader, name: str) -> Iterator[pa.RecordBatch]:
    while True:
        with taking_over(name):
            batch = next(reader, None)
        if batch is None:
            return
        yield batch


def _of_iterable(batches: Any, schema: pa.Schema, name: str) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an iterable. What it raises is the caller's own, and passes on unchanged."""
    if not isinstance(schema, pa.Schema):
        raise UsageError(f"schema: must be a schema of pyarrow, not {shown(type(schema).__name__)}")
    if hasattr(batches, "__arrow_c_stream__") or not hasattr(batches, "__iter__"):
        raise UsageError(
            f"{name}: with schema= it must be an iterable of record batches, such as a list or a generator; a stream "
            "has a schema of its own"
        )
    return _checked(batches, schema, name)


def _checked(batches: Iterable[Any], schema: pa.Schema, name: str) -> Iterator[pa.RecordBatch]:
    for number, batch in enumerate(batches, start=1):
        if not isinstance(batch, pa.RecordBatch):
            raise UsageError(f"{name}: batch {number} must be a RecordBatch, not {shown(type(batch).__name__)}")
        if not batch.schema.equals(schema):
            raise UsageError(f"{name}: batch {number} does not have the schema that was given")
        yield batch
