"""The work on the parts of one table: their footers, their counts, the tasks of the workers, and what comes back."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.settings import Settings
from moslabels.base.text import counted
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence import embedded
from moslabels.evidence.audit import PartRecord
from moslabels.evidence.run import Run
from moslabels.files.listing import PartFile
from moslabels.files.staged_folder import StagedFolder
from moslabels.files.watched import file_state, size_and_time
from moslabels.labelling.label_table import decoded
from moslabels.labelling.match import PartCounts
from moslabels.labelling.part_features import part_counts
from moslabels.labelling.pipeline import Matched, columns_of
from moslabels.parts.engines import EngineOfRun
from moslabels.parts.examine import examine_task, examined
from moslabels.parts.kept import KnownPart
from moslabels.parts.label import GroupTask, PartResult, PartTask, label_task, results_of
from moslabels.parts.workers import Workers
from moslabels.sources.constants import integer, one_array
from moslabels.sources.faults import fault
from moslabels.sources.parquet_parts import HIDING, PartFacts, PartsSource
from moslabels.sources.part import Part
from moslabels.spec.table import TableSpec

OldPart: TypeAlias = Callable[[Part, PartFacts], KnownPart | None]
"""Returns the part of the old output that may be what a part would become, or None."""


def no_old_part(_part: Part, _fact: PartFacts) -> None:
    """Know no old part, so that all are labelled."""


@dataclass(frozen=True)
class Prepared:
    """The parts of a table before they are labelled: their counts, and digests of all that their bytes depend on.

    ``outline`` is what of that all parts share.
    """

    matched: Matched
    source: PartsSource
    counts: Sequence[PartCounts]
    outline: Mapping[str, Any]
    digests: Sequence[str]

    @property
    def by_path(self) -> dict[str, str]:
        """The digests of the parts by their paths below the folder, in order."""
        return {part.relative: digest for part, digest in zip(self.source.parts, self.digests, strict=True)}

    @property
    def sizes(self) -> list[int]:
        return [fact.state[2] for fact in self.source.facts]


@dataclass
class PartsTable:
    """One table of many parts while it is labelled. A dry run has no ``staged`` folder.

    ``split`` makes the groups of parts that a task takes, by the sizes of all.
    """

    engine: Engine
    spec: TableSpec
    run: Run
    of_run: EngineOfRun
    workers: Workers
    staged: StagedFolder | None
    split: Callable[[Sequence[int]], list[range]]
    old: OldPart = no_old_part

    def examine(self, files: Sequence[PartFile], roles: Mapping[str, str], memory: float) -> list[PartFacts]:
        """Let workers read the footers of all parts. Raise TableError for the first that is damaged."""
        states = [file_state(file.path) or (0, 0, 0, 0) for file in files]
        sizes = [state[2] for state in states]
        of_group = self.split(sizes)
        self.workers.begin(sum(sizes), len(of_group), self.staged)
        tasks = (examine_task([files[number] for number in group], roles, memory) for group in of_group)
        found: dict[int, list[PartFacts]] = {}
        with closing(self.workers.map("examine", tasks, self._settings())) as results:
            found.update((index, examined(result)) for index, result in results)
        facts = [fact for index in range(len(of_group)) for fact in found[index]]
        for file, state, fact in zip(files, states, facts, strict=True):
            if fact.state != size_and_time(state):
                says = "has another size or time for the worker that read it; run again when nothing writes to it"
                raise fault(file.path, says, "changed")
        return [replace(fact, state=state) for fact, state in zip(facts, states, strict=True)]

    def prepare(self, matched: Matched, label_records: Sequence[Mapping[str, Any]]) -> Prepared:
        """Count the parts, and tell on what their bytes depend. Raise TableError if counts do not agree."""
        source = parts_of(matched)
        counts = part_counts(self.engine, source, matched.key, matched.match)
        outline = embedded.outline(self.spec, matched.labels, matched.key, label_records)
        digests = [
            _digest(outline, matched.dropped, part.path, fact, count)
            for part, fact, count in zip(source.parts, source.facts, counts, strict=True)
        ]
        return Prepared(matched, source, counts, outline, digests)

    def write(self, matched: Matched, label_records: Sequence[Mapping[str, Any]]) -> list[PartRecord]:
        """Label all parts. Return their records, in order. Parts that an earlier run finished or labelled are kept."""
        prepared, staged = self.prepare(matched, label_records), self.staged
        source, digests = prepared.source, prepared.digests
        left = set(staged.journal) if staged is not None else set()
        if staged is not None:
            self.workers.hosts.update(self.of_run.take_over(staged, prepared.by_path, prepared.outline))
        tasks = self.tasks(prepared, staged.run_folder if staged is not None else None)
        self.engine.progress.step("labelling", len(source.parts), "parts")
        found: dict[int, PartResult] = {}
        try:
            with closing(self.workers.map("label", tasks, self._settings())) as messages:
                for _, message in messages:
                    for result in results_of(message):
                        found[result.number] = result
                        if staged is not None and not result.is_kept:
                            note = {
                                "digest": digests[result.number],
                                "features_sha256": result.features_sha256,
                                "sha256": result.sha256,
                            }
                            staged.accept(str(result.number), source.parts[result.number].relative, note)
                    self.engine.progress.advance(len(found))
        except BaseException as error:
            if staged is not None and found:
                error.add_note(
                    f"{len(found)} of {counted(len(source.parts), 'part is', 'parts are')} finished, in "
                    f"{staged.path}: run again to go on from there, or remove that folder"
                )
            raise
        results = [found[number] for number in range(len(source.parts))]
        for text in _notes(results):
            self.engine.progress.note(text)
        resumed = sum(result.is_kept and source.parts[result.number].relative in left for result in results)
        linked = sum(result.is_linked for result in results)
        labelled = len(results) - resumed - linked
        self.run.parts[self.spec.out] = {"labelled": labelled, "resumed": resumed, "linked": linked}
        return [
            PartRecord.of(part.relative, count, result.features_sha256, result.sha256, result.bytes)
            for part, count, result in zip(source.parts, prepared.counts, results, strict=True)
        ]

    def tasks(self, prepared: Prepared, folder: str | None) -> Iterator[bytes]:
        """Yield the tasks that label all parts into a folder, or into none in a dry run."""
        matched, source = prepared.matched, prepared.source
        columns = columns_of(self.engine, matched)
        shared = GroupTask(
            root=self.spec.features,
            base=os.getcwd(),
            cells=matched.key.cells,
            hiding=[name for name in source.every_name if name.lower() in HIDING],
            dropped=list(matched.dropped),
            outline=prepared.outline,
            folder=folder,
        )
        # Once for all groups: to look for the labels of each among all keys would take a time that grows with both.
        self.engine.with_more_memory(lambda: self.engine.run(render("parts/30_part_labels", cells=matched.key.cells)))
        for group in self.split(prepared.sizes):
            values = self.engine.table(
                render(
                    "parts/31_labels_of_parts",
                    {"first": group.start + 1, "last": group.stop},
                    cells=matched.key.cells,
                )
            )
            # Labels are numbered anew, so that the task brings only those that its parts have.
            ids = one_array(columns.positions(values.column("label_id")))
            used = pc.unique(ids)
            places = pc.index_in(ids, value_set=used)
            missing = integer(len(columns.table) - 1)
            own = decoded(columns.table.take(pa.concat_arrays([used, missing])))
            values = values.set_column(values.num_columns - 1, "label_id", places)
            parts = [
                PartTask(
                    number=number,
                    path=source.parts[number].path,
                    out=os.path.join(self.spec.out, source.parts[number].relative),
                    partitions=source.parts[number].partitions,
                    state=source.facts[number].state[2:],
                    counts=prepared.counts[number],
                    known=_known(self.staged, source.parts[number].relative, prepared.digests[number]),
                    old=self.old(source.parts[number], source.facts[number]),
                )
                for number in group
            ]
            yield label_task(shared, parts, values, own)

    def _settings(self) -> Settings:
        return self.workers.share(self.run.settings, self.engine.memory)


def parts_of(matched: Matched) -> PartsSource:
    assert isinstance(matched.source, PartsSource)
    return matched.source


def _digest(outline: Mapping[str, Any], dropped: Sequence[str], path: str, fact: PartFacts, counts: PartCounts) -> str:
    """Return a hash of all that the bytes of a part depend on: it is labelled anew if any of that changes."""
    of_part = {"path": path, "state": size_and_time(fact.state), "counts": asdict(counts)}
    told = {"outline": outline, "dropped": list(dropped), **of_part}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8")).hexdigest()


def _notes(results: Sequence[PartResult]) -> Iterator[str]:
    """Yield what became of the parts that did not change since they were labelled."""
    of = f"of {counted(len(results), 'part', 'parts')} unchanged, and"
    if linked := sum(result.is_linked for result in results):
        yield f"{linked} {of} kept by hard links"
    refused = [result.refusal for result in results if result.refusal]
    if refused:
        yield f"{len(refused)} {of} labelled again: a hard link to the old file was refused ({refused[0]})"


def _known(staged: StagedFolder | None, relative: str, digest: str) -> KnownPart | None:
    """Return what an earlier run noted of a part, if it was labelled from the same."""
    note = staged.journal.get(relative) if staged is not None else None
    if staged is None or note is None or note.get("digest") != digest:
        return None
    features, own = note.get("features_sha256"), note.get("sha256")
    if not isinstance(features, str) or not isinstance(own, str):
        return None
    return KnownPart(staged.kept_path(relative), features, own)
