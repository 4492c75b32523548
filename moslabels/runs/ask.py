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

    Parameters
    ----------
    features
        A path; or a folder, a pattern or a list of Parquet files, which are a table of many parts.
    labels
        The path of a label file, or a list of several that one rule joins.
    feature_csv, label_csv
        How CSV is written, if that is not found in the files: a delimiter, or a mapping as in a manifest.
    memory_limit, threads, temp_dir
        What DuckDB may take: a text such as ``"4GB"``, a number, a folder for what does not fit in memory.

    Returns
    -------
    Suggestions
        A dict. Of each of its ``suggestions``, the ``options`` are keywords of :func:`moslabels.join` and
        :func:`moslabels.materialize`, the ``labels`` are their label files, and the ``manifest`` is a whole entry.
        Rates are from 0 to 1.

    Raises
    ------
    UsageError
        If the arguments are wrong.
    TableError
        If a file cannot be read, or has no scores.

    Examples
    --------
    In the folder ``examples/quickstart``:

    >>> from moslabels import suggest
    >>> best = suggest("natural_features.parquet", "natural_labels.csv")["suggestions"][0]
    >>> best["match_rate"], best["options"]["feature_key_regex"], best["options"]["label_key_column"]
    (1.0, '([0-9]{6,})', 'flickr_id')
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

    Parameters
    ----------
    values
        A value, or several, each a text; if several columns are the key, the text of a JSON list.
    features, labels
        What :func:`moslabels.join` takes.
    memory_limit, threads, temp_dir
        What DuckDB may take: a text such as ``"4GB"``, a number, a folder for what does not fit in memory.
    **options
        Those of a manifest's table, such as ``key_normalize="stem"``.

    Returns
    -------
    list of Explanation
        A dict for each value, in order: its ``steps``, its ``key`` (None if it has none), the ``label`` that it meets
        (None if there is none) and the ``nearest`` labels.

    Raises
    ------
    UsageError
        If the arguments are wrong.
    TableError
        If a table cannot be read, or its labels are wrong.

    Examples
    --------
    In the folder ``examples/quickstart``:

    >>> from moslabels import explain
    >>> (told,) = explain(
    ...     "runs/4265321879_original.mp4",
    ...     "natural_features.parquet",
    ...     "natural_labels.csv",
    ...     feature_key_regex="^([0-9]{6,})_",
    ...     label_key_column="flickr_id",
    ... )
    >>> told["key"], told["label"]["row"], told["label"]["mos"]
    ('4265321879', 1, 3.42)
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

    Parameters
    ----------
    paths
        A report, an audit or a labelled Parquet file, or several. Relative paths in them open from the working folder.
    only_root
        Refuse paths outside of the working folder.
    memory_limit, threads, temp_dir
        What DuckDB may take: a text such as ``"4GB"``, a number, a folder for what does not fit in memory.
    workers, engine, address, executor
        Who labels the parts of tables of many parts again, as in :func:`moslabels.run_batch`.

    Returns
    -------
    Verification
        A dict: ``status`` is ``ok``, ``differs``, or ``unknown`` if it cannot be told; ``files`` has what was checked
        of each file, and ``outside`` the paths outside of the working folder.

    Raises
    ------
    UsageError
        If the arguments are wrong. What is missing or damaged is in the result.
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

    Parameters
    ----------
    old, new
        The paths of the two. A labelled table of many parts is a folder; its parts are paired by their paths in it.
    old_root
        The folder that relative paths in ``old`` open from. Those in ``new`` open from the working folder.
    only_root
        Refuse paths outside of these folders.
    memory_limit, threads, temp_dir
        What DuckDB may take: a text such as ``"4GB"``, a number, a folder for what does not fit in memory.

    Returns
    -------
    Difference
        A dict: ``same`` says whether nothing changed, and ``tables`` has an entry for each table of both. Scores and
        their changes are on 1 to 5. ``only_old`` and ``only_new`` name tables of one side, ``not_compared`` those
        that a report of chosen tables left out.

    Raises
    ------
    UsageError
        If the two cannot be compared.
    TableError
        If a table cannot be read.
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
