"""Folders that others may write to: nothing of theirs is written to or locks out; modes and owners stay."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, materialize
from moslabels.engine.statements import sql_folder
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.files.reserve import reserved
from moslabels.files.workspace import Workspace
from moslabels.runs import table as runs_table

ME, COLLEAGUE, GROUP = 65534, 54321, 54322
OLD = b"what stood there"
IS_ROOT = os.geteuid() == 0
two_users = pytest.mark.skipif(not IS_ROOT, reason="only root can be two users")
USERS = ["root", "user"] if IS_ROOT else ["user"]


def is_open_to_all(path: Path) -> bool:
    """Whether any user may read a folder."""
    return all(os.stat(folder).st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


IS_READABLE = is_open_to_all(Path(runs_table.__file__).resolve().parents[1]) and is_open_to_all(sql_folder().resolve())


@contextmanager
def acting_as(user: int, *groups: int) -> Iterator[None]:
    """Act as an ordinary user, where root runs the tests; else as the one who runs them."""
    if not IS_ROOT or user == 0:
        yield
        return
    if not IS_READABLE:
        pytest.skip("moslabels lies in a folder that other users may not read")
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest) -> int:
    return 0 if request.param == "root" else ME


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what is imported late: it may lie where an ordinary user may not read."""
    folder = tmp_path_factory.mktemp("imported")
    for name, row in (("f.csv", {"key": "a"}), ("f.parquet", {"key": "a"}), ("l.csv", {"key": "a", "mos": 3})):
        write_table(folder / name, [row])
    for suffix in ("csv", "parquet"):
        materialize(folder / f"f.{suffix}", [folder / "l.csv"], folder / "o.parquet", audit_json=folder / "a.json")
    materialize(folder / "f.csv", [folder / "l.csv"], folder / "o.csv")


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, in which all may write, with a feature and a label table."""
    folder = Path(tempfile.mkdtemp())
    write_table(folder / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(folder / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}])
    (folder / "out").mkdir()
    for path in (folder, folder / "out"):
        path.chmod(0o777)
    monkeypatch.chdir(folder)
    yield folder
    monkeypatch.chdir("/")
    shutil.rmtree(folder)


def label(out: str = "o.csv", **options: Any) -> dict[str, Any]:
    return materialize("f.csv", ["l.csv"], out, **options)


def give(path: str | Path, owner: int, mode: int = 0o644, content: bytes | None = OLD) -> Path:
    """A file of a user."""
    path = Path(path)
    if content is not None:
        path.write_bytes(content)
    path.chmod(mode)
    if IS_ROOT:
        os.chown(path, owner, owner)
    return path


def here(name: str) -> str:
    return os.path.join(os.path.realpath("."), name)


def hidden(folder: str | Path = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir() if path.name.startswith("."))


PUT: dict[str, Callable[[Path], object]] = {
    "link": lambda path: path.symlink_to("victim"),
    "dangling link": lambda path: path.symlink_to("nothing"),
    "hard link": lambda path: os.link("victim", path),
    "pipe": os.mkfifo,
    "folder": lambda path: path.mkdir(),
    "file": lambda path: path.write_bytes(b"process 1 on here\n"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("kind", PUT)
@pytest.mark.parametrize("what", ["lock", "staged", "previous", "staged-{pid}-0", "previous-{pid}-0"])
def test_what_stands_under_a_hidden_name(shared: Path, user: int, what: str, kind: str) -> None:
    give("victim", user, 0o600)
    give("o.csv", user)
    name = f".o.csv.moslabels-{what.format(pid=os.getpid())}"
    with acting_as(user):
        PUT[kind](Path(name))
        if what == "lock" and kind != "file":
            with pytest.raises(MosLabelsError, match=f"o.csv: {re.escape(here(name))}, of .*; remove it"):
                label()
            assert Path("o.csv").read_bytes() == OLD
            assert hidden() == [name]
        else:
            audit = label()
            assert [row["mos"] for row in read_table(Path("o.csv"))] == ["3.0", "4.0"]
            is_left = "pid" in what or kind == "folder"
            assert hidden() == ([name] if is_left else [])
            is_told = what in ("staged", "previous") and kind == "folder"
            assert bool(audit["warnings"]) == is_told
            assert not is_told or f"{here(name)}, of " in audit["warnings"][0]
    assert not Path("nothing").exists()
    found = os.stat("victim")
    assert (Path("victim").read_bytes(), stat.S_IMODE(found.st_mode)) == (OLD, 0o600)


def while_it_is_written(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    write = runs_table.write_labelled

    def act_first(*arguments: Any) -> Any:
        act()
        return write(*arguments)

    monkeypatch.setattr(runs_table, "write_labelled", act_first)


@pytest.mark.sampled
@pytest.mark.parametrize("kind", [kind for kind in PUT if kind != "dangling link"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_takes_the_staged_name_meanwhile(
    shared: Path, monkeypatch: pytest.MonkeyPatch, kind: str, suffix: str
) -> None:
    Path("victim").write_bytes(OLD)
    Path(f"o{suffix}").write_bytes(OLD)

    def take() -> None:
        (name,) = [name for name in hidden() if "staged" in name]
        os.remove(name)
        PUT[kind](Path(name))

    while_it_is_written(monkeypatch, take)
    with pytest.raises(MosLabelsError, match=f"o{suffix}: (another program replaced|Too many levels|No such)"):
        label(f"o{suffix}")
    assert (Path("victim").read_bytes(), Path(f"o{suffix}").read_bytes()) == (OLD, OLD)


def test_a_link_that_takes_the_place_of_the_output_meanwhile(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("victim").write_bytes(OLD)
    while_it_is_written(monkeypatch, lambda: Path("o.csv").symlink_to("victim"))
    label()
    assert not Path("o.csv").is_symlink()
    assert Path("victim").read_bytes() == OLD


@pytest.mark.parametrize("way", ["the link to it", "the folder", "a new folder"])
def test_a_folder_that_is_swapped_meanwhile(shared: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    Path("other").mkdir()
    Path("other/o.csv").write_bytes(OLD)
    given = {"the link to it": "link", "the folder": "out", "a new folder": "new/deep"}[way]
    Path("link").symlink_to("out")

    def swap() -> None:
        if given == "link":
            os.remove("link")
        else:
            os.rename(given, "moved")
        Path(given).symlink_to(shared / "other")

    while_it_is_written(monkeypatch, swap)
    label(f"{given}/o.csv", audit_json=f"{given}/a.json")
    assert [path.name for path in Path("other").iterdir()] == ["o.csv"]
    assert Path("other/o.csv").read_bytes() == OLD
    assert sorted(os.listdir("out" if given == "link" else "moved")) == ["a.json", "o.csv"]


def test_new_folders_that_stay_empty_are_removed(shared: Path) -> None:
    with pytest.raises(MosLabelsError):
        label("new/deep/o.csv", label_mos_column="none")
    assert not Path("new").exists()


LOCK = ".o.csv.moslabels-lock"


@pytest.mark.sampled
@two_users
@pytest.mark.parametrize("mode", [0o644, 0o444, 0o600])
@pytest.mark.parametrize("folder_mode", [0o777, 0o1777])
def test_a_lock_that_a_colleague_left(shared: Path, mode: int, folder_mode: int) -> None:
    Path("out").chmod(folder_mode)
    lock = give(f"out/{LOCK}", COLLEAGUE, mode, b"process 1 on elsewhere\nsince 2020-01-01T00:00:00Z\n")
    with acting_as(ME):
        if mode == 0o600:  # Nobody can tell whether it is held.
            with pytest.raises(
                MosLabelsError, match=f"{LOCK}, of user {COLLEAGUE}, is the lock of a run and cannot be"
            ):
                label("out/o.csv")
            return
        for _ in range(2):
            label("out/o.csv")
    assert hidden("out") == ([LOCK] if folder_mode & stat.S_ISVTX else [])
    assert folder_mode == 0o777 or lock.stat().st_uid == COLLEAGUE


@two_users
def test_a_run_of_a_colleague(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = os.umask(0o077)
    try:
        with ExitStack() as held:
            with acting_as(COLLEAGUE):
                held.enter_context(reserved(["o.csv"]))
            with acting_as(ME), pytest.raises(MosLabelsError) as caught:
                label()
            assert caught.value.code == "in-use"
            assert re.fullmatch(
                rf"o.csv: process {os.getpid()} on \S+ is writing it; run again when that is done \(its lock is "
                rf"{re.escape(here(LOCK))}, of user {COLLEAGUE}\)",
                str(caught.value),
            )
    finally:
        os.umask(mask)
    assert hidden() == []


@two_users
@pytest.mark.parametrize("name", ["o.csv", "a.json"])
def test_an_output_of_a_colleague_in_a_sticky_folder(shared: Path, name: str) -> None:
    Path("out").chmod(0o1777)
    give(f"out/{name}", COLLEAGUE)
    with acting_as(ME), pytest.raises(MosLabelsError) as caught:
        label("out/o.csv", audit_json="out/a.json")
    assert str(caught.value).startswith(
        f"out/{name}: belongs to user {COLLEAGUE}, and in {os.path.realpath('out')} (a st"
    )
    assert (os.listdir("out"), Path(f"out/{name}").read_bytes()) == ([name], OLD)
    label("out/o.csv", audit_json="out/a.json")  # Root may.


@pytest.mark.sampled
@two_users
@pytest.mark.parametrize("what", ["staged", "previous", "staged-1-0", "previous-1-0"])
def test_what_a_colleague_left_in_a_sticky_folder(shared: Path, what: str) -> None:
    Path("out").chmod(0o1777)
    names = [f".o.csv.moslabels-{what}", LOCK]
    for name in names:
        give(f"out/{name}", COLLEAGUE)
    with acting_as(ME):
        audit = label("out/o.csv")
    path = os.path.realpath(f"out/{names[0]}")
    says = f"{path}, of user {COLLEAGUE}, was left beside out/o.csv and cannot be removed (Operation not permitted)"
    assert [warning.startswith(says) for warning in audit["warnings"]] == [True]
    assert hidden("out") == sorted(names)


@two_users
@pytest.mark.parametrize(("folder_mode", "is_followed"), [(0o1777, False), (0o755, True)])
def test_a_link_that_a_stranger_put_into_a_folder_of_all(shared: Path, folder_mode: int, is_followed: bool) -> None:
    Path("out/o.csv").symlink_to("../mine.csv")
    os.chown("out/o.csv", COLLEAGUE, COLLEAGUE, follow_symlinks=False)
    Path("out").chmod(folder_mode)
    Path("mine.csv").write_bytes(OLD)
    label("out/o.csv")
    assert Path("out/o.csv").is_symlink() == is_followed
    assert (Path("mine.csv").read_bytes() == OLD) != is_followed


@two_users
@pytest.mark.parametrize(("mode", "is_followed"), [(0o644, False), (0o666, True), (0o444, False)])
def test_a_link_to_a_file_of_another_user(shared: Path, mode: int, is_followed: bool) -> None:
    give("out/theirs.csv", COLLEAGUE, mode)
    with acting_as(ME):
        Path("o.csv").symlink_to("out/theirs.csv")
        label()
    assert Path("o.csv").is_symlink() == is_followed
    assert (Path("out/theirs.csv").read_bytes() == OLD) != is_followed
    assert is_followed or os.stat("out/theirs.csv").st_uid == COLLEAGUE


def failing(call: str, code: int, of: Callable[[int], bool]) -> System:
    """A system that fails with an error where it is called with some handles."""

    class Failing(System):
        pass

    def fail(self: System, handle: int) -> None:
        if of(handle):
            raise OSError(code, os.strerror(code))
        getattr(System, call)(self, handle)

    setattr(Failing, call, fail)
    return Failing(Abilities.found())


def is_folder(handle: int) -> bool:
    return stat.S_ISDIR(os.fstat(handle).st_mode)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(shared: Path, code: int) -> None:
    without = failing("flock", code, lambda handle: not is_folder(handle))
    with use(without):
        label()
    assert hidden() == []
    says = (
        rf"o.csv: {re.escape(here(LOCK))}, of \S.*, is the lock of process {os.getpid()} on \S+, which began to "
        r"write at \d{4}-\d\d-\d\dT[\d:]+Z; the file system does not tell whether it still writes: if it has"
    )
    with use(without), reserved(["o.csv"]):
        with pytest.raises(MosLabelsError, match=says) as caught:
            label()
        assert caught.value.code == "in-use"
        stale = Path(LOCK).read_bytes()
    Path(LOCK).write_bytes(stale)  # As a killed run leaves it, with more.
    Path(".o.csv.moslabels-staged-1-0").touch()
    with use(without), pytest.raises(MosLabelsError, match=says):
        label()
    with pytest.raises(MosLabelsError, match=says):  # Another machine may have locks where this one has none.
        label()
    os.remove(LOCK)
    with use(without):
        label()
    assert hidden() == []


@two_users
def test_a_file_system_that_locks_only_what_may_be_written_to(shared: Path) -> None:
    system = failing("flock", errno.EBADF, lambda handle: fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_RDWR == 0)
    give(LOCK, COLLEAGUE, content=b"process 1 on elsewhere\nsince 2020-01-01T00:00:00Z\n")
    with acting_as(ME), use(system):
        with pytest.raises(
            MosLabelsError, match="process 1 on elsewhere, which began to write at 2020-01-01T00:00:00Z"
        ):
            label()
        os.remove(LOCK)
        label()


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS])
def test_a_file_system_that_syncs_no_folders(shared: Path, code: int) -> None:
    synced = []
    with use(failing("sync", code, lambda handle: synced.append(handle) or is_folder(handle))):
        label(audit_json="a.json")
    assert Path("a.json").exists()
    assert len([handle for handle in synced if not is_folder_of(handle)]) == len(synced)


def is_folder_of(handle: int) -> bool:
    with suppress(OSError):
        return is_folder(handle)
    return False


def test_another_fault_of_syncing_a_folder_is_an_error(shared: Path) -> None:
    Path("o.csv").write_bytes(OLD)
    with (
        use(failing("sync", errno.EIO, is_folder)),
        pytest.raises(MosLabelsError, match="o.csv: Input/output error"),
    ):
        label()
    assert Path("o.csv").read_bytes() == OLD


@pytest.mark.sampled
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444, 0o666, 0o755])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_mode_of_what_is_replaced_stays(
    shared: Path, monkeypatch: pytest.MonkeyPatch, user: int, mode: int, suffix: str
) -> None:
    seen = []
    while_it_is_written(
        monkeypatch, lambda: seen.extend(os.stat(name).st_mode for name in hidden() if "staged" in name)
    )
    for name in (f"o{suffix}", "a.json"):
        give(name, user, mode)
    with acting_as(user):
        label(f"o{suffix}", audit_json="a.json")
    assert [stat.S_IMODE(os.stat(name).st_mode) for name in (f"o{suffix}", "a.json")] == [mode, mode]
    assert [stat.S_IMODE(found) & 0o077 & ~mode for found in seen] == [0]


@pytest.mark.sampled
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002, 0o027])
def test_what_is_new_has_the_mode_of_the_mask(shared: Path, user: int, mask: int) -> None:
    before = os.umask(mask)
    try:
        with acting_as(user):
            Path("link.csv").symlink_to("nothing")
            label(audit_json="new/a.json")
            label("link.csv")
    finally:
        os.umask(before)
    names = ("o.csv", "new/a.json", "link.csv", "new")
    assert [stat.S_IMODE(os.stat(name).st_mode) for name in names] == [*([0o666 & ~mask] * 3), 0o777 & ~mask]


# Who replaces it, in which further groups; owner, group and mode of what is replaced; those of what is then there.
OWNERS: list[tuple[int, tuple[int, ...], tuple[int, int, int], tuple[int, int, int]]] = [
    (0, (), (COLLEAGUE, GROUP, 0o640), (COLLEAGUE, GROUP, 0o640)),
    (0, (), (COLLEAGUE, GROUP, 0o2664), (COLLEAGUE, GROUP, 0o2664)),
    (ME, (GROUP,), (COLLEAGUE, GROUP, 0o664), (ME, GROUP, 0o664)),
    (ME, (GROUP,), (ME, GROUP, 0o660), (ME, GROUP, 0o660)),
    (ME, (), (ME, GROUP, 0o640), (ME, ME, 0o600)),
    (ME, (), (COLLEAGUE, GROUP, 0o664), (ME, ME, 0o644)),
    (ME, (), (COLLEAGUE, GROUP, 0o6755), (ME, ME, 0o755)),
]


@pytest.mark.sampled
@two_users
@pytest.mark.parametrize(("who", "groups", "old", "new"), OWNERS)
def test_the_owner_and_group_of_what_is_replaced_stay_where_allowed(
    shared: Path, who: int, groups: tuple[int, ...], old: tuple[int, int, int], new: tuple[int, int, int]
) -> None:
    Path("o.csv").write_bytes(OLD)
    os.chown("o.csv", *old[:2])
    os.chmod("o.csv", old[2])
    with acting_as(who, *groups):
        label()
    found = os.stat("o.csv")
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == new


@two_users
def test_a_folder_that_gives_its_group(shared: Path, user: int) -> None:
    os.chown("out", 0, GROUP)
    Path("out").chmod(0o2777)
    with acting_as(user):
        label("out/o.csv", audit_json="out/new/a.json")
    assert {os.stat(path).st_gid for path in Path("out").rglob("*")} == {GROUP}


def fail(*_: Any, **__: Any) -> None:
    raise OSError(errno.EIO, "Input/output error", ".o.csv.moslabels-x")


@pytest.mark.parametrize("call", ["write_at", "sync", "replace", "link", "set_mode", "names"])
def test_every_error_of_the_system_names_the_output(shared: Path, call: str) -> None:
    give("o.csv", os.geteuid(), 0o604)
    Path(LOCK).touch()
    failing = type("Failing", (System,), {call: fail})(Abilities.found())
    with use(failing), pytest.raises(MosLabelsError, match="^o.csv: Input/output error$") as caught:
        label()
    assert caught.value.file == "o.csv"


MARK = ".moslabels-workspace"


def abandoned(path: Path, has_mark: bool = True) -> Path:
    path.mkdir(mode=0o700)
    (path / "0.csv").write_bytes(OLD)
    if has_mark:
        (path / MARK).touch()
    os.utime(path, (0, 0))
    return path


def test_only_folders_that_runs_made_are_removed_from_a_shared_one(shared: Path, user: int) -> None:
    with acting_as(user):
        abandoned(Path("moslabels-dead"))
        abandoned(Path("moslabels-project"), has_mark=False)
        elsewhere = abandoned(Path("elsewhere"))
        Path("moslabels-dead/link").symlink_to(elsewhere.absolute())
        Path("moslabels-dead/folder").mkdir()
        Path("moslabels-dead/folder/link").symlink_to(elsewhere.absolute())
        os.utime("moslabels-dead", (0, 0))
        Path("moslabels-link").symlink_to(elsewhere.absolute())
        project = abandoned(Path("moslabels-marked"), has_mark=False)
        (project / MARK).symlink_to(elsewhere.absolute() / MARK)
        os.utime(project, (0, 0))
    if IS_ROOT:
        theirs = abandoned(Path("moslabels-theirs"))
        os.chown(theirs, COLLEAGUE, COLLEAGUE)
    with acting_as(user), Workspace("."):
        pass
    kept = {"moslabels-project", "moslabels-link", "moslabels-marked", *(["moslabels-theirs"] if IS_ROOT else [])}
    assert {path.name for path in Path().glob("moslabels-*")} == kept
    assert sorted(os.listdir("elsewhere")) == [MARK, "0.csv"]


@pytest.mark.parametrize("by", ["link", "folder"])
def test_a_workspace_that_is_swapped_meanwhile(shared: Path, by: str) -> None:
    Path("victim").mkdir()
    Path("victim/file").write_bytes(OLD)
    with Workspace(".") as workspace:
        Path(workspace.new_file(".csv")).write_bytes(b"x")
        os.rename(workspace.folder, "moved")
        if by == "link":
            Path(workspace.folder).symlink_to(shared / "victim")
        else:
            os.rename("victim", workspace.folder)
    place = Path("victim") if by == "link" else Path(workspace.folder)
    assert (place / "file").read_bytes() == OLD
    assert os.listdir("moved") == []
