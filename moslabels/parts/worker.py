"""A worker: whoever calls :func:`answer` with the requests of a driver, in any process on any machine.

A request is bytes, and so is an answer. An answer says who gave it. It holds the result of the task, or the error.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context
from typing import IO, Any

from moslabels.base.errors import MosLabelsError, os_error
from moslabels.base.settings import Settings
from moslabels.engine.databases import shared
from moslabels.evidence.provenance import versions
from moslabels.parts.examine import examine
from moslabels.parts.label import label
from moslabels.parts.messages import unwrap, wrap
from moslabels.parts.sight import Sight, look

TASKS: Mapping[str, Callable[[bytes, Settings], bytes]] = {"examine": examine, "label": label}
"""The functions that workers run, by name. Each is pure but for the parts that it writes, and may run twice."""

_LENGTH = 8
_OF_ERRORS = ("code", "file", "column", "row")


def request(name: str, task: bytes, settings: Settings, sight: Sight | None = None) -> bytes:
    """Return the request to do a task. ``settings`` are what the worker may take of its machine.

    With ``sight``, the worker first makes sure that it sees the storage of the driver.
    """
    given = {name: os.fspath(value) if name == "temp_dir" else value for name, value in settings.given().items()}
    return wrap({"task": name, "settings": given, "sight": sight and sight.members()}, task)


def memory_of(request: bytes) -> int:
    """Return how many bytes of memory the rows and labels of a task take, beside what each task takes."""
    task, _ = unwrap(unwrap(request)[1])
    found: int = task["header"].get("needs", 0)
    return found


def answer(request: bytes) -> bytes:
    """Do what a request asks for, and return the answer. No error of a task is raised here: the answer holds it.

    An engine calls this in its workers. It may call it in several threads, and again after a worker was lost.
    """
    # A process that was forked must not use the database that its parent keeps in the context.
    return Context().run(_answer, request)


def _answer(request: bytes) -> bytes:
    who = {"host": socket.gethostname(), "process": os.getpid(), "versions": versions()}
    try:
        header, task = unwrap(request)
        written = look(Sight(**header["sight"])) if header["sight"] else None
        with shared():
            result = TASKS[header["task"]](task, Settings(**header["settings"]))
    except Exception as error:
        return wrap({**who, "error": _told(error)})
    return wrap({**who, "error": None, "written": written}, result)


def _told(error: Exception) -> dict[str, Any]:
    """Return an error as JSON values."""
    if isinstance(error, OSError) and error.errno is not None:
        error = os_error(error)
    if isinstance(error, MosLabelsError):
        return {"message": str(error), **{name: getattr(error, name) for name in _OF_ERRORS}}
    if isinstance(error, MemoryError):
        return {"message": "a worker is out of memory", "code": "resources"}
    message = f"a worker failed, which nobody foresaw: {type(error).__name__}: {error}"
    return {"message": message, "code": "internal"}


def send(stream: IO[bytes], message: bytes) -> None:
    """Write one message to a process."""
    stream.write(len(message).to_bytes(_LENGTH, "little"))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one message of a process; None if it has ended."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "little")
    message = stream.read(size)
    return message if len(message) == size else None


def main() -> None:
    """Answer the requests that come in on standard input, until it ends. Before each message comes its length."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal. The driver ends its workers.
    # What a library prints must not get between the messages.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError):  # The driver has ended, so nobody wants what is done here.
        while (message := receive(requests)) is not None:
            send(answers, answer(message))
    os._exit(0)  # Nothing is left to be written. Closing the pipe would say so to a driver that has ended.
