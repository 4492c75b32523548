"""Messages between the driver and its workers: a JSON header and what follows it. Nothing in them is code."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.ipc

_LENGTH = 8


def wrap(header: Mapping[str, Any], *bodies: bytes) -> bytes:
    """Return a message: the length of the header, the header, and what follows it."""
    head = json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"".join([len(head).to_bytes(_LENGTH, "little"), head, *bodies])


def unwrap(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a message and what follows it. Raise ValueError if it is not a message."""
    end = _LENGTH + int.from_bytes(message[:_LENGTH], "little")
    header = json.loads(message[_LENGTH:end].decode("utf-8", "surrogatepass"))
    if not isinstance(header, dict):
        raise ValueError("the header is not an object")
    return header, message[end:]


def pack(header: Mapping[str, Any], tables: Mapping[str, pa.Table] | None = None) -> bytes:
    """Return a message that holds Arrow tables, one after the other."""
    streams = {name: _stream(table) for name, table in (tables or {}).items()}
    sizes = {name: len(stream) for name, stream in streams.items()}
    return wrap({"header": header, "tables": sizes}, *streams.values())


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Return the header and the tables of a message."""
    head, body = unwrap(message)
    start, tables = 0, {}
    for name, size in head["tables"].items():
        with pa.ipc.open_stream(pa.py_buffer(body).slice(start, size)) as reader:
            tables[name] = reader.read_all()
        start += size
    return head["header"], tables


def _stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    # Labels repeat their texts: a quarter of the bytes leaves the driver.
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()
