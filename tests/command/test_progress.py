"""The line of progress on a terminal, ``--quiet`` and ``--verbose``."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from helpers.command import ENVIRONMENT, moslabels, told_to
from helpers.tables import write_table
from moslabels import run_batch
from moslabels.base.errors import MosLabelsError, StatementError
from moslabels.base.progress import Progress
from moslabels.command.progress_line import Told, clipped, most_width
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement
from moslabels.evidence.run import Run
from moslabels.runs import table as runs_table
from moslabels.runs.table import label_table
from moslabels.spec.entry import table_spec

FEATURES = [{"key": f"clip{index}", "x": index / 4} for index in range(20)]
LABELS = [{"key": f"clip{index}", "mos": 1 + index / 5} for index in range(19)]
ERASED = "\r\x1b[K"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tables(tmp_path)


def write_tables(folder: Path) -> Path:
    for name in ("f.parquet", "f.jsonl", "f.csv"):
        write_table(folder / name, FEATURES)
    write_table(folder / "l.csv", LABELS)
    write_manifest(folder, "one", "two")
    return folder


@pytest.fixture(scope="module")
def in_a_pipe(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What the batch says that knows of no terminal."""
    return moslabels(*BATCH, cwd=write_tables(tmp_path_factory.mktemp("pipe")))


def write_manifest(folder: Path, *ids: str, **options: Any) -> None:
    tables = [
        {"id": name, "features": "f.jsonl", "labels": ["l.csv"], "out": f"o{number}.jsonl"}
        for number, name in enumerate(ids)
    ]
    document = {"defaults": {"min_match_rate": 0.9, **options}, "tables": tables}
    (folder / "m.json").write_text(json.dumps(document), encoding="utf-8")


ONE = ("materialize", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", "--audit-json", "a.json")
BATCH = ("batch", "m.json", "--report-json", "r.json")


def on_a_terminal(*arguments: str, cwd: Path, columns: int = 80, **environment: str) -> tuple[int, str, str]:
    """Run the command with its standard error on a terminal: exit status, standard output, what the terminal got."""
    ours, theirs = terminal(columns)
    with (
        ThreadPoolExecutor(1) as pool,
        mock.patch.dict(os.environ, {"TERM": "xterm", **environment}),
    ):
        got = pool.submit(all_of, ours)  # A terminal that nobody reads takes a page, and then no more.
        with open(theirs, "w", encoding="utf-8", errors="backslashreplace") as stream:
            status, out = told_to(stream, *arguments, cwd=cwd)
    return status, out, got.result()


def code_on_a_terminal(code: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Do the same with a program in a process of its own, which may be interrupted."""
    ours, theirs = terminal(80)
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**ENVIRONMENT, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    got = all_of(ours)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode(), got


DRAWN = {
    ("verify", "r.json"): ["r.json: checking", "r.json: counting the output", "r.json: matching"],
    ("diff", "r.json", "r.json"): ["[2/2] two: comparing with the evidence", "[2/2] two: reading the new one"],
    ("compile", "m.json"): ["[1/2] one: reading", "[2/2] two: "],
    ("suggest", "--features", "f.csv", "--labels", "l.csv"): ["reading", "comparing columns", "trying rules"],
    ("init", "--features", "f.csv", "--labels", "l.csv", "--out", "new.json"): ["f.csv: trying rules"],
}


@pytest.mark.parametrize("arguments", list(DRAWN), ids=lambda arguments: arguments[0])
def test_the_other_commands_show_a_line_and_remove_it(folder: Path, arguments: tuple[str, ...]) -> None:
    document = json.loads((folder / "m.json").read_text())
    for table in document["tables"]:
        table["audit_json"] = f"{table['id']}.audit.json"
    (folder / "m.json").write_text(json.dumps(document))
    assert moslabels(*BATCH, cwd=folder).returncode == 0
    status, out, got = on_a_terminal(*arguments, cwd=folder)
    assert (status, out != "" or arguments[0] == "init") == (0, True)
    lines = drawn(got)
    for wanted in DRAWN[arguments]:
        assert [line for line in lines if wanted in line], (wanted, lines)
    assert got.rpartition("\r")[2].startswith("\x1b[K"), "the line is removed"
    for path in (folder / "new.json", folder / "manifest.schema.json"):
        path.unlink(missing_ok=True)
    in_pipe = moslabels(*arguments, cwd=folder)
    assert (in_pipe.returncode, in_pipe.stdout, "\r" in in_pipe.stderr) == (0, out, False)


def terminal(columns: int) -> tuple[int, int]:
    """Open a terminal: the end that shows, and the end that is written to."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return ours, theirs


def all_of(ours: int) -> str:
    got = b""
    try:
        while data := os.read(ours, 65536):
            got += data
    except OSError:  # The other side is closed.
        pass
    os.close(ours)
    return got.decode().replace("\r\n", "\n")


def drawn(got: str) -> list[str]:
    """The lines that were drawn and taken back."""
    return [text for text in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", got) if text]


def left(got: str) -> str:
    """What stands on the terminal in the end. Nothing but the line of progress may steer it."""
    lines = []
    for line in got.split("\n"):
        shown = line.split("\x1b[K")[-1]
        assert "\r" not in shown
        lines.append(shown)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", re.sub("\r|\x1b\\[K", "", got))
    return "\n".join(lines)


def test_a_batch_on_a_terminal(folder: Path, in_a_pipe: subprocess.CompletedProcess[str]) -> None:
    status, out, got = on_a_terminal(*BATCH, cwd=folder)
    assert (status, out) == (0, "")
    lines = drawn(got)
    assert "[1/2] one: reading features" in lines  # Before it only what a slow machine takes long for.
    assert "[2/2] two: writing" in lines
    assert left(got) == in_a_pipe.stderr
    assert in_a_pipe.stderr.splitlines() == [
        "one: ok: match rate 0.950, 19 of 20 rows labelled -> o0.jsonl",
        "two: ok: match rate 0.950, 19 of 20 rows labelled -> o1.jsonl",
        "2 of 2 tables labelled",
    ]
    assert in_a_pipe.stdout == ""


def test_one_table_on_a_terminal(folder: Path) -> None:
    status, _, got = on_a_terminal(*ONE, "--min-match-rate", "0.9", cwd=folder)
    assert status == 0
    assert "f.csv: reading features" in drawn(got)
    assert left(got) == "match rate 0.950, 19 of 20 rows labelled -> o.csv\n"
    assert got.startswith("\r")


FAILURES = {
    "a gate": (*ONE, "--min-match-rate", "0.99"),
    "labels": (*ONE, "--label-mos-column", "none"),
    "a batch": BATCH,
}


@pytest.mark.parametrize("arguments", FAILURES.values(), ids=FAILURES)
def test_the_line_is_gone_before_an_error(folder: Path, arguments: tuple[str, ...]) -> None:
    write_manifest(folder, "one", min_match_rate=0.99)
    status, _, got = on_a_terminal(*arguments, cwd=folder)
    assert status == 1
    assert drawn(got)
    assert left(got) == moslabels(*arguments, cwd=folder).stderr != ""


@pytest.mark.sampled
@pytest.mark.parametrize("arguments", [ONE, BATCH], ids=["materialize", "batch"])
@pytest.mark.parametrize("where", ["labelling.pipeline.load_labels", "runs.table.write_labelled"])
def test_the_line_is_gone_after_an_interrupt(folder: Path, arguments: tuple[str, ...], where: str) -> None:
    code = (
        "import os, signal, sys\nimport moslabels.labelling.pipeline, moslabels.runs.table\n"
        "from moslabels.cli import main\n"
        f"moslabels.{where} = lambda *_: os.kill(os.getpid(), {int(signal.SIGINT)})\nsys.exit(main())"
    )
    status, _, got = code_on_a_terminal(code, *arguments, "--memory-limit", "1GB", cwd=folder)
    assert status == 130
    assert drawn(got)
    assert left(got) == "moslabels: interrupted\n"


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}, {"NO_COLOR": "1"}])
def test_no_line_where_it_cannot_be_taken_back_or_is_not_wanted(
    folder: Path, in_a_pipe: subprocess.CompletedProcess[str], environment: dict[str, str]
) -> None:
    status, _, got = on_a_terminal(*BATCH, cwd=folder, **environment)
    assert status == 0
    assert got == in_a_pipe.stderr


HOSTILE = {
    "controls": "a\x1b[2Jb\rc\x9b1m\u202e\x07\x08",
    "long": "x" * 500,
    "wide": "\u6620\u50cf" * 60,
    "emoji": "\U0001f3ac\ufe0f\u200d" * 40,
    "half": "\udcff\udcfe",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("columns", [80, 20, 1])
def test_a_name_cannot_steer_the_terminal(name: str, columns: int) -> None:
    stream = Terminal(columns)
    with told(stream, is_verbose=True) as progress:
        progress.table(name, 1, 2)
        progress.step("matching", 1000)
        stream.now += 1
        progress.advance(500)
    lines = drawn(stream.getvalue())
    assert all(most_width(line) < columns for line in lines)
    assert bool(lines) == (columns > 1)
    left(stream.getvalue())
    if columns == 80:
        assert lines[-1].startswith("[1/2] ")
        assert lines[-1].endswith(": matching 50%  500 rows/s"), "a long name gives way"


@pytest.mark.parametrize("name", ["a\x1b[2J\rb", "\u6620\u50cf" * 60])
def test_an_id_cannot_steer_the_terminal(folder: Path, name: str) -> None:
    write_manifest(folder, name, "two")
    status, _, got = on_a_terminal(*BATCH, "--verbose", cwd=folder, columns=40)
    assert status == 0
    lines = drawn(got)
    assert len(lines) > 5
    assert max(map(most_width, lines)) < 40
    left(got)


def test_a_terminal_that_knows_little() -> None:
    stream = Terminal(80, encoding="ascii")
    with told(stream) as progress:
        progress.table("\u6620\u50cf\u00e9", 1, 1)
        progress.step("matching")
    assert drawn(stream.getvalue()) == [r"\u6620\u50cf\xe9: matching"]


CLIPPED = [
    ("abc", 3, "abc"),
    ("abcdef", 5, "ab..."),
    ("\u6620\u50cf\u6620", 5, "\u6620..."),
    ("abc", 2, ".."),
    ("a", 0, ""),
]


@pytest.mark.parametrize(("text", "columns", "expected"), CLIPPED)
def test_clipped(text: str, columns: int, expected: str) -> None:
    assert clipped(text, columns) == expected


class Terminal(io.StringIO):
    """A terminal of some width, and the time."""

    def __init__(self, columns: int, encoding: str = "utf-8") -> None:
        super().__init__()
        self.columns = columns
        self.now = 0.0
        self._encoding = encoding

    @property
    def encoding(self) -> str:
        return self._encoding

    def write(self, text: str) -> int:
        return super().write(text.encode(self._encoding).decode(self._encoding))


def told(stream: Terminal, *, has_line: bool = True, is_verbose: bool = False) -> Told:
    return Told(
        stream, has_line=has_line, is_verbose=is_verbose, clock=lambda: stream.now, columns=lambda: stream.columns
    )


def test_numbers_are_drawn_ten_times_a_second() -> None:
    stream = Terminal(80)
    with told(stream) as progress:
        progress.table("t", 1, 1)
        progress.step("copying", 100_000_000, "bytes", 20_000_000)
        for done in range(21, 61):
            stream.now += 1 / 32
            progress.advance(done * 1_000_000)
    assert drawn(stream.getvalue()) == [
        "t: copying",
        *(f"t: copying {20 + 4 * step}%  32.0 MB/s" for step in range(1, 11)),
    ]
    assert stream.getvalue().endswith(ERASED)


def test_the_share_of_a_statement() -> None:
    stream = Terminal(80)
    with told(stream) as progress:
        progress.table("t", 3, 14)
        progress.step("matching", 10_000_000)
        for share in (None, 0.0, 0.45):
            stream.now += 0.5
            progress.running("match/20_feature_keys", share, 1.5)
        progress.advance(5_000_000)
        stream.now += 0.5
        progress.running("match/20_feature_keys", 0.9, 2)
        progress.advance(6_000_000)
    assert drawn(stream.getvalue()) == [
        "[3/14] t: matching",
        "[3/14] t: matching  match/20_feature_keys",
        "[3/14] t: matching  match/20_feature_keys",
        "[3/14] t: matching 45%  3.0 M rows/s  match/20_feature_keys",
        "[3/14] t: matching 60%  3.0 M rows/s",
    ]


def test_a_terminal_that_is_gone_fails_no_table() -> None:
    class Gone(Terminal):
        def write(self, *_: Any) -> int:
            raise OSError(5, "Input/output error")

    with told(Gone(80), is_verbose=True) as progress:
        progress.table("t", 1, 2)
        progress.step("matching")
        progress.ended("x", 1.0)


class Heard(Progress):
    """Takes down what it is told."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, int, int]] = []
        self.steps: list[str] = []
        self.counts: list[tuple[str, int, int]] = []
        self.statements: list[str] = []
        self.shares: list[float | None] = []
        self.seconds: list[float] = []
        self._total = 0

    def table(self, name: str, number: int, count: int) -> None:
        self.tables.append((name, number, count))

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:
        assert unit in ("rows", "bytes")
        assert 0 <= done <= max(total, 0)
        self.steps.append(name)
        self._total = total

    def advance(self, done: int) -> None:
        self.counts.append((self.steps[-1], done, self._total))

    def running(self, _: str, share: float | None, seconds: float) -> None:
        assert seconds > 0
        self.shares.append(share)

    def ended(self, statement: str, seconds: float) -> None:
        self.statements.append(statement)
        self.seconds.append(seconds)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Every engine that labels a table."""
    made: list[Engine] = []

    def make(*arguments: Any, **keywords: Any) -> Engine:
        made.append(Engine(*arguments, **keywords))
        return made[-1]

    monkeypatch.setattr(runs_table, "Engine", make)
    return made


BEFORE = ["reading features", "reading labels", "matching", "diagnosing", "joining"]
OF_EACH_TABLE = [
    "labels/20_label_rows",
    "labels/21_label_rows_of_file",
    "labels/30_label_scales",
    "labels/31_label_files",
    "labels/40_label_scores",
    "labels/50_labels",
    "match/10_feature_values",
    "match/20_feature_keys",
    "match/30_match_counts",
    "match/31_unmatched_feature_keys",
    "match/35_scores",
    "match/36_examples",
    "unmatched/10_near_keys",
    "unmatched/11_near_misses",
    "match/41_value_labels",
    "match/checks/41_rows_of_labels",
    "labels/60_label_columns",
]


@pytest.mark.sampled
@pytest.mark.parametrize("features", ["f.parquet", "f.jsonl", "f.csv"])
@pytest.mark.parametrize("out", ["o.parquet", "o.jsonl", "o.csv"])
def test_steps_and_statements_in_order(folder: Path, engines: list[Engine], features: str, out: str) -> None:
    heard = Heard()
    spec = table_spec(folder / features, [folder / "l.csv"], folder / out, None, None, {"min_match_rate": 0.9})
    label_table(spec, Run(progress=heard))
    is_splice = features.endswith("parquet") and out.endswith("parquet")
    assert heard.steps == [*BEFORE, *(["writing labels", "copying"] if is_splice else ["writing"]), "checking"]
    (engine,) = engines
    assert heard.statements == [statement.name for statement in engine.ran]
    # What each table runs, of whatever format. A database that was used before has its macros already.
    assert [name for name in heard.statements if name in OF_EACH_TABLE] == OF_EACH_TABLE
    assert min(heard.seconds) > 0
    for step in ("writing labels", "copying") if is_splice else ("writing",):
        done = [(done, total) for name, done, total in heard.counts if name == step]
        assert done == sorted(done)
        if done:
            assert done[-1][0] == done[-1][1] > 0
    assert [name for name, _, _ in heard.counts if name.startswith("writing")]


def test_the_tables_of_a_batch(folder: Path) -> None:
    heard = Heard()
    run_batch(folder / "m.json", progress=heard)
    assert heard.tables == [("one", 1, 2), ("two", 2, 2)]
    assert heard.steps.count("checking") == 2


def test_a_statement_that_fails_is_told_of(folder: Path) -> None:
    heard = Heard()
    with Engine(progress=heard) as engine:
        for run in (engine.run, engine.table):
            with pytest.raises(StatementError):
                run(Statement("no/such", "SELECT * FROM nowhere"))
    assert heard.statements[-2:] == ["no/such", "no/such"]


def test_duckdb_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("moslabels.engine.worker.SECONDS_BETWEEN_LOOKS", 0.001)
    heard = Heard()
    with Engine(progress=heard) as engine:
        engine.run(Statement("many", "CREATE TABLE many AS SELECT hash(i) AS h FROM range(3000000) r (i)"))
        engine.run(Statement("all", "CREATE TABLE sums AS SELECT count(DISTINCT h) FROM many"))
    shares = [share for share in heard.shares if share is not None]
    assert any(0 < share <= 1 for share in shares)
    assert all(0 <= share <= 1 for share in shares)
    assert tuple(capfd.readouterr()) == ("", "")


@pytest.mark.parametrize("arguments", [(*ONE, "--min-match-rate", "0.9"), BATCH], ids=["materialize", "batch"])
def test_quiet(folder: Path, arguments: tuple[str, ...]) -> None:
    done = moslabels(*arguments, "--quiet", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert on_a_terminal(*arguments, "--quiet", cwd=folder) == (0, "", "")


def test_quiet_keeps_warnings_and_errors(folder: Path) -> None:
    write_table(folder / "f.jsonl", [{"key": key} for key in ("clip1.mp4", "CLIP1.mp4", "clip2.mp4")])
    write_table(folder / "l.csv", [{"key": key, "mos": 3} for key in ("clip1", "clip2", "clip3")])
    write_manifest(folder, "one", feature_key_regex="(?i)clip([0-9])", label_key_regex="clip([0-9])")
    done = moslabels(*BATCH, "--quiet", cwd=folder)
    assert done.returncode == 0
    assert re.fullmatch(r"one: warning: 1 feature keys come from several .*\n", done.stderr)
    write_manifest(folder, "one", label_mos_column="none")
    done = moslabels(*BATCH, "--quiet", cwd=folder)
    assert done.returncode == 1
    assert re.fullmatch(r"one: error: l\.csv: .*\n", done.stderr.replace(str(folder) + "/", ""))
    failed = moslabels(*ONE, "--quiet", "--label-mos-column", "none", cwd=folder)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("moslabels: l.csv: ")


def test_quiet_still_prints_the_document(folder: Path) -> None:
    quiet = moslabels("batch", "m.json", "--quiet", cwd=folder)
    assert quiet.stderr == ""
    assert [table["status"] for table in json.loads(quiet.stdout)["tables"]] == ["ok", "ok"]


def test_verbose_lists_every_statement(folder: Path, engines: list[Engine]) -> None:
    Context().run(run_batch, folder / "m.json")  # As in a process of its own, where no database is idle.
    expected = []
    for number, (name, engine) in enumerate(zip(("one", "two"), engines, strict=True)):
        expected += [f"{name}:", *(f"  sql/{statement.name}.sql" for statement in engine.ran)]
        expected.append(f"{name}: ok: match rate 0.950, 19 of 20 rows labelled -> o{number}.jsonl")
    for where in (on_a_terminal, on_a_pipe):
        _, _, got = Context().run(where, *BATCH, "--verbose", cwd=folder)
        *said, last = left(got).splitlines()
        assert last == "2 of 2 tables labelled"
        assert [re.sub(r"^  [0-9]+\.[0-9]{3} s  ", "  ", line) for line in said] == expected
        assert sum(re.match(r"  [0-9]+\.[0-9]{3} s  ", line) is not None for line in said) == len(said) - 4


def on_a_pipe(*arguments: str, cwd: Path) -> tuple[int, str, str]:
    done = moslabels(*arguments, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def test_what_is_said_changes_no_evidence(folder: Path) -> None:
    documents = []
    for flags in ((), ("--quiet",), ("--verbose",)):
        done = moslabels(*ONE, "--min-match-rate", "0.9", *flags, cwd=folder)
        assert done.returncode == 0
        audit = json.loads((folder / "a.json").read_text())
        assert audit["run_provenance"]["argv"][-len(flags) :] == [*flags] or not flags
        documents.append((audit["run_provenance"]["args"], audit["output_sha256"]))
    assert documents[0] == documents[1] == documents[2]


def test_quiet_and_verbose_exclude_each_other(folder: Path) -> None:
    done = moslabels(*BATCH, "--quiet", "--verbose", cwd=folder)
    assert done.returncode == 2
    assert "not allowed with" in done.stderr


def test_an_error_of_who_is_told_ends_the_run(folder: Path) -> None:
    class Stops(Progress):
        def step(self, name: str, *_: Any) -> None:
            raise KeyError(name)

    spec = table_spec(folder / "f.csv", [folder / "l.csv"], folder / "o.csv", None, None, {})
    with pytest.raises(KeyError, match="reading features"):
        label_table(spec, Run(progress=Stops()))
    assert not [path.name for path in folder.iterdir() if path.name.startswith((".", "o."))]


def test_a_missing_file_is_still_told_as_one(folder: Path) -> None:
    spec = table_spec(folder / "f.csv", [folder / "none.csv"], folder / "o.csv", None, None, {})
    with pytest.raises(MosLabelsError, match=r"none\.csv: there is no such file"):
        label_table(spec, Run(progress=Heard()))
