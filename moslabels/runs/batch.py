"""A batch: every table of a manifest is labelled, and one report tells about all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

from moslabels.base.errors import UsageError, fault_of_table, interruption, os_error
from moslabels.base.progress import SILENT, Cancel, Progress, relayed
from moslabels.base.settings import Settings
from moslabels.base.signals import held, released
from moslabels.engine.databases import kept
from moslabels.evidence import report
from moslabels.evidence.comparison import compared, old_tables
from moslabels.evidence.reports import MAKERS
from moslabels.evidence.run import Run
from moslabels.evidence.types import Report
from moslabels.files.publish import write_whole
from moslabels.files.records import file_record
from moslabels.files.reserve import reserved
from moslabels.parts.engines import EngineOfRun, check_need, engine_of_run
from moslabels.runs import log
from moslabels.runs.arguments import check_block, check_callbacks, checked_cancel, checked_progress
from moslabels.runs.shown import shown_report
from moslabels.runs.table import label_or_skip
from moslabels.runs.timings import DoneTable, Timings, timings_file
from moslabels.spec.manifest import Manifest, load_manifest, report_problems
from moslabels.spec.paths import path_argument
from moslabels.spec.reports import named_reports
from moslabels.spec.table import TableSpec


def run_batch(
    manifest: Manifest | str | os.PathLike[str],
    *,
    base_dir: str | os.PathLike[str] | None = None,
    tables: Sequence[str] | None = None,
    report_json: str | os.PathLike[str] | None = None,
    report_md: str | os.PathLike[str] | None = None,
    report_html: str | os.PathLike[str] | None = None,
    report_junit: str | os.PathLike[str] | None = None,
    fail_fast: bool = False,
    dry_run: bool = False,
    skip_unchanged: bool = False,
    compare: str | os.PathLike[str] | None = None,
    run_provenance: Mapping[str, Any] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    engine: str | EngineOfRun | None = None,
    address: str | None = None,
    executor: Executor | None = None,
    argv: Sequence[str] = (),
    timings: str | os.PathLike[str] | None = None,
    on_table: Callable[[DoneTable], None] | None = None,
    on_report: Callable[[Report], None] | None = None,
    progress: Progress = SILENT,
    cancel: Cancel | None = None,
) -> Report:
    """Label every table of a manifest and write the report.

    Parameters
    ----------
    manifest
        What :func:`moslabels.load_manifest` returned, or the path of a manifest.
    base_dir
        The folder that relative paths of the manifest resolve from, if a path is given.
    tables
        The ids of the tables to label, a list; by default all. The report is then of these alone, and says so.
    report_json, report_md, report_html, report_junit
        Where to write the report, if anywhere.
    fail_fast
        Stop after the first table that fails. The others are then ``not-run``.
    dry_run
        Do everything but write tables, audits and unmatched files. The reports that are named are written, and marked.
    skip_unchanged
        Skip each table whose inputs, options, versions and output are still the ones in its audit. Of a table of many
        parts of which some changed, keep the others by hard links.
    compare
        The JSON report of an earlier run. The report tells what changed since, per table that it lists.
    run_provenance
        A provenance block to use in place of moslabels' own. It lacks what tells a table unchanged, so it does not go
        with ``skip_unchanged``.
    memory_limit, threads, temp_dir
        What DuckDB may take: a text such as ``"4GB"``, a number, a folder for what does not fit in memory.
    workers
        How many processes label the parts of a table of many parts; by default one per core, if the table is large.
        With an engine or an executor, the most tasks at a time.
    engine, address
        Who labels the parts of tables of many parts: ``"local"``, or the name of an engine, and where it is. This
        process labels the other tables.
    executor
        A ``concurrent.futures.Executor`` that labels them, such as one of Dask or MPI.
    argv
        The command line, for the evidence.
    timings
        Where to write how long the tables and their steps took, as JSON, if anywhere. No other file depends on it.
    on_table
        Called with the report's entry of each table when it is done, and with how long that took: its ``timings``.
    on_report
        Called with the report when it is written, also if the run ended early.
    progress
        Receives the events of the run; a :class:`moslabels.Progress`.
    cancel
        Ends the run with CancelledError soon after another thread sets it; such as a ``threading.Event``.

    Returns
    -------
    Report
        A dict, the report: JSON values, with the members that ``moslabels schema report`` lists. A table that fails
        does not stop the others; its entry has its error.

    Raises
    ------
    UsageError
        If the manifest or the arguments are wrong, before anything is written.
    TableError
        If the report cannot be written.
    BaseException
        An exception from outside ends the run at once: Ctrl-C, ``cancel``, or the exception of a callback or of a
        signal's handler. The report of what was done is written first. Then the exception passes on unchanged.

    Examples
    --------
    In the folder ``examples/quickstart``:

    >>> from moslabels import run_batch
    >>> report = run_batch("manifest.json", dry_run=True)
    >>> report["status"], report["summary"]["tables"], report["summary"]["failed_tables"]
    ('ok', 2, 0)
    """
    is_loaded = isinstance(manifest, Manifest)
    if not isinstance(manifest, Manifest):
        manifest = load_manifest(manifest, base_dir)
    elif base_dir is not None:
        raise UsageError("base_dir goes with the path of a manifest; this one is loaded already")
    check_block(run_provenance, skip_unchanged=skip_unchanged)
    check_callbacks(on_table=on_table, on_report=on_report)
    given = {
        "report_json": report_json,
        "report_md": report_md,
        "report_html": report_html,
        "report_junit": report_junit,
    }
    reports = _reports(manifest, given)
    times = _reports(manifest, {**given, "timings": timings}).get("timings")
    chosen = manifest if tables is None else manifest.only(tables)
    since = _comparison(compare, chosen, is_choice=tables is not None)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir, workers=workers)
    timing = Timings(relayed(checked_progress(progress), checked_cancel(cancel)))
    progress = timing.progress
    of_run = engine_of_run(engine, address, executor, settings, progress)
    check_need(chosen.tables, of_run)
    args = {
        "manifest": manifest.path,
        "base_dir": base_dir,
        **named_reports(reports),
        "fail_fast": fail_fast,
        **settings.given(),
        **of_run.told,
        **{name: True for name, given in (("dry_run", dry_run), ("skip_unchanged", skip_unchanged)) if given},
        **({"compare": compare} if compare is not None else {}),
        **({"tables": list(tables)} if tables is not None else {}),
        # The tables of a loaded manifest may differ from those of its file.
        **({"manifest_loaded": True} if is_loaded else {}),
    }
    manifest_record = file_record(manifest.path)
    run = Run(argv, args, manifest_record, reports, run_provenance, settings, dry_run, progress=progress)
    chosen_of = len(manifest.tables) if tables is not None else None
    with of_run, timings_file(times, timing):
        made, ended_by = _run(chosen, run, of_run, timing, fail_fast, skip_unchanged, on_table, since, chosen_of)
    document = shown_report(made)
    try:
        if on_report is not None:
            on_report(document)
    finally:
        if ended_by is not None:
            raise ended_by
    return document


def _reports(manifest: Manifest, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths of the reports that are wanted. Raise UsageError if one is wrong."""
    paths = {name: path_argument(name, path) for name, path in given.items() if path is not None}
    reports = {name: path for name, path in paths.items() if path}
    if problems := report_problems(manifest, reports):
        raise UsageError("the paths of the reports are wrong:", problems)
    return reports


def _comparison(
    path: str | os.PathLike[str] | None, manifest: Manifest, *, is_choice: bool
) -> Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]] | None:
    """Return what compares entries with the report at a path, if there is one. Raise UsageError if that is wrong."""
    if path is None:
        return None
    old = path_argument("compare", path)
    # It is read first, because a report may be written in its place.
    return partial(compared, old, old_tables(old, [str(table.id) for table in manifest.tables], is_choice=is_choice))


def _run(
    manifest: Manifest,
    run: Run,
    of_run: EngineOfRun,
    timing: Timings,
    fail_fast: bool,
    skip_unchanged: bool,
    on_table: Callable[[DoneTable], None] | None,
    since: Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]] | None,
    chosen_of: int | None,
) -> tuple[dict[str, Any], BaseException | None]:
    """Label the tables and write the reports. Return the report, and what ended the run early, if anything.

    ``since`` returns what changed in the entries of a report since an older one. ``chosen_of`` is how many tables the
    manifest has, if some of them were chosen.
    """
    with held(), ExitStack() as reports_are_ours:
        try:
            places = reports_are_ours.enter_context(reserved(run.reports.values()))
        except OSError as error:
            raise UsageError(f"the report cannot be written: {os_error(error)}") from error
        with kept():
            entries, audits, ended_by = _label_tables(
                manifest.tables, run, of_run, timing, fail_fast, skip_unchanged, on_table
            )
        tables = zip(manifest.tables, entries, strict=True)
        were_run = [(spec, entry) for spec, entry in tables if entry["status"] != "not-run"]
        inputs = _inputs(were_run, run) if run.block is None else {}
        changes = since(entries) if since is not None else None
        document = report.build(
            manifest.path,
            entries,
            run.provenance(inputs, {}, hosts=run.hosts),
            is_dry=run.is_dry,
            comparison=changes,
            chosen_of=chosen_of,
        )
        try:
            for name, path in run.reports.items():
                write_whole(places[path], MAKERS[name](document, audits, path))
        except OSError as error:
            if ended_by is None:
                raise os_error(error) from error
            ended_by.add_note(f"the report could not be written: {error}")
    return document, ended_by


def _label_tables(
    tables: Sequence[TableSpec],
    run: Run,
    of_run: EngineOfRun,
    timing: Timings,
    fail_fast: bool,
    skip_unchanged: bool,
    on_table: Callable[[DoneTable], None] | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any] | None], BaseException | None]:
    """Label tables. Return their entries of the report, their audits (or None), and what ended the run early, if so."""
    entries: list[dict[str, Any]] = []
    audits: list[dict[str, Any] | None] = []
    ended_by: BaseException | None = None
    for number, spec in enumerate(tables, start=1):
        entries.append(report.table_entry(spec, None, None))
        audits.append(None)
        if ended_by is not None or (fail_fast and any(entry["status"] == "error" for entry in entries)):
            continue
        try:
            timing.progress.start()
            with released():
                run.progress.table(spec.id or spec.features, number, len(tables))
            try:
                audits[-1], is_known = label_or_skip(spec, run, of_run, timing, skip_unchanged=skip_unchanged)
            except BaseException as error:
                if (fault := fault_of_table(error, spec.id)) is None:
                    entries[-1] = report.table_entry(spec, None, interruption(error, spec.id))
                    raise
                entries[-1] = report.table_entry(spec, None, fault)
                if fault is not error and isinstance(error, Exception):
                    run.progress.unforeseen(error)
            else:
                entries[-1] = report.table_entry(spec, audits[-1], None, unchanged=is_known)
                if skip_unchanged and spec.audit_json is None:
                    entries[-1].setdefault("warnings", []).append(report.NEVER_SKIPPED)
                    log.warn(spec, report.NEVER_SKIPPED)
            if on_table is not None:
                with released():
                    on_table(cast(DoneTable, {**entries[-1], "timings": timing.last}))
        except BaseException as error:
            ended_by = error
    return entries, audits, ended_by


def _inputs(tables: Sequence[tuple[TableSpec, Mapping[str, Any]]], run: Run) -> dict[str, Any]:
    """Return the records of the input files of all tables that were run, each file once.

    The features of a table that failed are not hashed, because nothing else reads them again.
    """
    labelled = {spec.features for spec, entry in tables if "summary" in entry}
    features = dict.fromkeys(spec.features for spec, _ in tables)
    labels = dict.fromkeys(label.path for spec, _ in tables for label in spec.labels)
    return {
        "features": [run.record(path, is_to_hash=path in labelled) for path in features],
        "labels": [run.record(path) for path in labels],
    }
