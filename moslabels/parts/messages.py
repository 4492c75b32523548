"""Messages between the driver and its workers: a JSON header and Arrow tables. Nothing in them is code."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.ipc

_LENGTH = 8


def pack(header: Mapping[str, Any], tables: Mapping[str, pa.Table] | None = None) -> bytes:
    """Return a message: the length of the header, the header, and the tables one after the other."""
    streams = {name: _stream(table) for name, table in (tables or {}).items()}
    sizes = {name: len(stream) for name, stream in streams.items()}
    head = json.dumps({"header": header, "tables": sizes}, ensure_ascii=False).encode("utf-8")
    return b"".join([len(head).to_bytes(_LENGTH, "little"), head, *streams.values()])


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Return the header and the tables of a message."""
    length = int.from_bytes(message[:_LENGTH], "little")
    head = json.loads(message[_LENGTH : _LENGTH + length])
    start, tables = _LENGTH + length, {}
    for name, size in head["tables"].items():
        with pa.ipc.open_stream(pa.py_buffer(message).slice(start, size)) as reader:
            tables[name] = reader.read_all()
        start += size
    return head["header"], tables


def _stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
