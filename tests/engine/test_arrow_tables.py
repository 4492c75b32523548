"""Arrow tables that statements read: when DuckDB gets them, and until when it has them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from moslabels.base.errors import StatementError
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement


def values_of(engine: Engine, name: str) -> list[Any]:
    return [row["x"] for row in engine.rows(Statement("mine", f'SELECT x FROM "{name}"'))]


@pytest.mark.parametrize("has_known_types", [False, True])
def test_each_table_is_read_by_its_own_name(has_known_types: bool) -> None:
    with Engine() as engine:
        names = [engine.register(pa.table({"x": [number]}), has_known_types) for number in range(12)]
        for number in (10, 0, 11, 1, 0):  # in_memory_1 begins the names of others.
            assert values_of(engine, names[number]) == [number]


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("has_known_types", [False, True])
def test_a_passing_table_is_gone_after_its_block(has_known_types: bool, is_read: bool) -> None:
    with Engine() as engine:
        kept = engine.register(pa.table({"x": [1]}), has_known_types)
        for number in range(3):
            with engine.passing():
                name = engine.register(pa.table({"x": [number]}), has_known_types)
                if is_read:
                    assert values_of(engine, name) == [number]
        assert values_of(engine, kept) == [1]
        with pytest.raises(StatementError, match=name):
            values_of(engine, name)


def test_a_table_that_duckdb_refuses_is_in_the_way_of_no_other() -> None:
    with Engine() as engine:
        with pytest.raises(StatementError):
            engine.register(pa.table({"x": pa.array([1], pa.decimal256(60, 0))}))
        name = engine.register(pa.table({"x": [1]}), True)
        assert values_of(engine, name) == [1]
