"""One table, from its spec to its audit."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Unpack

from moslabels.base.errors import GateError, MosLabelsError, TableError, is_from_outside, os_error
from moslabels.base.progress import SILENT, Cancel, relayed
from moslabels.base.settings import Settings
from moslabels.base.signals import held, hold, released
from moslabels.base.text import listed, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence import audit
from moslabels.evidence import embedded as evidence
from moslabels.evidence.run import Run
from moslabels.files.places import Place, check_target
from moslabels.files.publish import publish
from moslabels.files.reserve import reserved, set_aside
from moslabels.files.staged import StagedFile
from moslabels.files.watched import file_size, watched
from moslabels.files.workspace import Workspace
from moslabels.labelling import gate
from moslabels.labelling.diagnosis import diagnose, lines
from moslabels.labelling.keys import Key, find_key
from moslabels.labelling.labels import Labels, label_columns, load_labels
from moslabels.labelling.match import Match, checked_row_labels, match_features
from moslabels.runs.arguments import all_args, check_block, check_options, checked_cancel, with_options
from moslabels.sources.opening import Source, open_table
from moslabels.spec.manifest import TableSpec, table_spec
from moslabels.spec.options import LABEL_COLUMNS, SOURCE_COLUMN, OptionKeywords, Options
from moslabels.writers import Job, plain, write_labelled


def materialize(
    features: str | os.PathLike[str],
    label_paths: Sequence[str | os.PathLike[str] | Mapping[str, Any]] | str | os.PathLike[str],
    out: str | os.PathLike[str],
    audit_json: str | os.PathLike[str] | None = None,
    *,
    unmatched: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    run_provenance: Mapping[str, Any] | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    cancel: Cancel | None = None,
    **options: Unpack[OptionKeywords],
) -> dict[str, Any]:
    """Join labels onto one feature table and write the labelled table.

    Parameters
    ----------
    features : a Parquet, JSON lines, JSON or CSV file, one row per clip or frame
    label_paths : label files, of which the first that has a key labels it, and a later one that contradicts it is an
        error; an entry may be a mapping ``{"path": …}`` with options of its own
    out : the labelled table; its suffix says the format
    audit_json : where the audit is written too, if anywhere
    unmatched : where the keys of either side that did not meet are written, if anywhere; also where the gate fails
    dry_run : do everything but write
    run_provenance : a provenance block to be used in the place of moslabels' own
    memory_limit, threads, temp_dir : what DuckDB may take: ``"4GB"``, a number, a folder for what does not fit
    cancel : ends the run soon after it is set, from another thread, by CancelledError; such as a ``threading.Event``
    options : those of a manifest's table, such as ``min_match_rate=0.9``

    Returns the audit. Raises UsageError (a MosLabelsError, a ValueError) where the arguments are wrong and TableError
    or GateError where the table cannot be labelled; what was at ``out`` and ``audit_json`` is then still there.
    """
    check_options(options)
    if isinstance(label_paths, str | os.PathLike | Mapping):
        label_paths = [label_paths]
    if run_provenance is not None:
        check_block(run_provenance)
    settings = Settings(memory_limit=memory_limit, threads=threads, temp_dir=temp_dir)
    paths = {"features": features, "label_paths": label_paths, "out": out, "audit_json": audit_json}
    args = all_args(paths, options, settings, unmatched, dry_run)
    spec = table_spec(features, label_paths, out, audit_json, unmatched, options)
    progress = relayed(SILENT, checked_cancel(cancel))
    run = Run(args=args, block=run_provenance, settings=settings, is_dry=dry_run, progress=progress)
    return label_table(spec, run)


with_options(materialize)


def label_table(spec: TableSpec, run: Run) -> dict[str, Any]:
    """Label one table: read, judge, write. Returns the audit. Raises MosLabelsError that knows its table."""
    outputs = [path for _, path in spec.outputs()]
    progress = relayed(run.progress)
    try:
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
            return _label(engine, workspace, spec, run, check_inputs, {**reserved_places, **places_aside})
    except MosLabelsError as error:
        if not is_from_outside(error):
            error.table = spec.id
        raise
    except MemoryError as error:
        raise TableError(
            f"{spec.features}: out of memory", code="resources", table=spec.id, file=spec.features
        ) from error
    except OSError as error:
        raise os_error(error, spec.id) from error


@dataclass(frozen=True)
class Read:
    """What was read of one table: its features, their key, its labels, and the feature columns that these replace."""

    source: Source
    key: Key
    labels: Labels
    dropped: Sequence[str]


def read_table(engine: Engine, workspace: Workspace, spec: TableSpec) -> Read:
    """Look at the features, read the labels. Raises TableError."""
    engine.progress.step("reading features", file_size(spec.features), "bytes")
    source = open_table(engine, workspace, spec.features, "feature", spec.options.feature_csv, spec.tables)
    key = find_key(source, spec.options, "feature")  # Refused before the labels are read.
    engine.progress.step("reading labels", sum(file_size(label.path) for label in spec.labels), "bytes")
    labels = load_labels(engine, workspace, spec)
    return Read(source, key, labels, _replaced_columns(source, spec.options, key, labels))


def _label(
    engine: Engine,
    workspace: Workspace,
    spec: TableSpec,
    run: Run,
    check_inputs: Callable[[], None],
    places: Mapping[str, Place],
) -> dict[str, Any]:
    with released():
        read = read_table(engine, workspace, spec)
        if read.source.footer is not None:
            engine.progress.step("matching", read.source.footer.num_rows)
        else:
            engine.progress.step("matching", file_size(spec.features), "bytes")
        match = match_features(engine, read.source, read.key, spec.options.match_rate_by)
    with ExitStack() as files, released():

        def stage(target: str) -> StagedFile:
            with held():
                return files.enter_context(StagedFile(places[target]))

        def done(*staged: StagedFile) -> None:
            check_inputs()
            for file in staged:
                file.finish()
            if not run.is_dry:
                hold()  # Once it is published, the table is done, and the report says so.
                publish(*staged)

        unmatched = [_unmatched(engine, spec, stage(spec.unmatched))] if spec.unmatched is not None else []
        try:
            diagnosis = judge(engine, spec, read.labels, match)
        except GateError:
            done(*unmatched)  # What they are for; nothing else is written.
            raise
        label_records = [run.record(label.path) for label in spec.labels]
        job = Job(
            engine=engine,
            source=read.source,
            keys=read.key.columns,
            out=spec.out,
            columns=label_columns(engine, read.labels, spec.options.status_column),
            join=partial(checked_row_labels, engine, read.source, read.key, read.labels, match),
            dropped=read.dropped,
            temp_folder=workspace.folder,
            evidence=lambda sha256: (
                evidence.ENTRY,
                evidence.build(spec, read.labels, match, sha256, label_records),
            ),
        )
        out = stage(spec.out)
        written = write_labelled(job, out)
        engine.progress.step("checking")
        inputs = {
            "features": run.record(spec.features, written.features_sha256),
            "labels": label_records,
        }
        beside = [warning for path, warning in beside_warnings(spec.out).items() if os.path.exists(path)]
        document = audit.build(
            spec=spec,
            labels=read.labels,
            match=match,
            diagnosis=diagnosis,
            output=audit.Output(spec.out, out.sha256, out.size, written.nulled),
            unmatched=_written(spec.unmatched, *unmatched) if spec.unmatched is not None else None,
            warnings=[
                *read.labels.doubts,
                *collision_warnings(match),
                *beside,
                *(warning for place in places.values() for warning in place.left),
            ],
            provenance=run.provenance(inputs, {"audit_json": None, **dict(spec.outputs())}),
        )
        audits = []
        if spec.audit_json is not None:
            audits.append(stage(spec.audit_json))
            audits[0].write(audit.json_text(document).encode("utf-8"))
        done(out, *unmatched, *audits)
    return document


def judge(engine: Engine, spec: TableSpec, labels: Labels, match: Match) -> dict[str, Any] | None:
    """The gate. Why keys are left over, where some are; raises GateError, which says why, where too many are."""
    problem = gate.problem(match, spec.options, spec.features)
    if problem is None and not match.unmatched_feature_keys.count:
        return None
    engine.progress.step("diagnosing")
    why = diagnose(engine, spec, labels, match)
    if problem is None:
        return why
    inferred = [file.inferred for file in labels.files if file.inferred and file.key.columns != match.key.columns]
    message = "\n  ".join([problem, *lines(why), *collision_warnings(match), *inferred, _where_to_look(spec)])
    raise GateError(message, file=spec.features, column=match.key.columns[0], diagnosis=why)


def _where_to_look(spec: TableSpec) -> str:
    if spec.tables:
        return "to look for a rule: write the tables to files and run moslabels suggest"
    labels = " ".join(f"--labels {shlex.quote(label.path)}" for label in spec.labels)
    return f"to look for a rule: moslabels suggest --features {shlex.quote(spec.features)} {labels}"


def _written(path: str, staged: StagedFile) -> audit.Output:
    return audit.Output(path, staged.sha256, staged.size)


def _unmatched(engine: Engine, spec: TableSpec, staged: StagedFile) -> StagedFile:
    values = {"features": spec.features, "labels": [label.path for label in spec.labels]}
    plain.write(engine.table(render("unmatched/20_unmatched", values)), staged)
    return staged


def collision_warnings(match: Match) -> list[str]:
    """Different values that became one key: a warning with two examples, or none."""
    collisions = match.key_collisions
    if not collisions.count:
        return []
    examples = "; ".join(
        f"{shown(row['key'])} from {' and '.join(map(shown, row['raw_values']))}" for row in collisions.rows[:2]
    )
    return [
        f"{collisions.count} feature keys come from several different values each: {examples}; where these are "
        "different clips, make the key tell them apart"
    ]


def beside_warnings(out: str) -> dict[str, str]:
    """What others may have left beside an output and would mislead its readers: the warning of each, by its path."""
    folder, name = os.path.split(out)
    beside = [f".{name}.crc", "_metadata", "_common_metadata"] if name.lower().endswith((".parquet", ".pq")) else []
    paths = [os.path.join(folder, other) for other in beside]
    return {path: f"{path} does not know the new {name} and misleads Spark; remove it" for path in paths}


def _replaced_columns(source: Source, options: Options, key: Key, labels: Labels) -> list[str]:
    """The feature columns that the label columns replace: none but with ``overwrite``. Raises TableError."""
    stale = {"mos_std_dev", "mos_n_ratings"}
    taken = {name.lower() for name in labels.column_names(options.status_column)}
    if options.overwrite:
        taken |= stale
    present = [name for name in source.names if name.lower() in taken]
    for column in key.columns:
        if column not in present:
            continue
        raise TableError(
            f"{source.path}: the key column {shown(column)} has the name of a label column; give the label column "
            "another name (status_column, extras), or the key column",
            code="label-columns",
            file=source.path,
            column=column,
        )
    if present and not options.overwrite:
        # Of another name, it may be a feature: what replaces it loses it.
        named_here = {*LABEL_COLUMNS, SOURCE_COLUMN, Options.status_column, *stale}
        renamed = [name for name in present if name.lower() not in named_here]
        other = f", or give {listed(renamed)} of the labels another name (status_column, extras)" if renamed else ""
        raise TableError(
            f"refusing to overwrite existing MOS columns: {', '.join(present)}, in {source.path}; set overwrite to "
            f"replace them{other}",
            code="label-columns",
            file=source.path,
            column=present[0],
        )
    return present
