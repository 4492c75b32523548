"""Contract 8: a failed table leaves its previous output and audit as they were; a successful one replaces each, whole.

Failures are injected at calls that write; the real command is killed at random moments.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from helpers.faults import NEVER, WRITING, Faults, calls_of, contents, empty, fails_with, interrupted, shown, some
from helpers.held_back import HeldBack
from helpers.made import copied
from helpers.paths import ROOT
from helpers.tables import write_table
from moslabels import MosLabelsError, materialize, run_batch
from moslabels.cli import main
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.labelling import pipeline
from moslabels.runs import table as runs_table

ROWS = [{"key": f"k{index}", "x": index / 4} for index in range(200)]
OLD = [{"key": f"k{index}", "mos": 2} for index in range(200)]
NEW = [{"key": f"k{index}", "mos": 4} for index in range(200)]


def label_again(folder: Path, features: str, labels: str, out: str) -> None:
    audit = folder / "out" / "a.json"
    materialize(folder / features, [folder / labels], folder / "out" / out, audit_json=audit, temp_dir=folder / "tmp")


def tables(folder: Path, features: str, out: str) -> Callable[[str], None]:
    """Write the inputs, label once with the old labels; a function that labels again, with others."""
    write_table(folder / features, ROWS)
    write_table(folder / "old.csv", OLD)
    write_table(folder / "new.csv", NEW)
    (folder / "tmp").mkdir(exist_ok=True)

    def label(labels: str) -> None:
        label_again(folder, features, labels, out)

    label("old.csv")
    return label


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Put files into a folder that holds nothing else but hidden ones; empty the temporary folder beside it."""
    empty(folder.with_name("tmp"))
    for path in folder.iterdir():
        if not path.name.startswith("."):
            path.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def faults_of(fault: Callable[[], None], after: bool, numbers: Sequence[int] = ()) -> Iterator[Faults]:
    """The same fault at calls that write: of these numbers, or at the first, the second, … until a run has no more."""
    for number in numbers or itertools.count(1):
        faults = Faults(number, fault, after)
        yield faults
        if not faults.met:
            assert number > 25, "the calls that write are no longer seen"
            return
    pytest.fail("no run reached its end")


CASES = [
    ("f.parquet", "o.parquet", fails_with(errno.ENOSPC), False),
    ("f.parquet", "o.parquet", fails_with(errno.EACCES), True),
    ("f.parquet", "o.parquet", interrupted, False),
    ("f.parquet", "o.parquet", interrupted, True),
    ("f.jsonl", "o.jsonl", fails_with(errno.EIO), False),
    ("f.csv", "o.parquet", fails_with(errno.ENOSPC), False),
]
# The four of Parquet share the calls among them, so that each call that is tried meets one kind of fault.
TURNS: list[Any] = [(*case, (turn % 4, 4)) for turn, case in enumerate(CASES)]
TURNS += [pytest.param(*case, None, marks=pytest.mark.long) for case in CASES]


@pytest.mark.sampled
@pytest.mark.parametrize(("features", "out", "fault", "after", "turn"), TURNS)
def test_a_fault_at_calls_that_write(
    tmp_path: Path, features: str, out: str, fault: Callable[[], None], after: bool, turn: tuple[int, int] | None
) -> None:
    """At all of them in long runs; test_publish has them all without the labelling."""
    label = tables(tmp_path, features, out)
    folder = tmp_path / "out"
    old = contents(folder)
    calls = calls_of(lambda: label("new.csv"))
    unused = {"copy_link", "make_folder", "remove_folder", *(() if features == "f.parquet" else ("copy",))}
    assert set(calls) == set(WRITING) - unused
    new = contents(folder)
    assert old[out] != new[out]
    met = []
    for faults in faults_of(fault, after, some(calls, *turn) if turn else ()):
        put(folder, old)
        try:
            with use(faults):
                label("new.csv")
        except MosLabelsError:
            expected = [old]
        except KeyboardInterrupt:
            expected = [old, new]
        else:
            expected = [new]
        found = contents(folder)
        met.append(faults.met)
        assert shown(found) in expected, met
        assert all(name.split(".moslabels-")[1] in ("lock", "staged", "previous") for name in set(found) - set(new))
    assert contents(folder) == new, "the next run removes what the others left"
    assert turn or set(met) == {*WRITING, ""} - unused


EVERY = [
    pytest.param(signal.SIGTERM, False, id="SIGTERM, some calls"),
    pytest.param(signal.SIGTERM, True, id="SIGTERM", marks=pytest.mark.long),
    pytest.param(signal.SIGINT, True, id="SIGINT", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("number", "every"), EVERY)
def test_a_signal_at_every_call_that_writes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    every: bool,
) -> None:
    """Whenever it comes: each output is old or new, the report says which, and nothing else is left anywhere."""
    tables(tmp_path, "f.jsonl", "o.jsonl")
    folder, temporary = tmp_path / "out", tmp_path / "tmp"
    old = contents(folder)
    table = {"id": "t", "features": "f.jsonl", "labels": ["new.csv"], "out": "out/o.jsonl", "audit_json": "out/a.json"}
    other = {"id": "u", "features": "none.csv", "labels": ["new.csv"], "out": "out/p.csv"}
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table, other]}))
    monkeypatch.chdir(tmp_path)
    arguments = ["batch", "m.json", "--report-json", "out/r.json", "--temp-dir", "tmp", "-q"]
    statuses: list[int] = []
    calls = calls_of(lambda: statuses.append(main(arguments)))
    assert statuses == [1]
    new = (folder / "o.jsonl").read_bytes()
    seen = set()
    # Before the table is in its place, after it is, and where a lock is removed last.
    first = calls.index("replace") + 1
    numbers = () if every else (1, first, first + 1, len(calls), NEVER)
    for faults in faults_of(lambda: os.kill(os.getpid(), number), False, numbers):
        for path in folder.iterdir():
            path.unlink()
        put(folder, old)
        with use(faults):
            status = main(arguments)
        found = contents(folder)
        assert not list(temporary.iterdir())
        assert set(found) <= {"o.jsonl", "a.json", "r.json"}, faults.met
        assert status == (128 + number if faults.met else 1)
        is_new = found["o.jsonl"] == new
        assert is_new or {name: found[name] for name in old} == old
        if "r.json" in found:
            first = json.loads(found["r.json"])["tables"][0]
            assert (first["status"] == "ok") == is_new, faults.met
            seen.add(first["status"])
        else:
            assert not is_new
    assert seen >= {"ok", "not-run"}
    assert signal.getsignal(number) is (signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every"])
def test_a_fault_at_calls_that_write_a_report(tmp_path: Path, every: bool) -> None:
    folder = tmp_path / "out"
    (tmp_path / "tmp").mkdir()

    def run(identifier: str) -> dict[str, Any]:
        table = {"id": identifier, "features": "none.csv", "labels": ["none.jsonl"], "out": "none.parquet"}
        (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
        paths = {f"report_{kind}": folder / f"r.{kind}" for kind in ("json", "md", "html")}
        return run_batch(tmp_path / "m.json", temp_dir=tmp_path / "tmp", **paths)

    run("old")
    old = contents(folder)
    calls = calls_of(lambda: run("new") and None)
    new = contents(folder)
    for faults in faults_of(fails_with(errno.ENOSPC), False, () if every else some(calls)):
        put(folder, old)
        try:
            with use(faults):
                failed = run("new")["tables"][0]["error"] != json.loads(new["r.json"])["tables"][0]["error"]
        except MosLabelsError:
            failed = True
        found = shown(contents(folder))
        if not failed:
            assert found == new
        for name in ("r.json", "r.md", "r.html"):  # Where the lock of the table fails, that is what the report says.
            assert found[name] in (old[name], new[name]) or b"No space left" in found[name]
    assert contents(folder) == new


# A process without threads, so that it can fork: each fork labels and is killed, or may write no file beyond a size.
HARNESS = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from helpers.faults import Faults, contents, empty, in_a_process_of_its_own, killed
from moslabels import materialize
from moslabels.runs import table as runs_table
import duckdb, pyarrow.parquet
import moslabels.writers.splice
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use

folder = Path({folder!r})

def label(labels):
    materialize(folder / "f.parquet", [folder / labels], folder / "out" / "o.parquet",
                audit_json=folder / "out" / "a.json", temp_dir=folder / "tmp")

def run(number):
    label("new.csv")

def run_killed(number):
    with use(Faults(number, killed)):
        label("new.csv")

def run_limited(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    label("new.csv")

old = contents(folder / "out")
for number in {numbers}:
    status = in_a_process_of_its_own(lambda: {how}(number))
    found = [(folder / "out" / name).read_bytes().hex() for name in ("o.parquet", "a.json")]
    left = sorted(path.name for path in (folder / "out").iterdir() if path.name.startswith("."))
    print(status, *found, *left, flush=True)
    empty(folder / "tmp")
    for name, data in old.items():
        (folder / "out" / name).write_bytes(data)
"""


def harness(folder: Path, how: str, numbers: str) -> list[list[str]]:
    code = HARNESS.format(tests=str(ROOT / "tests"), folder=str(folder), how=how, numbers=numbers)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split(" ") for line in done.stdout.splitlines()]


def old_and_new(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """The output and the audit that either labels give, as hex; the old ones are in place. And the calls that write."""
    label = tables(folder, "f.parquet", "o.parquet")

    def found() -> list[str]:
        return [(folder / "out" / name).read_bytes().hex() for name in ("o.parquet", "a.json")]

    old = found()
    files = contents(folder / "out")
    calls = calls_of(lambda: label("new.csv"))
    new = found()
    put(folder / "out", files)
    return old, new, calls


@pytest.mark.sampled
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every"])
def test_a_kill_at_calls_that_write(tmp_path: Path, every: bool) -> None:
    old, new, calls = old_and_new(tmp_path)
    last = len(calls) - calls[::-1].index("replace")
    # What a killed run left is removed by the next one, which has more calls for it: it comes to the audit later.
    numbers = range(1, 80) if every else sorted({*some(calls), *range(last, last + 20)})
    results = harness(tmp_path, "run_killed", repr([*numbers]))
    states = []
    for status, *pair_and_left in results:
        pair = pair_and_left[:2]
        states.append("old" if pair == old else "new" if pair == new else "between")
        if status == "0":
            assert (pair, pair_and_left[2:]) == (new, [])
            break
        assert status == "-9"
        if states[-1] == "between":  # It shows: the audit holds the sha256 of the old output.
            assert (pair[0], pair[1]) == (new[0], old[1])
            audit = json.loads(bytes.fromhex(pair[1]))
            assert audit["output_sha256"] != sha256(bytes.fromhex(pair[0])).hexdigest()
    else:
        pytest.fail("no run reached its end")
    assert not every or len(states) > 25
    assert sorted(states, key=["old", "between", "new"].index) == states
    assert set(states) == {"old", "between", "new"}


@pytest.mark.sampled
@pytest.mark.parametrize("step", [2800, pytest.param(700, marks=pytest.mark.long)])
def test_a_disk_that_is_full_after_any_number_of_bytes(tmp_path: Path, step: int) -> None:
    old, new, _ = old_and_new(tmp_path)
    sizes = [0, 1, 10, 100, 1000, 1500, *range(2000, len(new[0]) // 2 + 2000, step), 1 << 30]
    results = harness(tmp_path, "run_limited", repr(sizes))
    assert len(results) == len(sizes)
    for status, *found in results[:-1]:
        assert (status, found) in (("1", old), ("0", new))
    assert results[0] == ["1", *old]
    assert results[-1] == ["0", *new]


KILLS = [pytest.param(1, id="1 kill"), pytest.param(200, id="200 kills", marks=pytest.mark.long)]


@pytest.mark.sampled
@pytest.mark.parametrize("kills", KILLS)
def test_the_command_killed_at_random_moments(tmp_path: Path, kills: int) -> None:
    write_table(tmp_path / "f.parquet", [{"key": f"k{index % 200}", "x": index / 4} for index in range(100_000)])
    outputs = {}
    for name, rows in (("old.csv", OLD), ("new.csv", NEW)):
        write_table(tmp_path / name, rows)

    def command(labels: str) -> subprocess.Popen[bytes]:
        arguments = ["--features", "f.parquet", "--labels", labels, "--out", "out/o.parquet", "--audit-json", "out/a"]
        return subprocess.Popen(
            [sys.executable, "-m", "moslabels", "materialize", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    for name in ("new.csv", "old.csv"):
        start = time.perf_counter()
        assert command(name).wait() == 0
        took = time.perf_counter() - start
        outputs[name] = contents(tmp_path / "out")
    chance = random.Random(7)
    wholes = [{found[name] for found in outputs.values()} for name in ("o.parquet", "a")]
    for _ in range(kills):
        process = command("new.csv")
        time.sleep(chance.uniform(0.3, 1.1) * took)
        process.kill()
        process.wait()
        found = contents(tmp_path / "out")
        assert found["o.parquet"] in wholes[0]
        assert found["a"] in wholes[1]
        if (found["o.parquet"], found["a"]) != (outputs["new.csv"]["o.parquet"], outputs["old.csv"]["a"]):
            assert shown(found) in list(outputs.values())
        assert (command("old.csv").wait(), contents(tmp_path / "out")) == (0, outputs["old.csv"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_folder_that_must_not_be_written_to(tmp_path: Path) -> None:
    label = tables(tmp_path, "f.jsonl", "o.jsonl")
    old = contents(tmp_path / "out")
    (tmp_path / "out").chmod(0o500)
    try:
        with pytest.raises(MosLabelsError, match=r"/o\.jsonl: Permission denied"):
            label("new.csv")
    finally:
        (tmp_path / "out").chmod(0o700)
    assert contents(tmp_path / "out") == old


class WithoutLinks(System):
    """Its files are on a file system that has no second names."""

    def link(self, *_: Any) -> None:
        fails_with(errno.EPERM)()


def test_a_file_system_without_hard_links(tmp_path: Path) -> None:
    label = tables(tmp_path, "f.jsonl", "o.jsonl")
    old = contents(tmp_path / "out")
    with use(WithoutLinks(Abilities.found())):
        label("new.csv")
    assert set(contents(tmp_path / "out")) == set(old)
    assert contents(tmp_path / "out") != old


class Unsound(System):
    """Its disk changes what is written."""

    def write_at(self, handle: int, data: Any, position: int) -> int:
        return super().write_at(handle, bytes(data).replace(b"4", b"5"), position)


def test_what_reads_back_otherwise_is_not_published(tmp_path: Path) -> None:
    label = tables(tmp_path, "f.jsonl", "o.jsonl")
    old = contents(tmp_path / "out")
    with (
        use(Unsound(Abilities.found())),
        pytest.raises(MosLabelsError, match=r"o\.jsonl: what was read back differs from what was written"),
    ):
        label("new.csv")
    assert contents(tmp_path / "out") == old


def test_two_runs_on_one_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label = tables(tmp_path, "f.jsonl", "o.jsonl")
    label("new.csv")
    new = contents(tmp_path / "out")
    label("old.csv")
    writing = HeldBack(runs_table.write_labelled)
    monkeypatch.setattr(runs_table, "write_labelled", writing)
    first = threading.Thread(target=label, args=("new.csv",))
    first.start()
    assert writing.entered.wait(60)
    try:
        for out, audit in (("o.jsonl", "other.json"), ("other.jsonl", "a.json")):
            with pytest.raises(
                MosLabelsError, match=rf"process {os.getpid()} on .* is writing it; run again"
            ) as caught:
                materialize(
                    tmp_path / "f.jsonl",
                    [tmp_path / "old.csv"],
                    tmp_path / "out" / out,
                    audit_json=tmp_path / "out" / audit,
                )
            assert caught.value.file == str(tmp_path / "out" / (out if out == "o.jsonl" else audit))
    finally:
        writing.leave.set()
        first.join()
    assert contents(tmp_path / "out") == new


@pytest.mark.sampled
def test_many_runs_on_one_output(tmp_path: Path) -> None:
    old, new, _ = old_and_new(tmp_path)
    code = HARNESS.split("\nfor number")[0] + "\nlabel({labels!r})"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code.format(tests=str(ROOT / "tests"), folder=str(tmp_path), labels=labels)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for labels in ("old.csv", "new.csv") * 2
    ]
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0 or "is writing it; run again when that is done" in errors
    found = [(tmp_path / "out" / name).read_bytes().hex() for name in ("o.parquet", "a.json")]
    assert found in (old, new)
    assert len(list((tmp_path / "out").iterdir())) == 2


WAYS = {
    "changed": lambda path: write_table(path, OLD[:150]),
    "replaced": lambda path: os.replace(write_table(path.with_name("x.csv"), [*OLD, *OLD]), path),
    "disappeared": lambda path: path.unlink(),
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables in CSV that are labelled."""
    folder = tmp_path_factory.mktemp("labelled")
    tables(folder, "f.csv", "o.csv")
    return folder


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("module", "step"),
    [(pipeline, "load_labels"), (pipeline, "match_features"), (runs_table, "write_labelled")],
    ids=["load_labels", "match_features", "write_labelled"],
)
@pytest.mark.parametrize("name", ["f.csv", "old.csv"])
@pytest.mark.parametrize("way", list(WAYS))
def test_an_input_that_changes(
    labelled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    step: str,
    name: str,
    way: str,
) -> None:
    copied(labelled, tmp_path, monkeypatch)
    before = contents(tmp_path / "out")
    real = getattr(module, step)

    def change_first(*arguments: Any) -> Any:
        WAYS[way](tmp_path / name)
        return real(*arguments)

    monkeypatch.setattr(module, step, change_first)
    with pytest.raises(MosLabelsError, match=f"{name}: (changed|disappeared) while it was read; run again") as caught:
        label_again(tmp_path, "f.csv", "old.csv", "o.csv")
    assert caught.value.file == str(tmp_path / name)
    assert contents(tmp_path / "out") == before


def test_a_long_name(tmp_path: Path) -> None:
    name = "é" * 124 + ".jsonl"
    assert len(name.encode()) == 254
    label = tables(tmp_path, "f.jsonl", name)
    label("new.csv")
    assert sorted(contents(tmp_path / "out")) == ["a.json", name]
