"""Parquet files. Their footer describes the columns before a value is read."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.base.errors import TableError, is_from_outside
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import SqlText
from moslabels.files.contents import other_than_parquet
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.parquet.chunks import FooterError
from moslabels.parquet.footer import Footer, read_footer
from moslabels.parquet.pages import pages
from moslabels.sources.columns import MOST_OF_A_KEY, Cell, Column
from moslabels.sources.faults import fault
from moslabels.sources.halves import check_halves
from moslabels.sources.part import Part
from moslabels.sources.source import Cells, FileFormat, Source

_BYTES_OF_A_VALUE = 8


class ParquetFile(FileFormat):
    """Parquet. Statements use the names that DuckDB gives to columns whose names differ only by case."""

    reader = "parquet"
    cells = Cells.TYPED
    tells_texts = True
    holds_evidence = True
    is_read_whole = False
    table_function = SqlText("read_parquet")

    def open(self, engine: Engine, workspace: Workspace, part: Part, role: str, options: Mapping[str, Any]) -> Source:  # noqa: ARG002
        return self.open_part(engine, part, role)

    def open_part(self, engine: Engine, part: Part, role: str) -> Source:
        """Open a file that exists: find its columns. Raise TableError."""
        path = part.path
        footer = footer_of(path)
        names = [column.name for column in footer.columns]
        source = Source(path, role, self, (Part(path, path, footer=footer),), memory=engine.memory)
        described = source.query(engine, "sources/parquet_columns")
        columns = tuple(
            Column(name, row["column_name"], row["column_type"]) for name, row in zip(names, described, strict=True)
        )
        return replace(source, columns=columns)

    def bytes_of(self, source: Source, cells: Sequence[Cell]) -> int:
        places = {column.ident: place for place, column in enumerate(source.columns)} if cells else {}
        wanted = [places[cell.column.ident] for cell in cells]
        return sum(_bytes_of(part.footer, place) for part in source.parts if part.footer for place in wanted)

    def values(self, source: Source, cells: Sequence[Cell]) -> dict[str, Any]:  # noqa: ARG002
        # An absolute path without globs, so that neither ~ nor a scheme such as s3: has a meaning.
        return {"path": glob.escape(absolute(source.file))}

    def check_name(self, source: Source, column: Column) -> None:
        if "\0" in column.ident or not column.ident:
            says = f"the column {shown(column.name)} has a name that SQL cannot spell; rename it"
            raise fault(source.path, says, column=column.name)

    def check_values(self, source: Source, column: Column, role: str) -> None:
        part = source.part
        assert part.footer is not None
        check_chunks(part, part.footer, source.columns.index(column), role, source.memory)

    def typed_batches(
        self,
        engine: Engine,  # noqa: ARG002
        source: Source,
        columns: Sequence[Column],
        rows: int,
        keys: Sequence[str],  # noqa: ARG002
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        names = [column.name for column in columns]
        file = pq.ParquetFile(absolute(source.file))
        schema = pa.schema([file.schema_arrow.field(name) for name in names])

        def batches() -> Iterator[pa.RecordBatch]:
            with _decoding(source):
                for batch in file.iter_batches(batch_size=rows, columns=names):
                    yield batch.select(names)

        return schema, batches()

    def as_arrow(self, source: Source, dropped: Sequence[str]) -> pa.Table:
        # If another program cut a memory-mapped file, the process would be killed.
        with _decoding(source), pq.ParquetFile(absolute(source.file)) as file:
            table = file.read()
        return table.select([index for index, name in enumerate(table.column_names) if name not in dropped])


def _bytes_of(footer: Footer, place: int) -> int:
    """Return how many bytes a column has in memory, at least: equal values take next to none in the file."""
    leaves = range(*footer.columns[place].leaves)
    return sum(
        max(sum(group.chunks[leaf].uncompressed for leaf in leaves), group.rows * _BYTES_OF_A_VALUE)
        for group in footer.groups
    )


@contextmanager
def _decoding(source: Source) -> Iterator[None]:
    """Raise TableError if pyarrow cannot decode the file."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if is_from_outside(error):
            raise
        raise fault(source.path, f"cannot be decoded: {error}") from error


def footer_of(path: str, file: str | None = None) -> Footer:
    """Return the footer of a Parquet file. Raise TableError if it is not one that can be read.

    Messages show ``path``. The file is opened as ``file``, if that is another path of it.
    """
    file = file or path
    try:
        with open(file, "rb") as stream:
            footer = read_footer(stream)
    except FooterError as error:
        problem = other_than_parquet(file) or f"is not a readable Parquet file: {error}"
        raise fault(path, problem) from error
    if not footer.columns:
        raise fault(path, "has no columns")
    return footer


def check_chunks(part: Part, footer: Footer, index: int, role: str, memory: float) -> None:
    """Raise TableError if the values of a column, by its position, cannot be read, or would be read wrongly.

    ``memory`` is what DuckDB may take, in bytes.
    """
    leaf, _ = footer.columns[index].leaves
    name = footer.columns[index].name
    _check_pages(part, footer, name, leaf, role, memory)
    _check_nulls(part, footer, name, leaf)
    if role == "key" and footer.may_be_half(index):
        _check_halves(part, name)


def _check_pages(part: Part, footer: Footer, name: str, leaf: int, role: str, memory: float) -> None:
    """Raise TableError if a page of a column does not fit into memory, or if a text of it is too long for a key.

    A page is decompressed as a whole before any value of it can be read.
    """
    path = part.path
    try:
        with open(part.file, "rb") as stream:
            for group in footer.groups:
                for page in pages(stream, group.chunks[leaf]):
                    if role == "key" and page.uncompressed > (page.values + 1) * (MOST_OF_A_KEY + 8):
                        problem = f"a text of it has more than {MOST_OF_A_KEY} bytes, which cannot be a key"
                        raise _of_column(path, name, f": {problem}", "bad-key")
                    if page.uncompressed > memory / 2:
                        problem = (
                            f"a page of it has {page.uncompressed} bytes, which is more than half of the memory that "
                            "DuckDB may take; raise memory_limit, or write the file anew with smaller pages"
                        )
                        raise _of_column(path, name, f": {problem}", "resources")
    except FooterError as error:
        raise _of_column(path, name, f" cannot be decoded: {error}") from error


def _check_nulls(part: Part, footer: Footer, name: str, leaf: int) -> None:
    """Raise TableError if the footer wrongly says that a row group of a column holds only NULL.

    DuckDB 2 does not read the values of such a row group.
    """
    groups = footer.groups_of_nulls(leaf)
    if not groups:
        return
    path = part.path
    try:
        with pq.ParquetFile(absolute(part.file)) as file:
            batches = file.iter_batches(row_groups=groups, columns=[name])
            is_so = all(batch.column(name).null_count == len(batch) for batch in batches)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise _of_column(path, name, f" cannot be decoded: {error}") from error
    if not is_so:
        raise _of_column(
            path,
            name,
            ": the footer says of row groups that all of their values are NULL, and they are not; write the file "
            "anew, as pyarrow does",
        )


def _check_halves(part: Part, name: str) -> None:
    try:
        with pq.ParquetFile(absolute(part.file)) as file:
            if pa.types.is_float16(file.schema_arrow.field(name).type):
                check_halves(part.path, name, (batch.column(name) for batch in file.iter_batches(columns=[name])))
    except (pa.ArrowException, OSError, KeyError) as error:
        raise _of_column(part.path, name, f" cannot be decoded: {error}") from error


def _of_column(path: str, name: str, says: str, code: str = "unreadable") -> TableError:
    return fault(path, f"column {shown(name)}{says}", code, column=name)
