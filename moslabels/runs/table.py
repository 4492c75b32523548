"""The labelling of one table, from its spec to its audit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Any, Unpack

from moslabels.base.errors import GateError, UsageError, errors_of_table
from moslabels.base.progress import SILENT, Cancel, Progress, relayed
from moslabels.base.settings import Settings
from moslabels.base.signals import held, released
from moslabels.engine.connection import Engine
from moslabels.evidence import audit, embedded
from moslabels.evidence.run import Run
from moslabels.evidence.types import Audit
from moslabels.files.places import check_target
from moslabels.files.reserve import reserved, set_aside
from moslabels.files.staged import StagedFile
from moslabels.files.watched import watched
from moslabels.files.workspace import Workspace
from moslabels.labelling.pipeline import (
    Matched,
    columns_of,
    join_rows,
    judge,
    match_labels,
    read_features,
    unmatched_statement,
)
from moslabels.parts.engines import EngineOfRun, check_need, engine_of_run
from moslabels.runs import log
from moslabels.runs.arguments import (
    Features,
    all_args,
    check_block,
    check_options,
    checked_cancel,
    checked_progress,
    with_options,
)
from moslabels.runs.outputs import Outputs, record_of
from moslabels.runs.shown import shown_audit
from moslabels.runs.timings import Timings, timings_file, timings_path
from moslabels.sources.source import Source
from moslabels.spec.entry import table_spec, text_features
from moslabels.spec.options import OptionKeywords
from moslabels.spec.table import TableSpec
from moslabels.writers.copy import Copy
from moslabels.writers.job import Job
from moslabels.writers.write import begin, beside_warnings, write_labelled, write_plain


def materialize(
    features: Features,
    label_paths: Sequence[str | os.PathLike[str] | Mapping[str, Any]] | str | os.PathLike[str],
    out: str | os.PathLike[str],
    audit_json: str | os.PathLike[str] | None = None,
    *,
    unmatched: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    skip_unchanged: bool = False,
    run_provenance: Mapping[str, Any] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    engine: str | None = None,
    address: str | None = None,
    executor: Executor | None = None,
    timings: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
    cancel: Cancel | None = None,
    **options: Unpack[OptionKeywords],
) -> Audit:
    """Join labels onto one feature table and write the labelled table.

    Parameters
    ----------
    features
        A Parquet, JSON lines, JSON or CSV file, one row per clip or frame. Or many Parquet files that are one table: a
        folder, ``{"glob": "runs/**/part-*.parquet"}``, or a list of any of these; ``out`` is then a folder.
    label_paths
        Label files. The first that has a key labels it. A later one that contradicts it is an error. An entry may be a
        mapping ``{"path": …}`` with options of its own.
    out
        The labelled table. Its suffix says the format.
    audit_json
        Where to write the audit, if anywhere.
    unmatched
        Where to write the keys without a partner on the other side, if anywhere. They are written also if the gate
        stops the table.
    dry_run
        Do everything but write.
    skip_unchanged
        If inputs, options, versions and outputs are still the ones in the audit at ``audit_json``, only return it. Of a
        table of many parts of which some changed, keep the others by hard links.
    run_provenance
        A provenance block to use in place of moslabels' own. It lacks what tells a table unchanged, so it does not go
        with ``skip_unchanged``.
    memory_limit, threads, temp_dir
        What DuckDB may take: a text such as ``"4GB"``, a number, a folder for what does not fit in memory.
    workers
        How many processes label the parts of a table of many parts; by default one per core, if the table is large.
        With an engine or an executor, the most tasks at a time.
    engine, address
        Who labels the parts of a table of many parts: ``"local"``, or the name of an engine, and where it is.
    executor
        A ``concurrent.futures.Executor`` that labels them, such as one of Dask or MPI.
    timings
        Where to write how long the table and its steps took, as JSON, if anywhere. No other file depends on it.
    progress
        Receives the events of the run; a :class:`moslabels.Progress`.
    cancel
        Ends the run with CancelledError soon after another thread sets it; such as a ``threading.Event``.
    **options
        Those of a manifest's table, such as ``min_match_rate=0.9``.

    Returns
    -------
    Audit
        A dict, the audit: JSON values, with the members that ``moslabels schema audit`` lists. Rates are from 0 to 1,
        scores from 1 to 5.

    Raises
    ------
    UsageError
        If the arguments are wrong.
    TableError, GateError
        If the table cannot be labelled. What was at ``out`` and ``audit_json`` is then still there.

    Examples
    --------
    In the folder ``examples/quickstart``:

    >>> from moslabels import materialize
    >>> audit = materialize(
    ...     "natural_features.parquet",
    ...     ["natural_labels.csv"],
    ...     "labelled.parquet",
    ...     feature_key_regex="^([0-9]{6,})_",
    ...     label_key_column="flickr_id",
    ... )
    >>> audit["matched_rows"], audit["input_rows"], audit["match_rate"]
    (12, 12, 1.0)
    """
    check_options(options)
    if isinstance(label_paths, str | os.PathLike | Mapping):
        label_paths = [label_paths]
    check_block(run_provenance, skip_unchanged=skip_unchanged)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir, workers=workers)
    paths = {"features": text_features(features), "label_paths": label_paths, "out": out, "audit_json": audit_json}
    spec = table_spec(features, label_paths, out, audit_json, unmatched, options)
    if skip_unchanged:
        check_can_skip(spec)
    times = timings_path(spec, timings)
    timing = Timings(relayed(checked_progress(progress), checked_cancel(cancel)))
    progress = timing.progress
    asked = {"dry_run": dry_run, **({"skip_unchanged": True} if skip_unchanged else {})}
    with engine_of_run(engine, address, executor, settings, progress) as of_run, timings_file(times, timing):
        check_need([spec], of_run)
        args = all_args(paths, options, settings, unmatched, asked, of_run.told)
        run = Run(args=args, block=run_provenance, settings=settings, is_dry=dry_run, progress=progress)
        progress.table(spec.features, 1, 1)
        found, _ = label_or_skip(spec, run, of_run, timing, skip_unchanged=skip_unchanged)
        return shown_audit(found)


with_options(materialize)


def check_can_skip(spec: TableSpec) -> None:
    """Raise UsageError if nothing could tell that a table is unchanged."""
    if spec.audit_json is None:
        raise UsageError(
            "the arguments are wrong:", ["skip_unchanged: needs audit_json, which tells what was labelled"]
        )


def label_or_skip(
    spec: TableSpec, run: Run, of_run: EngineOfRun, timings: Timings, *, skip_unchanged: bool
) -> tuple[dict[str, Any], bool]:
    """Label one table, or skip it if that is wanted and its audit still holds. ``of_run`` labels many parts.

    Return the audit, and whether the table was skipped. What becomes of it is noted in ``timings`` and in the log.
    """
    found: dict[str, Any] | None = None
    status = "error"
    log.begins(spec, is_dry=run.is_dry)
    try:
        if skip_unchanged:
            from moslabels.runs.unchanged import audit_of_unchanged  # Others start without reading evidence.

            with errors_of_table(spec.features, spec.id), released():
                found = audit_of_unchanged(spec, run)
            status = "unchanged"
        if found is None:
            status = "error"
            found = label_table(spec, run, of_run, keeps_unchanged=skip_unchanged)
            status = "ok"
        log.done(spec, status, found, run.parts.get(spec.out), is_dry=run.is_dry)
        return found, status == "unchanged"
    except BaseException as error:
        log.failed(spec, error)
        raise
    finally:
        timings.table(spec, status, found, run.parts.get(spec.out))


def label_table(
    spec: TableSpec, run: Run, of_run: EngineOfRun | None = None, *, keeps_unchanged: bool = False
) -> dict[str, Any]:
    """Label one table of files: read, match, judge, write. Return the audit. ``of_run`` labels many parts.

    With ``keeps_unchanged``, parts of its output that labelling would write again are kept.

    Raise a MosLabelsError that names the table. A dry run writes to a folder that is removed.
    """
    if spec.parts is not None:
        from moslabels.runs.part_table import label_parts  # Few tables have parts.

        return label_parts(spec, run, of_run, keeps_unchanged=keeps_unchanged)
    outputs = [path for _, path in spec.outputs()]
    progress = relayed(run.progress)
    with errors_of_table(spec.features, spec.id):
        for path in outputs:
            check_target(path)
        with (
            held(),
            reserved([] if run.is_dry else outputs) as reserved_places,
            watched(path for _, path in spec.inputs()) as check_inputs,
            Workspace(run.settings.temp_dir) as workspace,
            set_aside(outputs if run.is_dry else [], workspace.folder) as places_aside,
            Engine(run.settings, workspace.folder, progress=progress) as engine,
        ):
            places = {**reserved_places, **places_aside}
            with ExitStack() as files, released():
                return _label(engine, workspace, spec, run, Outputs(places, check_inputs, run.is_dry, files))


def _begin(outputs: Outputs, target: str, features: Source) -> tuple[StagedFile, Copy | None]:
    """Stage the labelled table. If its writer copies the features, let that begin beside all other work."""
    with held():
        staged = outputs.stage(target)
        copy = begin(features, staged)
        return staged, outputs.files.enter_context(copy) if copy is not None else None


def _label(engine: Engine, workspace: Workspace, spec: TableSpec, run: Run, outputs: Outputs) -> dict[str, Any]:
    features = read_features(engine, workspace, spec)  # Refused before the labels are read.
    out, copy = _begin(outputs, spec.out, features.source)
    matched = match_labels(engine, workspace, spec, features)
    unmatched = [_unmatched(engine, matched, outputs.stage(spec.unmatched))] if spec.unmatched is not None else []
    try:
        diagnosis = judge(engine, matched)
    except GateError:
        outputs.publish(*unmatched)  # They show why the gate stopped the table. Nothing else is written.
        raise
    label_records = [run.record(label.path) for label in spec.labels]
    written = write_labelled(_job(engine, workspace, matched, label_records, copy), out)
    engine.progress.step("checking")
    inputs = {"features": run.record(spec.features, written.features_sha256), "labels": label_records}
    beside = [warning for path, warning in beside_warnings(spec.out).items() if os.path.exists(path)]
    document = audit.build(
        spec=spec,
        labels=matched.labels,
        match=matched.match,
        diagnosis=diagnosis,
        output=audit.Output(spec.out, out.sha256, out.size, written.nulled),
        unmatched=record_of(*unmatched) if unmatched else None,
        warnings=[*matched.warnings, *beside, *outputs.warnings],
        provenance=run.provenance(inputs, {"audit_json": None, **dict(spec.outputs())}),
    )
    audits = []
    if spec.audit_json is not None:
        audits.append(outputs.stage(spec.audit_json))
        audits[0].write(audit.json_text(document).encode("utf-8"))
    outputs.publish(out, *unmatched, *audits)
    return document


def _job(
    engine: Engine,
    workspace: Workspace,
    matched: Matched,
    label_records: Sequence[Mapping[str, Any]],
    copy: Copy | None,
) -> Job:
    def entry(features_sha256: str) -> tuple[str, str]:
        document = embedded.build(matched.spec, matched.labels, matched.match, features_sha256, label_records)
        return embedded.ENTRY, document

    found = join_rows(engine, matched)  # The heaviest query, so it runs before the label columns take memory.
    columns = columns_of(engine, matched)
    return Job(
        engine=engine,
        source=matched.source,
        keys=matched.key.columns,
        out=matched.spec.out,
        columns=columns.table,
        positions=columns.positions(found),
        dropped=matched.dropped,
        temp_folder=workspace.folder,
        evidence=entry,
        copy=copy,
    )


def _unmatched(engine: Engine, matched: Matched, staged: StagedFile) -> StagedFile:
    write_plain(engine.table(unmatched_statement(matched)), staged)
    return staged
