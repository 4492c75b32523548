"""A worker: a process that does the tasks that come in on standard input, one after the other.

Before each message comes its length. A task begins with the name of its function. A result begins with one byte: it is
the result, or the error as JSON.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from moslabels.base.errors import MosLabelsError, TableError
from moslabels.engine.databases import kept
from moslabels.parts.examine import examine
from moslabels.parts.label import label

TASKS: Mapping[str, Callable[[bytes], bytes]] = {"examine": examine, "label": label}
"""The functions that workers run, by name. Each is pure but for the parts that it writes, and may run twice."""

_LENGTH = 8
DONE, FAILED = b"d", b"f"


def send(stream: IO[bytes], *pieces: bytes) -> None:
    """Write one message."""
    stream.write(sum(map(len, pieces)).to_bytes(_LENGTH, "little"))
    for piece in pieces:
        stream.write(piece)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one message; None if the other side has ended."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "little")
    message = stream.read(size)
    return message if len(message) == size else None


def error_message(error: Exception) -> bytes:
    """Return an error as a message."""
    known = error if isinstance(error, MosLabelsError) else None
    told = {name: getattr(known, name) for name in ("code", "file", "column", "row")} if known else {"code": "internal"}
    message = str(error) if known else f"a worker failed, which nobody foresaw: {type(error).__name__}: {error}"
    return json.dumps({"message": message, **told}).encode("utf-8")


def raised(message: bytes) -> TableError:
    """Return the error that a worker sent."""
    told: dict[str, Any] = json.loads(message)
    return TableError(told.pop("message"), **told)


def main() -> None:
    """Do tasks until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal. The driver ends its workers.
    # What a library prints must not get between the messages.
    tasks, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with kept(), suppress(BrokenPipeError):  # The driver has ended, so nobody wants what is done here.
        while (message := receive(tasks)) is not None:
            send(results, *_result(message))
    os._exit(0)  # Nothing is left to be written. Closing the pipe would say so to a driver that has ended.


def _result(message: bytes) -> tuple[bytes, bytes]:
    """Do a task, and return its result, or the error, each after the byte that tells which."""
    name, _, task = message.partition(b"\n")
    try:
        return DONE, TASKS[name.decode()](task)
    except Exception as error:
        return FAILED, error_message(error)
