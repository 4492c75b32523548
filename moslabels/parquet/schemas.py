"""The copies of the schema in the metadata of a Parquet file, extended so that every reader sees the new columns."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa

from moslabels.parquet.footer import FooterError

ARROW = "ARROW:schema"
PANDAS = "pandas"
SPARK = "org.apache.spark.sql.parquet.row.metadata"
REFUSED = ("parquet.avro.schema", "avro.schema", "iceberg.schema")


def extended(
    key_values: Mapping[str, bytes | None], dropped: Collection[str], labels: pa.Schema
) -> dict[str, bytes | None]:
    """The key-value metadata without the dropped columns and with those of ``labels``. Raises FooterError."""
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
    return new


def without(metadata: Mapping[bytes, bytes] | None, dropped: Collection[str]) -> Mapping[bytes, bytes] | None:
    """The metadata of an Arrow schema, where pandas' entry no longer tells of the dropped columns.

    A damaged entry is left out.
    """
    if metadata is None or b"pandas" not in metadata:
        return metadata
    try:
        return {**metadata, b"pandas": _pandas(metadata[b"pandas"], dropped, pa.schema([]))}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {name: value for name, value in metadata.items() if name != b"pandas"}


def _arrow(value: bytes, dropped: Collection[str], labels: pa.Schema) -> bytes:
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(value, validate=True)))
    fields = [field for field in schema if field.name not in dropped]
    metadata = dict(schema.metadata or {})
    # pandas believes this copy of its entry, not the file's own.
    if b"pandas" in metadata:
        metadata[b"pandas"] = _pandas(metadata[b"pandas"], dropped, labels)
    new = pa.schema([*fields, *(field.with_metadata(None) for field in labels)], metadata or None)
    return base64.b64encode(new.serialize().to_pybytes())


def _pandas(value: bytes, dropped: Collection[str], labels: pa.Schema) -> bytes:
    entry = json.loads(value)
    entry["columns"] = [column for column in entry["columns"] if column.get("field_name") not in dropped]
    entry["index_columns"] = [index for index in entry["index_columns"] if index not in tuple(dropped)]
    for field in labels:
        pandas_type, numpy_type, metadata = _pandas_types(field.type)
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


def _pandas_types(kind: pa.DataType) -> tuple[str, str, dict[str, Any] | None]:
    """pandas' names of a nullable column of a type: of the type, of its storage, and what else it needs."""
    if pa.types.is_integer(kind):
        name = str(kind)
        return name, name.replace("int", "Int").replace("uInt", "UInt"), None
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
