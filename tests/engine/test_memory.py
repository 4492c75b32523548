"""DuckDB is held to little memory for large inputs. What does not fit is spilled; what cannot be spilled gets more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from moslabels.base.errors import ResourceError
from moslabels.base.settings import Settings
from moslabels.engine.connection import SMALL, Engine
from moslabels.engine.databases import FEW_THREADS, LITTLE_MEMORY, kept
from moslabels.engine.statements import Statement

LITTLE = "160.0 MiB"
WIDE = "SELECT list(repeat('x', 1000) || i) AS texts FROM range({}) AS rows (i)"  # A list is held as a whole.
MANY = 400_000
SORTED = "SELECT i, repeat('x', 100) || i AS text FROM range(3_000_000) AS rows (i) ORDER BY hash(i)"


def sql(text: str) -> Statement:
    return Statement("test", text)


def limit_of(engine: Engine) -> str:
    return str(engine.row(sql("SELECT current_setting('memory_limit') AS memory"))["memory"])


def threads_of(engine: Engine) -> int:
    return int(engine.row(sql("SELECT current_setting('threads') AS threads"))["threads"])


def large(folder: Path, settings: Settings = Settings()) -> Engine:  # noqa: B008
    engine = Engine(settings, str(folder))
    engine.expect(SMALL + 1)
    return engine


def test_it_is_held_for_large_inputs_alone_if_nothing_says_how_much_it_may_take(tmp_path: Path) -> None:
    with Engine(spill_folder=str(tmp_path)) as small:
        assert limit_of(small) != LITTLE
        whole = small.memory
    with large(tmp_path) as engine:
        assert limit_of(engine) == LITTLE
        assert engine.memory == whole > LITTLE_MEMORY
    with large(tmp_path, Settings(memory_limit="300MiB")) as engine:
        assert limit_of(engine) == "300.0 MiB"
    with Engine() as engine:  # It has no folder to spill to.
        engine.expect(SMALL + 1)
        assert limit_of(engine) != LITTLE


def test_what_can_be_spilled_is(tmp_path: Path) -> None:
    with large(tmp_path) as engine:
        engine.run(sql(f"CREATE TEMP TABLE sorted AS {SORTED}"))
        assert engine.row(sql("SELECT count(*) AS rows, sum(i) AS sum FROM sorted")) == {
            "rows": 3_000_000,
            "sum": 4_499_998_500_000,
        }
        assert limit_of(engine) == LITTLE
        assert list(tmp_path.iterdir())


def test_what_cannot_be_spilled_gets_more_and_is_done_once(tmp_path: Path) -> None:
    with pytest.raises(ResourceError), large(tmp_path, Settings(memory_limit="160MiB")) as engine:
        engine.run(sql(f"CREATE TEMP TABLE wide AS {WIDE.format(MANY)}"))
    with large(tmp_path) as engine:
        engine.run(sql(f"CREATE TEMP TABLE wide AS {WIDE.format(1)}"))
        engine.run(sql(f"INSERT INTO wide {WIDE.format(MANY)}"))
        assert limit_of(engine) != LITTLE
        engine.expect(SMALL + 1)
        assert limit_of(engine) != LITTLE
        lengths = engine.rows(sql("SELECT len(texts) AS length FROM wide ORDER BY length"))
        assert [row["length"] for row in lengths] == [1, MANY]


def needing(engine: Engine, most: int, limit: str | None = None) -> Callable[[], str]:
    """Return what fails for lack of memory with more threads than these, or with this limit of memory."""

    def run() -> str:
        if threads_of(engine) > most or limit_of(engine) == limit:
            raise ResourceError("Out of Memory", statement="test", sql="")
        return limit_of(engine)

    return run


@pytest.mark.parametrize(("threads", "few"), [(16, FEW_THREADS), (FEW_THREADS, FEW_THREADS), (2, 2)])
def test_many_threads_become_few_before_there_is_more_memory(tmp_path: Path, threads: int, few: int) -> None:
    with kept():
        for _ in range(2):
            with large(tmp_path, Settings(threads=threads)) as engine:
                assert threads_of(engine) == threads
                assert engine.with_more_memory(needing(engine, FEW_THREADS)) == LITTLE
                assert threads_of(engine) == few
                assert engine.with_more_memory(needing(engine, threads, LITTLE)) != LITTLE
                assert threads_of(engine) == threads
                with pytest.raises(ResourceError):
                    engine.with_more_memory(needing(engine, 0))


def test_many_threads_group_in_little_memory(tmp_path: Path) -> None:
    with large(tmp_path, Settings(threads=16)) as engine:
        engine.run(sql("CREATE TEMP TABLE texts AS SELECT i, 'a text ' || hash(i) AS x FROM range(2_000_000) AS r (i)"))
        engine.run(sql("CREATE TEMP TABLE groups AS SELECT x, count(*) AS rows, min(i) AS i FROM texts GROUP BY x"))
        assert engine.row(sql("SELECT sum(rows) AS rows FROM groups")) == {"rows": 2_000_000}
        assert limit_of(engine) == LITTLE


def test_free_memory_is_let_go_of_and_the_limit_stays(tmp_path: Path) -> None:
    with large(tmp_path) as engine:
        engine.let_go()
        assert limit_of(engine) == LITTLE
        engine.with_more_memory(needing(engine, 10**6, LITTLE))
        engine.let_go()
        assert limit_of(engine) != LITTLE


def test_rows_and_tables_that_need_more_come_whole(tmp_path: Path) -> None:
    counted = sql(f"SELECT len(texts) AS length FROM ({WIDE.format(MANY)})")
    with large(tmp_path) as engine:
        assert engine.rows(counted) == [{"length": MANY}]
        assert limit_of(engine) != LITTLE
    with large(tmp_path) as engine:
        assert engine.table(counted).to_pylist() == [{"length": MANY}]
        assert limit_of(engine) != LITTLE


def test_a_stream_that_cannot_begin_anew_may_take_all_from_its_start(tmp_path: Path) -> None:
    with large(tmp_path) as engine:
        _, batches = engine.stream(sql("SELECT current_setting('memory_limit') AS memory"), 1)
        assert [batch.to_pylist() for batch in batches] != [[{"memory": LITTLE}]]


def test_the_next_engine_is_not_held_until_its_inputs_are_large(tmp_path: Path) -> None:
    with kept():
        for _ in range(2):
            with Engine(spill_folder=str(tmp_path)) as engine:
                assert limit_of(engine) != LITTLE
                engine.expect(SMALL + 1)
                assert limit_of(engine) == LITTLE
