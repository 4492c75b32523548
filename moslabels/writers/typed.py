"""Features as typed Arrow batches, in file order: what a writer of another format reads."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from moslabels.engine import Engine
from moslabels.errors import TableError, is_from_outside
from moslabels.options import shown
from moslabels.render import render
from moslabels.tables import Source, absolute, reading

_CELLS_PER_BATCH = 4_000_000


def batch_rows(columns: int) -> int:
    """How many rows make a batch, so that wide tables take no more memory than narrow ones."""
    return max(1_000, min(65_536, _CELLS_PER_BATCH // max(1, columns)))


def typed_batches(
    engine: Engine, source: Source, dropped: Sequence[str], rows: int, *, names_without_case: bool = False
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns of a feature table but the dropped ones: their schema, and batches of ``rows`` rows.

    Types are those of section "Between formats" in the README. Raises TableError where a column has none, or where two
    have one name (``names_without_case``: also where they differ by case alone).
    """
    kept = [index for index, name in enumerate(source.names) if name not in dropped]
    names = [source.names[index] for index in kept]
    # Parquet readers and DuckDB's structs do not tell names apart by case.
    ignore_case = names_without_case or source.reader == "jsonl"
    counts = Counter(name.lower() if ignore_case else name for name in names)
    twice = [name for name in names if counts[name.lower() if ignore_case else name] > 1]
    if twice:
        raise TableError(
            f"{source.path}: columns {', '.join(map(shown, twice))} have one name{', but for case' * ignore_case}; "
            "rename them, or write the format that they are in",
            code="cannot-hold",
            file=source.path,
            column=twice[0],
        )
    if source.reader == "parquet":
        return _parquet(source, kept, rows)
    return _csv(engine, source, kept, rows) if source.reader == "csv" else _json(engine, source, kept, rows)


def _renamed(
    stream: tuple[pa.Schema, Iterator[pa.RecordBatch]], names: Sequence[str], source: Source
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    schema, batches = stream
    schema = pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])

    def renamed() -> Iterator[pa.RecordBatch]:
        with reading(source):
            for batch in batches:
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)

    return schema, renamed()


def _parquet(source: Source, kept: Sequence[int], rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(absolute(source.file))
    names = [source.names[index] for index in kept]
    schema = pa.schema([file.schema_arrow.field(index) for index in kept])

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


def _csv(engine: Engine, source: Source, kept: Sequence[int], rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    cells = source.cells({f"column{index}": source.columns[index] for index in kept})
    with reading(source):
        found = engine.rows(render("features/csv_types", source.values(), source=source, cells=cells))
        if found:  # A table without rows is all text.
            cells = [replace(cell, sql_type=row["sql_type"]) for cell, row in zip(cells, found, strict=True)]
        stream = engine.stream(render("features/csv_typed", source.values(), source=source, cells=cells), rows)
    return _renamed(stream, [source.names[index] for index in kept], source)


def _json(engine: Engine, source: Source, kept: Sequence[int], rows: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    names = [source.names[index] for index in kept]
    if not names or "" in names:
        raise TableError(
            f"{source.path}: {'a member has no name' if names else 'there are no members'}; write JSON",
            code="cannot-hold",
            file=source.path,
        )
    if unnamed := [name for name in names if "\0" in name]:
        # DuckDB 1.5 reads the values of such a member as NULL.
        raise TableError(
            f"{source.path}: the member {shown(unnamed[0])} has a NUL in its name; rename it, or write JSON",
            code="cannot-hold",
            file=source.path,
            column=unnamed[0],
        )
    found: dict[str, Any] = dict.fromkeys(names, "NULL")
    with reading(source):
        for row in engine.rows(render("features/json_depth", source.values(), cells=[])):
            raise TableError(
                f"{source.path}: row {row['row']}: its values nest too deep for another format (more than 60 deep); "
                "write the format that they are in",
                code="cannot-hold",
                file=source.path,
                row=row["row"],
            )
        for row in engine.rows(render("features/json_structures", source.values(), cells=[])):
            if row["member"] in found:
                found[row["member"]] = _merged(found[row["member"]], json.loads(row["structure"]))
        wanted = {name: _settled(structure, name, source) for name, structure in found.items()}
        _check_numbers(engine, source, wanted)
        values = {**source.values(), "structure": json.dumps(wanted, ensure_ascii=False)}
        schema, batches = engine.stream(render("features/json_typed", values, cells=[]), rows)
    (struct,) = schema.types
    flat = pa.schema([field.with_name(name) for field, name in zip(struct, names, strict=True)])

    def flattened() -> Iterator[pa.RecordBatch]:
        with reading(source):
            for batch in batches:
                yield pa.RecordBatch.from_arrays(batch.column(0).flatten(), schema=flat)

    return flat, flattened()


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
    fractional = {
        column.name: column for column in source.columns if "DOUBLE" in json.dumps(structure.get(column.name))
    }
    cells = source.cells({f"column{index}": column for index, column in enumerate(fractional.values())})
    values = {**source.values(cells), "names": list(fractional)}
    statement = render("features/json_numbers", values, source=source, cells=cells)
    for row in engine.rows(statement):
        column = row["column"] or _member_with(row["number"], source, row["row"])
        where = f"column {shown(column)}: " if column is not None else ""
        raise TableError(
            f"{source.path}: row {row['row']}: {where}the number {row['number']} does not fit: whole "
            "numbers are BIGINT, and must be exact as DOUBLE where their column holds fractions; write it as text, or "
            "write JSON",
            code="cannot-hold",
            file=source.path,
            column=column,
            row=row["row"],
        )


class _Number(str):
    """A number of a JSON text as it is spelled there."""


def _member_with(number: str, source: Source, row: int) -> str | None:
    """The first member of a row that is a number, or holds it. For errors alone."""
    with open(source.file, encoding="utf-8-sig", newline="\n") as stream:
        lines = (line for line in stream if line.strip(" \t\r\n"))
        line = next(itertools.islice(lines, row - 1, None), "{}")
    for name, value in json.loads(line, parse_int=_Number, parse_float=_Number).items():
        inside = [value]
        while inside:
            item = inside.pop()
            if isinstance(item, _Number) and item == number:
                return str(name)
            inside += item.values() if isinstance(item, dict) else item if isinstance(item, list) else []
    return None
