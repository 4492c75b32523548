"""A manifest of tables: the same for each, and one report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from moslabels import page, report
from moslabels.audit import json_text
from moslabels.errors import MosLabelsError, UsageError, os_error
from moslabels.labelling import Run, check_block, label_table
from moslabels.manifest import Manifest, TableSpec, load_manifest, path_argument, report_problems
from moslabels.progress import SILENT, Progress
from moslabels.provenance import file_record
from moslabels.settings import Settings
from moslabels.unchanged import audit_of_unchanged
from moslabels.writers.atomic import reserved, write_whole


def run_batch(
    manifest: Manifest | str | os.PathLike[str],
    *,
    base_dir: str | os.PathLike[str] | None = None,
    report_json: str | os.PathLike[str] | None = None,
    report_md: str | os.PathLike[str] | None = None,
    report_html: str | os.PathLike[str] | None = None,
    fail_fast: bool = False,
    dry_run: bool = False,
    skip_unchanged: bool = False,
    run_provenance: Mapping[str, Any] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    argv: Sequence[str] = (),
    on_table: Callable[[Mapping[str, Any]], None] | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Label every table of a manifest and write the report.

    Parameters
    ----------
    manifest : what :func:`moslabels.load_manifest` returned, or the path of a manifest
    base_dir : the folder that relative paths of the manifest resolve from, where a path was given
    report_json, report_md, report_html : where the report is written, if anywhere
    fail_fast : stop after the first table that fails; the others are then ``not-run``
    dry_run : do everything but write
    skip_unchanged : do not run a table again whose inputs, options, versions and output are what its audit says
    run_provenance : a provenance block to be used in the place of moslabels' own
    memory_limit, threads, temp_dir : what DuckDB may take: ``"4GB"``, a number, a folder for what does not fit
    argv : the command line, for the evidence
    on_table : called with the report's entry of each table when it is done
    progress : told what is being done; a ``moslabels.progress.Progress``

    Returns the report. A table that fails is in it, with its error, and does not stop the others. Raises UsageError
    where the manifest or the arguments are wrong, before anything is written; TableError where the report cannot be.
    """
    is_loaded = isinstance(manifest, Manifest)
    if not isinstance(manifest, Manifest):
        manifest = load_manifest(manifest, base_dir)
    elif base_dir is not None:
        raise UsageError("base_dir goes with the path of a manifest; this one is loaded already")
    if run_provenance is not None:
        check_block(run_provenance)
    report_json = path_argument("report_json", report_json) if report_json is not None else None
    report_md = path_argument("report_md", report_md) if report_md is not None else None
    report_html = path_argument("report_html", report_html) if report_html is not None else None
    given = (("report_json", report_json), ("report_md", report_md), ("report_html", report_html))
    reports = {name: path for name, path in given if path}
    if problems := report_problems(manifest, reports):
        raise UsageError("the paths of the reports are wrong:", problems)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    args = {
        "manifest": manifest.path,
        "base_dir": base_dir,
        "report_json": report_json,
        "report_md": report_md,
        **({"report_html": report_html} if report_html else {}),
        "fail_fast": fail_fast,
        **settings.given(),
        **{name: True for name, given in (("dry_run", dry_run), ("skip_unchanged", skip_unchanged)) if given},
        # Its tables may then be others than those of the file.
        **({"manifest_loaded": True} if is_loaded else {}),
    }
    manifest_record = file_record(manifest.path)
    run = Run(argv, args, manifest_record, reports, run_provenance, settings, dry_run, progress=progress)
    with ExitStack() as reports_are_ours:
        try:
            places = reports_are_ours.enter_context(reserved([] if dry_run else reports.values()))
        except OSError as error:
            raise UsageError(f"the report cannot be written: {os_error(error)}") from error
        entries, audits = _label_tables(manifest.tables, run, fail_fast, skip_unchanged, on_table)
        done = [spec for spec, entry in zip(manifest.tables, entries, strict=True) if entry["status"] != "not-run"]
        document = report.build(manifest.path, entries, run.provenance(_inputs(done, run), {}))
        try:
            if report_json and not dry_run:
                write_whole(places[report_json], json_text(document))
            if report_md and not dry_run:
                write_whole(places[report_md], report.markdown(document))
            if report_html and not dry_run:
                write_whole(places[report_html], page.page(document, audits))
        except OSError as error:
            raise os_error(error) from error
    return document


def _label_tables(
    tables: Sequence[TableSpec],
    run: Run,
    fail_fast: bool,
    skip_unchanged: bool,
    on_table: Callable[[Mapping[str, Any]], None] | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any] | None]]:
    """The report's entry of each table, and its audit, None where it has none."""
    entries: list[dict[str, Any]] = []
    audits: list[dict[str, Any] | None] = []
    for number, spec in enumerate(tables, start=1):
        audits.append(None)
        if fail_fast and any(entry["status"] == "error" for entry in entries):
            entries.append(report.table_entry(spec, None, None))
            continue
        run.progress.table(spec.id or spec.features, number, len(tables))
        try:
            known = audit_of_unchanged(spec, run) if skip_unchanged else None
            audits[-1] = known or label_table(spec, run)
            entries.append(report.table_entry(spec, audits[-1], None, unchanged=known is not None))
            if skip_unchanged and spec.audit_json is None:
                entries[-1].setdefault("warnings", []).append("has no audit_json, so it is never skipped; set one")
        except MosLabelsError as error:
            entries.append(report.table_entry(spec, None, error))
        if on_table is not None:
            on_table(entries[-1])
    return entries, audits


def _inputs(tables: Sequence[TableSpec], run: Run) -> dict[str, Any]:
    """The records of the input files of all tables that were run, each file once."""
    features = dict.fromkeys(table.features for table in tables)
    labels = dict.fromkeys(label.path for table in tables for label in table.labels)
    return {
        "features": [run.record(path) for path in features],
        "labels": [run.record(path) for path in labels],
    }
