"""The copies of the schema in the metadata of a Parquet file, extended so that every reader sees the new columns.

Arrow, pandas and Spark each keep such a copy.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.parquet.chunks import FooterError

ARROW = "ARROW:schema"
PANDAS = "pandas"
SPARK = "org.apache.spark.sql.parquet.row.metadata"
_MOST_EXACT = 2**53  # A float holds every whole number up to this one exactly.
REFUSED = ("parquet.avro.schema", "avro.schema", "iceberg.schema")


def declared(columns: pa.Table, rows: pa.ChunkedArray | None) -> pa.Schema:
    """Return the schema of label columns. The metadata of an integer field names the dtype that pandas reads it as.

    ``rows`` says which rows of ``columns`` the table has, or None that it may have any.
    """
    schema = pa.schema([_as_read(field) for field in columns.schema])
    integers = [index for index, field in enumerate(schema) if pa.types.is_integer(field.type)]
    used = rows.unique() if integers and rows is not None else None
    for index in integers:
        column = columns.column(index)
        dtype = pandas_dtype(column if used is None else column.take(used))
        schema = schema.set(index, schema.field(index).with_metadata({PANDAS: dtype}))
    return schema


def _as_read(field: pa.Field) -> pa.Field:
    """Return the field of a label column as readers see it: texts of a dictionary are texts."""
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def pandas_dtype(integers: pa.ChunkedArray) -> str:
    """Return the dtype that pandas reads integers as.

    If no value is missing, it is an integer dtype of numpy. If some are, it is float64 if that holds all others
    exactly, and else an integer dtype of pandas that allows missing values, such as ``Int64``.
    """
    name = str(integers.type)
    if not integers.null_count:
        return name
    ends = [end for end in pc.min_max(integers).as_py().values() if end is not None]
    return name.replace("int", "Int").replace("uI", "UI") if max(map(abs, ends), default=0) > _MOST_EXACT else "float64"


def needs_pandas(field: pa.Field) -> bool:
    """Return whether pandas would round a declared column, unless the metadata for pandas names its dtype."""
    return field.metadata is not None and b"Int" in field.metadata.get(PANDAS.encode(), b"")


def extended(
    key_values: Mapping[str, bytes | None], dropped: Collection[str], labels: pa.Schema
) -> dict[str, bytes | None]:
    """Return key-value metadata whose schemas lack the dropped columns and have those of ``labels`` (:func:`declared`).

    Raise FooterError if an entry is damaged or cannot be extended.
    """
    for name in REFUSED:
        if name in key_values:
            raise FooterError(f"its metadata holds {name}, which would not know the label columns")
    new = dict(key_values)
    for name, extend in ((ARROW, _arrow), (PANDAS, _pandas), (SPARK, _spark)):
        value = new.get(name)
        if value is None:
            continue
        try:
            new[name] = extend(value, dropped, labels)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, pa.ArrowException, OSError) as error:
            raise FooterError(f"its metadata holds a damaged {name}: {error}") from error
    if new.get(PANDAS) is None and any(map(needs_pandas, labels)):
        new[PANDAS] = _pandas(_NO_COLUMNS, (), _needing_pandas(labels))
    return new


def changed(
    metadata: Mapping[bytes, bytes] | None, dropped: Collection[str], labels: pa.Schema
) -> Mapping[bytes, bytes] | None:
    """Return the metadata of an Arrow schema with a changed entry for pandas.

    The entry lacks the dropped columns, and has the declared labels that pandas would round. A damaged entry is left
    out.
    """
    metadata = dict(metadata or {})
    entry = metadata.pop(b"pandas", None)
    labels = _needing_pandas(labels)
    if entry is not None:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {**metadata, b"pandas": _pandas(entry, dropped, labels)}
    if len(labels):
        metadata[b"pandas"] = _pandas(_NO_COLUMNS, (), labels)
    return metadata or None


def _needing_pandas(labels: pa.Schema) -> pa.Schema:
    return pa.schema([field for field in labels if needs_pandas(field)])


_NO_COLUMNS = b'{"columns": [], "column_indexes": [], "index_columns": [], "pandas_version": null}'
"""An entry for pandas that lists no columns. pandas takes the types of columns that are not listed from the file."""


def _arrow(value: bytes, dropped: Collection[str], labels: pa.Schema) -> bytes:
    return _arrow_with(value, tuple(dropped), labels.serialize().to_pybytes())


@lru_cache(4)  # The parts of a table have the same one.
def _arrow_with(value: bytes, dropped: tuple[str, ...], serialized_labels: bytes) -> bytes:
    labels = pa.ipc.read_schema(pa.py_buffer(serialized_labels))
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(value, validate=True)))
    fields = [field for field in schema if field.name not in dropped]
    metadata = dict(schema.metadata or {})
    # pandas reads this copy of its entry, not the one in the metadata of the file.
    if b"pandas" in metadata:
        metadata[b"pandas"] = _pandas(metadata[b"pandas"], dropped, labels)
    elif any(map(needs_pandas, labels)):
        metadata[b"pandas"] = _pandas(_NO_COLUMNS, (), _needing_pandas(labels))
    new = pa.schema([*fields, *(field.with_metadata(None) for field in labels)], metadata or None)
    return base64.b64encode(new.serialize().to_pybytes())


def _pandas(value: bytes, dropped: Collection[str], labels: pa.Schema) -> bytes:
    entry = json.loads(value)
    entry["columns"] = [column for column in entry["columns"] if column.get("field_name") not in dropped]
    entry["index_columns"] = [index for index in entry["index_columns"] if index not in tuple(dropped)]
    for field in labels:
        pandas_type, numpy_type, metadata = _pandas_types(field)
        entry["columns"].append(
            {
                "name": field.name,
                "field_name": field.name,
                "pandas_type": pandas_type,
                "numpy_type": numpy_type,
                "metadata": metadata,
            }
        )
    return json.dumps(entry).encode("utf-8")


def _pandas_types(field: pa.Field) -> tuple[str, str, dict[str, Any] | None]:
    """Return what an entry for pandas says about a declared column: its type, its dtype and its metadata."""
    kind = field.type
    if pa.types.is_integer(kind):
        return str(kind), field.metadata[PANDAS.encode()].decode(), None
    if pa.types.is_floating(kind):
        name = {"halffloat": "float16", "float": "float32", "double": "float64"}[str(kind)]
        return name, name, None
    if pa.types.is_boolean(kind):
        return "bool", "boolean", None
    if pa.types.is_timestamp(kind):
        metadata = {"timezone": kind.tz} if kind.tz else None
        return ("datetimetz" if kind.tz else "datetime"), f"datetime64[{kind.unit}]", metadata
    if pa.types.is_date(kind):
        return "date", "object", None
    if pa.types.is_decimal(kind):
        return "decimal", "object", {"precision": kind.precision, "scale": kind.scale}
    if pa.types.is_time(kind):
        return "time", "object", None
    return "unicode", "object", None


def _spark(value: bytes, dropped: Collection[str], labels: pa.Schema) -> bytes:
    entry = json.loads(value)
    kept = [field for field in entry["fields"] if field["name"] not in dropped]
    new = [{"name": field.name, "type": _spark_type(field.type), "nullable": True, "metadata": {}} for field in labels]
    entry["fields"] = [*kept, *new]
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _spark_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp_ntz"
    known = {
        "double": "double",
        "float": "float",
        "int64": "long",
        "int32": "integer",
        "int16": "short",
        "int8": "byte",
    }
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_boolean(kind):
        return "boolean"
    return known.get(str(kind), "string")
