"""Two files that are staged and published together: both old or both new, whichever call fails or is the last one.

This is what each labelling does with its outputs, without the labelling: every call that writes can be tried.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from helpers.faults import (
    NEVER,
    WINDOWS,
    WRITING,
    Faults,
    Killed,
    contents,
    empty,
    fails_with,
    interrupted,
    shown,
    stopped,
)
from moslabels import MosLabelsError
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.files.publish import publish
from moslabels.files.reserve import reserved
from moslabels.files.staged import StagedFile
from moslabels.files.workspace import Workspace

OLD = {"a.json": b"old", "o.csv": b"old\n" * 9}
NEW = {"a.json": b"new", "o.csv": b"new\n" * 8}
LACKING = {"nothing": (), **{name: (name,) for name in Abilities.names()}, "all": tuple(Abilities.names())}
LACKING["Windows"] = WINDOWS


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files in place of others, as a labelling does: the table first, then its audit."""
    data = {str(folder / "out" / name): files[name] for name in ("o.csv", "a.json")}
    with reserved(data) as places, Workspace(folder / "tmp"), ExitStack() as stack:
        staged = [stack.enter_context(StagedFile(places[target])) for target in data]
        for file in staged:
            file.write(data[file.given])
        for file in staged:
            file.finish()
        publish(*staged)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("out", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def each_call(
    folder: Path, abilities: Abilities, fault: Callable[[], None], after: bool = False, forever: bool = False
) -> Iterator[Faults]:
    """A fault at the first call that writes, at the second, … until there are no more; the old files are in place."""
    number = 0
    while True:
        number += 1
        empty(folder / "tmp")
        if contents(folder / "out") != OLD:
            with use(System(abilities)):
                write(folder, OLD)
        assert contents(folder / "out") == OLD, "the next run removes what the others left"
        faults = Faults(number, fault, after, abilities, forever)
        yield faults
        if not faults.met:
            assert number > 15, "the calls that write are no longer seen"
            return
        for lock in (folder / "out").glob(".*.moslabels-lock"):
            if not abilities.locks:  # It could not be removed, and would be taken for one that is held.
                lock.unlink()


FAULTS = {
    "full disk": (fails_with(errno.ENOSPC), False),
    "broken disk": (fails_with(errno.EIO), False),
    "refused after it was done": (fails_with(errno.EACCES), True),
    "interrupted": (interrupted, False),
    "interrupted after it was done": (interrupted, True),
}
EACH = [*[("nothing", name) for name in FAULTS], *[(lacking, "full disk") for lacking in LACKING][1:]]
REST = [(lacking, name) for lacking in LACKING for name in FAULTS if (lacking, name) not in EACH]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("lacking", "fault"), [*EACH, *[pytest.param(*values, marks=pytest.mark.long) for values in REST]]
)
def test_a_fault_at_every_call(folder: Path, lacking: str, fault: str) -> None:
    met, outcomes = set(), set()
    for faults in each_call(folder, Abilities.found().without(*LACKING[lacking]), *FAULTS[fault]):
        try:
            with use(faults):
                write(folder, NEW)
        except (OSError, MosLabelsError):
            expected = [OLD]
        except KeyboardInterrupt:
            expected = [OLD, NEW]
        else:
            expected = [NEW]
        found = shown(contents(folder / "out"))
        assert found in expected, faults.met
        met.add(faults.met)
        outcomes.add(found == NEW)
    assert contents(folder / "out") == NEW
    assert outcomes == {True, False}
    if lacking == "nothing":
        assert met == {*WRITING, ""} - {"copy", "copy_link", "make_folder", "remove_folder"}


FEW = ("nothing", "all", "Windows")
KILLED = [*FEW, *[pytest.param(name, marks=pytest.mark.long) for name in LACKING if name not in FEW]]


@pytest.mark.parametrize("lacking", KILLED)
def test_a_kill_at_every_call(folder: Path, lacking: str) -> None:
    """Old, then only the table new, then both: in this order, each whole."""
    states = []
    for faults in each_call(folder, Abilities.found().without(*LACKING[lacking]), stopped, forever=True):
        with use(faults), suppress(Killed):
            write(folder, NEW)
        found = shown(contents(folder / "out"))
        states.append([OLD, {**OLD, "o.csv": NEW["o.csv"]}, NEW].index(found))
    assert states == sorted(states)
    assert set(states) == {0, 1, 2}


@pytest.mark.parametrize(("lacking", "syncs"), [((), 3), (("folder_sync",), 4)], ids=str)
def test_the_files_are_on_the_disk_before_their_names_and_a_folder_is_synced_once(
    folder: Path, lacking: tuple[str, ...], syncs: int
) -> None:
    system = Faults(NEVER, stopped, abilities=Abilities.found().without(*lacking))
    with use(system):
        write(folder, NEW)
    calls = [name for name in system.seen if name in ("sync", "replace")]
    assert calls == ["sync", "sync", "replace", "replace", *["sync"] * (syncs - 2)]


def test_each_of_several_folders_is_synced(tmp_path: Path) -> None:
    targets = [str(tmp_path / name / "o.csv") for name in ("a", "b")]
    system = Faults(NEVER, stopped)
    with use(system), reserved(targets) as places, ExitStack() as stack:
        staged = [stack.enter_context(StagedFile(places[target])) for target in targets]
        for file in staged:
            file.finish()
        publish(*staged)
    assert system.seen.count("sync") == 4
