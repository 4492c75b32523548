"""DuckDB is held to little memory for large inputs. What does not fit is spilled; what cannot be spilled gets more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from moslabels.base.errors import ResourceError
from moslabels.base.progress import SILENT
from moslabels.base.settings import Settings, bytes_of
from moslabels.engine.connection import LARGE, SMALL, Engine
from moslabels.engine.databases import kept
from moslabels.engine.limits import FEW_THREADS, LEAST_MEMORY, LITTLE_MEMORY
from moslabels.engine.statements import Statement

LEAST, LITTLE, TWICE = (f"{size >> 20}.0 MiB" for size in (LEAST_MEMORY, LITTLE_MEMORY, 2 * LITTLE_MEMORY))
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


def needing(engine: Engine, most: int, *limits: str) -> Callable[[], str]:
    """Return what fails for lack of memory with more threads than these, or with one of these limits of memory."""

    def run() -> str:
        if threads_of(engine) > most or limit_of(engine) in limits:
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
                assert engine.with_more_memory(needing(engine, threads, LITTLE)) == TWICE
                assert threads_of(engine) == few
                with pytest.raises(ResourceError):
                    engine.with_more_memory(needing(engine, 0))
                assert bytes_of(limit_of(engine)) > 0.9 * engine.memory
                assert threads_of(engine) == threads


def test_many_threads_group_in_little_memory(tmp_path: Path) -> None:
    with large(tmp_path, Settings(threads=16)) as engine:
        engine.run(sql("CREATE TEMP TABLE texts AS SELECT i, 'a text ' || hash(i) AS x FROM range(2_000_000) AS r (i)"))
        engine.run(sql("CREATE TEMP TABLE groups AS SELECT x, count(*) AS rows, min(i) AS i FROM texts GROUP BY x"))
        assert engine.row(sql("SELECT sum(rows) AS rows FROM groups")) == {"rows": 2_000_000}
        assert limit_of(engine) == LITTLE


def test_what_is_large_takes_the_least_from_when_it_lets_go_until_more_is_expected(tmp_path: Path) -> None:
    with large(tmp_path) as engine:
        engine.let_go()
        assert limit_of(engine) == LITTLE
        engine.expect(LARGE)
        engine.run(sql(f"CREATE TEMP TABLE texts AS {SORTED}"))
        engine.let_go()
        assert limit_of(engine) == LEAST
        assert engine.row(sql("SELECT sum(memory_usage_bytes) AS bytes FROM duckdb_memory()"))["bytes"] <= LEAST_MEMORY
        assert engine.row(sql("SELECT count(DISTINCT i) AS rows FROM texts")) == {"rows": 3_000_000}
        engine.expect(1)
        assert limit_of(engine) == LITTLE


def test_what_has_let_go_gets_back_what_it_needs(tmp_path: Path) -> None:
    with large(tmp_path) as engine:
        engine.expect(LARGE)
        engine.let_go()
        assert engine.with_more_memory(needing(engine, FEW_THREADS, LEAST)) == LITTLE
        engine.let_go()
        assert engine.with_more_memory(needing(engine, FEW_THREADS, LEAST, LITTLE)) == TWICE
        engine.let_go()
        assert limit_of(engine) == LEAST
        engine.expect(1)
        assert limit_of(engine) == TWICE, "as much as was needed before"
    with large(tmp_path, Settings(memory_limit="300MiB")) as engine:
        engine.expect(LARGE)
        engine.let_go()
        assert limit_of(engine) == "300.0 MiB"


def test_memory_that_cannot_be_let_go_of_is_kept(tmp_path: Path) -> None:
    with large(tmp_path) as engine:
        engine.expect(LARGE)
        engine.run(sql("SET max_temp_directory_size = '1MB'"))  # There is no room to spill to.
        engine.run(sql("CREATE TEMP TABLE texts AS SELECT repeat('x', 100) || i AS text FROM range(800_000) AS r (i)"))
        assert limit_of(engine) == LITTLE
        engine.let_go()
        assert limit_of(engine) == LITTLE
        assert engine.row(sql("SELECT count(text) AS texts FROM texts")) == {"texts": 800_000}


def test_rows_and_tables_that_need_more_come_whole(tmp_path: Path) -> None:
    counted = sql(f"SELECT len(texts) AS length FROM ({WIDE.format(MANY)})")
    with large(tmp_path) as engine:
        assert engine.rows(counted) == [{"length": MANY}]
        assert limit_of(engine) != LITTLE
    with large(tmp_path) as engine:
        assert engine.table(counted).to_pylist() == [{"length": MANY}]
        assert limit_of(engine) != LITTLE


def test_a_stream_that_lacks_memory_after_it_began_can_begin_anew(tmp_path: Path) -> None:
    limits = []

    def read(engine: Engine) -> int:
        limits.append(limit_of(engine))
        _, batches = engine.stream(sql(SORTED), 10_000, is_held=True)
        rows = 0
        for batch in batches:
            rows += len(batch)
            if len(limits) == 1:
                hold_to_as_little_as_possible(engine)
        return rows

    with large(tmp_path, Settings(threads=2)) as engine:
        assert engine.with_more_memory(lambda: read(engine)) == 3_000_000
    assert limits[0] == LITTLE != limits[-1]


def hold_to_as_little_as_possible(engine: Engine) -> None:
    """Give a DuckDB that reads so little memory that it cannot read on."""
    assert engine._database is not None
    with engine._database.session(SILENT) as other:
        for size in range(80, 0, -1):
            try:
                other.execute(f"SET memory_limit = '{size}MB'")
            except duckdb.OutOfMemoryException:
                return


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
