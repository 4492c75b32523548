"""moslabels joins subjective labels (mean opinion scores) onto tables of video-quality features, and proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moslabels.base.errors import (
    CODES,
    CancelledError,
    GateError,
    MosLabelsError,
    StatementError,
    TableError,
    UsageError,
)
from moslabels.base.version import __version__ as __version__

if TYPE_CHECKING:
    from moslabels.runs.batch import run_batch
    from moslabels.runs.join import Joined, join
    from moslabels.runs.table import materialize
    from moslabels.spec.manifest import load_manifest

__all__ = [
    "CODES",
    "CancelledError",
    "GateError",
    "Joined",
    "MosLabelsError",
    "StatementError",
    "TableError",
    "UsageError",
    "join",
    "load_manifest",
    "materialize",
    "run_batch",
]

_HOMES = {
    "Joined": "runs.join",
    "join": "runs.join",
    "load_manifest": "spec.manifest",
    "materialize": "runs.table",
    "run_batch": "runs.batch",
}


def __getattr__(name: str) -> Any:
    # Loaded when first used: "moslabels --help" needs no DuckDB.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
