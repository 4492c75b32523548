"""moslabels joins subjective labels (mean opinion scores) onto tables of video-quality features, and proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moslabels.errors import CODES, CancelledError, GateError, MosLabelsError, StatementError, TableError, UsageError

if TYPE_CHECKING:
    from moslabels.batch import run_batch
    from moslabels.joining import Joined, join
    from moslabels.labelling import materialize
    from moslabels.manifest import load_manifest

__version__ = "0.2.0"
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
    "Joined": "joining",
    "join": "joining",
    "load_manifest": "manifest",
    "materialize": "labelling",
    "run_batch": "batch",
}


def __getattr__(name: str) -> Any:
    # Loaded when first used: "moslabels --help" needs no DuckDB.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
