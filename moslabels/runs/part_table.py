"""The labelling of one table of many parts: one gate over all, then part by part, then all parts or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from moslabels.base.errors import GateError, errors_of_table
from moslabels.base.progress import relayed
from moslabels.base.signals import held, released
from moslabels.engine.connection import Engine
from moslabels.evidence import audit
from moslabels.evidence.audit import PartRecord
from moslabels.evidence.run import Run
from moslabels.files.places import check_target
from moslabels.files.reserve import reserved, reserved_folder, set_aside
from moslabels.files.staged_folder import StagedFolder
from moslabels.files.watched import watched
from moslabels.files.workspace import Workspace
from moslabels.labelling.part_features import check_parts, part_warnings
from moslabels.labelling.pipeline import judge, match_table, unmatched_statement
from moslabels.parts.engines import EngineOfRun
from moslabels.parts.own import check_own
from moslabels.parts.workers import MOST_PARTS, groups
from moslabels.runs.old_parts import OldParts
from moslabels.runs.outputs import Outputs, record_of
from moslabels.runs.part_work import PartsTable, parts_of
from moslabels.spec.table import TableSpec
from moslabels.writers.write import write_plain


def label_parts(
    spec: TableSpec,
    run: Run,
    of_run: EngineOfRun | None = None,
    most_parts: int = MOST_PARTS,
    *,
    keeps_unchanged: bool = False,
) -> dict[str, Any]:
    """Label one table of many parts: read, match, judge, write. Return the audit. A task takes at most ``most_parts``.

    The workers are those of ``of_run``, by default processes of this machine. With ``keeps_unchanged``, parts of
    the output that labelling would write again are kept.

    Raise a MosLabelsError that names the table. What was at the outputs is then still there. Parts that were finished
    wait for the next run.
    """
    with opened_parts(spec, run, of_run or EngineOfRun(), partial(groups, most_parts=most_parts)) as opened:
        table, workspace, outputs = opened
        if keeps_unchanged:
            table.old = OldParts(spec, run)
        return _label(table, workspace, outputs)


@contextmanager
def opened_parts(
    spec: TableSpec, run: Run, of_run: EngineOfRun, split: Callable[[Sequence[int]], list[range]]
) -> Iterator[tuple[PartsTable, Workspace, Outputs]]:
    """Reserve the outputs of a table of many parts, and start what reads and labels it.

    Errors in the block name the table.
    """
    beside = [path for key, path in spec.outputs() if key != "out"]
    progress = relayed(run.progress)
    with errors_of_table(spec.features, spec.id):
        for path in beside:
            check_target(path)
        with (
            held(),
            ExitStack() as folders,
            reserved([] if run.is_dry else beside) as reserved_places,
            watched(label.path for label in spec.labels) as check_labels,
            Workspace(run.settings.temp_dir) as workspace,
            set_aside(beside if run.is_dry else [], workspace.folder) as places_aside,
            Engine(run.settings, workspace.folder, progress=progress) as engine,
            of_run.workers(run.settings.workers, progress) as workers,
        ):
            of_folder = {} if run.is_dry else {spec.out: folders.enter_context(reserved_folder(spec.out))}
            places = {**of_folder, **reserved_places, **places_aside}
            with ExitStack() as files, released():
                check_own(spec.out)
                staged = None if run.is_dry else files.enter_context(StagedFolder(places[spec.out]))
                table = PartsTable(engine, spec, run, of_run, workers, staged, split)
                yield table, workspace, Outputs(places, check_labels, run.is_dry, files)


def _label(table: PartsTable, workspace: Workspace, outputs: Outputs) -> dict[str, Any]:
    engine, spec, run = table.engine, table.spec, table.run
    matched = match_table(engine, workspace, spec, table.examine)
    unmatched = []
    if spec.unmatched is not None:
        unmatched.append(outputs.stage(spec.unmatched))
        write_plain(engine.table(unmatched_statement(matched)), unmatched[0])
    try:
        diagnosis = judge(engine, matched)
    except GateError:
        outputs.publish(*unmatched)  # They show why the gate stopped the table. Nothing else is written.
        raise
    label_records = [run.record(label.path) for label in spec.labels]
    records = table.write(matched, label_records)
    run.hosts.update(table.workers.hosts)
    engine.progress.step("checking")
    document = audit.build(
        spec=spec,
        labels=matched.labels,
        match=matched.match,
        diagnosis=diagnosis,
        output=audit.Output(spec.out, audit.sha256_of_parts(records), sum(part.bytes or 0 for part in records)),
        parts=records,
        unmatched=record_of(*unmatched) if unmatched else None,
        warnings=[
            *matched.warnings,
            *part_warnings(parts_of(matched), [part.matched_rows for part in records]),
            *outputs.warnings,
        ],
        provenance=run.provenance(
            {"features": run.record(spec.features), "labels": label_records},
            {"audit_json": None, **dict(spec.outputs())},
            hosts=table.workers.hosts,
        ),
    )
    audits = []
    if spec.audit_json is not None:
        audits.append(outputs.stage(spec.audit_json))
        audits[0].write(audit.json_text(document).encode("utf-8"))
    check_parts(spec, parts_of(matched))
    outputs.publish(*unmatched, *audits, first=partial(_commit, table.staged, records))
    return document


def _commit(staged: StagedFolder | None, records: Sequence[PartRecord]) -> None:
    """Put all parts in their places. A dry run has no folder of them."""
    if staged is not None:
        staged.commit(part.path for part in records)
