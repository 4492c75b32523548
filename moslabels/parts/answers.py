"""The answers of workers, as the driver takes them: only from those of its own versions."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.version import __version__
from moslabels.evidence.provenance import version_differences, versions
from moslabels.parts.messages import unwrap

_OF_A_HOST = ("usage", "no-file", "file-system", "resources", "changed", "read-back", "internal")
"""The codes of errors that depend on the host, so that the message names it."""


@dataclass(frozen=True)
class Answer:
    """A result, and the host that has it. ``written`` is the name of the file by which it shows what it sees."""

    host: str
    result: bytes
    written: str | None


def opened(answer: bytes) -> Answer:
    """Return an answer. Raise TableError if it holds an error, or if the worker has other versions."""
    try:
        header, result = unwrap(answer)
        host, missing = header["host"], header.get("missing")
        theirs, error = ({}, None) if missing else (header["versions"], header["error"])
        written = header.get("written")
    except (ValueError, TypeError, KeyError) as fault:
        raise TableError(
            f"a worker answers what moslabels {__version__} does not know: {fault}; install {__version__} there",
            code="resources",
        ) from fault
    if missing:
        raise _missing(host, missing)
    if theirs != versions():
        raise _other_versions(host, theirs)
    if error is not None:
        raise _raised(host, error)
    return Answer(host, result, written)


def _missing(host: str, what: str) -> TableError:
    wanted = ", ".join(f"{name} {version}" for name, version in versions().items())
    return TableError(f"a worker on {host} cannot import moslabels: {what}; install {wanted} there", code="resources")


def _other_versions(host: str, theirs: Mapping[str, str]) -> TableError:
    return TableError(
        f"a worker on {host} has {version_differences(theirs, versions())}: the bytes of the parts would "
        "depend on who labels them; install the same versions there",
        code="resources",
    )


def _raised(host: str, told: Mapping[str, Any]) -> TableError:
    members = dict(told)
    message = members.pop("message")
    if members["code"] in _OF_A_HOST and host != socket.gethostname() and host not in message:
        message = f"{message} (on {host})"
    return TableError(message, **members)
