"""Features of many parts, opened to look for rules: all parts to measure rules on, and some to compare columns by."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import counted, listed
from moslabels.engine.connection import Engine
from moslabels.files.listing import PartFile, list_parts, other_tables
from moslabels.labelling.part_features import refuse_labels_among
from moslabels.sources.columns import Column
from moslabels.sources.faults import fault
from moslabels.sources.parquet_file import check_chunks, footer_of
from moslabels.sources.parquet_parts import PartFacts, PartsSource, examined, join_parts, open_first
from moslabels.sources.partitions import names_of_folders, values_of_folders
from moslabels.spec.features import PartsSpec

MOST_ROWS = 100_000_000
"""Rules are measured on parts with at most so many rows."""
_COMPARED_PARTS = 64
_COMPARED_ROWS = 5_000_000
_SHOWN = 3


@dataclass(frozen=True)
class ListedParts:
    """The parts of a table, what their footers say, and the names of folders ``name=value`` that tell parts apart."""

    spec: PartsSpec
    files: tuple[PartFile, ...]
    facts: tuple[PartFacts, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class FoundParts:
    """The parts as tables: those that rules are measured on, and those that columns are compared by.

    ``evidence`` says how many these are and which columns are left out, ``confirm`` what holds only for some parts.
    """

    spec: PartsSpec
    measured: PartsSource
    compared: PartsSource
    evidence: tuple[str, ...]
    confirm: tuple[str, ...]

    def document(self, unfit: Iterable[TableError]) -> dict[str, Any]:
        """Return how the parts are read, as JSON values. ``unfit`` says of columns why they cannot be keys."""
        return {
            "path": self.spec.root,
            "options": {},
            "evidence": [*self.evidence, *(f"a column is left out: {problem}" for problem in unfit)],
            "confirm": list(self.confirm),
        }


def look_at_parts(spec: PartsSpec, labels: Iterable[str]) -> ListedParts:
    """List the parts and read their footers. Raise TableError if they are damaged, or mixed with other tables."""
    files = list_parts(spec.items, spec.root)
    refuse_labels_among(files, labels)
    _refuse_other_tables(spec, files, {os.path.realpath(label) for label in labels})
    facts = examined(files, {}, 0)
    columns = {name.lower() for fact in facts for name in fact.names}
    names, notes = [], []
    for name in names_of_folders(files):
        if name.lower() in columns:
            notes.append(f"folders {name}=… are not used: parts have a column of that name")
        elif len({values_of_folders(file, [name]) for file in files}) > 1:
            names.append(name)
    return ListedParts(spec, tuple(files), tuple(facts), tuple(names), tuple(notes))


def _refuse_other_tables(spec: PartsSpec, files: Sequence[PartFile], labels: set[str]) -> None:
    for item in spec.items:
        if item.kind != "folder":
            continue
        others = [path for path in other_tables(item.path) if os.path.realpath(path) not in labels]
        if others:
            raise fault(
                item.path,
                f"holds {counted(len(files), 'Parquet file', 'Parquet files')}, and also "
                f"{counted(len(others), 'other table', 'other tables')} such as {listed(others[:_SHOWN])}: a table of "
                "many parts has files of one kind; keep the others elsewhere, or name the parts by a pattern, such as "
                f'{{"glob": "{os.path.join(item.path, "**", "*.parquet")}"}}',
                "parts",
            )


def open_listed(engine: Engine, parts: ListedParts, most_rows: int) -> FoundParts:
    """Open parts that were listed. Raise TableError if DuckDB cannot describe one of them."""
    first = open_first(engine, parts.spec.root, parts.files, parts.names)
    source = join_parts(engine, first, parts.files, parts.names, parts.facts)
    measured = _some(source, len(source.parts), most_rows)
    compared = _some(measured, _COMPARED_PARTS, _COMPARED_ROWS)
    total = counted(len(source.parts), "part", "parts")
    evidence = [f"{total}, {counted(source.rows or 0, 'row', 'rows')}"]
    if len(compared.parts) < len(source.parts):
        evidence.append(f"columns were compared by {len(compared.parts)} of the parts")
    confirm = []
    if len(measured.parts) < len(source.parts):
        confirm.append(
            f"rules were measured on {len(measured.parts)} of {total}, {measured.rows} of {source.rows} rows: does the "
            "rule hold for all? moslabels batch --dry-run tells"
        )
    evidence += parts.notes
    unfit = [str(problem) for problem in source.unfit.values()]
    evidence += [f"a column is left out: {problem}" for problem in unfit[:_SHOWN]]
    if len(unfit) > _SHOWN:
        evidence.append(f"{counted(len(unfit) - _SHOWN, 'more column is', 'more columns are')} left out likewise")
    return FoundParts(parts.spec, measured, compared, tuple(evidence), tuple(confirm))


def _some(source: PartsSource, parts: int, rows: int) -> PartsSource:
    """Return at most so many parts of a table, evenly spread, with at most so many rows if more than one is left."""
    count = len(source.parts)
    wanted = min(parts, count)
    while True:
        places = [number * count // wanted for number in range(wanted)]
        if wanted == 1 or sum(source.parts[place].rows or 0 for place in places) <= rows:
            break
        wanted //= 2
    if wanted == count:
        return source
    chosen = tuple(source.parts[place] for place in places)
    return replace(source, parts=chosen, facts=tuple(source.facts[place] for place in places))


def unfit_columns(source: PartsSource, columns: Iterable[Column]) -> dict[str, TableError]:
    """Return why columns cannot be read as keys, by their names, for the first part that says so."""
    wanted = {column.name for column in columns if not column.partition}
    unfit: dict[str, TableError] = {}
    for part in source.parts if wanted else ():
        footer = footer_of(part.path, part.file)
        for index, column in enumerate(footer.columns):
            if column.name not in wanted or column.name in unfit:
                continue
            try:
                check_chunks(part, footer, index, "key", source.memory)
            except TableError as error:
                unfit[column.name] = error
    return unfit


def out_folder(root: str, name: str) -> str:
    """Return a folder for labelled parts, beside the folder above all parts. ``name`` is the last of its path."""
    is_named = os.path.basename(root) not in ("", os.curdir, os.pardir)
    above = os.path.dirname(root) if is_named else os.path.join(root, os.pardir)
    return os.path.normpath(os.path.join(above, f"{name}_mos"))


def name_of(root: str) -> str:
    """Return the name of the folder above all parts."""
    return os.path.basename(os.path.abspath(root)) or "features"
