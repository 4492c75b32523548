"""The second task: to label the parts of a group. What a part gets depends on that part and its labels alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError, errors_of_table
from moslabels.base.settings import Settings
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence import embedded
from moslabels.files import platform
from moslabels.files.places import Place
from moslabels.files.staged import StagedFile, finish_all
from moslabels.files.watched import check_size_and_time
from moslabels.files.workspace import Workspace
from moslabels.labelling.match import PartCounts
from moslabels.labelling.row_labels import row_labels_statement, rows_of_positions, rows_with_label
from moslabels.parts.kept import KnownPart, is_as_labelled_now, known_part, state_of, take_by_link
from moslabels.parts.messages import pack, unpack, unwrap
from moslabels.sources.columns import Cell, Column
from moslabels.sources.constants import one_array
from moslabels.sources.parquet_file import ParquetFile, footer_of
from moslabels.sources.parquet_parts import FORMAT, PartsSource
from moslabels.sources.part import Part
from moslabels.sources.source import Source
from moslabels.writers import splice
from moslabels.writers.copy import Copy
from moslabels.writers.job import Job, changed

_PLAIN = ("root", "base", "hiding", "dropped", "outline", "folder")
"""The members of a group's task that JSON holds as they are."""
_BYTES_OF_A_ROW, _COPIES_OF_LABELS = 16, 4
"""The most bytes of memory that a row takes in a worker, and in how many forms it has the labels at a time."""


@dataclass(frozen=True)
class PartTask:
    """One part to label. ``number`` names its new file in the folder of the run. ``out`` is where it will be at last.

    ``state`` are the size and the time that the features had when they were counted. ``known`` is what a run that was
    killed made of the same; ``old`` is the part in the output of an earlier run, of which nothing is known yet.
    """

    number: int
    path: str
    out: str
    partitions: tuple[str | None, ...]
    state: tuple[int, ...]
    counts: PartCounts
    known: KnownPart | None = None
    old: KnownPart | None = None


@dataclass(frozen=True)
class PartResult:
    """What became of a part.

    It is kept if a run that was killed had finished it, and linked if it is the file of the old output. ``refusal``
    says why it was labelled although it could have been linked.
    """

    number: int
    features_sha256: str
    sha256: str
    bytes: int
    is_kept: bool = False
    is_linked: bool = False
    refusal: str = ""


@dataclass(frozen=True)
class GroupTask:
    """What all parts of a table share: the key columns, the rule of the join, and where to write.

    Paths of features open from the folder ``base``. ``hiding`` are the columns that hide the numbers of files and rows.
    ``folder`` takes the new parts, each under its number. Without one, they are checked and removed.
    """

    root: str
    base: str
    cells: Sequence[Cell]
    hiding: Sequence[str]
    dropped: Sequence[str]
    outline: Mapping[str, Any]
    folder: str | None


def label_task(shared: GroupTask, parts: Sequence[PartTask], values: pa.Table, columns: pa.Table) -> bytes:
    """Return the task of a group of parts.

    ``values`` are the distinct values of the key columns that have a label, with its position in ``columns``, the label
    columns. Their last row is that of no label.
    """
    header = {
        **{name: getattr(shared, name) for name in _PLAIN},
        "cells": [{"alias": cell.alias, "column": asdict(cell.column)} for cell in shared.cells],
        "parts": [asdict(part) for part in parts],
        "needs": _BYTES_OF_A_ROW * sum(part.counts.input_rows for part in parts)
        + _COPIES_OF_LABELS * (values.nbytes + columns.nbytes),
    }
    return pack(header, {"values": values, "columns": columns})


def folder_of(task: bytes) -> Any:
    """Return the folder into which a task writes. Raise ValueError or KeyError if it is not a task."""
    return unwrap(task)[0]["header"]["folder"]


def _read_task(task: bytes) -> tuple[GroupTask, list[PartTask], pa.Table, pa.Table]:
    header, tables = unpack(task)
    cells = [Cell(one["alias"], Column(**one["column"]), FORMAT.reader) for one in header["cells"]]
    shared = GroupTask(
        **{name: header[name] for name in _PLAIN},
        cells=cells,
    )
    parts = [
        PartTask(
            **{
                **one,
                "partitions": tuple(one["partitions"]),
                "state": tuple(one["state"]),
                "counts": PartCounts(**one["counts"]),
                **{name: one[name] and known_part(one[name]) for name in ("known", "old")},
            }
        )
        for one in header["parts"]
    ]
    return shared, parts, tables["values"], tables["columns"]


def results_of(message: bytes) -> list[PartResult]:
    """Return what became of the parts of a group."""
    header, _ = unpack(message)
    return [PartResult(**one) for one in header["parts"]]


def label(task: bytes, settings: Settings) -> bytes:
    """Label the parts of a group. Raise TableError if one cannot be labelled: it is then not among those written."""
    shared, parts, values, columns = _read_task(task)
    with errors_of_table(shared.root):
        found = {part.number: _kept(part) or _linked(shared, part) for part in parts}
        kept = [result for result in found.values() if result is not None and not result.refusal]
        done = {result.number for result in kept}
        todo = [part for part in parts if part.number not in done]
        labelled = _labelled(shared, todo, values, columns, settings) if todo else []
        refusals = {number: result.refusal for number, result in found.items() if result is not None}
        labelled = [replace(result, refusal=refusals.get(result.number, "")) for result in labelled]
    return pack({"parts": [asdict(result) for result in [*kept, *labelled]]})


def _kept(part: PartTask) -> PartResult | None:
    """Return the result of a part that a run that was killed finished, if its file still is what that run wrote."""
    state = state_of(part.known) if part.known is not None else None
    if part.known is None or state is None:
        return None
    return PartResult(part.number, part.known.features_sha256, part.known.sha256, state[2], is_kept=True)


def _linked(shared: GroupTask, part: PartTask) -> PartResult | None:
    """Return the result of a part that is linked from the old output, or with a refusal; None if it is another now."""
    if (old := part.old) is None:
        return None
    file = os.path.join(shared.base, part.path)
    check_size_and_time(part.path, file, part.state)
    evidence = embedded.text(shared.outline, part.path, old.features_sha256, part.counts)
    if not is_as_labelled_now(old, file, evidence) or (state := state_of(old)) is None:
        return None
    check_size_and_time(part.path, file, part.state)
    refusal = take_by_link(old, state, shared.folder, str(part.number)) if shared.folder is not None else ""
    return PartResult(part.number, old.features_sha256, old.sha256, state[2], is_linked=True, refusal=refusal)


def _labelled(
    shared: GroupTask, parts: Sequence[PartTask], values: pa.Table, columns: pa.Table, settings: Settings
) -> list[PartResult]:
    for part in parts:
        check_size_and_time(part.path, os.path.join(shared.base, part.path), part.state)
    with Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine:
        source = PartsSource(
            shared.root,
            "feature",
            FORMAT,
            tuple(
                Part(
                    part.path,
                    os.path.join(shared.base, part.path),
                    partitions=part.partitions,
                    counted=part.counts.input_rows,
                )
                for part in parts
            ),
            memory=engine.memory,
            every_name=tuple(shared.hiding),
        )
        engine.run(render("parts/40_feature_keys", table=engine.register(values)))
        missing = len(columns) - 1
        engine.expect(sum(part.state[0] for part in parts))
        rows = source.offsets[-1]
        with source.reading():
            positions = engine.table(row_labels_statement(source, shared.cells, missing, rows)).column(0)
        if len(positions) != rows:
            raise changed(shared.root)
        folder, attempt = platform.system.open_folder(shared.folder or workspace.folder), os.urandom(8).hex()
        with ExitStack() as opened:
            opened.callback(platform.system.release, folder)
            files = []
            results = []
            for part, start in zip(parts, source.offsets, strict=False):
                place = Place(part.out, folder, str(part.number), is_aside=shared.folder is None, attempt=attempt)
                staged = opened.enter_context(StagedFile(place))
                own = one_array(positions.slice(start, part.counts.input_rows))
                results.append(write_part(PartJob(engine, shared, part, columns, workspace.folder), own, staged))
                files.append(staged)
            finish_all(files)
            for part, staged in zip(parts, files, strict=True):
                check_size_and_time(part.path, os.path.join(shared.base, part.path), part.state)
                if shared.folder is not None:
                    platform.system.replace(folder, staged.staged, staged.place.name)
            return results


@dataclass(frozen=True)
class PartJob:
    engine: Engine
    shared: GroupTask
    part: PartTask
    columns: pa.Table
    temp_folder: str


def write_part(job: PartJob, positions: pa.Array, staged: StagedFile) -> PartResult:
    """Write one labelled part, and read it back. It is not on the disk yet."""
    part, shared = job.part, job.shared
    file = os.path.join(shared.base, part.path)
    footer = footer_of(part.path, file)
    # The part gets the labels that its rows have, and no others, so that its bytes do not depend on other parts.
    held = rows_of_positions(positions)
    used = one_array(held.column(0))
    own = pc.index_in(positions, value_set=used)
    matched = rows_with_label(held, len(job.columns) - 1, len(positions))
    if matched != part.counts.matched_rows:
        says = f"{part.counts.matched_rows} rows with a label were counted, and there are {matched}"
        raise TableError(f"{part.path}: {says}", code="miscount", file=part.path)

    def evidence(features_sha256: str) -> tuple[str, str]:
        return embedded.ENTRY, embedded.text(shared.outline, part.path, features_sha256, part.counts)

    writing = Job(
        engine=job.engine,
        source=Source(part.path, "feature", ParquetFile(), (Part(part.path, file, footer=footer),)),
        keys=[cell.column.name for cell in shared.cells if not cell.column.partition],
        out=part.out,
        columns=job.columns.take(used),
        positions=pa.chunked_array([own]),
        dropped=shared.dropped,
        temp_folder=job.temp_folder,
        evidence=evidence,
        copy=None,
    )
    with Copy(file, footer.start, staged) as copy:
        written = splice.write(writing, footer, copy, staged)
    assert written.features_sha256 is not None
    return PartResult(part.number, written.features_sha256, staged.sha256, staged.size)
