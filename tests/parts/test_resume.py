"""All parts or none: runs that are killed at any call, what the next run keeps, and what it labels anew."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels, python
from helpers.faults import Faults, Killed, calls_of, fails_with, some, stopped
from helpers.many import files, label, write_parts
from helpers.tables import write_table
from moslabels import Progress, TableError
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.parts import label as labelling


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


ABILITIES = {
    "exchange": Abilities.found(),
    "two renames": Abilities.found().without("exchanges"),
}


def prepared(folder: Path, abilities: Abilities) -> tuple[dict[str, bytes], dict[str, bytes], list[str]]:
    """Label an old version of the labels and a new one. Return both outputs, and the calls of the second run."""
    write_parts(folder)
    label(folder, most_parts=2)
    old = files(folder / "out")
    write_table(folder / "labels.csv", [{"corpus": "C", "clip": "1", "mos": 5}])
    calls = calls_of(lambda: label(folder, most_parts=2, min_match_rate=0, **LAX) and None, abilities)
    return old, files(folder / "out"), calls


LAX: dict[str, Any] = {
    "partitions": ["corpus"],
    "feature_key_column": ["corpus", "clip"],
    "label_key_column": ["corpus", "clip"],
}


def runs(folder: Path, old: dict[str, bytes], numbers: list[int], fault: Any, **chosen: Any) -> Iterator[Faults]:
    for number in numbers:
        for path in folder.iterdir():
            if path.name.startswith((".", "out")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, data in old.items():
            write_table(folder / "out" / name, data)
        faults = Faults(number, fault, **chosen)
        with use(faults), suppress(Killed, TableError, OSError):
            label(folder, most_parts=2, min_match_rate=0, **LAX)
        yield faults


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every"])
@pytest.mark.parametrize("abilities", list(ABILITIES))
def test_a_killed_run_leaves_all_old_or_all_new_parts(tmp_path: Path, abilities: str, every: bool) -> None:
    has = ABILITIES[abilities]
    old, new, calls = prepared(tmp_path, has)
    numbers = list(range(1, len(calls) + 1)) if every else some(calls)
    between = 0
    for faults in runs(tmp_path, old, numbers, stopped, abilities=has, forever=True):
        found = files(tmp_path / "out") if (tmp_path / "out").exists() else None
        if found is None:  # Killed between two renames.
            between += 1
            assert not has.exchanges, faults.met
        else:
            assert found in (old, new), (faults.number, faults.met)
        with use(System(has)):
            label(tmp_path, most_parts=2, min_match_rate=0, **LAX)
        assert files(tmp_path / "out") == new, (faults.number, faults.met)
        assert hidden(tmp_path) == []


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_call_that_fails_leaves_all_old_or_all_new_parts(tmp_path: Path, code: int, every: bool) -> None:
    old, new, calls = prepared(tmp_path, Abilities.found())
    numbers = list(range(1, len(calls) + 1)) if every else some(calls)
    for faults in runs(tmp_path, old, numbers, fails_with(code)):
        assert files(tmp_path / "out") in (old, new), (faults.number, faults.met)
        label(tmp_path, most_parts=2, min_match_rate=0, **LAX)
        assert files(tmp_path / "out") == new
        assert hidden(tmp_path) == []


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the parts that are labelled from here on, in this process."""
    names: list[str] = []
    real = labelling.write_part

    def write(job: Any, *arguments: Any) -> Any:
        names.append(os.path.basename(job.part.path))
        return real(job, *arguments)

    monkeypatch.setattr(labelling, "write_part", write)
    return names


@pytest.fixture
def many(tmp_path: Path) -> Path:
    write_table(tmp_path / "labels.csv", [{"key": "a", "mos": 2}, {"key": "b", "mos": 3}])
    for number in range(6):
        write_table(tmp_path / "features" / f"{number}.parquet", [{"key": "a"}, {"key": "b"}, {"key": str(number)}])
    return tmp_path


def killed_after(folder: Path, parts: int, monkeypatch: pytest.MonkeyPatch, min_match_rate: float = 0) -> None:
    """Label, and stop as if by a kill after so many parts were finished."""
    from moslabels.files.staged_folder import StagedFolder

    real, accepted = StagedFolder.note, []

    def note(self: StagedFolder, *arguments: Any) -> None:
        real(self, *arguments)
        accepted.append(1)
        if len(accepted) == parts:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(StagedFolder, "note", note)
        with pytest.raises(Killed) as ended:
            label(folder, most_parts=1, min_match_rate=min_match_rate)
    assert [f"{parts} of 6 parts are finished" in text for text in ended.value.__notes__] == [True]


CHANGES: dict[str, tuple[Callable[[Path], Any], list[str]]] = {
    "nothing": (lambda _: None, ["4", "5"]),
    "a part is written anew": (
        lambda folder: write_table(folder / "features" / "1.parquet", [{"key": "b"}, {"key": "a"}, {"key": "1"}]),
        ["1", "4", "5"],
    ),
    "a part comes": (
        lambda folder: write_table(folder / "features" / "0a.parquet", [{"key": "b"}]),
        ["0a", "4", "5"],
    ),
    "a part goes": (lambda folder: (folder / "features" / "1.parquet").unlink(), ["4", "5"]),
    "the labels change": (
        lambda folder: write_table(folder / "labels.csv", [{"key": "a", "mos": 2}, {"key": "b", "mos": 4}]),
        ["0", "1", "2", "3", "4", "5"],
    ),
    "a finished part is damaged": (
        lambda folder: next(folder.glob(".*/table/2.parquet")).write_bytes(b"x"),
        ["2", "4", "5"],
    ),
    "the journal is damaged": (
        lambda folder: next(folder.glob(".*/journal.jsonl")).write_bytes(b"\xff{\n[]\n{}\n"),
        ["0", "1", "2", "3", "4", "5"],
    ),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_the_next_run_keeps_what_is_still_right(
    many: Path, change: str, monkeypatch: pytest.MonkeyPatch, written: list[str]
) -> None:
    killed_after(many, 4, monkeypatch)
    assert not (many / "out").exists()
    changed, redone = CHANGES[change]
    changed(many)
    written.clear()
    label(many, min_match_rate=0)
    assert [name.removesuffix(".parquet") for name in written] == redone
    resumed = files(many / "out")
    label(many, out="fresh", min_match_rate=0)
    assert files(many / "fresh") == resumed
    assert hidden(many) == []


PHASES: dict[str, tuple[str, int, bool, int]] = {
    "before anything": ("open_folder", 1, False, 6),
    "while the first part is written": ("write_at", 1, False, 6),
    "before the first part is on the disk": ("sync", 1, False, 6),
    "before the fourth part is taken over": ("move", 4, False, 3),
    "before the fourth part is noted": ("move", 4, True, 3),
    "after all parts": ("move", 6, True, 1),
    "before the folders change places": ("exchange", 1, False, 6),
    "after the folders changed places": ("exchange", 1, True, 6),
}
"""The call at which a run is killed: its name, which of that name, whether after it, and how many parts are redone."""


KILLED = """
import sys
from pathlib import Path
from helpers.faults import KilledAt
from helpers.many import label
from moslabels.files.platform import use

folder, name, nth, after = sys.argv[1:]
with use(KilledAt(name, int(nth), after == "True")):
    label(Path(folder), most_parts=1, min_match_rate=0)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
@pytest.mark.sampled
@pytest.mark.parametrize("phase", list(PHASES))
def test_a_process_that_is_killed_in_any_phase(many: Path, phase: str, written: list[str]) -> None:
    """By SIGKILL: nothing of the process cleans up. The next run does again what was not noted, and no more."""
    call, nth, after, redone = PHASES[phase]
    label(many, min_match_rate=0)
    old = files(many / "out")
    write_table(many / "labels.csv", [{"key": "a", "mos": 4}, {"key": "b", "mos": 5}])
    label(many, out="new", min_match_rate=0)
    new = files(many / "new")
    assert python("-c", KILLED, str(many), call, str(nth), str(after), cwd=many).returncode == -signal.SIGKILL
    assert files(many / "out") == (new if phase == "after the folders changed places" else old)
    written.clear()
    label(many, min_match_rate=0)
    assert (len(written), files(many / "out")) == (redone, new)
    assert hidden(many) == []


def test_how_many_parts_were_kept_is_told(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the line of the command and the file of the times. The audit is that of a run that kept none."""
    killed_after(many, 4, monkeypatch, 0.0)
    paths = {"--features": "features", "--labels": "labels.csv", "--out": "out", "--audit-json": "out.json"}
    given = [word for flag, name in paths.items() for word in (flag, str(many / name))]
    command = ["materialize", *given, "--min-match-rate", "0"]
    resumed, fresh = (moslabels(*command, "--timings", f"{name}.json", cwd=many) for name in ("resumed", "fresh"))
    assert resumed.stderr.splitlines()[-1].endswith(
        f" -> {many / 'out'} (6 parts: 4 kept from a run that was ended, 2 labelled)"
    )
    assert fresh.stderr.splitlines()[-1].endswith(f" -> {many / 'out'}")
    found = [json.loads((many / f"{name}.json").read_text())["tables"][0]["parts"] for name in ("resumed", "fresh")]
    assert found == [{"labelled": 2, "resumed": 4, "linked": 0}, {"labelled": 6, "resumed": 0, "linked": 0}]


def test_parts_that_are_named_otherwise_are_labelled_anew(
    many: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]
) -> None:
    """A part says of itself which features it was made of."""
    killed_after(many, 4, monkeypatch)
    written.clear()
    monkeypatch.chdir(many)
    label(many, "features", min_match_rate=0)
    assert len(written) == 6


def test_a_finished_part_counts_only_with_the_hash_that_the_journal_has(
    many: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]
) -> None:
    """A part of other labels, whole and readable, in the place of a finished one."""
    killed_after(many, 4, monkeypatch)
    staged = next(many.glob(".*/table"))
    shutil.copy(staged / "0.parquet", staged / "1.parquet")
    written.clear()
    label(many, min_match_rate=0)
    assert written == ["1.parquet", "4.parquet", "5.parquet"]


@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_parts_that_others_may_write_are_not_taken_over(many: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    killed_after(many, 4, monkeypatch)
    next(many.glob(".*-parts")).chmod(mode)
    with pytest.raises(TableError, match="stands where the parts of a run are gathered, and others may write to it"):
        label(many, min_match_rate=0)


@pytest.mark.parametrize("lacking", [(), ("locks",), ("exchanges",), ("locks", "exchanges")], ids=str)
def test_two_runs_do_not_write_one_folder(many: Path, lacking: tuple[str, ...]) -> None:
    """Neither where the file system has no flock() or no renameat2(). The one that came first ends as if alone."""

    refused: list[str] = []

    class Second(Progress):
        def step(self, name: str, *_: object) -> None:
            if name == "labelling":
                with pytest.raises(TableError) as error:
                    label(many, min_match_rate=0)
                refused.append(str(error.value))

    label(many, out="alone", min_match_rate=0)
    label(many, min_match_rate=0)
    write_table(many / "labels.csv", [{"key": "a", "mos": 2}, {"key": "b", "mos": 3}, {"key": "0", "mos": 4}])
    label(many, out="alone", min_match_rate=0)
    with use(System(Abilities.found().without(*lacking))):
        label(many, min_match_rate=0, progress=Second())
    says = "does not tell whether it still writes" if "locks" in lacking else "is writing it"
    assert [says in text for text in refused] == [True]
    assert files(many / "out") == files(many / "alone")
    assert hidden(many) == []


def test_a_reader_sees_one_version_while_folders_change_places(many: Path) -> None:
    """All parts are old just before, and new just after. A file that is open stays what it was."""
    seen: list[dict[str, bytes]] = []

    class Watched(System):
        def exchange(self, *arguments: Any) -> None:
            seen.append(files(many / "out"))
            super().exchange(*arguments)
            seen.append(files(many / "out"))

    label(many, min_match_rate=0)
    first = files(many / "out")
    opened = (many / "out" / "0.parquet").open("rb")
    write_table(many / "labels.csv", [{"key": "a", "mos": 5}])
    with use(Watched(Abilities.found())):
        label(many, min_match_rate=0)
    with opened:
        assert opened.read() == first["0.parquet"]
    assert seen == [first, files(many / "out")]
    assert [first[name] != data for name, data in seen[1].items()] == [True] * 6
