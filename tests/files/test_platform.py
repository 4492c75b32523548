"""Systems that lack something: each ability is hidden, and what is promised holds on what is left."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.faults import WINDOWS, Faults, Killed, contents, fails_with, shown, stopped
from helpers.made import working_in
from helpers.paths import ROOT
from helpers.tables import write_table
from moslabels import MosLabelsError, materialize
from moslabels.files import platform
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use

EACH = [(name,) for name in Abilities.names()]
LACKING = [*EACH, tuple(Abilities.names())]
ROWS = [{"key": f"k{index}", "x": index / 4} for index in range(20)]


Made = dict[tuple[int, str], dict[str, bytes]]


def named(value: tuple[str, ...] | str) -> str:
    return value if isinstance(value, str) else value[0] if len(value) == 1 else "all"


def label(folder: Path, mos: int, out: str = "o.jsonl") -> None:
    """Label 20 clips with one score, into ``out`` and its audit."""
    features = write_table(folder / "f.jsonl", ROWS)
    labels = write_table(folder / "l.csv", [{"key": row["key"], "mos": mos} for row in ROWS])
    outputs = folder / "out"
    materialize(features, [labels], outputs / out, audit_json=outputs / "a.json", temp_dir=folder / "tmp")


def seen(folder: Path) -> dict[str, bytes]:
    return shown(contents(folder / "out"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What the folder of each output holds on a system that lacks nothing, by the score and the output."""
    with working_in(tmp_path_factory.mktemp("made")):
        Path("tmp").mkdir()
        found = {}
        for mos, out in itertools.product((2, 4), ("o.jsonl", "o.parquet")):
            label(Path(), mos, out)
            found[mos, out] = contents(Path("out"))
            shutil.rmtree("out")
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("tmp").mkdir()
    return Path()


FORMATS = [(lacking, "o.jsonl") for lacking in EACH] + [(LACKING[-1], "o.jsonl"), (LACKING[-1], "o.parquet")]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("lacking", "out"), FORMATS, ids=lambda value: value if isinstance(value, str) else named(value)
)
def test_the_same_bytes_without_an_ability(folder: Path, made: Made, lacking: tuple[str, ...], out: str) -> None:
    assert made[2, out] != made[4, out]
    with use(System(Abilities.found().without(*lacking))):
        for mos in (2, 4):
            label(folder, mos, out)
            assert contents(folder / "out") == made[mos, out]
    assert list((folder / "tmp").iterdir()) == []


# test_publish has all calls, without the labelling. Here each ability meets another call; long runs have all of them.
SAMPLES = [(lacking, range(3 + 4 * turn, 4 + 4 * turn)) for turn, lacking in enumerate(EACH)]
SAMPLES += [(tuple(Abilities.names()), range(5, 80, 18)), (WINDOWS, range(9, 80, 24))]
CRASHES = [pytest.param(lacking, numbers, id=f"{named(lacking)}-{len(lacking)}-some") for lacking, numbers in SAMPLES]
CRASHES += [
    pytest.param(lacking, range(1, 200), id=f"{named(lacking)}-{len(lacking)}-every", marks=pytest.mark.long)
    for lacking, _ in SAMPLES
]


@pytest.mark.sampled
@pytest.mark.parametrize(("lacking", "numbers"), CRASHES)
def test_a_fault_at_a_call_without_an_ability(
    folder: Path, made: Made, lacking: tuple[str, ...], numbers: range
) -> None:
    """Table and audit are both old or both new, and the next run leaves nothing else."""
    abilities = Abilities.found().without(*lacking)
    old, new = shown(made[2, "o.jsonl"]), shown(made[4, "o.jsonl"])
    for number in numbers:
        with use(System(abilities)):
            label(folder, 2)
        assert seen(folder) == old
        faults = Faults(number, fails_with(errno.ENOSPC), abilities=abilities)
        try:
            with use(faults):
                label(folder, 4)
        except MosLabelsError:
            assert seen(folder) == old, (number, faults.met)
        else:
            assert seen(folder) == new, (number, faults.met)
        if "locks" in lacking:  # A lock file that could not be removed says whose it is, and what to do.
            for lock in (folder / "out").glob(".*.moslabels-lock"):
                with use(System(abilities)), pytest.raises(MosLabelsError, match=rf"{lock.name}.* remove that file"):
                    label(folder, 4)
                lock.unlink()
        if not faults.met:
            break
    assert number > 25 or faults.met, "the calls that write are no longer seen"
    with use(System(abilities)):
        label(folder, 4)
    assert contents(folder / "out") == new


class Ended(System):
    """All other processes have ended."""

    def is_running(self, process: int) -> bool:
        assert process == os.getpid()
        return False


NO_LOCKS = [("locks",), WINDOWS]
KILLS = [(NO_LOCKS[turn % 2], number) for turn, number in enumerate((3, 9, 15, 21, 27, 33))]
KILLS += [pytest.param(NO_LOCKS[turn % 2 - 1], values[1], marks=pytest.mark.long) for turn, values in enumerate(KILLS)]


@pytest.mark.sampled
@pytest.mark.parametrize(("lacking", "number"), KILLS, ids=lambda value: str(value) if isinstance(value, int) else None)
def test_a_killed_run_that_had_no_locks(folder: Path, lacking: tuple[str, ...], number: int) -> None:
    """Its lock file stays; the next run takes over from a process that has ended, and from no other."""
    abilities = Abilities.found().without(*lacking)
    with use(System(abilities)):
        label(folder, 2)
    with use(Faults(number, stopped, abilities=abilities, forever=True)), pytest.raises(Killed):
        label(folder, 4)
    locks = sorted((folder / "out").glob(".*.moslabels-lock"))
    if locks:
        with use(System(abilities)), pytest.raises(MosLabelsError, match="if it has ended, remove that file") as caught:
            label(folder, 4)
        assert caught.value.code == "in-use"
        assert any(str(lock) in str(caught.value) for lock in locks)
    for lock in locks:
        if lock.stat().st_size:
            assert lock.read_text().startswith(f"process {os.getpid()} on ")
        else:  # Killed between making it and signing it: nobody can tell whose it is.
            lock.unlink()
    with use(Ended(abilities)):
        label(folder, 4)
    assert set(contents(folder / "out")) == {"o.jsonl", "a.json"}


@pytest.mark.parametrize("host", ["elsewhere", None])
def test_a_lock_file_of_another_machine_is_no_lock_to_take_over(folder: Path, host: str | None) -> None:
    label(folder, 2)
    old = seen(folder)
    machine = f"machine {host}\n" if host else ""
    lock = folder / "out" / ".o.jsonl.moslabels-lock"
    lock.write_text(f"process 4711 on node-7\nsince 2026-01-02T03:04:05Z\nwithout locks of files\n{machine}")
    with (
        use(Ended(Abilities.found().without("locks"))),
        pytest.raises(MosLabelsError, match=r"is the lock of process 4711 on node-7, which began to write at 20"),
    ):
        label(folder, 4)
    assert seen(folder) == old
    lock.unlink()
    label(folder, 4)


@pytest.mark.sampled
@pytest.mark.parametrize("ability", ["links", "modes", "users", "locks"])
def test_what_a_file_system_refuses_is_done_another_way(folder: Path, ability: str) -> None:
    """The system has it, the file system does not: it says so where it is asked."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    system = System(Abilities.found())
    for name in {"links": ["link"], "modes": ["set_mode"], "users": ["set_owner"], "locks": ["flock"]}[ability]:
        setattr(system, name, refuse)
    with use(system):
        label(folder, 2)
        old = seen(folder)
        label(folder, 4)
    assert seen(folder) != old
    assert set(contents(folder / "out")) == {"o.jsonl", "a.json"}


def test_a_folder_that_cannot_be_synced_for_an_error_is_an_error(folder: Path) -> None:
    label(folder, 2)
    old = seen(folder)
    system = System(Abilities.found())
    with use(system):
        plain = platform.system.sync_folder

        def broken(place: platform.Folder) -> bool:
            plain(place)
            raise OSError(errno.EIO, os.strerror(errno.EIO), place.path)

        system.sync_folder = broken  # type: ignore[method-assign]
        with pytest.raises(MosLabelsError, match=os.strerror(errno.EIO)):
            label(folder, 4)
    assert seen(folder) == old


ELSEWHERE = """
import os, signal, sys
for name in ("fcntl", "pwd", "resource"):
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_NOCTTY", "pwrite", "pread", "fchmod", "fchown",
             "geteuid", "getuid", "link", "copy_file_range"):
    delattr(os, name)
del signal.SIGHUP
os.supports_dir_fd, os.supports_fd = set(), set()
from moslabels.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_python_without_what_windows_lacks_labels_a_table(folder: Path) -> None:
    folder = folder.resolve()
    features = write_table(folder / "f.csv", ROWS)
    labels = write_table(folder / "l.csv", [{"key": row["key"], "mos": 3} for row in ROWS])
    arguments = ["materialize", "--features", features, "--labels", labels, "--out", folder / "o.csv"]
    for times in range(2):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (times, done.stderr)
        assert "20 of 20 rows labelled" in done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["f.csv", "l.csv", "o.csv", "tmp"]
