"""What ends a run from outside ends it at once, unchanged, and after the report of what was done."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from helpers.held_back import HeldBack
from helpers.tables import write_table
from moslabels import CancelledError, MosLabelsError, UsageError, join, labeller, materialize, run_batch
from moslabels.base.errors import StatementError
from moslabels.base.progress import SILENT, Progress, Relayed
from moslabels.engine import connection as engine
from moslabels.engine import worker
from moslabels.engine.connection import SMALL, Engine
from moslabels.engine.statements import Statement
from moslabels.evidence.run import Run
from moslabels.labelling import pipeline
from moslabels.runs.table import label_table
from moslabels.runs.verify import verify
from moslabels.spec.manifest import load_manifest

ROWS = [{"key": "a", "x": 1}, {"key": "b", "x": 2}]
LONG = Statement("slow", "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 7")
AT_ONCE = 10  # seconds; the statement takes hours


class Timeout(Exception):  # noqa: N818
    """What a scheduler raises."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "f.csv", ROWS)
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}])
    tables = [
        {"id": name, "features": "f.csv", "labels": ["l.csv"], "out": f"{name}.csv", "audit_json": f"{name}.json"}
        for name in ("one", "two", "three")
    ]
    (tmp_path / "m.json").write_text(json.dumps({"tables": tables}))
    return tmp_path


@contextmanager
def alarm(error: BaseException, seconds: float = 0.3) -> Iterator[None]:
    """Raise an exception in the main thread, out of a signal's handler."""

    def handler(*_: Any) -> None:
        raise error.with_traceback(None)  # Where it was raised before says nothing of this time.

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def later() -> bool:
    """Let the alarm come soon: what it is to end begins now."""
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    return True


NOT_YET = 60  # seconds until the alarm, unless it is to come earlier


def slow(monkeypatch: pytest.MonkeyPatch, when: Callable[[], bool] = lambda: True) -> None:
    """Let the engine run a statement of hours where labels are matched."""
    match = pipeline.match_features

    def match_slowly(used: Engine, *arguments: Any) -> Any:
        if when():
            used.run(LONG)
        return match(used, *arguments)

    monkeypatch.setattr(pipeline, "match_features", match_slowly)


RAISED = [
    Timeout("30 s are over"),
    TimeoutError("no errno"),
    OSError("nor here"),
    RuntimeError("r"),
    MemoryError("m"),
    ValueError("v"),
    KeyboardInterrupt(),
    SystemExit(3),
    duckdb.InvalidInputException("d"),
    pa.ArrowInvalid("p"),
]


@pytest.mark.sampled
@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_exception_of_a_handler_ends_a_statement_at_once_and_passes_unchanged(error: BaseException) -> None:
    start = time.monotonic()
    with Engine() as used, alarm(error), pytest.raises(type(error)) as caught:
        used.run(LONG)
    assert caught.value is error
    assert time.monotonic() - start < AT_ONCE


@pytest.mark.sampled
@pytest.mark.parametrize("error", RAISED[:4], ids=lambda error: type(error).__name__)
def test_it_passes_through_a_table_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    slow(monkeypatch, later)
    for call in (lambda: materialize("f.csv", ["l.csv"], "o.csv"), lambda: join("f.csv", ["l.csv"])):
        with alarm(error, NOT_YET), pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
    assert sorted(os.listdir(folder)) == ["f.csv", "l.csv", "m.json"]


FEATURES, LABELS = pa.Table.from_pylist(ROWS), pa.table({"key": ["a", "b"], "mos": [3, 4]})


@pytest.mark.parametrize("error", RAISED[:4], ids=lambda error: type(error).__name__)
def test_it_passes_through_tables_in_memory(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    start = time.monotonic()
    with labeller(LABELS) as prepared:
        for call in (lambda: join(FEATURES, LABELS), lambda: prepared.join(FEATURES)):
            with monkeypatch.context() as patched, alarm(error, NOT_YET), pytest.raises(type(error)) as caught:
                slow(patched, later)
                call()
            assert caught.value is error
            assert call().table["mos"].to_pylist() == [3, 4]
    assert time.monotonic() - start < 2 * AT_ONCE


# A file that was opened just then is closed when nobody holds it any more, and Python warns of that.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", [OSError, RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("attempt", [0, pytest.param(1, marks=pytest.mark.long)])
def test_it_passes_at_any_moment(folder: Path, kind: type[BaseException], attempt: int) -> None:
    """Also while a thread, a database or a folder for temporary files is made."""
    moments = random.Random(attempt)
    for _ in range(500 if attempt else 30):
        for call in (lambda: join(FEATURES, LABELS), lambda: join("f.csv", "l.csv")):
            error = kind("mine")
            try:
                with alarm(error, moments.uniform(0.0005, 0.05)):
                    found = call()
            except BaseException as caught:
                if caught is not error:
                    raise
            else:
                assert found.table["mos"].to_pylist() == [3, 4]


class Told(Progress):
    """Hears of progress."""


@pytest.mark.parametrize(
    ("tables", "progress", "is_together"),
    [
        ([FEATURES, LABELS], SILENT, True),
        ([FEATURES, pa.nulls(0, pa.int32())], SILENT, True),
        ([FEATURES, None], SILENT, False),
        ([FEATURES, pa.array(["x" * SMALL])], SILENT, False),
        ([FEATURES], Told(), False),
    ],
    ids=["small", "no rows", "a file", "large", "progress"],
)
def test_a_call_on_small_tables_runs_in_the_thread_of_the_statements(
    tables: list[Any], progress: Progress, is_together: bool
) -> None:
    with Engine(progress=progress) as used:
        there = used.together(tables, threading.get_ident)
        assert (there != threading.get_ident()) == is_together
        # What the call runs does not wait for itself, and its errors are those of any statement.
        assert used.together(tables, lambda: used.row(Statement("one", "SELECT 1 AS one"))) == {"one": 1}
        with pytest.raises(StatementError, match="no_such_table"):
            used.together(tables, lambda: used.run(Statement("wrong", "FROM no_such_table")))
        with pytest.raises(KeyError, match="of the call"):
            used.together(tables, lambda: {}["of the call"])


@pytest.mark.parametrize("name", ["file_sha256", "hashing"])
def test_an_error_without_a_number_is_no_fault_of_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "file_sha256":
        monkeypatch.setattr("moslabels.files.records.file_sha256", lambda _: later() and time.sleep(60))
    else:
        monkeypatch.setattr("moslabels.labelling.pipeline.find_key", lambda *_: later() and time.sleep(60))
    error = TimeoutError("mine")
    with alarm(error, NOT_YET), pytest.raises(TimeoutError) as caught:
        materialize("f.csv", ["l.csv"], "o.csv")
    assert caught.value is error


class Stops(Progress):
    """Raises when it is told of a certain kind of thing for the second table."""

    def __init__(self, kind: str, error: BaseException, number: int = 2) -> None:
        self.kind, self.error, self.number, self.now = kind, error, number, 0

    def _told(self, kind: str) -> None:
        if kind == self.kind and self.now == self.number:
            raise self.error

    def table(self, *told: Any) -> None:
        self.now = told[1]
        self._told("table")

    def step(self, *_: Any) -> None:
        self._told("step")

    def advance(self, *_: Any) -> None:
        self._told("advance")

    def ended(self, *_: Any) -> None:
        self._told("ended")

    def running(self, *_: Any) -> None:
        self._told("running")


CALLBACKS = [
    *[(kind, Timeout("t")) for kind in ("table", "step", "advance", "ended", "running", "on_table")],
    *[("step", error) for error in (OSError(5, "of theirs"), KeyboardInterrupt(), UsageError("of theirs"))],
    ("on_table", KeyboardInterrupt()),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("kind", "error"), CALLBACKS)
def test_an_exception_of_a_callback_passes_after_the_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, error: BaseException
) -> None:
    told: list[Any] = []
    progress = Stops(kind, error)
    if kind == "running":
        slow(monkeypatch, lambda: progress.now == 2)

    def on_table(entry: Any) -> None:
        told.append(entry)
        if kind == "on_table" and entry["id"] == "two":
            raise error

    with pytest.raises(type(error)) as caught:
        run_batch("m.json", report_json="r.json", report_md="r.md", progress=progress, on_table=on_table,
                  on_report=told.append)  # fmt: skip
    assert caught.value is error
    report = json.loads((folder / "r.json").read_text())
    assert told[-1] == report
    second = {"table": "not-run", "on_table": "ok"}.get(kind, "error")
    assert [table["status"] for table in report["tables"]] == ["ok", second, "not-run"]
    assert report["status"] == "failed"
    if second == "error":
        assert report["tables"][1]["error_code"] == "interrupted"
        assert report["tables"][1]["error"].startswith(f"not finished: {type(error).__name__}")
    assert "| three | not-run |" in (folder / "r.md").read_text()
    done = {"one.csv", "one.json"} | ({"two.csv", "two.json"} if second == "ok" else set())
    assert set(os.listdir(folder)) == {"f.csv", "l.csv", "m.json", "r.json", "r.md"} | done


def test_a_timeout_in_a_batch_passes_after_the_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, later)
    error = Timeout("30 s are over")
    with alarm(error, NOT_YET), pytest.raises(Timeout) as caught:
        run_batch("m.json", report_json="r.json")
    assert caught.value is error
    report = json.loads((folder / "r.json").read_text())
    assert [table["status"] for table in report["tables"]] == ["error", "not-run", "not-run"]
    assert report["tables"][0]["error"] == "not finished: Timeout: 30 s are over"


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("error", "fail_fast"),
    [
        (KeyError("no such\nthing"), False),
        (AssertionError(), True),
        (OSError("no number"), False),
        (RecursionError(), True),
    ],
)
def test_an_unforeseen_exception_fails_its_table_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, fail_fast: bool
) -> None:
    match = pipeline.match_features

    def fail_second(used: Engine, source: Any, *rest: Any) -> Any:
        if heard.now == 2:
            raise error
        return match(used, source, *rest)

    class Heard(Progress):
        now = 0
        unforeseen_errors: tuple[Exception, ...] = ()

        def table(self, _: str, number: int, __: int) -> None:
            self.now = number

        def unforeseen(self, error: Exception) -> None:
            self.unforeseen_errors += (error,)

    heard = Heard()
    monkeypatch.setattr(pipeline, "match_features", fail_second)
    report = run_batch("m.json", report_json="r.json", fail_fast=fail_fast, progress=heard)
    assert report == json.loads((folder / "r.json").read_text())
    assert [table["status"] for table in report["tables"]] == ["ok", "error", "not-run" if fail_fast else "ok"]
    failed = report["tables"][1]
    assert failed["error_code"] == "internal"
    assert failed["error"].startswith(f"internal error: {type(error).__name__}")
    assert "(pipeline.py, line " in failed["error"]
    assert "\n" not in failed["error"]
    assert heard.unforeseen_errors == (error,)
    assert not list(folder.glob(".*"))


def test_the_features_of_a_failed_table_are_not_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moslabels.files import records

    hashed: list[str] = []
    file_sha256 = records.file_sha256
    monkeypatch.setattr(records, "file_sha256", lambda path: hashed.append(str(path)) or file_sha256(path))
    write_table(folder / "g.csv", [{"key": "z", "x": 1}])
    document = json.loads((folder / "m.json").read_text())
    document["tables"] = document["tables"][:2]
    document["tables"][1]["features"] = "g.csv"
    (folder / "m.json").write_text(json.dumps(document))
    report = run_batch("m.json", report_json="r.json")
    assert [table["status"] for table in report["tables"]] == ["ok", "error"]
    assert "g.csv" not in hashed
    unhashed = {"path": "g.csv", "exists": True, "kind": "file", "sha256": None}
    assert report["run_provenance"]["inputs"]["features"][1] == unhashed
    assert verify(["r.json"])["status"] == "ok"
    report["run_provenance"]["inputs"]["features"][0]["sha256"] = None
    (folder / "r.json").write_text(json.dumps(report))
    assert verify(["r.json"])["status"] == "differs"


CALLS: dict[str, Callable[[Any], Any]] = {
    "materialize": lambda cancel: materialize("f.csv", ["l.csv"], "o.csv", cancel=cancel),
    "join": lambda cancel: join("f.csv", ["l.csv"], cancel=cancel),
    "join, own DuckDB": lambda cancel: join("f.csv", ["l.csv"], cancel=cancel, connection=duckdb.connect()),
    "run_batch": lambda cancel: run_batch("m.json", report_json="r.json", cancel=cancel),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", CALLS)
def test_another_thread_cancels(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    cancel, caught, began = threading.Event(), [], threading.Event()
    slow(monkeypatch, lambda: began.set() or True)

    def call() -> None:
        try:
            CALLS[name](cancel)
        except MosLabelsError as error:
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert began.wait(60)
    cancel.set()
    thread.join(AT_ONCE)
    assert not thread.is_alive()
    assert [type(error) for error in caught] == [CancelledError]
    if name == "run_batch":
        report = json.loads((folder / "r.json").read_text())
        assert [table["status"] for table in report["tables"]] == ["error", "not-run", "not-run"]
    with pytest.raises(CancelledError):
        CALLS[name](cancel)
    with pytest.raises(UsageError, match="cancel: must have is_set"):
        CALLS[name](5)
    assert not list(folder.glob(".*"))


def test_nothing_is_polled_where_nobody_asked() -> None:
    with Engine() as used:
        assert not isinstance(used.progress, Relayed)


OF_DUCKDB_2 = pytest.mark.skipif(duckdb.__version__.startswith("1."), reason="DuckDB 1 would drop the caller's results")


@OF_DUCKDB_2
@pytest.mark.parametrize("tables", [("f.csv", ["l.csv"]), (FEATURES, LABELS)], ids=["files", "in memory"])
def test_interrupting_the_connection_stops_the_join(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tables: tuple[Any, Any]
) -> None:
    connection = duckdb.connect()
    with monkeypatch.context() as patched, pytest.raises(duckdb.InterruptException):
        slow(patched, lambda: threading.Timer(0.3, connection.interrupt).start() or True)
        start = time.monotonic()
        join(*tables, connection=connection)
    assert time.monotonic() - start < AT_ONCE
    # It need not come while a statement is at work.
    with monkeypatch.context() as patched, pytest.raises(duckdb.InterruptException):
        slow(patched, lambda: bool(connection.interrupt()))
        join(*tables, connection=connection)
    assert connection.execute("SELECT 42").fetchall() == [(42,)]
    assert join(*tables, connection=connection).audit["match_rate"] == 1


def test_a_result_of_the_caller_stays(folder: Path) -> None:
    connection = duckdb.connect()
    connection.execute("FROM range(5000)")
    assert connection.fetchone() == (0,)
    assert join("f.csv", ["l.csv"], connection=connection).audit["match_rate"] == 1
    assert len(connection.fetchall()) == 4999
    assert connection.sql("SELECT 42").fetchall() == [(42,)]


@contextmanager
def interrupting(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt a connection until the block ends: DuckDB forgets an interrupt that comes before its statement."""
    ended = threading.Event()

    def interrupt() -> None:
        while not ended.wait(0.1):
            connection.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("has_connection", [True, False])
def test_a_relation_of_hours_ends_at_once(folder: Path, has_connection: bool) -> None:
    connection = duckdb.connect()
    relation = connection.sql(LONG.sql)
    error = Timeout("mine")
    start = time.monotonic()
    with alarm(error), pytest.raises(Timeout) as caught:
        join(relation, ["l.csv"], connection=connection if has_connection else None)
    assert caught.value is error
    if has_connection:
        with interrupting(connection), pytest.raises(duckdb.InterruptException):
            join(relation, ["l.csv"], connection=connection)
    assert time.monotonic() - start < 2 * AT_ONCE


class Wrapper:
    """Wraps a cursor as the session of a Python model of dbt-duckdb does."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def execute(self, sql: str) -> Any:
        return self._cursor.execute(sql)


def test_what_wraps_a_connection_is_unwrapped(folder: Path) -> None:
    connection = duckdb.connect()
    session = Wrapper(Wrapper(connection.cursor()))
    joined = join(session.sql("SELECT * FROM 'f.csv'"), ["l.csv"], connection=session)
    assert joined.audit["match_rate"] == 1
    assert session.sql("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]
    endless = Wrapper(None)
    endless._cursor = endless
    for wrong in (Wrapper(5), endless, object(), "x"):
        with pytest.raises(UsageError, match="connection: must be a connection of duckdb"):
            join("f.csv", ["l.csv"], connection=wrong)


def test_a_second_exception_in_the_way_of_the_first_leaves_no_statement_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop = Engine.stop
    calls: list[int] = []

    def interrupted_stop(used: Engine) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        stop(used)

    monkeypatch.setattr(engine.Engine, "stop", interrupted_stop)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Engine() as used, alarm(Timeout("mine")):
        used.run(LONG)
    assert time.monotonic() - start < AT_ONCE


def test_a_call_that_two_exceptions_left_at_work_ends_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    large = FEATURES.append_column("pad", pa.array(["x" * SMALL, "x"]))
    matching = HeldBack(pipeline.match_features)

    def interrupted(*_: Any) -> None:
        assert matching.entered.wait(60)
        raise KeyboardInterrupt

    with labeller(LABELS) as prepared:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(pipeline, "match_features", matching)
            patched.setattr(worker, "_wait", interrupted)
            patched.setattr(worker.Worker, "stop", interrupted)
            prepared.join(FEATURES)
        threading.Timer(0.2, matching.leave.set).start()
        for features in (large, FEATURES, large):
            assert prepared.join(features).table["mos"].to_pylist() == [3, 4]
        assert prepared._engine._tables.count == 1


def test_a_table_alone_passes_on_what_is_not_its_fault(folder: Path) -> None:
    spec = load_manifest("m.json").tables[0]
    for error in (UsageError("of theirs"), TimeoutError("of theirs")):
        with pytest.raises(type(error)) as caught:
            label_table(spec, Run(progress=Stops("step", error, number=0)))
        assert caught.value is error


DBT_MODEL = """
from moslabels import join


def model(dbt, session):
    dbt.config(materialized="table")
    features = dbt.ref("features")
    return join(features, ["l.csv"], connection=session).table
"""
DBT_PROJECT = "name: p\nversion: '1.0'\nprofile: p\nflags: {send_anonymous_usage_stats: false}\n"
DBT_PROFILES = "p: {target: t, outputs: {t: {type: duckdb, path: d.duckdb, RETRIES}}}\n"


@pytest.mark.integration
@pytest.mark.parametrize("retries", ["", "retries: {query_attempts: 2}"])
def test_the_session_of_a_model_of_dbt(folder: Path, retries: str) -> None:
    pytest.importorskip("dbt.adapters.duckdb", reason="needs dbt-duckdb: pip install -e '.[integrations]'")
    (folder / "dbt_project.yml").write_text(DBT_PROJECT)
    (folder / "profiles.yml").write_text(DBT_PROFILES.replace(", RETRIES", f", {retries}" if retries else ""))
    (folder / "models").mkdir()
    (folder / "models" / "features.sql").write_text("SELECT * FROM 'f.csv'")
    (folder / "models" / "labelled.py").write_text(DBT_MODEL)
    done = subprocess.run(
        [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "run", "--profiles-dir", "."],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stdout
    with duckdb.connect("d.duckdb") as connection:
        rows = connection.execute("SELECT key, mos FROM labelled ORDER BY key").fetchall()
        assert rows == [("a", 3.0), ("b", 4.0)]
        tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        assert tables == [("labelled",)]
