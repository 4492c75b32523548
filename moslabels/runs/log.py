"""Records of a run in the log ``moslabels``, for callers that have set up logging. Without that, nothing is said.

Each record has the table as ``record.table``: its id, or the path of its features.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moslabels.base.errors import MosLabelsError
from moslabels.base.text import visible
from moslabels.evidence.run import DoneParts, kept_parts
from moslabels.spec.table import TableSpec

LOG = logging.getLogger("moslabels")
LOG.addHandler(logging.NullHandler())  # Or Python would print warnings if nobody has set up logging.


def begins(spec: TableSpec, *, is_dry: bool) -> None:
    """Log that work on a table begins."""
    _log(logging.INFO, spec, f"begins{_where(spec, is_dry)}")


def done(spec: TableSpec, status: str, audit: Mapping[str, Any], parts: DoneParts | None, *, is_dry: bool) -> None:
    """Log that a table is done, what it warns of, and how many of its parts were labelled already."""
    _found(spec, status, audit, f"{_where(spec, is_dry)}{kept_parts(parts)}")


def joined(spec: TableSpec, audit: Mapping[str, Any]) -> None:
    """Log that labels were joined onto a table, which is not written, and what it warns of."""
    _found(spec, "ok", audit, "")


def _where(spec: TableSpec, is_dry: bool) -> str:
    return " (dry run: no table is written)" if is_dry else f" -> {spec.out}"


def _found(spec: TableSpec, status: str, audit: Mapping[str, Any], where: str) -> None:
    for text in audit["warnings"]:
        warn(spec, text)
    rows = f"{audit['matched_rows']} of {audit['input_rows']} rows labelled"
    _log(logging.INFO, spec, f"{status}: match rate {audit['match_rate']:.3f}, {rows}{where}")


def warn(spec: TableSpec, text: str) -> None:
    _log(logging.WARNING, spec, text)


@contextmanager
def failure_of(spec: TableSpec) -> Iterator[None]:
    """Log the exception by which work on a table ends, if any. A reader of batches may stop before the last one."""
    try:
        yield
    except GeneratorExit:
        raise
    except BaseException as error:
        failed(spec, error)
        raise


def failed(spec: TableSpec, error: BaseException) -> None:
    """Log that a table failed, or that its work was ended."""
    if isinstance(error, MosLabelsError):
        _log(logging.ERROR, spec, f"{error.code}: {error}")
    else:
        _log(logging.ERROR, spec, f"not finished: {type(error).__name__}", error)


def _log(level: int, spec: TableSpec, text: str, error: BaseException | None = None) -> None:
    if LOG.isEnabledFor(level):
        name = spec.id or spec.features
        lines = "\n".join(map(visible, f"{name}: {text}".split("\n")))
        LOG.log(level, "%s", lines, extra={"table": name}, exc_info=error)
