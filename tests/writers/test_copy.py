"""The copy of the features: begun before the labels are read, made by the kernel or without it, and always proved."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.faults import contents
from helpers.tables import write_table
from moslabels import CancelledError, GateError, MosLabelsError, materialize
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.labelling import pipeline
from moslabels.parquet.footer import read_footer

ROWS = 20_000
AT_ONCE = 10  # seconds
UP_TO_NOW = b"what was here before"


def label(folder: Path, **options: Any) -> dict[str, Any]:
    return materialize(
        folder / "f.parquet", folder / "l.csv", folder / "out" / "o.parquet", feature_key_column="key", **options
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Features of some blocks, labels of each second clip, and an older output."""
    fill(tmp_path)
    write_table(tmp_path / "l.csv", [{"key": f"clip_{index}", "mos": 3} for index in range(0, 50, 2)])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "o.parquet").write_bytes(UP_TO_NOW)
    return tmp_path


def fill(folder: Path, rows: int = ROWS) -> None:
    features = {"key": [f"clip_{index % 50}" for index in range(rows)]}
    features |= {f"x{column}": pa.array([column + index / 7 for index in range(rows)]) for column in range(12)}
    pq.write_table(pa.table(features), folder / "f.parquet", use_dictionary=["key"], compression="none")


def check_copied(folder: Path, audit: dict[str, Any]) -> None:
    before, after = (folder / "f.parquet").read_bytes(), (folder / "out" / "o.parquet").read_bytes()
    with (folder / "f.parquet").open("rb") as stream:
        end = read_footer(stream).start
    assert end > 1 << 20
    assert after[:end] == before[:end]
    assert audit["output_sha256"] == hashlib.sha256(after).hexdigest()
    assert audit["run_provenance"]["inputs"]["features"]["sha256"] == hashlib.sha256(before).hexdigest()
    assert len(contents(folder / "out")) == 1


class Copying(System):
    """A system that does something of its own before or after the kernel copies. ``copied`` lists what was copied."""

    def __init__(self, most: int = 1 << 30, seconds: float = 0.0, abilities: Abilities | None = None) -> None:
        super().__init__(abilities or Abilities.found())
        self.most, self.seconds = most, seconds
        self.copied: list[tuple[int, int]] = []
        self.began = threading.Event()

    def before(self) -> None:
        """Do nothing, if no test says otherwise."""

    def after(self, target: int) -> None:
        """Do nothing, if no test says otherwise."""

    def copy(self, source: int, target: int, size: int, position: int) -> int:
        self.began.set()
        self.before()
        time.sleep(self.seconds)
        done = super().copy(source, target, min(size, self.most), position)
        self.after(target)
        self.copied.append((position, done))
        return done


class Refusing(Copying):
    """Copies once, and then refuses, as a file system may within a file."""

    def copy(self, source: int, target: int, size: int, position: int) -> int:
        return 0 if self.copied else super().copy(source, target, size, position)


SYSTEMS: dict[str, Callable[[], System]] = {
    "in the kernel": Copying,
    "in small steps": lambda: Copying(most=77_777),
    "partly in the kernel": lambda: Refusing(most=100_001),
    "without a kernel that copies": lambda: System(Abilities.found().without("kernel_copies")),
    "by seeking": lambda: System(Abilities.found().without("kernel_copies", "positions")),
}


@pytest.mark.parametrize("kind", SYSTEMS)
def test_the_same_bytes_in_every_way(folder: Path, kind: str) -> None:
    with use(SYSTEMS[kind]()):
        check_copied(folder, label(folder, min_match_rate=0))


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs another file system")
def test_between_file_systems(folder: Path) -> None:
    """Some kernels refuse this."""
    there = Path("/dev/shm") / f"moslabels-test-{os.getpid()}.parquet"
    shutil.copy(folder / "f.parquet", there)
    try:
        audit = materialize(there, folder / "l.csv", folder / "out" / "o.parquet", min_match_rate=0)
    finally:
        there.unlink()
    check_copied(folder, audit)


def labels_come_after(began: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the labels be read when copying has begun."""
    load = pipeline.load_labels

    def load_after(*arguments: Any) -> Any:
        assert began.wait(60)
        return load(*arguments)

    monkeypatch.setattr(pipeline, "load_labels", load_after)


def test_it_begins_before_the_labels_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Copying()
    labels_come_after(system.began, monkeypatch)
    with use(system):
        check_copied(folder, label(folder, min_match_rate=0))


def test_it_is_synced_while_it_is_copied(folder: Path) -> None:
    fill(folder, 1_000_000)  # 96 MB

    class Syncing(Copying):
        def sync(self, handle: int) -> None:
            super().sync(handle)
            self.copied.append((-1, 0))

    with use(system := Syncing()):
        check_copied(folder, label(folder, min_match_rate=0))
    places = [place for place, _ in system.copied]
    assert -1 in places[: places.index(max(places))]


def test_what_is_copied_is_synced_beside_other_work(folder: Path) -> None:
    fill(folder, 20_000)  # 2 MB

    class Syncing(Copying):
        def sync(self, handle: int) -> None:
            super().sync(handle)
            self.copied.append((-1, threading.get_ident()))

    with use(system := Syncing()):
        check_copied(folder, label(folder, min_match_rate=0))
    threads = [thread for place, thread in system.copied if place == -1]
    assert threads[0] != threading.get_ident()


def test_a_dry_run_copies_only_the_first_block(folder: Path) -> None:
    with use(system := Copying()):
        dry = label(folder, min_match_rate=0, dry_run=True)
    assert sum(done for _, done in system.copied) <= 1 << 20
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}
    audit = label(folder, min_match_rate=0)
    check_copied(folder, audit)
    assert dry["output_sha256"] == audit["output_sha256"]


# What would be wrong without a word


class Wrong(Copying):
    """Copies a byte wrongly, as a file system with a fault does."""

    def after(self, target: int) -> None:
        os.pwrite(target, b"?", 500_000)


def test_a_file_system_that_copies_wrongly(folder: Path) -> None:
    with use(Wrong()), pytest.raises(MosLabelsError, match=r"o\.parquet: what was read back differs from .*f\.parquet"):
        label(folder, min_match_rate=0)
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}


@pytest.mark.parametrize("is_hidden", [False, True])
def test_features_that_change_between_the_copy_and_its_check(folder: Path, is_hidden: bool) -> None:
    """In place, with the old size and, if hidden, the old time: the hash would not be that of the output."""

    class Changing(Copying):
        def after(self, _: int) -> None:
            path = folder / "f.parquet"
            found = path.stat()
            with path.open("r+b") as stream:
                stream.seek(500_000)
                stream.write(b"changed")
            if is_hidden:
                os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    says = "what was read back differs from" if is_hidden else r"f\.parquet: changed while it was read"
    with use(Changing()), pytest.raises(MosLabelsError, match=says):
        label(folder, min_match_rate=0)
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}


def test_features_that_shrink_while_they_are_copied(folder: Path) -> None:
    class Shrinking(Copying):
        def before(self) -> None:
            os.truncate(folder / "f.parquet", 300_000)

    with use(Shrinking()), pytest.raises(MosLabelsError, match=r"f\.parquet: changed while it was read"):
        label(folder, min_match_rate=0)
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}


# What ends it


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_while_it_is_copied(folder: Path, code: int) -> None:
    """The kernel gives up, and then writing fails."""

    class Failing(Refusing):
        def write_at(self, handle: int, data: Any, position: int) -> int:
            if len(data) == 1 << 20:
                raise OSError(code, os.strerror(code))
            return super().write_at(handle, data, position)

    with use(Failing(most=100_000)), pytest.raises(MosLabelsError, match=rf"o\.parquet: {os.strerror(code)}"):
        label(folder, min_match_rate=0)
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}


def slowly() -> Copying:
    """Copy for minutes."""
    return Copying(most=1000, seconds=0.1)


def test_a_gate_that_fails_while_it_is_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    system = slowly()
    labels_come_after(system.began, monkeypatch)
    with use(system), pytest.raises(GateError):
        label(folder, unmatched=folder / "out" / "unmatched.csv")
    assert system.copied
    assert time.monotonic() - start < AT_ONCE
    assert set(contents(folder / "out")) == {"o.parquet", "unmatched.csv"}
    assert (folder / "out" / "o.parquet").read_bytes() == UP_TO_NOW


@contextmanager
def alarm() -> Iterator[None]:
    """Raise KeyboardInterrupt in the main thread after a while, as Ctrl-C does."""

    def handler(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_interruption_while_it_is_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    system = slowly()
    labels_come_after(system.began, monkeypatch)
    with use(system), alarm(), pytest.raises(KeyboardInterrupt):
        label(folder, min_match_rate=0)
    assert system.copied
    assert time.monotonic() - start < AT_ONCE
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}


def test_a_run_that_is_cancelled_while_it_is_copied(folder: Path) -> None:
    cancel = threading.Event()
    threading.Timer(2, cancel.set).start()
    start = time.monotonic()
    with use(slowly()), pytest.raises(CancelledError):
        label(folder, min_match_rate=0, cancel=cancel)
    assert time.monotonic() - start < AT_ONCE
    assert contents(folder / "out") == {"o.parquet": UP_TO_NOW}


# File systems that share data between files


@pytest.fixture(params=["here", *(pytest.param(kind, marks=pytest.mark.integration) for kind in ("btrfs", "xfs"))])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system whose files can share data. Some need a loop device and the rights to mount it."""
    if request.param == "here":
        yield tmp_path
        return
    image, mounted = tmp_path / "image", tmp_path / "mounted"
    mounted.mkdir()
    with image.open("wb") as stream:
        stream.truncate(1 << 30)
    for command in (
        [f"mkfs.{request.param}", "-q", str(image)],
        ["mount", "-o", "loop", str(image), str(mounted)],
    ):
        if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip(f"{command[0]} is not there, or not allowed")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def shared_bytes(path: Path) -> int:
    """The bytes of a file that it shares with others."""
    if shutil.which("filefrag") is None:
        pytest.skip("filefrag is not there")
    listed = subprocess.run(["filefrag", "-v", "-b1", str(path)], capture_output=True, text=True, check=True).stdout
    extents = [line.split(":") for line in listed.splitlines() if line.strip()[:1].isdigit()]
    return sum(int(extent[3]) for extent in extents if "shared" in extent[-1])


def test_features_share_their_bytes_with_the_output(shared: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    fill(shared)
    write_table(shared / "l.csv", [{"key": f"clip_{index}", "mos": 3} for index in range(50)])
    with (shared / "f.parquet").open("rb") as source, (shared / "trial").open("wb") as target:
        try:
            fcntl.ioctl(target, 0x40049409, source.fileno())  # FICLONE
        except OSError:
            pytest.skip("its files cannot share data")
    (shared / "trial").unlink()
    check_copied(shared, label(shared))
    with (shared / "f.parquet").open("rb") as stream:
        end = read_footer(stream).start
    assert shared_bytes(shared / "out" / "o.parquet") >= end - (1 << 16)
