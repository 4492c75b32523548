"""JSON objects as typed Arrow batches. Each column has a type that all of its values fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from moslabels.base.errors import TableError
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.sources.columns import MOST_COLUMNS, Cell, Column
from moslabels.sources.faults import fault
from moslabels.sources.source import Source


def typed_batches(
    engine: Engine, source: Source, columns: Sequence[Column], rows: int, keys: Sequence[str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return some members of the objects as Arrow columns, see :meth:`Format.typed_batches`."""
    names = [column.name for column in columns]
    if not names:
        raise _cannot_hold(source, "there are no members; write JSON")
    if len(names) > MOST_COLUMNS:
        says = f"has {len(names)} members, and {MOST_COLUMNS} at most become columns of another format; write JSON"
        raise _cannot_hold(source, says)
    found = _structures(engine, source, names)
    texts = _text_keys(engine, source, [column for column in columns if column.name in keys])
    as_text = {cell.column.name: cell for cell in texts}
    found |= dict.fromkeys(as_text, "VARCHAR")
    wanted = {name: _settled(structure, name, source) for name, structure in found.items()}
    _check_numbers(engine, source, {name: kind for name, kind in wanted.items() if name not in as_text})
    structure = json.dumps(wanted, ensure_ascii=False)
    with source.reading():
        schema, batches = engine.stream(
            source.statement("convert/50_json_typed", texts, {"structure": structure}), rows
        )
    struct = schema.field("features").type
    flat = pa.schema([field.with_name(name) for field, name in zip(struct, names, strict=True)])

    def flattened() -> Iterator[pa.RecordBatch]:
        with source.reading():
            for batch in batches:
                arrays = batch.column("features").flatten()
                for name, cell in as_text.items():
                    arrays[names.index(name)] = batch.column(cell.text)
                yield pa.RecordBatch.from_arrays(arrays, schema=flat)

    return flat, flattened()


def _structures(engine: Engine, source: Source, names: Sequence[str]) -> dict[str, Any]:
    """Return the structure that fits all values of each column, "NULL" if it has no values."""
    found: dict[str, Any] = dict.fromkeys(names, "NULL")
    for row in source.query(engine, "convert/10_json_too_deep"):
        says = "its values nest too deep for another format (more than 60 deep); write the format that they are in"
        raise _cannot_hold(source, says, row=row["row"])
    for row in source.query(engine, "convert/20_json_structures"):
        if row["member"] in found:
            structure = json.loads(row["structure"])
            _check_names(row["member"], structure, row["row"], source)
            found[row["member"]] = _merged(found[row["member"]], structure)
    return found


def _cannot_hold(source: Source, says: str, *, column: str | None = None, row: int | None = None) -> TableError:
    where = f"row {row}: " if row is not None else ""
    return fault(source.path, f"{where}{says}", "cannot-hold", column=column, row=row)


def _text_keys(engine: Engine, source: Source, columns: Sequence[Column]) -> list[Cell]:
    """Return the key columns that become text: all but those of whole numbers whose text does not change.

    Each value becomes the text of its key. 12.0 and "12" are the key 12 in every other format, too.
    """
    if not columns:
        return []
    cells = source.cells({f"key{number}": column for number, column in enumerate(columns, start=1)})
    (is_whole,) = source.query(engine, "convert/30_json_whole_keys", cells)
    wanted = [column for cell, column in zip(cells, columns, strict=True) if not is_whole[cell.alias]]
    return source.cells({f"key{number}": column for number, column in enumerate(wanted, start=1)})


def _check_names(column: str, structure: Any, row: int, source: Source) -> None:
    """Refuse names of members of a row, and of members inside of these, that a column of DuckDB cannot have."""
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
                raise _cannot_hold(source, f"{of}{what}; rename it, or write JSON", column=column, row=row)
            inside.append(item)


_NUMBERS = ("UBIGINT", "BIGINT", "DOUBLE")


def _merged(one: Any, other: Any) -> Any:
    """Return the structure that fits values of two structures, or "JSON" if none does."""
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
    """Return the type of a JSON column for from_json: BIGINT for whole numbers, text if all values are null."""
    if isinstance(structure, list):
        return [_settled(structure[0], name, source)]
    if isinstance(structure, dict) and structure:
        lowered = [member.lower() for member in structure]
        if len(set(lowered)) < len(lowered):
            raise _cannot_hold(
                source,
                f"column {shown(name)} holds objects whose members differ only by case: "
                f"{', '.join(map(shown, structure))}; rename one, or write JSON",
                column=name,
            )
        return {member: _settled(inner, name, source) for member, inner in structure.items()}
    if structure in ("UBIGINT", "BIGINT"):
        return "BIGINT"
    if structure == "NULL":
        return "VARCHAR"
    if structure in ("DOUBLE", "BOOLEAN", "VARCHAR"):
        return structure
    raise _cannot_hold(
        source,
        f"column {shown(name)} holds values of mixed kinds (or objects without members), which no column of another "
        "format can keep; correct it, or write JSON",
        column=name,
    )


def _check_numbers(engine: Engine, source: Source, structure: dict[str, Any]) -> None:
    values = {
        "names": list(structure),
        "fractional": ["DOUBLE" in json.dumps(kind) for kind in structure.values()],
    }
    for row in source.query(engine, "convert/40_json_lossy_numbers", values=values):
        raise _cannot_hold(
            source,
            f"column {shown(row['column'])}: the number {row['number']} does not fit: whole numbers are BIGINT, and "
            "must be exact as DOUBLE where their column holds fractions; write it as text, or write JSON",
            column=row["column"],
            row=row["row"],
        )
