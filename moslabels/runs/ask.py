"""suggest, explain, verify and diff for scripts and notebooks: what the commands of these names find, as values."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Unpack, cast

from moslabels.base.errors import UsageError, os_error
from moslabels.base.progress import SILENT
from moslabels.base.settings import Settings
from moslabels.parts.engines import engine_of_run
from moslabels.runs import diff as diffs
from moslabels.runs import explain as explanations
from moslabels.runs import verify as verifications
from moslabels.runs.arguments import Features, check_options, with_options
from moslabels.runs.result_types import Difference, Explanation, Suggestions, Verification
from moslabels.runs.shown import ShownDifference, ShownExplanation, ShownSuggestions, ShownVerification
from moslabels.sources.in_memory import named_tables
from moslabels.sources.taken_over import Table, as_arrow
from moslabels.spec.entry import input_spec, text_features
from moslabels.spec.options import OptionKeywords
from moslabels.spec.paths import path_argument
from moslabels.suggestions import search

Path = str | os.PathLike[str]


def suggest(
    features: Features,
    labels: Path | Sequence[Path],
    *,
    feature_csv: str | Mapping[str, Any] | None = None,
    label_csv: str | Mapping[str, Any] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: Path | None = None,
) -> Suggestions:
    """Find rules that join two tables, the best first. None is applied.

    The ``options`` of a suggestion are keywords of :func:`moslabels.join` and :func:`moslabels.materialize`, its
    ``labels`` their label files, and its ``manifest`` is a whole entry. ``features`` is a path, or a folder, a pattern
    or a list of Parquet files: a table of many parts. ``feature_csv`` and ``label_csv`` say how CSV is written if it is
    not found. Raise UsageError or TableError.
    """
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    paths = [path_argument("labels", path) for path in _several(labels)]
    try:
        named = text_features(features)
        if not isinstance(named, Mapping | list):
            named = path_argument("features", named)
        found = search.suggest(named, paths, settings=settings, feature_csv=feature_csv, label_csv=label_csv)
    except OSError as error:
        raise os_error(error) from error
    return cast(Suggestions, ShownSuggestions(found))


def explain(
    values: str | Sequence[str],
    features: Features | Table,
    labels: Any,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: Path | None = None,
    **options: Unpack[OptionKeywords],
) -> list[Explanation]:
    """Show how values of the feature key column become keys, step by step, and the label that each meets.

    ``features`` and ``labels`` are what :func:`moslabels.join` takes. If several columns are the key, a value is the
    text of a JSON list. Raise UsageError or TableError.
    """
    check_options(options)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    wanted = [values] if isinstance(values, str) else list(values)
    if wrong := [value for value in wanted if not isinstance(value, str)]:
        raise UsageError(f"values: must be texts, not {wrong[0]!r}")
    try:
        named_features, named_labels, tables = named_tables(features, labels, partial(as_arrow, None, lambda: None))
        spec = input_spec(named_features, named_labels, options, tables)
        found = explanations.explain(spec, wanted, settings)
    except OSError as error:
        raise os_error(error) from error
    return [cast(Explanation, ShownExplanation(one)) for one in found]


def verify(
    paths: Path | Sequence[Path],
    *,
    only_root: bool = False,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: Path | None = None,
    workers: int | None = None,
    engine: str | None = None,
    address: str | None = None,
    executor: Executor | None = None,
) -> Verification:
    """Check reports, audits and labelled Parquet files against the tables that they are about. Nothing is written.

    The ``status`` is ``ok``, ``differs`` or ``unknown``. Relative paths in the files open from the working folder;
    ``only_root`` refuses paths outside of it. ``workers``, ``engine``, ``address`` and ``executor`` say who labels the
    parts of tables of many parts again, as in :func:`moslabels.run_batch`. Raise UsageError.
    """
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir, workers=workers)
    named = [path_argument("file", path) for path in _several(paths)]
    if not named:
        raise UsageError("verify needs one file at least")
    try:
        with engine_of_run(engine, address, executor, settings, SILENT) as of_run:
            found = verifications.verify(named, settings, only_root=only_root, of_run=of_run)
    except OSError as error:
        raise os_error(error) from error
    return cast(Verification, ShownVerification(found))


def diff(
    old: Path,
    new: Path,
    *,
    old_root: Path = "",
    only_root: bool = False,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: Path | None = None,
) -> Difference:
    """Compare two reports, two audits or two labelled tables: clips gained, lost and with another score; rule; inputs.

    A labelled table of many parts is a folder; its parts are paired by their paths in it. Relative paths in ``old``
    open from ``old_root``, and those in ``new`` from the working folder. Raise UsageError if the two cannot be
    compared, and TableError if a table cannot be read.
    """
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    sides = path_argument("old", old), path_argument("new", new)
    try:
        found = diffs.diff(*sides, settings, os.fspath(old_root), only_root=only_root)
    except OSError as error:
        raise os_error(error) from error
    return cast(Difference, ShownDifference(found))


with_options(explain)


def _several(paths: Path | Sequence[Path]) -> list[Path]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
