"""The checks of the arguments of public functions, made before a file is read."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from moslabels.base.errors import UsageError
from moslabels.base.progress import Cancel, Progress
from moslabels.base.settings import Settings
from moslabels.base.text import nearest, shown
from moslabels.spec.options import FIELDS, Options

Features: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | Sequence[str | os.PathLike[str] | Mapping[str, Any]]
"""What names features: a file, or the files of a table of many parts."""


def all_args(
    paths: Mapping[str, Any],
    options: Mapping[str, Any],
    settings: Settings,
    unmatched: Any,
    asked: Mapping[str, Any],
    engine: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the arguments of a call for one table, for its evidence: every option with its value, given or not.

    ``asked`` is how it is to run, such as ``dry_run``, and ``engine`` what is told of the engine.
    """
    defaults = Options()
    return {
        **paths,
        "unmatched": unmatched,
        **asked,
        **{name: getattr(settings, name) for name in ("memory_limit", "threads", "temp_dir")},
        **({"workers": settings.workers} if settings.workers is not None else {}),
        **engine,
        **{name: options.get(name, getattr(defaults, name)) for name in FIELDS},
    }


def check_block(block: Mapping[str, Any] | None, *, skip_unchanged: bool) -> None:
    """Raise UsageError if JSON cannot hold the ``run_provenance`` of the caller, or if it makes skipping impossible."""
    if block is None:
        return
    try:
        json.dumps(block, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"run_provenance must be an object of JSON values: {error}") from error
    if skip_unchanged:
        says = "skip_unchanged: run_provenance replaces the hashes that tell what was labelled; leave one out"
        raise UsageError("the arguments are wrong:", [says])


def checked_cancel(cancel: Any) -> Cancel | None:
    """Return ``cancel``. Raise UsageError if it has no ``is_set()``."""
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise UsageError(f"cancel: must have is_set(), as threading.Event has, not {shown(type(cancel).__name__)}")
    given: Cancel | None = cancel
    return given


def checked_progress(progress: Any) -> Progress:
    """Return ``progress``. Raise UsageError if it lacks a method."""
    if isinstance(progress, type):
        raise UsageError(f"progress: must be an object; make one of the class: {progress.__name__}()")
    methods = [name for name in vars(Progress) if not name.startswith("_")]
    if lacking := [name for name in methods if not callable(getattr(progress, name, None))]:
        raise UsageError(f"progress: must be a moslabels.Progress; it lacks {', '.join(lacking)}")
    given: Progress = progress
    return given


def check_callbacks(**callbacks: Any) -> None:
    """Raise UsageError if a callback that is given cannot be called."""
    for name, callback in callbacks.items():
        if callback is not None and not callable(callback):
            raise UsageError(f"{name}: must be a function, not {shown(type(callback).__name__)}")


def check_options(options: Mapping[str, Any]) -> None:
    """Raise UsageError if a keyword is not an option of a table."""
    if unknown := [name for name in options if name not in FIELDS]:
        raise UsageError(
            "the arguments are wrong:", [f"unknown option {shown(name)}{nearest(name, FIELDS)}" for name in unknown]
        )


def with_options(function: Callable[..., Any]) -> None:
    """Give a function a signature that lists the options of a table as keywords."""
    signature = inspect.signature(function)
    kept = [parameter for parameter in signature.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=getattr(Options(), name), annotation=option.type
        )
        for name, option in FIELDS.items()
    ]
    function.__signature__ = signature.replace(parameters=[*kept, *options])  # type: ignore[attr-defined]
