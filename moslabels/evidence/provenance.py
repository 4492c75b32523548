"""The ``run_provenance`` block of audits and reports, with its hashes and file records."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from moslabels.base.version import __version__
from moslabels.files.records import file_record
from moslabels.files.watched import file_state
from moslabels.spec.reports import named_reports

SCHEMA = "ai-run-provenance-v1"
ENTRYPOINT = "moslabels/cli.py"
_COMMAND = str(Path(__file__).parents[1] / "cli.py")
VERSIONS = ("moslabels", "duckdb", "pyarrow", "python")
"""Python and the packages whose versions a block has."""
BY_WORKERS = ("hosts", "worker_versions")
"""The arguments that say who labelled parts. They may differ between the evidence of two tables of one run."""


def recorded_hashes(inputs: Any) -> Iterator[tuple[str, str]]:
    """Yield the (path, sha256) of the file records in the inputs of a block. It may be a caller's own, of any shape."""
    if isinstance(inputs, Mapping):
        if isinstance(inputs.get("path"), str) and isinstance(inputs.get("sha256"), str):
            yield inputs["path"], inputs["sha256"]
        inputs = list(inputs.values())
    if isinstance(inputs, list):
        for item in inputs:
            yield from recorded_hashes(item)


@cache
def _version_of(package: str) -> str:
    return metadata.version(package)  # It reads a file. To import the package would take a tenth of a second.


def versions() -> dict[str, str]:
    """Return the versions on which the bytes of an output depend."""
    return {
        "moslabels": __version__,
        "duckdb": _version_of("duckdb"),
        "pyarrow": _version_of("pyarrow"),
        "python": platform.python_version(),
    }


def version_differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return which versions differ from those that are wanted, as text."""
    names = [name for name in versions() if found.get(name) != wanted.get(name)]
    return ", ".join(f"{name} {found.get(name)} and not {wanted.get(name)}" for name in names)


def entrypoint() -> dict[str, Any]:
    """Return the file record of the command, under the path that it has in every installation."""
    return {**_record(_COMMAND, file_state(_COMMAND)), "path": ENTRYPOINT}


@cache
def _record(path: str, _state: tuple[int, ...] | None) -> dict[str, Any]:
    return file_record(path)


def run_provenance(
    argv: Sequence[str],
    args: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str | None],
) -> dict[str, Any]:
    """Return the ``run_provenance`` block. ``inputs`` are file records or lists of them by name, outputs are paths."""
    return {
        "schema": SCHEMA,
        "entrypoint": entrypoint(),
        "argv": list(argv),
        "args": {name: plain(args[name]) for name in sorted(args)},
        "inputs": {"manifest": None, "features": None, "labels": [], **inputs},
        "outputs": {"out": None, "audit_json": None, **named_reports({}), **outputs},
        "versions": versions(),
    }


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: paths become texts, and tuples become lists."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def is_ours(block: Any) -> bool:
    """Return whether moslabels wrote a ``run_provenance`` block, and not the caller.

    Of three marks two are enough, so that an edit of one mark does not hide the block from checks.
    """
    if not isinstance(block, Mapping):
        return False
    entrypoint, recorded = block.get("entrypoint"), block.get("versions")
    marks = (
        block.get("schema") == SCHEMA,
        isinstance(entrypoint, Mapping) and entrypoint.get("path") == ENTRYPOINT,
        isinstance(recorded, Mapping) and {*recorded} == {*VERSIONS},
    )
    return marks.count(True) > 1
