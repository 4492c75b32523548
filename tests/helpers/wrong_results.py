"""Results of DuckDB that are not what it found, to see that they are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement
from moslabels.labelling import row_labels

VALUE_LABELS = "match/41_value_labels"
_VALUES = pa.schema({"label_id": pa.int32(), "rows": pa.int64(), "first_row": pa.int64()})

Change = Callable[[pa.Table], pa.Table]


def change_result(monkeypatch: pytest.MonkeyPatch, name: str, change: Change, *, are_few: bool) -> None:
    """Let a statement return another table of numbers. Few rows of ``match/41_value_labels`` do not come as Arrow."""
    table, columns = Engine.table, Engine.columns

    def changed_table(engine: Engine, statement: Statement) -> pa.Table:
        found = table(engine, statement)
        return change(found) if statement.name == name else found

    def changed_columns(engine: Engine, statement: Statement) -> list[tuple[Any, ...]]:
        found = columns(engine, statement)
        if statement.name != name:
            return found
        arrays = [pa.array(column, field.type) for column, field in zip(found, _VALUES, strict=True)]
        return [tuple(column.to_pylist()) for column in change(pa.Table.from_arrays(arrays, schema=_VALUES)).columns]

    monkeypatch.setattr(Engine, "table", changed_table)
    monkeypatch.setattr(Engine, "columns", changed_columns)
    if not are_few:
        monkeypatch.setattr(row_labels, "MOST_ROWS", 0)
