"""Tables of many Parquet files, which statements read as one."""

from __future__ import annotations

import glob
import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, ClassVar

import pyarrow as pa

from moslabels.base.errors import TableError, os_error
from moslabels.base.text import counted, listed, shown
from moslabels.engine.connection import Engine
from moslabels.files.listing import PartFile
from moslabels.files.paths import absolute
from moslabels.files.watched import file_state
from moslabels.parquet.footer import Footer
from moslabels.sources.columns import Cell, Column
from moslabels.sources.faults import fault
from moslabels.sources.opening import check_regular_file
from moslabels.sources.parquet_file import ParquetFile, check_chunks, footer_of
from moslabels.sources.part import Part
from moslabels.sources.part_tables import one_table
from moslabels.sources.partitions import columns_of_folders, values_of_folders
from moslabels.sources.source import Source

HIDING = {"file_index", "file_row_number"}
"""Names of columns that hide those by which DuckDB tells files and rows."""
_SHOWN = 3


@dataclass(frozen=True)
class PartFacts:
    """What the footer of one part says: its rows, its columns, and a hash of their types.

    ``state`` is the :func:`~moslabels.files.watched.file_state` of the file before it was read.
    """

    rows: int
    names: tuple[str, ...]
    schema: str
    state: tuple[int, ...]


def part_facts(part: Part, roles: Mapping[str, str], memory: float) -> PartFacts:
    """Read the footer of a part, and check those columns that are to be read: their names with their roles.

    Raise TableError if the part is damaged, or if its values would be read wrongly. A column that it lacks is not
    looked for here.
    """
    path = part.path
    try:
        check_regular_file(path, part.file)
        state = file_state(part.file)
        footer = footer_of(path, part.file)
        names = tuple(column.name for column in footer.columns)
        for index, name in enumerate(names):
            if name in roles:
                check_chunks(part, footer, index, roles[name], memory)
    except OSError as error:
        raise os_error(error) from error
    assert state is not None
    return PartFacts(footer.num_rows, names, _schema_hash(footer), state)


def _schema_hash(footer: Footer) -> str:
    (_, start), *_, (_, end) = footer.elements  # All but the root, which has the name of the writer.
    return hashlib.sha256(footer.data[start:end]).hexdigest()


@dataclass(frozen=True)
class PartsSource(Source):
    """A table of many parts. Its rows are numbered through all parts, in the order of their paths.

    ``columns`` are those that all parts have, each of one type, and those of the names of folders. ``unfit`` says of
    the others why statements cannot read them. ``every_name`` has the names of the columns of any part.
    """

    has_several: ClassVar[bool] = True
    unfit: Mapping[str, TableError] = field(default_factory=dict, compare=False, repr=False)
    every_name: tuple[str, ...] = ()
    facts: tuple[PartFacts, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return list(self.every_name)

    @cached_property
    def offsets(self) -> list[int]:
        """How many rows come before each part, and last the number of all rows."""
        return list(accumulate((part.rows or 0 for part in self.parts), initial=0))

    @cached_property
    def is_read_one_by_one(self) -> bool:
        """Whether a column of a part hides the number of the file or of the row."""
        return any(name.lower() in HIDING for name in self.every_name)

    @property
    def places(self) -> tuple[list[str], list[int]]:
        filled = [number for number, part in enumerate(self.parts) if part.rows]
        return [self.parts[number].path for number in filled], [self.offsets[number] for number in filled]

    def place(self, row: int) -> tuple[str, int]:
        part = bisect_left(self.offsets, row) - 1
        return self.parts[part].path, row - self.offsets[part]

    def find(self, role: str, named: str | None, candidates: Sequence[str], option: str) -> Column:
        for name in self.every_name if named is None else [named]:
            if name in self.unfit and (named is not None or name.lower() in candidates):
                raise self.unfit[name]
        return super().find(role, named, candidates, option)


class ParquetParts(ParquetFile):
    """Parquet files that statements read as one table."""

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:  # noqa: ARG002
        assert isinstance(source, PartsSource)
        paths = [glob.escape(absolute(part.file)) for part in source.parts]
        # Each file is named once, so that the text that compile prints does not grow with the square of their number.
        one_by_one = {f"path_{number}": path for number, path in enumerate(paths, start=1)}
        return {
            **(one_by_one if source.is_read_one_by_one else {"paths": paths}),
            "offsets": source.offsets[:-1],
            "partitions": [list(values) for values in zip(*(part.partitions for part in source.parts), strict=True)],
        }

    def bytes_of(self, source: Source, cells: Sequence[Cell]) -> int:
        # The footers of all parts are not kept. A cell has some bytes, or a few bits in a dictionary.
        return (source.rows or 0) * len(cells)

    def check_values(self, source: Source, column: Column, role: str) -> None:
        """Do nothing: :func:`part_facts` has checked the columns that are read, part by part."""

    def typed_batches(
        self, engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        raise NotImplementedError("the parts of a table are written one by one")

    def as_arrow(self, source: Source, dropped: Sequence[str]) -> pa.Table:
        """Return the columns of the files of all parts. Raise TableError for the first part that has others."""
        alone = (replace(source, parts=(part,), path=part.path) for part in source.parts)
        read = super().as_arrow
        return one_table((part.path, read(part, dropped)) for part in alone)


FORMAT = ParquetParts()


def open_first(engine: Engine, root: str, files: Sequence[PartFile], partitions: Sequence[str]) -> Source:
    """Open the first part alone, to find the columns of all by its names.

    The columns of the names of folders come after its own. Raise TableError if a part has no such folder.
    """
    path = files[0].path
    check_regular_file(path)
    own = ParquetFile().open_part(engine, Part(path, path), "feature")
    columns = (*own.columns, *columns_of_folders(files, partitions))
    return replace(own, path=root, format=_FIRST, columns=columns)


class _First(ParquetFile):
    """The first part of many. Its columns are looked at, and the values of all parts later."""

    def check_values(self, source: Source, column: Column, role: str) -> None:
        if not column.partition:
            super().check_values(source, column, role)


_FIRST = _First()


def join_parts(
    engine: Engine,
    first: Source,
    files: Sequence[PartFile],
    partitions: Sequence[str],
    facts: Sequence[PartFacts],
) -> PartsSource:
    """Return all parts as one table. ``first`` is what :func:`open_first` returned, ``facts`` are those of each part.

    Raise TableError if a folder has the name of a column, or if DuckDB cannot describe a part.
    """
    parts = tuple(
        Part(
            file.path,
            file.path,
            relative=file.relative,
            partitions=values_of_folders(file, partitions),
            counted=fact.rows,
        )
        for file, fact in zip(files, facts, strict=True)
    )
    every_name = tuple(dict.fromkeys(name for fact in facts for name in fact.names))
    _refuse_folders_of_columns(files, partitions, facts)
    kinds = _Kinds(engine, files, facts)
    fit = [column for column in first.columns if not column.partition and column.name not in kinds.unfit]
    return PartsSource(
        first.path,
        first.role,
        FORMAT,
        parts,
        (*fit, *columns_of_folders(files[:1], partitions)),
        memory=first.memory,
        unfit=kinds.unfit,
        every_name=(*every_name, *partitions),
        facts=tuple(facts),
        doubts=tuple(kinds.doubts),
    )


def _refuse_folders_of_columns(
    files: Sequence[PartFile], partitions: Sequence[str], facts: Sequence[PartFacts]
) -> None:
    wanted = {name.lower() for name in partitions}
    for file, fact in zip(files, facts, strict=True):
        for name in fact.names:
            if name.lower() in wanted:
                raise fault(
                    file.path,
                    f"has a column {shown(name)}, and partitions takes the values of {shown(name)} from the names of "
                    "folders: which is meant cannot be told; leave it out of partitions, or rename the column",
                    "ambiguous-column",
                    column=name,
                )


class _Kinds:
    """The columns of parts by their schemas: which columns not all parts have, or have with several types.

    ``unfit`` holds the error for each of these columns, in case that it is needed. ``doubts`` are warnings about parts
    whose columns differ from those of the first.
    """

    def __init__(self, engine: Engine, files: Sequence[PartFile], facts: Sequence[PartFacts]) -> None:
        self.unfit: dict[str, TableError] = {}
        self.doubts: list[str] = []
        of_schema: dict[str, int] = {}
        for index, fact in enumerate(facts):
            of_schema.setdefault(fact.schema, index)
        described = {index: _described(engine, files[index].path) for index in of_schema.values()}
        self._compare(files, described, facts)
        counts = {schema: sum(fact.schema == schema for fact in facts) for schema in of_schema}
        self._doubt(files, described, counts, of_schema)

    def _compare(
        self, files: Sequence[PartFile], described: Mapping[int, Mapping[str, str]], facts: Sequence[PartFacts]
    ) -> None:
        """Fill ``unfit``. ``described`` has one part of each schema: the types of its columns by their names."""
        first, *_ = described.values()
        names = dict.fromkeys(name for columns in described.values() for name in columns)
        for index, columns in described.items():
            path = files[index].path
            for name in names:
                if name in self.unfit:
                    continue
                alike = [other for other in facts[index].names if other.lower() == name.lower()]
                if name not in columns:
                    says = f"has no column {shown(name)}, and other parts have it; it has {listed(list(columns))}"
                    self.unfit[name] = fault(path, says, "no-column", column=name)
                elif len(alike) > 1:
                    says = f"{len(alike)} columns are named {shown(name)}, compared without regard to case"
                    self.unfit[name] = fault(path, f"{says}; rename all but one", "ambiguous-column", column=name)
                elif name in first and first[name] != columns[name]:
                    self.unfit[name] = fault(
                        path,
                        f"column {shown(name)} is of type {columns[name]}, and of type {first[name]} in "
                        f"{files[0].path}: their values cannot be compared as they are; write all parts with one type",
                        "parts",
                        column=name,
                    )

    def _doubt(
        self,
        files: Sequence[PartFile],
        described: Mapping[int, Mapping[str, str]],
        counts: Mapping[str, int],
        of_schema: Mapping[str, int],
    ) -> None:
        """Fill ``doubts``: many readers take the columns of the first part for those of all."""
        first, *_ = described.values()
        for schema, index in list(of_schema.items())[1:]:
            columns = described[index]
            differences = _differences(first, columns)
            if not differences:
                continue
            more = counts[schema] - 1
            also = f" (and {counted(more, 'other part', 'other parts')})" if more else ""
            self.doubts.append(
                f"{files[index].path}{also}: its columns are not those of {files[0].path}: {'; '.join(differences)}; "
                "readers of the folder may take the columns of one part for those of all"
            )
        if len(self.doubts) > _SHOWN:
            more = len(self.doubts) - _SHOWN
            self.doubts[_SHOWN:] = [f"{counted(more, 'more kind', 'more kinds')} of parts have other columns"]


def _differences(first: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    lacks = [name for name in first if name not in other]
    added = [name for name in other if name not in first]
    typed = [name for name in first if name in other and first[name] != other[name]]
    found = [
        *([f"it lacks {listed(lacks, _SHOWN)}"] if lacks else []),
        *([f"it also has {listed(added, _SHOWN)}"] if added else []),
        *(
            [f"{shown(typed[0])} is {other[typed[0]]} and not {first[typed[0]]}"]
            if len(typed) == 1
            else [f"other types of {listed(typed, _SHOWN)}"]
            if typed
            else []
        ),
    ]
    return found or (["another order"] if list(first) != list(other) else [])


def _described(engine: Engine, path: str) -> dict[str, str]:
    """Return the types of the columns of a part, in DuckDB, by their names."""
    source = ParquetFile().open_part(engine, Part(path, path), "feature")
    return {column.name: column.type for column in source.columns}


def examined(files: Sequence[PartFile], roles: Mapping[str, str], memory: float) -> list[PartFacts]:
    """Return the facts of parts. Raise TableError for the first that is damaged."""
    return [part_facts(Part(file.path, file.path), roles, memory) for file in files]
