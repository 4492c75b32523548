"""Tables of many parts without an engine: a plan of their tasks, the shards that do them, and the commit of all.

Each step may be killed and run again, and two attempts at one shard may meet: a part is finished under its own name,
in one step, and with the same bytes whoever does it.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from moslabels.base.errors import MosLabelsError, NotDoneError, TableError, UsageError, errors_of_table
from moslabels.base.progress import Progress, relayed
from moslabels.base.settings import Settings
from moslabels.base.text import counted, shown
from moslabels.engine.connection import Engine
from moslabels.evidence.provenance import versions
from moslabels.evidence.run import Run
from moslabels.files.planned import PlannedFiles
from moslabels.files.staged_folder import StagedFolder
from moslabels.files.workspace import Workspace
from moslabels.labelling.part_features import check_parts
from moslabels.labelling.pipeline import judge, match_table
from moslabels.parts.engines import EngineOfRun
from moslabels.parts.label import PartResult, folder_of, results_of
from moslabels.parts.messages import unwrap, wrap
from moslabels.parts.workers import MOST_BYTES, MOST_PARTS, Local, groups
from moslabels.runs.part_table import opened_parts
from moslabels.runs.part_work import parts_of
from moslabels.runs.plan_folder import Plan, PlanFolder, PlannedTable, PlannedTask
from moslabels.spec.manifest import Manifest
from moslabels.spec.table import TableSpec

_SHOWN = 20


def plan(
    folder: PlanFolder,
    manifest: Manifest,
    base_dir: str | None,
    shards: int,
    settings: Settings,
    progress: Progress,
    on_error: Callable[[MosLabelsError], None],
) -> Plan:
    """Read, match and judge the tables of many parts of a manifest, and write their tasks. Return the plan.

    A table that fails is told by ``on_error``, and is not in the plan. Raise UsageError if no table has many parts, and
    the error of the last table if none is left.
    """
    specs = [spec for spec in manifest.tables if spec.parts is not None]
    if not specs:
        raise UsageError(f"{manifest.path}: no table of it has many parts, and only these have shards; run batch")
    run = Run(settings=settings, progress=relayed(progress))
    tables: list[PlannedTable] = []
    for number, spec in enumerate(specs, start=1):
        run.progress.table(spec.id or spec.features, number, len(specs))
        try:
            tables.append(_planned(folder, spec, run, shards))
        except MosLabelsError as error:
            on_error(error)
            if number == len(specs) and not tables:
                raise
    made = Plan(os.getcwd(), manifest.path, base_dir, shards, versions(), _with_shards(tables, shards))
    folder.write(made)
    return made


def _planned(folder: PlanFolder, spec: TableSpec, run: Run, shards: int) -> PlannedTable:
    """Plan one table: what a run of it does until its parts are labelled."""
    split = partial(_split, shards)
    with opened_parts(spec, run, EngineOfRun(), split) as (table, workspace, _):
        matched = match_table(table.engine, workspace, spec, table.examine)
        judge(table.engine, matched)
        prepared = table.prepare(matched, [run.record(label.path) for label in spec.labels])
        of_table = json.dumps([os.path.abspath(spec.out), shards, prepared.by_path], sort_keys=True)
        name = hashlib.sha256(of_table.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        assert table.staged is not None
        parts = PlannedFiles(table.staged, name).begin()
        sizes, tasks = prepared.sizes, []
        table.engine.progress.step("planning", len(sizes), "parts")
        for number, (group, task) in enumerate(zip(split(sizes), table.tasks(prepared, parts), strict=True)):
            tasks.append(PlannedTask(f"{name}-{number}", 0, list(group), sum(sizes[part] for part in group)))
            folder.write_task(tasks[-1].name, task)
            table.engine.progress.advance(group.stop)
        check_parts(spec, parts_of(matched))
    return PlannedTable(spec.id, spec.out, name, parts, prepared.by_path, prepared.outline, tasks)


def _split(shards: int, sizes: Sequence[int]) -> list[range]:
    """Return groups of parts, so many that each shard can have one if there are so many parts."""
    most_parts = min(MOST_PARTS, -(-len(sizes) // shards))
    return groups(sizes, most_parts, min(MOST_BYTES, max(1, -(-sum(sizes) // shards))))


def _with_shards(tables: Sequence[PlannedTable], shards: int) -> list[PlannedTable]:
    """Give each task its shard: neighbours of about as many bytes as other shards have."""
    total = sum(task.bytes for table in tables for task in table.tasks)
    before = 0
    found = []
    for table in tables:
        tasks = []
        for task in table.tasks:
            middle = 2 * before + task.bytes
            tasks.append(replace(task, shard=min(shards - 1, middle * shards // max(1, 2 * total))))
            before += task.bytes
        found.append(replace(table, tasks=tasks))
    return found


def part(folder: PlanFolder, shard: int, settings: Settings, progress: Progress) -> tuple[int, int]:
    """Do the tasks of a shard that are not done. Return how many parts it has, and how many were labelled now."""
    made, progress = folder.read(), relayed(progress)
    tasks = made.of_shard(shard)
    todo = [] if folder.is_committed else [pair for pair in tasks if not _is_done(folder, *pair)]
    for table in {table.folder: table for table, _ in todo}.values():
        if not os.path.isdir(table.folder):
            raise TableError(
                f"{table.out}: {socket.gethostname()} does not see {table.folder}, in which the parts of the plan are "
                "finished: all machines must see the storage under the same path. If they do, another plan took its "
                "place: run moslabels plan again",
                code="file-system",
                file=table.out,
            )
    progress.step("labelling", sum(len(task.parts) for _, task in todo), "parts")
    done = 0
    with errors_of_table(folder.path), Local(settings.workers, progress) as workers:
        workers.begin(sum(task.bytes for _, task in todo), len(todo))
        share = workers.share(settings, _memory(settings) if workers.number > 1 else 0)
        messages = (_message(folder, *pair) for pair in todo)
        with closing(workers.map("label", messages, share)) as results:
            for number, result in results:
                task = todo[number][1]
                folder.write_result(task.name, wrap({"host": socket.gethostname()}, result))
                done += len(task.parts)
                progress.advance(done)
    return sum(len(task.parts) for _, task in tasks), done


def _message(folder: PlanFolder, table: PlannedTable, task: PlannedTask) -> bytes:
    """Return the message of a task. Raise TableError if it is not one that writes into the folder of its table."""
    try:
        message = folder.task(task.name)
    except FileNotFoundError as error:
        raise _unreadable(folder, table, task, "is gone") from error
    try:
        writes_to = folder_of(message)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, table, task, f"cannot be read: {error}") from error
    if writes_to != table.folder:
        raise _unreadable(folder, table, task, f"writes to {shown(writes_to)}, and not to {table.folder}")
    return message


def _unreadable(folder: PlanFolder, table: PlannedTable, task: PlannedTask, says: str) -> TableError:
    text = f"{folder.path}: the task {task.name} {says}; run moslabels plan again"
    return TableError(text, code="unreadable", file=table.out)


def _results(folder: PlanFolder, task: PlannedTask) -> tuple[str, list[PartResult]] | None:
    """Return the host that did a task, and what became of its parts. None if it is not done, or if that is damaged."""
    found = folder.result(task.name)
    try:
        header, message = unwrap(found or b"")
        results = results_of(message)
        host = header["host"]
    except (ValueError, KeyError, TypeError):
        return None
    is_whole = isinstance(host, str) and sorted(result.number for result in results) == sorted(task.parts)
    return (host, results) if is_whole else None


def _memory(settings: Settings) -> float:
    """Return how many bytes of memory DuckDB may take on this machine."""
    with Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine:
        return engine.memory


def _is_done(folder: PlanFolder, table: PlannedTable, task: PlannedTask) -> bool:
    """Return whether a task is done. If the folder of its parts is gone, it is for the commit to say where they are."""
    return _results(folder, task) is not None and (
        not os.path.isdir(table.folder)
        or all(os.path.exists(os.path.join(table.folder, str(part))) for part in task.parts)
    )


def check_done(folder: PlanFolder, made: Plan) -> None:
    """Raise NotDoneError, which names the shards, if tasks are not done."""
    left = sorted({task.shard for _, task in made.tasks if _results(folder, task) is None})
    if left:
        raise _not_done(folder, made, left)


def _not_done(folder: PlanFolder, made: Plan, left: Sequence[int]) -> NotDoneError:
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    names = f"{', '.join(map(str, left[:_SHOWN]))}{more}"
    return NotDoneError(
        f"{'shard' if len(left) == 1 else 'shards'} {names} of {made.shards} {'is' if len(left) == 1 else 'are'} not "
        f"done: run moslabels part {folder.path} --shard {left[0]}" + (", and so for the others" if left[1:] else "")
    )


class ShardsOfPlan(EngineOfRun):
    """The shards of a plan, for the run that commits what they labelled. What is not planned is labelled here."""

    def __init__(self, folder: PlanFolder, made: Plan) -> None:
        super().__init__({"engine": "shards", "shards": made.shards})
        self._folder = folder
        self._made = made
        self._tables = {table.out: table for table in made.tables}

    def take_over(self, staged: StagedFolder, digests: Mapping[str, str], outline: Mapping[str, Any]) -> set[str]:
        table = self._tables.get(staged.target)
        if table is None:
            raise _stale(staged.target, "the table is not in the plan")
        if table.digests != digests:
            raise _stale(staged.target, _what_changed(table, digests, outline))
        paths, planned, hosts = list(digests), PlannedFiles(staged, table.plan), set()
        for task in table.tasks:
            if (done := _results(self._folder, task)) is None:
                raise _not_done(self._folder, self._made, [task.shard])
            host, results = done
            hosts.add(host)
            for result in results:
                path = paths[result.number]
                note = {
                    "digest": digests[path],
                    "features_sha256": result.features_sha256,
                    "sha256": result.sha256,
                }
                if not planned.adopt(str(result.number), path, note):
                    if os.path.isdir(table.folder):
                        raise _not_done(self._folder, self._made, [task.shard])
                    raise _stale(staged.target, f"{table.folder} is gone, in which its parts were finished")
        return hosts


def _what_changed(table: PlannedTable, digests: Mapping[str, str], outline: Mapping[str, Any]) -> str:
    if came := sorted({*digests} ^ {*table.digests}):
        return f"{came[0]} came or went since"
    old, new = ([label["sha256"] for label in one["labels"]] for one in (table.outline, outline))
    if old != new:
        return "the labels changed since"
    if json.loads(json.dumps(outline)) != table.outline:
        return "the options changed since"
    different = [path for path in digests if digests[path] != table.digests[path]]
    return f"{counted(len(different), 'part', 'parts')} of the features changed since, such as {different[0]}"


def _stale(out: str, why: str) -> TableError:
    return TableError(
        f"{out}: does not fit the plan: {why}; run moslabels plan again, then the shards. Nothing was written",
        code="changed",
        file=out,
    )
