"""A database is kept for the next engine of a batch. Nothing of one table is there for the next."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from contextvars import Context
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moslabels import join
from moslabels.base.errors import MosLabelsError, StatementError
from moslabels.base.progress import Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.engine.connection import SMALL, Engine
from moslabels.engine.databases import MOST_SESSIONS, MOST_SHARED, kept, made_ahead, shared
from moslabels.engine.locked import LockedEngine
from moslabels.engine.regex import capture_group, regex_problem
from moslabels.engine.statements import Statement
from moslabels.files.workspace import Workspace
from moslabels.sources.opening import open_table


def sql(text: str) -> Statement:
    return Statement("test", text)


def is_new(engine: Engine) -> bool:
    """Whether an engine has a database that no other had: it was the one to put the rules there."""
    return "rules/1_text" in [statement.name for statement in engine.ran]


@pytest.fixture(autouse=True)
def on_its_own() -> None:
    """No database of another test is idle here."""
    with Engine(Settings(threads=7)):
        pass


def test_the_next_engine_has_the_same_database() -> None:
    with kept():
        with Engine() as first:
            assert is_new(first)
        with Engine() as second:
            assert not is_new(second)
            assert second.row(sql("SELECT trim_text('\u2003a ') AS x"))["x"] == "a"
            assert second.row(sql("SELECT base_name('a/b.mp4') AS x"))["x"] == "b.mp4"


def test_a_database_is_kept_only_if_that_is_asked_for() -> None:
    def engines() -> None:
        for _ in range(2):
            with Engine() as engine:
                assert is_new(engine)

    Context().run(engines)


@pytest.mark.parametrize(
    ("made", "read"),
    [
        ("CREATE TEMP TABLE labels AS SELECT 1 AS x", "FROM labels"),
        ("CREATE TEMP VIEW labels AS SELECT 1 AS x", "FROM labels"),
        ("CREATE TEMP MACRO one_more(x) AS x + 1", "SELECT one_more(1)"),
        ("PREPARE one AS SELECT 1", "EXECUTE one"),
    ],
)
def test_nothing_of_a_table_is_there_for_the_next(made: str, read: str) -> None:
    with kept():
        with Engine() as first:
            first.run(sql(made))
        with Engine() as second:
            assert not is_new(second)
            with pytest.raises(StatementError):
                second.run(sql(read))


def test_no_variable_setting_or_table_in_memory_is_there_for_the_next() -> None:
    with kept():
        with Engine() as first:
            first.run(sql("SET VARIABLE mine = 1; SET VARIABLE white_space = 'x'; SET SESSION TimeZone = 'Asia/Tokyo'"))
            name = first.register(pa.table({"x": [1]}))
        with Engine() as second:
            assert not is_new(second)
            row = second.row(
                sql("SELECT getvariable('mine') AS x, trim_text(' a') AS y, current_setting('TimeZone') AS z")
            )
            assert row == {"x": None, "y": "a", "z": "UTC"}
            with pytest.raises(StatementError):
                second.run(sql(f"FROM {name}"))


@pytest.mark.parametrize("settings", [Settings(threads=1), Settings(memory_limit="200MB")])
def test_other_settings_have_a_database_of_their_own(settings: Settings) -> None:
    with kept():
        with Engine():
            pass
        with Engine(settings) as other:
            assert is_new(other)
        with Engine(DEFAULTS) as last:
            assert is_new(last)


def test_another_folder_to_spill_to_is_taken_or_the_database_is_another(tmp_path: Path) -> None:
    limit = Settings(memory_limit="50MB")
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    with kept():
        with Engine(limit, str(folders[0])):
            pass
        with Engine(limit, str(folders[1])) as second:
            assert not is_new(second)
            second.run(sql("CREATE TEMP TABLE t AS SELECT range || repeat('a', 30) AS x FROM range(3000000)"))
            assert [path.name for path in folders[1].iterdir()] != []
        with Engine(limit, str(folders[2])) as third:
            assert is_new(third)
    assert list(folders[0].iterdir()) == []


def test_a_database_that_failed_is_not_kept() -> None:
    with kept():
        with Engine() as first, pytest.raises(StatementError):
            first.run(sql("FROM nothing"))
        with Engine() as second:
            assert is_new(second)


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_database_that_others_query_is_its_own(is_locked: bool) -> None:
    """Databases that it attached would be there for the next engine."""
    with kept():
        with Engine() as idle:
            assert is_new(idle)
        with LockedEngine() as queried:
            assert is_new(queried)
            queried.run(sql("ATTACH ':memory:' AS saved"))
            if is_locked:
                queried.lock()
        with Engine() as after:
            assert not is_new(after)
            assert after.rows(sql("SELECT 1 FROM duckdb_databases() WHERE database_name = 'saved'")) == []


class Heard(Progress):
    """Keeps the statements that it is told of."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def ended(self, statement: str, seconds: float) -> None:
        assert seconds > 0
        self.statements.append(statement)


def test_the_first_engine_tells_what_prepared_a_database_that_was_made_ahead() -> None:
    heard = {name: Heard() for name in ("new", "ahead", "next")}

    def engines() -> None:
        with Engine(progress=heard["new"]) as new:
            assert is_new(new)
        interval = sys.getswitchinterval()
        with made_ahead(DEFAULTS):
            for name in ("ahead", "next"):
                with Engine(progress=heard[name]) as engine:
                    assert engine.row(sql("SELECT trim_text('\u2003a ') AS x, current_setting('TimeZone') AS z")) == {
                        "x": "a",
                        "z": "UTC",
                    }
                    assert [statement.name for statement in engine.ran] == heard[name].statements
            assert sys.getswitchinterval() == interval

    Context().run(engines)
    assert heard["ahead"].statements == [*heard["new"].statements, "test"]
    assert "rules/1_text" in heard["new"].statements
    assert heard["next"].statements == ["test"]


def test_a_database_that_cannot_be_made_ahead_fails_as_one_that_is_made_later(tmp_path: Path) -> None:
    def refusals(settings: Settings) -> list[str]:
        found = []
        for ahead in (nullcontext(), made_ahead(settings)):
            with ahead, pytest.raises(MosLabelsError) as refused, Engine(settings, str(tmp_path)):
                pass
            found.append(f"{type(refused.value).__name__}: {refused.value}")
        return found

    for settings in (Settings(memory_limit="1KB"), Settings(threads=10**12)):
        first, second = Context().run(refusals, settings)
        assert first == second


def test_a_database_that_no_engine_took_is_closed() -> None:
    def ends() -> None:
        with pytest.raises(KeyboardInterrupt), made_ahead(DEFAULTS):
            raise KeyboardInterrupt
        with Engine() as later:
            assert is_new(later)

    Context().run(ends)


def test_two_engines_at_a_time_have_two_databases() -> None:
    with kept():
        with Engine() as first, Engine() as second:
            assert (is_new(first), is_new(second)) == (True, True)
        with Engine() as third:
            assert not is_new(third)


FORKS = """
import os
from moslabels.engine.connection import Engine
from moslabels.engine.databases import MOST_SESSIONS, MOST_SHARED, kept, shared
from moslabels.engine.statements import Statement

with kept():
    with Engine():
        pass
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("the child ended with", status)
    else:
        with Engine() as engine:
            is_new = "rules/1_text" in [statement.name for statement in engine.ran]
            os._exit(0 if is_new and engine.row(Statement("test", "SELECT 1 AS x")) == {"x": 1} else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_has_a_database_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("the child ended with 0\n", "")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT max(x) AS x FROM read_parquet($path)",
        "SELECT avg(x) AS x FROM read_parquet($path)",
        "SELECT stats_max::DOUBLE AS x FROM parquet_metadata($path)",
    ],
)
def test_a_file_that_changed_within_a_moment_is_read_again(tmp_path: Path, query: str) -> None:
    """A cache that knows a file by path, size and time takes these two for one. They differ in their bytes alone."""
    path = tmp_path / "f.parquet"
    with kept():
        for value in (1.0, 2.0):
            pq.write_table(pa.table({"x": [value] * 1000}), path, use_dictionary=False, compression="none")
            os.utime(path, ns=(0, 0))
            with Engine() as engine:
                assert engine.row(Statement("test", query, {"path": str(path)})) == {"x": value}


def threads_of(engine: Engine) -> int:
    return int(engine.row(sql("SELECT current_setting('threads') AS x"))["x"])


def test_large_inputs_are_read_by_all_threads() -> None:
    with duckdb.connect(":memory:") as connection:
        (row,) = connection.execute("SELECT current_setting('threads')").fetchall()
    with kept():
        for _ in range(2):  # The next engine on a database begins with one again.
            with Engine() as engine:
                engine.expect(SMALL)
                assert threads_of(engine) == 1
                engine.expect(1)
                assert threads_of(engine) == row[0]
    with Engine(Settings(threads=3)) as engine:
        engine.expect(10 * SMALL)
        assert threads_of(engine) == 3
    with LockedEngine() as locked:
        assert threads_of(locked) == row[0]


def test_tables_in_memory_and_files_are_inputs(tmp_path: Path) -> None:
    class Told(Engine):
        def expect(self, size: int) -> None:
            told.append(size)

    told: list[int] = []
    table = pa.table({"key": ["a"] * 1000, "x": [[0.5] * 50] * 1000})
    pq.write_table(table, tmp_path / "f.parquet", row_group_size=300)
    (tmp_path / "f.csv").write_text("key,x\na,1\n")
    with Told() as engine, Workspace(None) as workspace:
        engine.register(table)
        assert told == [table.get_total_buffer_size()]
        csv = open_table(engine, workspace, str(tmp_path / "f.csv"), "feature", {})
        assert told[1] == len("key,x\na,1\n")
        parquet = open_table(engine, workspace, str(tmp_path / "f.parquet"), "feature", {})
        assert not sum(told[2:])  # Only the columns of a statement are read.
        for source in (csv, parquet):
            key = source.cells({"key": source.columns[0]})
            source.query(engine, "sources/rows", key)
        assert not sum(told[2:-1])
        assert told[-1] == 8000  # In the file, equal values take next to nothing.


def are_new(count: int, settings: Settings) -> list[bool]:
    """Whether each of several engines at a time has a new database, with what is shared alone."""

    def engines() -> list[bool]:
        with shared(), ExitStack() as stack:
            return [is_new(stack.enter_context(Engine(settings))) for _ in range(count)]

    return Context().run(engines)


def test_threads_share_databases_one_at_a_time_and_few_stay() -> None:
    mine = Settings(memory_limit="301MB")
    assert are_new(1, mine) == [True]
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(are_new, 2, mine).result() == [False, True]
    assert are_new(MOST_SHARED + 2, mine).count(True) == MOST_SHARED
    assert are_new(MOST_SHARED + 2, mine).count(True) == 2


def test_a_database_is_closed_after_many_sessions() -> None:
    with shared():
        found = []
        for _ in range(MOST_SESSIONS + 1):
            with Engine(Settings(memory_limit="303MB")) as engine:
                found.append(is_new(engine))
    assert [number for number, new in enumerate(found) if new] == [0, MOST_SESSIONS]


def test_join_leaves_its_database_to_the_next_call() -> None:
    def joins() -> list[bool]:
        features, labels = pa.table({"clip": ["a"]}), pa.table({"clip": ["a"], "mos": [3.0]})
        join(features, labels, feature_key_column="clip", label_key_column="clip", memory_limit="302MB")
        return are_new(1, Settings(memory_limit="302MB"))

    assert Context().run(joins) == [False]


ENDS = """
import os
import sys
from moslabels.base.settings import Settings
from moslabels.engine.connection import SMALL, Engine
from moslabels.engine.databases import shared

def is_new():
    with shared(), Engine(Settings(threads=4)) as engine:
        engine.expect(2 * SMALL)
        return "rules/1_text" in [statement.name for statement in engine.ran]

def fork():
    child = os.fork()
    if child:
        print("the child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return not child

print(is_new(), is_new(), flush=True)
if fork():
    sys.exit(3)
print(is_new(), is_new(), flush=True)
if fork():
    print(is_new(), is_new(), flush=True)
    os._exit(4)  # If its own DuckDB had threads, a child aborts with DuckDB 1.5 when it ends otherwise.
print(is_new(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_shares_nothing() -> None:
    """A child that ends as any process does takes apart what it inherited: that must not be a DuckDB."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", ENDS], capture_output=True, text=True, timeout=60)
    said = ["True False", "the child ended with 3", "True False", "True False", "the child ended with 4", "True"]
    assert (done.stdout.splitlines(), done.stderr) == (said, "")


def test_patterns_are_tried_in_one_database(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    connect = duckdb.connect

    def counted(*arguments: Any, **keywords: Any) -> duckdb.DuckDBPyConnection:
        made.append(arguments)
        return connect(*arguments, **keywords)

    monkeypatch.setattr(duckdb, "connect", counted)
    patterns = {f"{part}{number}": group for number in range(3) for part, group in (("a", 0), ("(b)", 1))}
    assert {pattern: capture_group(pattern) for pattern in patterns} == patterns
    problem = regex_problem("(never closed, and tried here first")
    assert problem is not None
    assert "is not an RE2 pattern" in problem
    assert capture_group("(c)|after one that is refused") == 1
    assert len(made) <= 1  # None if an earlier test left one.
