"""Statements that run again: DuckDB parses each text once, and a stream passes on all batches that it gets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise

import duckdb
import pyarrow as pa
import pytest

from moslabels.base.errors import StatementError
from moslabels.engine import parsed as kept_statements
from moslabels.engine.connection import SMALL, Engine
from moslabels.engine.parsed import MOST_CHARACTERS, MOST_KEPT, parsed
from moslabels.engine.statements import Statement


def sql(text: str, **values: int) -> Statement:
    return Statement("test", text, values)


@pytest.fixture(autouse=True)
def none_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_statements, "_KEPT", type(kept_statements._KEPT)())


def test_a_statement_is_parsed_once_for_all_engines() -> None:
    texts = []
    for number in (1, 2):
        with Engine() as engine:
            assert engine.row(sql("SELECT $number AS x", number=number)) == {"x": number}
            texts.append(parsed(engine._connection, "SELECT $number AS x"))
    assert texts[0] is texts[1]


def test_what_the_connection_of_a_caller_parses_is_not_kept() -> None:
    """Its settings may hold for the parser."""
    with Engine(connection=duckdb.connect()) as engine:
        assert engine.row(sql("SELECT 1 AS x")) == {"x": 1}
    assert not kept_statements._KEPT


def test_it_reads_what_is_there_when_it_runs() -> None:
    """Not what was there when it was parsed: another type, another table, none."""
    for content, found in (("1 AS x", "1"), ("'a' AS x", "a"), ("[2] AS y, 3.5 AS x", "3.5")):
        with Engine() as engine, pytest.raises(StatementError, match="mine"):
            engine.rows(sql("SELECT CAST(x AS VARCHAR) AS x FROM mine"))
        with Engine() as engine:
            engine.run(sql(f"CREATE TEMP TABLE mine AS SELECT {content}"))
            assert engine.row(sql("SELECT CAST(x AS VARCHAR) AS x FROM mine")) == {"x": found}


def test_several_statements_in_one_text_run_in_order_and_the_last_has_the_values() -> None:
    text = "CREATE TEMP TABLE two AS SELECT 1 AS x; INSERT INTO two VALUES (2); SELECT x FROM two WHERE x > $least;"
    with Engine() as engine:
        assert engine.rows(sql(text, least=1)) == [{"x": 2}]


def test_a_text_that_is_no_statement_is_an_error_each_time() -> None:
    with Engine() as engine:
        for _ in range(2):
            with pytest.raises(StatementError, match="syntax error"):
                engine.run(sql("SELEC 1"))


def test_no_more_than_so_many_are_kept_and_no_long_one() -> None:
    with Engine() as engine:
        for number in range(MOST_KEPT + 10):
            engine.run(sql(f"SELECT {number}"))
        long = f"SELECT '{'a' * MOST_CHARACTERS}' AS x"
        assert len(engine.row(sql(long))["x"]) == MOST_CHARACTERS
    assert len(kept_statements._KEPT) == MOST_KEPT
    assert long not in kept_statements._KEPT


SIZES = {
    "none": [],
    "one short": [3],
    "one full": [5],
    "full and short": [5, 5, 2],
    "all full": [5, 5],
    "short before others": [3, 5, 1, 1, 5],
    "empty before others": [0, 0, 5, 0, 2],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_a_stream_passes_on_all_batches(sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after one that is short, though DuckDB gives none then."""
    schema = pa.schema([("x", pa.int64())])
    ends = list(accumulate(sizes, initial=0))

    def batches() -> Iterator[pa.RecordBatch]:
        for start, end in pairwise(ends):
            yield pa.record_batch([pa.array(range(start, end), pa.int64())], schema)

    monkeypatch.setattr(Engine, "_reader", lambda *_: pa.RecordBatchReader.from_batches(schema, batches()))
    with Engine() as engine:
        found, streamed = engine.stream(sql("SELECT 1"), 5)
        assert found == schema
        assert [number for batch in streamed for number in batch["x"].to_pylist()] == list(range(ends[-1]))


def test_a_stream_of_few_rows_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine() as engine:
        calls = []
        finished = engine._worker.finished
        monkeypatch.setattr(
            engine._worker, "finished", lambda call, timer=None: calls.append(call) or finished(call, timer)
        )
        _, batches = engine.stream(sql("FROM range(7)"), 10)
        assert sum(len(batch) for batch in batches) == 7
        assert len(calls) == 1


def test_small_inputs_that_follow_each_other_stay_small() -> None:
    """Many calls of a labeller, each with few rows, are not read by all threads."""
    with Engine() as engine:
        for _ in range(3):
            with engine.passing():
                engine.expect(SMALL // 2)
        assert engine.row(sql("SELECT current_setting('threads') AS threads")) == {"threads": 1}
