"""Features as typed Arrow batches, in file order: what a writer of another format reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError, is_from_outside
from moslabels.base.text import listed, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.paths import absolute
from moslabels.sources.opening import MOST_COLUMNS, Cell, Column, Source, reading

_CELLS_PER_BATCH = 4_000_000


def batch_rows(columns: int) -> int:
    """How many rows make a batch, so that wide tables take no more memory than narrow ones."""
    return max(1_000, min(65_536, _CELLS_PER_BATCH // max(1, columns)))


def typed_batches(
    engine: Engine,
    source: Source,
    dropped: Sequence[str],
    rows: int,
    keys: Sequence[str],
    *,
    names_without_case: bool = False,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns of a feature table but the dropped ones: their schema, and batches of ``rows`` rows.

    Types are those of section "Between formats" in the README; ``keys`` names the key columns, whose values stay the
    keys that they are. Raises TableError where a column has no type, or where two have one name
    (``names_without_case``: also where they differ by case alone).
    """
    columns = [column for column in source.columns if column.name not in dropped]
    names = [column.name for column in columns]
    # Parquet readers and DuckDB's structs do not tell names apart by case.
    ignore_case = names_without_case or source.reader == "jsonl"
    counts = Counter(name.lower() if ignore_case else name for name in names)
    twice = [name for name in names if counts[name.lower() if ignore_case else name] > 1]
    if twice:
        raise TableError(
            f"{source.path}: columns {listed(twice)} have one name{', but for case' * ignore_case}; "
            "rename them, or write the format that they are in",
            code="cannot-hold",
            file=source.path,
            column=twice[0],
        )
    if source.reader == "parquet":
        return _parquet(source, names, rows)
    read = _csv if source.reader == "csv" else _json
    return read(engine, source, columns, rows, keys)


def _parquet(source: Source, names: Sequence[str], rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(absolute(source.file))
    schema = pa.schema([file.schema_arrow.field(name) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for batch in file.iter_batches(batch_size=rows, columns=names):
                yield batch.select(names)
        except (pa.ArrowException, OSError) as error:
            if is_from_outside(error):
                raise
            raise TableError(
                f"{source.path}: cannot be decoded: {error}", code="unreadable", file=source.path
            ) from error

    return schema, batches()


def _csv(
    engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    cells = source.cells({column.ident: column for column in columns})
    types = ["VARCHAR"] * len(cells)  # Of a table without rows.
    with reading(source):
        for row in engine.rows(render("convert/csv_types", source.values(), source=source, cells=cells)):
            place = row["place"] - 1
            types[place] = row["key_type" if columns[place].name in keys else "sql_type"]
    schema = pa.schema([pa.field(column.name, _TYPES[kind]) for column, kind in zip(columns, types, strict=True)])
    texts = text_batches(engine, source, columns, rows)

    def typed() -> Iterator[pa.RecordBatch]:
        for batch in texts:
            try:
                values = [_converted(text, field.type) for text, field in zip(batch.columns, schema, strict=True)]
            except pa.ArrowInvalid as error:
                raise TableError(
                    f"{source.path}: a cell is not what it was when the types were decided ({error}); run again when "
                    "nothing writes to it",
                    code="changed",
                    file=source.path,
                ) from error
            yield pa.RecordBatch.from_arrays(values, schema=schema)

    return schema, typed()


def text_batches(engine: Engine, source: Source, columns: Sequence[Column], rows: int) -> Iterator[pa.RecordBatch]:
    """The cells of a CSV file as they are: an empty cell is NULL, "" an empty text.

    What is made of them is made in Arrow: DuckDB takes minutes to bind thousands of expressions.
    """
    cells = source.cells({column.ident: column for column in columns})
    with reading(source):
        _, batches = engine.stream(render("sources/rows", source.values(), source=source, cells=cells), rows)
        for batch in batches:
            yield batch.select([cell.value for cell in cells])


_TYPES = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}


# A constant of Python's would make pyarrow import pandas.
_EMPTY = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(bytes(8)), pa.py_buffer(b"")])[0]
_MISSING = pa.nulls(1, pa.string())[0]


def _converted(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cells of a CSV file as values of the type that all cells of their column have; an empty one is missing."""
    if kind != pa.string():
        text = pc.utf8_trim(text, characters=" ")
    empty = pc.equal(text, _EMPTY)
    if pc.any(empty).as_py():
        text = pc.if_else(empty, _MISSING, text)
    if kind == pa.float64() and pc.any(pc.starts_with(text, "+")).as_py():
        text = pc.replace_substring_regex(text, r"^\+", "")
    return text.cast(kind)


def _json(
    engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    names = [column.name for column in columns]
    if not names:
        raise TableError(f"{source.path}: there are no members; write JSON", code="cannot-hold", file=source.path)
    if len(names) > MOST_COLUMNS:
        raise TableError(
            f"{source.path}: has {len(names)} members, and {MOST_COLUMNS} at most become columns of another format; "
            "write JSON",
            code="cannot-hold",
            file=source.path,
        )
    found: dict[str, Any] = dict.fromkeys(names, "NULL")
    with reading(source):
        for row in engine.rows(render("convert/10_json_too_deep", source.values(), cells=[])):
            raise TableError(
                f"{source.path}: row {row['row']}: its values nest too deep for another format (more than 60 deep); "
                "write the format that they are in",
                code="cannot-hold",
                file=source.path,
                row=row["row"],
            )
        for row in engine.rows(render("convert/20_json_structures", source.values(), cells=[])):
            if row["member"] in found:
                structure = json.loads(row["structure"])
                _check_names(row["member"], structure, row["row"], source)
                found[row["member"]] = _merged(found[row["member"]], structure)
        texts = _text_keys(engine, source, [column for column in columns if column.name in keys])
        as_text = {cell.column.name: cell for cell in texts}
        found |= dict.fromkeys(as_text, "VARCHAR")
        wanted = {name: _settled(structure, name, source) for name, structure in found.items()}
        _check_numbers(engine, source, {name: kind for name, kind in wanted.items() if name not in as_text})
        values = {**source.values(texts), "structure": json.dumps(wanted, ensure_ascii=False)}
        schema, batches = engine.stream(render("convert/50_json_typed", values, cells=texts), rows)
    struct = schema.field("features").type
    flat = pa.schema([field.with_name(name) for field, name in zip(struct, names, strict=True)])

    def flattened() -> Iterator[pa.RecordBatch]:
        with reading(source):
            for batch in batches:
                arrays = batch.column("features").flatten()
                for name, cell in as_text.items():
                    arrays[names.index(name)] = batch.column(cell.text)
                yield pa.RecordBatch.from_arrays(arrays, schema=flat)

    return flat, flattened()


def _text_keys(engine: Engine, source: Source, columns: Sequence[Column]) -> list[Cell]:
    """The key columns that are written as text: those that hold anything but whole numbers that come back as written.

    Each value becomes the text that its key is made of: 12.0 and "12" are the key 12, in any other format too.
    """
    if not columns:
        return []
    cells = source.cells({f"key{number}": column for number, column in enumerate(columns, start=1)})
    is_whole = engine.row(render("convert/30_json_whole_keys", source.values(cells), cells=cells))
    wanted = [column for cell, column in zip(cells, columns, strict=True) if not is_whole[cell.alias]]
    return source.cells({f"key{number}": column for number, column in enumerate(wanted, start=1)})


def _check_names(column: str, structure: Any, row: int, source: Source) -> None:
    """Refuse names of members that no column of DuckDB's can have, in a member of a row and in all inside of it."""
    top = {column: structure}
    inside: list[Any] = [top]
    while inside:
        value = inside.pop()
        if isinstance(value, list):
            inside += value
        for name, item in value.items() if isinstance(value, dict) else ():
            if not name or "\0" in name:  # DuckDB 1.5 reads the values of such a member as NULL.
                of = f"column {shown(column)}: " if value is not top else ""
                what = f"the member {shown(name)} has a NUL in its name" if name else "a member has no name"
                raise TableError(
                    f"{source.path}: row {row}: {of}{what}; rename it, or write JSON",
                    code="cannot-hold",
                    file=source.path,
                    column=column,
                    row=row,
                )
            inside.append(item)


_NUMBERS = ("UBIGINT", "BIGINT", "DOUBLE")


def _merged(one: Any, other: Any) -> Any:
    """The structure that holds for values of two structures; "JSON" where none does."""
    if one == other or other == "NULL":
        return one
    if one == "NULL":
        return other
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(one[0], other[0])]
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _merged(one.get(name, "NULL"), other.get(name, "NULL")) for name in {**one, **other}}
    if one in _NUMBERS and other in _NUMBERS:
        return "DOUBLE" if "DOUBLE" in (one, other) else "BIGINT"
    return "JSON"


def _settled(structure: Any, name: str, source: Source) -> Any:
    """The type of a JSON column as from_json takes it: whole numbers BIGINT, a column of nulls text."""
    if isinstance(structure, list):
        return [_settled(structure[0], name, source)]
    if isinstance(structure, dict) and structure:
        lowered = [member.lower() for member in structure]
        if len(set(lowered)) < len(lowered):
            raise TableError(
                f"{source.path}: column {shown(name)} holds objects whose members differ only by case: "
                f"{', '.join(map(shown, structure))}; rename one, or write JSON",
                code="cannot-hold",
                file=source.path,
                column=name,
            )
        return {member: _settled(inner, name, source) for member, inner in structure.items()}
    if structure in ("UBIGINT", "BIGINT"):
        return "BIGINT"
    if structure == "NULL":
        return "VARCHAR"
    if structure in ("DOUBLE", "BOOLEAN", "VARCHAR"):
        return structure
    raise TableError(
        f"{source.path}: column {shown(name)} holds values of mixed kinds (or objects without members), which no "
        "column of another format can keep; correct it, or write JSON",
        code="cannot-hold",
        file=source.path,
        column=name,
    )


def _check_numbers(engine: Engine, source: Source, structure: dict[str, Any]) -> None:
    values = {
        **source.values(),
        "names": list(structure),
        "fractional": ["DOUBLE" in json.dumps(kind) for kind in structure.values()],
    }
    for row in engine.rows(render("convert/40_json_lossy_numbers", values, cells=[])):
        raise TableError(
            f"{source.path}: row {row['row']}: column {shown(row['column'])}: the number {row['number']} does not fit: "
            "whole numbers are BIGINT, and must be exact as DOUBLE where their column holds fractions; write it as "
            "text, or write JSON",
            code="cannot-hold",
            file=source.path,
            column=row["column"],
            row=row["row"],
        )
