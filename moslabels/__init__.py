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
    from moslabels.base.progress import Progress
    from moslabels.evidence.types import Audit, Report, TableEntry
    from moslabels.runs.ask import diff, explain, suggest, verify
    from moslabels.runs.batch import run_batch
    from moslabels.runs.join import join
    from moslabels.runs.joined import Joined
    from moslabels.runs.labelled_batches import LabelledBatches
    from moslabels.runs.labeller import Labeller, labeller
    from moslabels.runs.result_types import Difference, Explanation, Suggestions, Verification
    from moslabels.runs.table import materialize
    from moslabels.runs.timings import DoneTable
    from moslabels.spec.manifest import load_manifest
    from moslabels.spec.options import OptionKeywords as Options

__all__ = [
    "CODES",
    "Audit",
    "CancelledError",
    "Difference",
    "DoneTable",
    "Explanation",
    "GateError",
    "Joined",
    "LabelledBatches",
    "Labeller",
    "MosLabelsError",
    "Options",
    "Progress",
    "Report",
    "StatementError",
    "Suggestions",
    "TableEntry",
    "TableError",
    "UsageError",
    "Verification",
    "diff",
    "explain",
    "join",
    "labeller",
    "load_manifest",
    "materialize",
    "run_batch",
    "suggest",
    "verify",
]

_HOMES = {
    **dict.fromkeys(("Audit", "Report", "TableEntry"), "evidence.types"),
    **dict.fromkeys(("diff", "explain", "suggest", "verify"), "runs.ask"),
    **dict.fromkeys(("Difference", "Explanation", "Suggestions", "Verification"), "runs.result_types"),
    **dict.fromkeys(("Labeller", "labeller"), "runs.labeller"),
    "DoneTable": "runs.timings",
    "Joined": "runs.joined",
    "LabelledBatches": "runs.labelled_batches",
    "Options": "spec.options",
    "Progress": "base.progress",
    "join": "runs.join",
    "load_manifest": "spec.manifest",
    "materialize": "runs.table",
    "run_batch": "runs.batch",
}
_NAMES_AT_HOME = {"Options": "OptionKeywords"}  # The options of a table, as keywords of a call.


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    # Loaded when first used: "moslabels --help" needs no DuckDB.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), _NAMES_AT_HOME.get(name, name))
    globals()[name] = value
    return value
