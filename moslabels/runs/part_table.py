"""The labelling of one table of many parts: one gate over all, then part by part, then all parts or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from moslabels.base.errors import GateError, MosLabelsError, TableError, is_from_outside, os_error
from moslabels.base.progress import relayed
from moslabels.base.signals import held, hold, released
from moslabels.engine.connection import Engine
from moslabels.evidence import audit
from moslabels.evidence.run import Run
from moslabels.files.places import Place, check_target
from moslabels.files.publish import publish
from moslabels.files.reserve import reserved, reserved_folder, set_aside
from moslabels.files.staged import StagedFile
from moslabels.files.staged_folder import StagedFolder
from moslabels.files.watched import watched
from moslabels.files.workspace import Workspace
from moslabels.labelling.part_features import check_parts, part_warnings
from moslabels.labelling.pipeline import judge, match_table, unmatched_statement
from moslabels.parts.own import check_own
from moslabels.parts.workers import MOST_PARTS, Local
from moslabels.runs.part_work import PartsTable, parts_of
from moslabels.spec.table import TableSpec
from moslabels.writers.write import write_plain


def label_parts(spec: TableSpec, run: Run, most_parts: int = MOST_PARTS) -> dict[str, Any]:
    """Label one table of many parts: read, match, judge, write. Return the audit. A task takes at most ``most_parts``.

    Raise a MosLabelsError that names the table. What was at the outputs is then still there. Parts that were finished
    wait for the next run.
    """
    beside = [path for key, path in spec.outputs() if key != "out"]
    progress = relayed(run.progress)
    try:
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
            Local(run.settings.workers, progress) as workers,
        ):
            places = {**reserved_places, **places_aside}
            place = None if run.is_dry else folders.enter_context(reserved_folder(spec.out))
            with ExitStack() as files, released():
                check_own(spec.out)
                table = PartsTable(engine, workspace, spec, run, workers, most_parts)
                return _label(table, _Outputs(place, places, files, check_labels))
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
class _Outputs:
    """Where the outputs go: the place of the folder (None in a dry run), and the places of the files beside it."""

    folder: Place | None
    places: Mapping[str, Place]
    files: ExitStack
    check_labels: Any

    def stage(self, target: str) -> StagedFile:
        """Begin a file that will be published at ``target``."""
        with held():
            return self.files.enter_context(StagedFile(self.places[target]))

    @property
    def warnings(self) -> list[str]:
        """Return a text about each file that a killed run left behind."""
        places = [*([self.folder] if self.folder is not None else []), *self.places.values()]
        return [warning for place in places for warning in place.left]


def _label(table: PartsTable, outputs: _Outputs) -> dict[str, Any]:
    engine, spec, run = table.engine, table.spec, table.run
    matched = match_table(engine, table.workspace, spec, table.examine)
    unmatched = []
    if spec.unmatched is not None:
        unmatched.append(outputs.stage(spec.unmatched))
        write_plain(engine.table(unmatched_statement(matched)), unmatched[0])
    try:
        diagnosis = judge(engine, matched)
    except GateError:
        _publish_beside(outputs, unmatched)  # They show why the gate stopped the table. Nothing else is written.
        raise
    label_records = [run.record(label.path) for label in spec.labels]
    with ExitStack() as opened:
        staged = opened.enter_context(StagedFolder(outputs.folder)) if outputs.folder is not None else None
        records = table.write(matched, label_records, staged)
        engine.progress.step("checking")
        document = audit.build(
            spec=spec,
            labels=matched.labels,
            match=matched.match,
            diagnosis=diagnosis,
            output=audit.Output(spec.out, audit.sha256_of_parts(records), sum(part.bytes or 0 for part in records)),
            parts=records,
            unmatched=_written(str(spec.unmatched), unmatched[0]) if unmatched else None,
            warnings=[
                *matched.warnings,
                *part_warnings(parts_of(matched), [part.matched_rows for part in records]),
                *outputs.warnings,
            ],
            provenance=run.provenance(
                {"features": run.record(spec.features), "labels": label_records},
                {"audit_json": None, **dict(spec.outputs())},
            ),
        )
        if staged is None:
            return document
        audits = []
        if spec.audit_json is not None:
            audits.append(outputs.stage(spec.audit_json))
            audits[0].write(audit.json_text(document).encode("utf-8"))
        for file in (*unmatched, *audits):
            file.finish()
        check_parts(spec, parts_of(matched))
        outputs.check_labels()
        hold()  # No interruption from here on: a published table is done, and the report must say so.
        staged.commit(part.path for part in records)
        publish(*unmatched, *audits)
    return document


def _publish_beside(outputs: _Outputs, staged: Sequence[StagedFile]) -> None:
    outputs.check_labels()
    for file in staged:
        file.finish()
    hold()
    publish(*staged)


def _written(path: str, staged: StagedFile) -> audit.Output:
    return audit.Output(path, staged.sha256, staged.size)
