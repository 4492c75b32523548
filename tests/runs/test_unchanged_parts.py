"""``--skip-unchanged`` for tables of many parts: what did not change is left alone, a table, or else its parts."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.faults import Killed
from helpers.made import copied, working_in
from helpers.many import OPTIONS, SCORES, files, write_labels, write_parts
from moslabels import materialize, run_batch
from moslabels.base.progress import Progress
from moslabels.files.abilities import Abilities
from moslabels.files.platform import Folder, System, use
from moslabels.files.staged_folder import StagedFolder

C = "corpus=C/x/zz.parquet"


def write_manifest(features: Any = "features", **options: Any) -> None:
    table = {"id": "t", "features": features, "labels": ["labels.csv"], "out": "out", "audit_json": "out.json"}
    Path("m.json").write_text(json.dumps({"tables": [{**table, "unmatched": "u.csv", **OPTIONS, **options}]}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_parts(tmp_path_factory.mktemp("made"))
    with working_in(folder):
        write_manifest()
        run_batch("m.json")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


def status() -> str:
    return str(run_batch("m.json", skip_unchanged=True)["tables"][0]["status"])


def test_a_table_whose_parts_are_all_as_before_is_left_alone(folder: Path) -> None:
    before = {path: path.stat().st_ino for path in (folder / "out").rglob("*")}
    audit = (folder / "out.json").read_bytes()
    assert status() == "unchanged"
    assert {path: path.stat().st_ino for path in (folder / "out").rglob("*")} == before
    assert (folder / "out.json").read_bytes() == audit


def append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"\n")


def swap(one: Path, other: Path) -> None:
    aside = one.with_suffix(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def replace_by_link(path: Path) -> None:
    shutil.copy(path, "elsewhere.parquet")
    path.unlink()
    path.symlink_to(Path("elsewhere.parquet").absolute())


def forge(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def forged(folder: Path) -> None:
        document = json.loads((folder / "out.json").read_text())
        change(document)
        (folder / "out.json").write_text(json.dumps(document))

    return forged


TOUCHED: dict[str, Callable[[Path], Any]] = {
    "a part of the features changed places": lambda f: swap(f / "features" / C, f / "features/corpus=C/q*.pq"),
    "a part of the features more": lambda f: shutil.copy(f / "features" / C, f / "features/corpus=C/new.pq"),
    "a part of the features less": lambda f: (f / "features/corpus=C/q*.pq").unlink(),
    "labels changed": lambda f: append(f / "labels.csv"),
    "another option": lambda _: write_manifest(min_match_rate=0.4),
    "a part of the output changed places": lambda f: swap(f / "out" / C, f / "out/corpus=C/q*.pq"),
    "a part of the output more": lambda f: shutil.copy(f / "out" / C, f / "out/corpus=C/new.pq"),
    "a part of the output less": lambda f: (f / "out" / C).unlink(),
    "no output": lambda f: shutil.rmtree(f / "out"),
    "the unmatched keys changed": lambda f: append(f / "u.csv"),
    "an audit with two equal parts": forge(lambda d: d["parts"].append(d["parts"][-1])),
    "an audit with a part above": forge(lambda d: d["parts"][0].update(path="../x.parquet")),
    "an audit without parts": forge(lambda d: d.update(parts=[])),
    "an audit of one file": forge(lambda d: (d.pop("parts"), d.pop("features"))),
    "an audit with another hash of all": forge(lambda d: d.update(output_sha256="0" * 64)),
}


@pytest.mark.parametrize("case", list(TOUCHED))
def test_a_table_is_labelled_again_if_anything_is_not_as_before(folder: Path, case: str) -> None:
    TOUCHED[case](folder)
    assert status() == "ok"
    assert sorted(files(folder / "out")) == sorted(
        path for path in files(folder / "features") if path.startswith("corpus=") and "_tmp" not in path
    )
    assert status() == "unchanged"


def test_a_link_in_the_output_is_not_taken_for_a_part(folder: Path) -> None:
    replace_by_link(folder / "out" / C)
    table = run_batch("m.json", skip_unchanged=True)["tables"][0]
    assert (table["status"], table["error_code"]) == ("error", "file-system")


# Some parts changed: the others are the old files, under a second name.


@dataclass
class Noted(Progress):
    """Keeps what a run notes."""

    texts: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.texts.append(text)


def inodes() -> dict[str, int]:
    return {path.relative_to("out").as_posix(): path.stat().st_ino for path in Path("out").rglob("*") if path.is_file()}


def label_again(**options: Any) -> tuple[set[str], list[str], str]:
    """Label the table. Return the parts that are the old files, what was noted, and the status."""
    before, noted = inodes(), Noted()
    table = run_batch("m.json", skip_unchanged=True, progress=noted, **options)["tables"][0]
    kept = {name for name, inode in inodes().items() if before.get(name) == inode}
    return kept, [text for text in noted.texts if "hard link" in text], str(table["status"])


def check_as_from_nothing(folder: Path) -> None:
    """Check that all that was written is what a run writes that finds no output."""
    found = {**files(folder / "out"), **{name: (folder / name).read_bytes() for name in ("out.json", "u.csv")}}
    shutil.rmtree("out")
    (folder / "out.json").unlink()
    assert status() == "ok"
    assert found == {**files(folder / "out"), **{name: (folder / name).read_bytes() for name in ("out.json", "u.csv")}}


A, EMPTY, Q = "corpus=A%20b/p[3].parquet", "corpus=C/x/empty.parquet", "corpus=C/q*.pq"


def write_part(path: Path, *clips: str) -> None:
    pq.write_table(pa.table({"clip": list(clips), "feature": [0.5] * len(clips)}), path)


def flip(path: Path) -> None:
    """Change a byte of a label, and leave the file's size, its time and its footer as they are."""
    data, times = bytearray(path.read_bytes()), path.stat()
    data[12] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def as_old_versions(folder: Path) -> None:
    forge(lambda d: d["run_provenance"]["versions"].update(duckdb="1.0.0"))(folder)


PARTLY: dict[str, tuple[Callable[[Path], Any], set[str]]] = {
    "a part touched, with the same bytes": (lambda f: os.utime(f / "features" / Q, (1, 1)), {A, EMPTY, Q, C}),
    "a part changed": (lambda f: write_part(f / "features" / Q, "2", "1"), {A, EMPTY, C}),
    "a part added before all": (lambda f: write_part(f / "features/corpus=A%20b/0.parquet", "1"), {A, EMPTY, Q, C}),
    "a part removed": (lambda f: (f / "features" / EMPTY).unlink(), {A, Q, C}),
    "a part renamed": (lambda f: (f / "features" / Q).rename(f / "features/corpus=C/r.pq"), {A, EMPTY, C}),
    "parts of the features changed places": (lambda f: swap(f / "features" / Q, f / "features" / C), {A, EMPTY}),
    "labels changed": (lambda f: write_labels(f, {**SCORES, ("C", "2"): 4.0}), set()),
    "labels with other bytes alone": (lambda f: append(f / "labels.csv"), set()),
    "another option": (lambda _: write_manifest(min_match_rate=0.4), set()),
    "an old part damaged": (lambda f: flip(f / "out" / C), {A, EMPTY, Q}),
    "old parts changed places": (lambda f: swap(f / "out" / C, f / "out" / Q), {A, EMPTY}),
    "an old part less": (lambda f: (f / "out" / C).unlink(), {A, EMPTY, Q}),
    "an old part more": (lambda f: shutil.copy(f / "out" / C, f / "out/corpus=C/new.pq"), {A, EMPTY, Q, C}),
    "no unmatched keys": (lambda f: (f / "u.csv").unlink(), {A, EMPTY, Q, C}),
    "an audit of other versions": (as_old_versions, {A, EMPTY, Q, C}),
    "an audit that is not whole": (forge(lambda d: d.pop("match_rate")), set()),
    "an audit with another hash of all": (forge(lambda d: d.update(output_sha256="0" * 64)), set()),
    "an audit with a part twice": (forge(lambda d: d["parts"].append(d["parts"][0])), set()),
    "an audit with a part above": (forge(lambda d: d["parts"][0].update(path="../x.parquet")), set()),
    "an audit of another output": (forge(lambda d: d.update(output="elsewhere")), set()),
}


@pytest.mark.parametrize("case", list(PARTLY))
def test_parts_that_did_not_change_are_kept_by_hard_links(folder: Path, case: str) -> None:
    change, kept = PARTLY[case]
    change(folder)
    found, noted, done = label_again()
    if case.startswith("a part touched"):
        assert (done, noted) == ("unchanged", [])
        return
    assert (found, done) == (kept, "ok")
    total = len(inodes())
    assert noted == ([f"{len(kept)} of {total} parts unchanged, and kept by hard links"] if kept else [])
    assert {path.stat().st_nlink for path in Path("out").rglob("*") if path.is_file()} == {1}, "the old names are gone"
    check_as_from_nothing(folder)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_keep_parts(folder: Path, workers: int) -> None:
    write_part(folder / "features" / A, "1", "none")
    found, noted, _ = label_again(workers=workers)
    assert (found, noted) == ({EMPTY, Q, C}, ["3 of 4 parts unchanged, and kept by hard links"])


def test_each_file_is_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver hashes the parts up to the first that changed, and workers hash those that are left."""
    hashed: list[str] = []
    real = hashlib.file_digest

    def digest(stream: Any, name: str) -> Any:
        hashed.append(names.get(os.fstat(stream.fileno()).st_ino, ""))
        return real(stream, name)

    write_part(folder / "features" / EMPTY, "2")
    names = {path.stat().st_ino: str(path.relative_to(folder)) for path in folder.rglob("*")}
    monkeypatch.setattr(hashlib, "file_digest", digest)
    label_again()
    parts = [path for path in hashed if path.startswith(("features/", "out/")) and EMPTY not in path]
    assert sorted(parts) == sorted(f"{where}/{part}" for where in ("features", "out") for part in (A, Q, C))


def test_a_gate_holds_over_parts_that_are_kept_too(folder: Path) -> None:
    before = files(folder / "out")
    write_part(folder / "features" / EMPTY, *(f"none{number}" for number in range(20)))
    table = run_batch("m.json", skip_unchanged=True)["tables"][0]
    assert (table["status"], table["error_code"]) == ("error", "match-rate")
    assert files(folder / "out") == before


def test_a_part_that_is_kept_is_not_written_through(folder: Path) -> None:
    """A copy of the output by hard links, as backups make it, is not changed by any later run."""
    shutil.copytree("out", "backup", copy_function=os.link)
    before = files(folder / "backup")
    write_part(folder / "features" / EMPTY, "2")
    found, _, _ = label_again()
    assert found == {A, Q, C}
    write_labels(folder, {**SCORES, ("C", "2"): 4.0})
    assert label_again()[0] == set()
    assert files(folder / "backup") == before
    assert files(folder / "out") != before


@pytest.mark.parametrize("code", [errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP])
def test_parts_are_labelled_again_where_links_are_refused(folder: Path, code: int) -> None:
    class Refusing(System):
        def link(self, above: Folder, old: str, target: Folder, new: str) -> None:
            if target is not above:  # Other outputs get a second name in their own folder.
                raise OSError(code, os.strerror(code))
            super().link(above, old, target, new)

    write_part(folder / "features" / EMPTY, "2")
    with use(Refusing(Abilities.found())):
        found, noted, done = label_again()
    assert (found, done) == (set(), "ok")
    assert noted == [
        f"3 of 4 parts unchanged, and labelled again: a hard link to the old file was refused ({os.strerror(code)})"
    ]
    check_as_from_nothing(folder)


def test_a_part_that_is_replaced_while_it_is_linked_is_labelled_again(folder: Path) -> None:
    class Slow(System):
        def link(self, above: Folder, old: str, target: Folder, new: str) -> None:
            if old == os.path.basename(C):
                path = os.path.join(above.path, old)
                shutil.copy("out/" + Q, path + ".new")
                os.replace(path + ".new", path)
            super().link(above, old, target, new)

    write_part(folder / "features" / EMPTY, "2")
    with use(Slow(Abilities.found())):
        found, noted, _ = label_again()
    assert found == {A, Q}
    assert "1 of 4 parts unchanged, and labelled again" in noted[1]
    check_as_from_nothing(folder)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_run_that_is_killed_between_links_goes_on_from_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real, accepted = StagedFolder.note, []

    def note(self: StagedFolder, *arguments: Any) -> None:
        real(self, *arguments)
        accepted.append(1)
        if len(accepted) == number:
            raise Killed

    before = files(folder / "out")
    write_part(folder / "features" / EMPTY, "2")
    with monkeypatch.context() as patched:
        patched.setattr(StagedFolder, "note", note)
        with pytest.raises(Killed):
            run_batch("m.json", skip_unchanged=True)
    assert files(folder / "out") == before
    found, _, _ = label_again()
    assert found == {A, Q, C}
    check_as_from_nothing(folder)


def test_how_many_parts_were_kept_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By the line of a table, the log, on_table and the file of the times; by no evidence."""
    caplog.set_level(logging.INFO, "moslabels")
    told: list[Any] = []
    run_batch("m.json", on_table=told.append)
    write_part(folder / "features" / EMPTY, "2")
    run_batch("m.json", skip_unchanged=True, on_table=told.append, timings="t.json")
    run_batch("m.json", skip_unchanged=True, on_table=told.append)
    of_linked = {"labelled": 1, "resumed": 0, "linked": 3}
    assert [table["timings"]["parts"] for table in told] == [
        {"labelled": 4, "resumed": 0, "linked": 0}, of_linked, None
    ]  # fmt: skip
    assert json.loads(Path("t.json").read_text())["tables"][0]["parts"] == of_linked
    ends = [record.getMessage().partition(" -> ")[2] for record in caplog.records if record.levelname == "INFO"]
    says = "out (4 parts: 3 kept by hard links, 1 labelled)"
    assert ends == ["out", "out", "out", says, "out", "out"]
    write_part(folder / "features" / EMPTY, "2", "2")
    assert says in moslabels("batch", "m.json", "--skip-unchanged", cwd=folder).stderr


def test_a_dry_run_links_nothing(folder: Path) -> None:
    def states() -> set[tuple[int, int, int]]:
        found = [path.stat() for path in (folder / "out").rglob("*")]
        return {(one.st_ino, one.st_nlink, one.st_ctime_ns) for one in found}

    before = states()
    write_part(folder / "features" / EMPTY, "2")
    report = run_batch("m.json", skip_unchanged=True, dry_run=True)
    assert report["status"] == "ok"
    assert states() == before


def test_materialize_keeps_parts_too(folder: Path) -> None:
    paths = ("features", ["labels.csv"], "out", "out.json")
    materialize(*paths, unmatched="u.csv", **OPTIONS)
    write_part(folder / "features" / EMPTY, "2")
    before = inodes()
    audit = materialize(*paths, unmatched="u.csv", skip_unchanged=True, **OPTIONS)
    assert audit["matched_rows"] == 11
    assert {name for name, inode in inodes().items() if before.get(name) == inode} == {A, Q, C}


def test_without_the_option_all_parts_are_labelled(folder: Path) -> None:
    before = inodes()
    run_batch("m.json")
    assert not {*before.values()} & {*inodes().values()}
