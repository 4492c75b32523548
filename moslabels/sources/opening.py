"""Feature and label tables as files: their format, their columns, and how ``sql/sources/`` reads them."""

from __future__ import annotations

import codecs
import glob
import itertools
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from moslabels.base.errors import ResourceError, StatementError, TableError, is_from_outside
from moslabels.base.text import json_place, listed, nearest, short, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.contents import absence_advice, other_than_parquet, other_than_text
from moslabels.files.paths import absolute
from moslabels.files.workspace import Workspace
from moslabels.spec.formats import default_delimiter, format_of
from moslabels.spec.kinds import ENCODINGS

if TYPE_CHECKING:
    import pyarrow as pa


MOST_COLUMNS = 20_000  # of text that is split into columns: for more, DuckDB takes time by the square
MOST_OF_A_KEY = 1 << 16
"""Bytes, as in sql/rules/key_fault."""

_START = 50  # characters of a record that tell whether it is the one that DuckDB means
_MOST_OF_A_LINE = 1 << 26  # bytes: max_line_size in sql/sources/


_DELIMITERS = (";", "\t", "|", ",")
_UNNAMED = re.compile("column[0-9]+")  # as the columns of a file without a header are named
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written. Nothing of it is guessed."""

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    has_bom: bool = False
    line_end: str = "\n"
    blank_lines: int = 0  # before the first record
    added_lines: int = 0  # of the blank ones, those that the user's file does not have


@dataclass(frozen=True)
class Column:
    """A column of a table: its name in the file, its name in SQL, and its type in DuckDB."""

    name: str
    ident: str
    type: str = "VARCHAR"


@dataclass(frozen=True)
class Aliased:
    """What a statement knows under a name of its own (``key`` for the key column): as value, as text, and its type."""

    alias: str

    @property
    def value(self) -> str:
        return f"{self.alias}_value"

    @property
    def text(self) -> str:
        return f"{self.alias}_text"

    @property
    def type(self) -> str:
        return f"{self.alias}_type"


@dataclass(frozen=True)
class Cell(Aliased):
    """A column of a file as a statement uses it."""

    column: Column
    reader: str
    sql_type: str = "VARCHAR"


@dataclass(frozen=True)
class Source:
    """One file as a table.

    ``path`` is the path as messages show it; ``file`` is what DuckDB opens: the same file, or a copy of its text as
    UTF-8 or as JSON lines. ``reader`` names the template in ``sql/sources/``: ``parquet``, ``csv`` or ``jsonl``.
    A table in memory has a name in the place of ``path``, no ``file``, and the ``reader`` ``arrow``. ``role`` is
    ``feature`` or ``label``.
    """

    path: str
    file: str
    format: str
    reader: str
    role: str
    columns: tuple[Column, ...] = ()
    dialect: Dialect = field(default_factory=Dialect)
    footer: Any = field(default=None, compare=False, repr=False)  # of a Parquet file
    memory: float = field(default=0, compare=False, repr=False)  # that DuckDB may take, where a footer is
    table: Any = field(default=None, compare=False, repr=False)  # in memory, as Arrow

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def has_row_number_column(self) -> bool:
        """Whether a column of the file hides DuckDB's own ``file_row_number``."""
        return any(name.lower() == "file_row_number" for name in self.names)

    def cells(self, columns: Mapping[str, Column]) -> list[Cell]:
        return [Cell(alias, column, self.reader) for alias, column in columns.items()]

    def values(self, cells: Sequence[Cell] = ()) -> dict[str, Any]:
        """The values of the parameters of ``sql/sources/<reader>.sql``."""
        return {
            # An absolute path, so that neither ~ nor a scheme such as s3: means anything, and no glob.
            "path": glob.escape(absolute(self.file)),
            "columns": {column.ident: "VARCHAR" for column in self.columns},
            "delimiter": self.dialect.delimiter,
            "header": self.dialect.header,
            "blank_lines": self.dialect.blank_lines,
            "pointers": [cell.column.ident for cell in cells],
        }

    def find(self, role: str, named: str | None, candidates: Sequence[str], option: str) -> Column:
        """The column that plays a role: the one that is named, else the first candidate that is present."""
        if named is not None:
            return self._only([column for column in self.columns if column.name == named], role, named, option)
        for candidate in candidates:
            found = [column for column in self.columns if column.name.lower() == candidate]
            if found:
                return self._only(found, role, candidate, option)
        advice = [self.split_advice() or f"name it with {option}", self.header_advice(), self.bom_advice()]
        raise TableError(
            f"{self.path}: no {role} column found: none of {', '.join(candidates)} is among "
            f"{listed(self.names)}; {'; '.join(filter(None, advice))}",
            code="no-column",
            file=self.path,
        )

    def split_advice(self) -> str:
        """What to set where the header of a CSV file is one cell that looks like several, or nothing."""
        if self.reader != "csv" or len(self.names) != 1:
            return ""
        delimiter = max(_DELIMITERS, key=self.names[0].count)
        found = f'is it split by {shown(delimiter)}? Then set {self.role}_csv {{"delimiter": {shown(delimiter)}}}'
        return found if delimiter in self.names[0] else ""

    def header_advice(self, named: str = "") -> str:
        """What to set where the header of a CSV file looks like data, or a column is named as if there were none."""
        if self.reader != "csv" or not self.dialect.header:
            return ""
        is_likely = _UNNAMED.fullmatch(named) or any(_NUMBER.fullmatch(name.strip()) for name in self.names)
        return f'if it has no header, set {self.role}_csv {{"header": false}}' if is_likely else ""

    def bom_advice(self) -> str:
        """What to do where a name begins with the mark that belongs before the whole text, or nothing."""
        marked = [name for name in self.names if name.startswith("\ufeff")]
        return f"remove the byte order mark (U+FEFF) inside of the name {shown(marked[0])}" if marked else ""

    def _only(self, found: list[Column], role: str, name: str, option: str) -> Column:
        if len(found) == 1:
            return usable(self, found[0], role)
        if found:
            raise TableError(
                f"{self.path}: {len(found)} columns are named {shown(name)}, compared as {option} does; "
                f"the {role} column must be the only one of its name",
                code="ambiguous-column",
                file=self.path,
                column=name,
            )
        advice = filter(None, [self.split_advice(), self.header_advice(name), self.bom_advice()])
        raise TableError(
            f"{self.path}: {option} {shown(name)} is no column of it{nearest(name, self.names)}; "
            + "; ".join([f"it has {listed(self.names)}", *advice]),
            code="no-column",
            file=self.path,
            column=name,
        )


def usable(source: Source, column: Column, role: str) -> Column:
    """A column that a statement reads as a key, a score, an extra or a group. Raises TableError where none can.

    What the type tells is told before a value is read: those of a file of kilobytes may fill the memory.
    """
    if source.reader == "arrow" and not column.ident:
        raise TableError(
            f"{source.path}: column {shown(column.name)} is of a type that DuckDB cannot read; convert it",
            code="unreadable",
            file=source.path,
            column=column.name,
        )
    if source.reader == "parquet" and ("\0" in column.ident or not column.ident):
        raise TableError(
            f"{source.path}: the column {shown(column.name)} has a name that SQL cannot spell; rename it",
            code="unreadable",
            file=source.path,
            column=column.name,
        )
    if is_nested(column):
        code, what = _USES.get(role, ("unreadable", f"which cannot be a {role}"))
        raise TableError(
            f"{source.path}: column {shown(column.name)} is of type {short(column.type)}, {what}; name another column, "
            "or convert it to text or numbers",
            code=code,
            file=source.path,
            column=column.name,
        )
    if source.reader == "arrow":
        _check_values(source, column)
    if source.reader == "parquet":
        _check_pages(source, column, role)
        _check_nulls(source, column)
    return column


_USES = {
    "key": ("bad-key", "which cannot be a key"),
    "score": ("bad-score", "which holds no scores"),
    "extra": ("bad-extra", "and an extra is text, a number, a truth value, a date or a time"),
}
_NESTED = re.compile(r"(STRUCT|MAP|UNION|VARIANT|LIST)\b.*|.*\]", re.DOTALL)


def may_be_key(source: Source, column: Column) -> bool:
    """Whether a column can be read as a key, by what is known of it before a value is read."""
    try:
        usable(source, column, "key")
    except TableError:
        return False
    return True


def is_nested(column: Column) -> bool:
    """Whether the values of a column are lists, structs, maps and the like, by its type."""
    return _NESTED.fullmatch(column.type) is not None


def _check_pages(source: Source, column: Column, role: str) -> None:
    """Refuse a Parquet column of which a page has no room in the memory, or a text that is too long for a key.

    A page is decompressed as a whole before a value of it is seen. Raises TableError.
    """
    from moslabels.parquet.footer import FooterError
    from moslabels.parquet.pages import pages

    leaf, _ = source.footer.columns[source.columns.index(column)].leaves
    try:
        with open(source.file, "rb") as stream:
            for group in source.footer.groups:
                for page in pages(stream, group.chunks[leaf]):
                    if role == "key" and page.uncompressed > (page.values + 1) * (MOST_OF_A_KEY + 8):
                        code = "bad-key"
                        problem = f"a text of it has more than {MOST_OF_A_KEY} bytes, which cannot be a key"
                    elif page.uncompressed > source.memory / 2:
                        code = "resources"
                        problem = (
                            f"a page of it has {page.uncompressed} bytes, which is more than half of the memory that "
                            "DuckDB may take; raise memory_limit, or write the file anew with smaller pages"
                        )
                    else:
                        continue
                    raise _of_column(source, column, f": {problem}", code)
    except FooterError as error:
        raise _of_column(source, column, f" cannot be decoded: {error}") from error


def _of_column(source: Source, column: Column, says: str, code: str = "unreadable") -> TableError:
    return TableError(
        f"{source.path}: column {shown(column.name)}{says}", code=code, file=source.path, column=column.name
    )


def _check_nulls(source: Source, column: Column) -> None:
    """Refuse a Parquet column whose footer says of a row group that it holds nothing but NULL, and it does not.

    DuckDB 2 does not read the values of such a row group. Raises TableError.
    """
    leaf, _ = source.footer.columns[source.columns.index(column)].leaves
    groups = source.footer.groups_of_nulls(leaf)
    if not groups:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(absolute(source.file)) as file:
            batches = file.iter_batches(row_groups=groups, columns=[column.name])
            is_so = all(batch.column(column.name).null_count == len(batch) for batch in batches)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise _of_column(source, column, f" cannot be decoded: {error}") from error
    if not is_so:
        says = (
            ": the footer says of row groups that all of their values are NULL, and they are not; write the file anew"
        )
        raise _of_column(source, column, f"{says}, as pyarrow does")


def open_table(
    engine: Engine,
    workspace: Workspace,
    path: str,
    role: str,
    dialect: Mapping[str, Any],
    tables: Mapping[str, pa.Table] | None = None,
) -> Source:
    """Look at a file: its columns, and whether it can be read at all. Raises TableError.

    ``role`` is ``feature`` or ``label``; ``dialect`` is the value of ``feature_csv`` or ``label_csv``; ``tables`` are
    Arrow tables by the name that stands in the place of a path.
    """
    if tables and path in tables:
        return _open_arrow(engine, path, role, tables[path])
    _check_regular_file(path)
    kind = format_of(path)
    if kind == "parquet":
        return _open_parquet(engine, path, role)
    if problem := other_than_text(path, dialect.get("encoding", "utf-8") if kind == "csv" else "utf-8"):
        raise TableError(f"{path}: {problem}", code="unreadable", file=path)
    if kind == "csv":
        return _open_csv(engine, workspace, path, role, dialect)
    file = path if kind == "jsonl" else _unpack_json(path, workspace.new_copy(path, ".jsonl"))
    return _open_json_lines(engine, Source(path, file, kind, "jsonl", role))


def _check_regular_file(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            with open(path, "rb"):
                return
    except FileNotFoundError:
        advice = absence_advice(path)
        if not advice and glob.has_magic(path):
            advice = "; a path is one file, whatever characters it holds: name each"
        raise TableError(f"{path}: there is no such file{advice}", code="no-file", file=path) from None
    except (OSError, ValueError) as error:
        if is_from_outside(error):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TableError(f"{path}: cannot be read: {reason}", code="unreadable", file=path) from error
    kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
    raise TableError(f"{path}: is {kind}; a table is one file", code="unreadable", file=path)


def _open_parquet(engine: Engine, path: str, role: str) -> Source:
    from moslabels.parquet.footer import FooterError, read_footer

    try:
        with open(path, "rb") as stream:
            footer = read_footer(stream)
    except FooterError as error:
        problem = other_than_parquet(path) or f"is no Parquet file that can be read: {error}"
        raise TableError(f"{path}: {problem}", code="unreadable", file=path) from error
    names = [column.name for column in footer.columns]
    if not names:
        raise TableError(f"{path}: has no columns", code="unreadable", file=path)
    source = Source(path, path, "parquet", "parquet", role)
    with reading(source):
        described = engine.rows(render("sources/parquet_columns", source.values()))
    columns = tuple(
        Column(name, row["column_name"], row["column_type"]) for name, row in zip(names, described, strict=True)
    )
    return replace(source, columns=columns, footer=footer, memory=engine.memory)


def _open_arrow(engine: Engine, name: str, role: str, table: pa.Table) -> Source:
    import pyarrow as pa

    if not table.column_names:
        raise TableError(f"{name}: has no columns", code="unreadable", file=name)
    columns = [Column(name, f"column{index}") for index, name in enumerate(table.column_names)]
    values = [column.cast(pa.float32()) if pa.types.is_float16(column.type) else column for column in table.columns]
    try:
        view = engine.register(pa.Table.from_arrays(values, [column.ident for column in columns]))
    except StatementError:  # A column that DuckDB has no type for is none of ours unless it is named.
        columns = [
            column if _has_type(engine, part) else replace(column, ident="")
            for column, part in zip(columns, values, strict=True)
        ]
        readable = {column.ident: part for part, column in zip(values, columns, strict=True) if column.ident}
        view = engine.register(pa.table(readable)) if readable else ""
    columns = [
        replace(column, type=_arrow_type(_value_type(part.type))) for column, part in zip(columns, values, strict=True)
    ]
    return Source(name, view, "arrow", "arrow", role, tuple(columns), table=table)


def _value_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values of a column, however they are encoded."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) else kind


def _check_values(source: Source, column: Column) -> None:
    """Refuse what would break DuckDB: text that is no UTF-8, instants beyond its own. Raises TableError."""
    import pyarrow as pa

    values = source.table.column(source.columns.index(column))
    try:
        values.validate(full=True)
        if pa.types.is_timestamp(values.type) and values.type.unit in ("s", "ms"):
            values.cast(pa.timestamp("us", values.type.tz))
    except pa.ArrowInvalid as error:
        raise TableError(
            f"{source.path}: column {shown(column.name)} holds what cannot be read: {error}",
            code="unreadable",
            file=source.path,
            column=column.name,
        ) from error


def _arrow_type(kind: pa.DataType) -> str:
    """The types of DuckDB's that decide what is a key or a score; all others are read as text."""
    import pyarrow as pa

    if pa.types.is_float32(kind):
        return "FLOAT"
    if pa.types.is_nested(kind):
        return "STRUCT" if pa.types.is_struct(kind) else "MAP" if pa.types.is_map(kind) else "LIST"
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return "BLOB" if is_binary else "VARCHAR"


def _has_type(engine: Engine, values: pa.ChunkedArray) -> bool:
    """Whether DuckDB has a type for an Arrow column."""
    import pyarrow as pa

    try:
        engine.register(pa.Table.from_arrays([values.slice(0, 0)], ["column"]))
    except StatementError:
        return False
    return True


def _open_csv(engine: Engine, workspace: Workspace, path: str, role: str, given: Mapping[str, Any]) -> Source:
    with open(path, "rb") as stream:
        start = stream.read(4)
    if given.get("encoding", "utf-8") == "utf-8" and (start[::2] == b"\0\0" or start[1::2] == b"\0\0"):
        raise TableError(
            f"{path}: {_undecodable('utf-8', role)} (every other byte is NUL: utf-16?)", code="unreadable", file=path
        )
    dialect = Dialect(
        delimiter=given.get("delimiter", default_delimiter(path)),
        header=given.get("header", True),
        encoding=given.get("encoding", "utf-8"),
        has_bom=start.startswith(codecs.BOM_UTF8),
    )
    file = path
    try:
        if dialect.encoding != "utf-8":
            file = _transcode(path, dialect.encoding, workspace.new_copy(path, ".csv"))
        record, width, found = _first_record(path, file, dialect)
    except UnicodeError as error:
        raise TableError(
            f"{path}: {_undecodable(dialect.encoding, role)} ({error})", code="unreadable", file=path
        ) from error
    if not record:
        raise TableError(f"{path}: is empty: a CSV table has a header at least", code="unreadable", file=path)
    if width > MOST_COLUMNS:
        raise TableError(
            f"{path}: has {width} columns, and a CSV table may have {MOST_COLUMNS} at most; write it as Parquet "
            "or JSON lines",
            code="unreadable",
            file=path,
        )
    first = record.split(dialect.delimiter)
    if '"' in record:
        copy = Source(path, workspace.new_copy(path, ".csv"), "csv", "csv", role, _unnamed(width), found)
        first = _quoted_record(engine, copy, record)
    if any(set("\r\n") & set(cell) for cell in first):
        # DuckDB takes the first line end that it sees, be it inside of a cell, for that of all records.
        file = _after_a_blank_line(file, found.line_end, workspace.new_copy(path, ".csv"))
        found = replace(found, blank_lines=found.blank_lines + 1, added_lines=1)
    columns = _unnamed(len(first))
    if dialect.header:
        columns = tuple(replace(column, name=name) for column, name in zip(columns, first, strict=True))
    source = Source(path, file, "csv", "csv", role, columns, found)
    with reading(source):
        faults = engine.rows(render("sources/csv_fault", {**source.values(), "width": len(columns)}))
    for fault in faults:
        line = fault["line_number"] - found.added_lines
        row = next((record.row for record in _records(source) if record.last_line >= line), None)
        where = f"row {row}" if row else "header"
        raise TableError(
            f"{path}: {where}: it ends in a delimiter too many (line {line})", code="unreadable", file=path, row=row
        )
    return source


def _undecodable(encoding: str, role: str) -> str:
    return f'its bytes are not {encoding}; set {role}_csv {{"encoding": …}} to one of {", ".join(ENCODINGS)}'


def _transcode(path: str, encoding: str, target: str) -> str:
    with open(path, encoding=encoding, newline="") as source, open(target, "w", encoding="utf-8", newline="") as copy:
        while text := source.read(1 << 20):
            copy.write(text)
    return target


def _unnamed(columns: int) -> tuple[Column, ...]:
    return tuple(Column(f"column{index}", f"column{index}") for index in range(columns))


def _first_record(path: str, file: str, dialect: Dialect) -> tuple[str, int, Dialect]:
    """The text of the first record (none where there is none), its cells, the dialect with what stands around it."""
    blank_lines = 0
    lines: list[str] = []
    size, width, is_open = 0, 1, False
    with open(file, encoding="utf-8-sig", newline="") as stream:
        while line := stream.readline(_MOST_OF_A_LINE):
            if not lines and not line.strip("\r\n"):
                blank_lines += 1
                continue
            lines.append(line)
            size += len(line)
            if size >= _MOST_OF_A_LINE:
                break
            delimiters, is_open = _delimiters(line, dialect.delimiter, is_open)
            width += delimiters
            if not is_open:
                break
    if is_open or size >= _MOST_OF_A_LINE:
        why = "" if size < _MOST_OF_A_LINE else "it is longer than 64 MiB; "
        raise TableError(
            f"{path}: its first record cannot be read: {why}does a quoted cell of it not end?",
            code="unreadable",
            file=path,
        )
    text = "".join(lines)
    record = text.rstrip("\r\n")
    return record, width, replace(dialect, blank_lines=blank_lines, line_end=text[len(record) :] or "\n")


def _quoted_record(engine: Engine, copy: Source, record: str) -> list[str]:
    """The cells of a record that holds quotes: what they mean is DuckDB's to say, for a header as for all rows."""
    dialect = replace(copy.dialect, header=False, blank_lines=1)
    with open(copy.file, "w", encoding="utf-8", newline="") as stream:
        stream.write(dialect.line_end + record + dialect.line_end)
    copy = replace(copy, dialect=dialect)
    cells = copy.cells({column.ident: column for column in copy.columns})
    try:
        (row,) = engine.rows(render("sources/rows", copy.values(), source=copy, cells=cells))
    except ResourceError:
        raise
    except StatementError as error:
        raise TableError(
            f"{copy.path}: its first record cannot be read: {_unreadable(copy, str(error))}",
            code="unreadable",
            file=copy.path,
        ) from error
    return [row[cell.value] or "" for cell in cells]


def _after_a_blank_line(path: str, line_end: str, target: str) -> str:
    """A copy of a text that begins with a blank line."""
    with open(path, "rb") as source, open(target, "wb") as copy:
        if source.read(3) != codecs.BOM_UTF8:
            source.seek(0)
        copy.write(line_end.encode())
        shutil.copyfileobj(source, copy)
    return target


def _unpack_json(path: str, target: str) -> str:
    """Write the rows of a JSON document as JSON lines, each with the text that it has in the document."""
    try:
        with open(path, encoding="utf-8-sig") as stream:
            text = stream.read()
        with open(target, "w", encoding="utf-8") as lines:
            for start, end in _row_spans(text):
                lines.write(text[start:end].replace("\r", " ").replace("\n", " ") + "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TableError(f"{path}: line {line}: its bytes are not utf-8", code="unreadable", file=path) from error
    except json.JSONDecodeError as error:
        line, column, what = json_place(error)
        raise TableError(
            f"{path}: line {line}: it is no JSON: {what} (column {column})", code="unreadable", file=path
        ) from error
    except RecursionError as error:
        raise TableError(f"{path}: its values nest too deep; write JSON lines", code="unreadable", file=path) from error
    except ValueError as error:
        raise TableError(
            f'{path}: is neither a JSON list of objects nor {{"rows": [...]}}: {error}', code="unreadable", file=path
        ) from error
    return target


class _NotRowsError(ValueError):
    """A JSON document that holds no table."""


_BLANK = re.compile(r"[ \t\n\r]*")


def _row_spans(text: str) -> list[tuple[int, int]]:
    """Where the rows of a JSON document stand in its text. What they hold is checked where the lines are read."""
    # A number is not looked at, of however many digits.
    decoder = json.JSONDecoder(parse_int=len, parse_float=len)
    try:
        spans, end = _rows_of_document(text, decoder.raw_decode)
        if not text[end:].strip(" \t\n\r"):
            return spans
    except _NotRowsError:
        decoder.decode(text)
        raise
    except (json.JSONDecodeError, IndexError):
        pass
    decoder.decode(text)  # Says what is wrong, and where.
    raise _NotRowsError("it cannot be read")


def _rows_of_document(text: str, decode: Callable[[str, int], tuple[Any, int]]) -> tuple[list[tuple[int, int]], int]:
    """The rows, and where the document ends. What stands between values is taken by the letter, or IndexError."""

    def skip(place: int) -> int:
        match = _BLANK.match(text, place)
        return match.end() if match else place

    def after(place: int, closing: str) -> int:
        """The place of the next item, or of the closing bracket."""
        place = skip(place)
        if text[place] == closing:
            return place
        if text[place] != ",":
            raise IndexError
        place = skip(place + 1)
        if text[place] == closing:
            raise IndexError
        return place

    def items(place: int) -> tuple[list[tuple[int, int]], int]:
        spans = []
        place = skip(place + 1)
        while text[place] != "]":
            _, end = decode(text, place)
            spans.append((place, end))
            place = after(end, "]")
        return spans, place + 1

    place = skip(0)
    if text[place] == "[":
        return items(place)
    if text[place] != "{":
        raise _NotRowsError("it is another JSON value")
    found = None
    place = skip(place + 1)
    while text[place] != "}":
        name, place = decode(text, place)
        place = skip(place)
        if text[place] != ":" or not isinstance(name, str):
            raise IndexError
        place = skip(place + 1)
        if name == "rows" and found is not None:
            raise _NotRowsError('it has "rows" twice')
        if name == "rows" and text[place] != "[":
            raise _NotRowsError('its "rows" is no list')
        if name == "rows":
            found, place = items(place)
        else:
            _, place = decode(text, place)
        place = after(place, "}")
    if found is None:
        raise _NotRowsError('it has no "rows"')
    return found, place + 1


def _open_json_lines(engine: Engine, source: Source) -> Source:
    with reading(source):
        faults = [
            rows[0]
            for name in ("sources/json_outer_fault", "sources/json_inner_fault")
            if (rows := engine.rows(render(name, source.values(), cells=[])))
        ]
        if faults:
            first = min(faults, key=lambda row: int(row["row"]))
            total = sum(row["total"] for row in faults)
            more = f" ({total} such rows)" if total > 1 else ""
            line = f" (line {_json_line(source, first['row'])})" if source.format == "jsonl" else ""
            raise TableError(
                f"{source.path}: row {first['row']}: {first['fault']}{more}{line}",
                code="unreadable",
                file=source.path,
                row=first["row"],
            )
        members = engine.rows(render("sources/json_members", source.values(), cells=[]))
    return replace(source, columns=tuple(Column(row["member"], _pointer(row["member"]), "JSON") for row in members))


def _json_line(source: Source, row: int) -> int:
    """The line of a data row of a JSON lines file. For errors alone."""
    with open(source.file, "rb") as stream:
        lines = (number for number, line in enumerate(stream, start=1) if line.strip(b" \t\r\n"))
        return next(itertools.islice(lines, row - 1, None), row)


def _pointer(member: str) -> str:
    """A member's name as a JSON Pointer (RFC 6901)."""
    return "/" + member.replace("~", "~0").replace("/", "~1")


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Turn what DuckDB says of a file that it cannot read into an error with the file and the row."""
    try:
        yield
    except ResourceError:
        raise
    except StatementError as error:
        if source.reader in ("parquet", "arrow"):
            raise TableError(f"{source.path}: cannot be read: {error}", code="unreadable", file=source.path) from error
        message = str(error)
        row, line = _place(source, message)
        problem = f"row {row}: {_unreadable(source, message)} (line {line})" if row else _unreadable(source, message)
        raise TableError(f"{source.path}: {problem}", code="unreadable", file=source.path, row=row) from error


def _unreadable(source: Source, message: str) -> str:
    """What DuckDB's message about a text file means."""
    if "unicode" in message.lower() or "utf-8" in message:
        return _undecodable("utf-8", source.role) if source.format == "csv" else "its bytes are not utf-8"
    if columns := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        advice = source.split_advice()
        return f"it has {columns[2]} cells where the table has {columns[1]} columns" + (f"; {advice}" if advice else "")
    if "state machine" in message:
        return (
            "its line ends are mixed (\\n, \\r\\n, \\r), or a quote stands where none may; write one kind of line end"
        )
    if "unterminated quote" in message:
        return "a quoted cell does not end, or goes on after its closing quote"
    if "Maximum line size" in message:
        return "a line is longer than 64 MiB, or a quoted cell does not end"
    return message


def _place(source: Source, message: str) -> tuple[int | None, int | None]:
    """The data row and the line that DuckDB's message is about, None where it cannot be told. For errors alone."""
    number = re.search(r"CSV Error on Line: (\d+)", message)
    if source.reader != "csv":
        line = int(number[1]) if number else None
        return line, line
    first_end = ""
    for record in _records(source):
        first_end = first_end or record.end
        if number:
            found = record.number == int(number[1])
        elif "state machine" in message:
            found = record.end not in (first_end, "")
        else:
            found = record.size > _MOST_OF_A_LINE or record.is_open
        if found:
            # Where the records are counted otherwise than DuckDB does, no row is better than a wrong one.
            said = re.search(r"Original Line: \ufeff?([^\r\n]*)", message)
            is_same = said is None or record.start.startswith(said[1][:_START])
            return (record.row, record.line) if is_same else (None, None)
    return None, None


class _Record(NamedTuple):
    """Where a record of a CSV file stands: its number (blank ones count, as DuckDB counts), its data row, its lines.

    ``size`` is in characters, ``end`` its line end; ``start`` is what it begins with; ``is_open`` says that a quoted
    cell of it does not end.
    """

    number: int
    row: int | None
    line: int
    last_line: int
    size: int
    end: str
    start: str
    is_open: bool


def _records(source: Source) -> Iterator[_Record]:
    """The records of a CSV file, up to where one is wanted. Walks the file line by line: for errors alone."""
    rows = -1 if source.dialect.header else 0
    number, first, size, start, is_open = 0, 0, 0, "", False
    with open(source.file, encoding="utf-8-sig", errors="replace", newline="") as stream:
        line = -source.dialect.added_lines
        for line, text in enumerate(stream, start=1 - source.dialect.added_lines):
            first, start = (first, start) if is_open else (line, text[:_START])
            size += len(text)
            _, is_open = _delimiters(text, source.dialect.delimiter, is_open)
            if not is_open:
                end = text[len(text.rstrip("\r\n")) :]
                number += 1
                rows += size > len(end)
                yield _Record(number, max(rows, 0) or None, first, line, size, end, start, False)
                size = 0
        if is_open:
            yield _Record(number + 1, max(rows + 1, 0) or None, first, line, size, "", start, True)


_OPENING = re.compile(' ?"')
_CLOSING = re.compile('[^"]*(?:""[^"]*)*"(?!")')


def _delimiters(text: str, delimiter: str, is_quoted: bool) -> tuple[int, bool]:
    """How many delimiters of a line end a cell, and whether a quoted cell is open at its end, as one may be before it.

    A quote opens a cell where the cell begins, or after one space there, and is text inside of one that is bare.
    """
    place = count = 0
    while True:
        if not is_quoted and (opening := _OPENING.match(text, place)):
            place, is_quoted = opening.end(), True
        if is_quoted:
            closing = _CLOSING.match(text, place)
            if closing is None:
                return count, True
            place, is_quoted = closing.end(), False
        place = text.find(delimiter, place)
        if place < 0:
            return count, False
        place += len(delimiter)
        count += 1
