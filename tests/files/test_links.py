"""Contract 10, links: an output that is a link is followed only to a writable regular file that is no store's object.

Elsewhere the link itself is replaced: what it pointed at stays as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, UsageError, materialize, run_batch
from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use
from moslabels.runs.views import Views

OLD = b"what stood there"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
# A target, below a folder of its own; its mode, None where it is not there; whether a link to it is followed.
TARGETS: dict[str, tuple[str, int | None, bool]] = {
    "a file": ("plain/o.csv", 0o644, True),
    "a file without a suffix": ("plain/latest", 0o600, True),
    "a read-only file": ("plain/o.csv", 0o444, False),
    "a file that its owner may not write": ("plain/o.csv", 0o464, False),
    "nothing": ("plain/gone.csv", None, False),
    "nothing, in no folder": ("none/at/all.csv", None, False),
    "DVC": (f".dvc/cache/files/md5/{MD5[:2]}/{MD5[2:]}", 0o444, False),
    "DVC, another kind of file": (".dvc/cache/x/o.csv", 0o644, False),
    "DVC, a cache for many": (f"cache/files/md5/{MD5[:2]}/{MD5[2:]}", 0o664, False),
    "DVC before 3": (f"cache/{MD5[:2]}/{MD5[2:]}", 0o644, False),
    "DVC, gone": (f".dvc/cache/files/md5/{MD5[:2]}/{MD5[2:]}", None, False),
    "git-annex": (f".git/annex/objects/1F/aP/MD5E-s3--{MD5}.csv/MD5E-s3--{MD5}.csv", 0o444, False),
    "git-annex, unlocked": (f".git/annex/objects/1F/aP/MD5E-s3--{MD5}.csv/MD5E-s3--{MD5}.csv", 0o644, False),
    "git-annex, dropped": (f".git/annex/objects/1F/aP/MD5E-s3--{MD5}.csv/MD5E-s3--{MD5}.csv", None, False),
    "git-annex, a bare repository": ("r.git/annex/objects/1F/aP/k/SHA256E-s3--00.csv", 0o644, False),
    "Git LFS": (f".git/lfs/objects/d4/1d/{MD5 * 2}", 0o644, False),
    "Hugging Face": (f"hub/datasets--a--b/blobs/{MD5 * 2}", 0o644, False),
}


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a feature and a label table, and two copies of them that are links; it is the current one."""
    write_table(tmp_path / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3}])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def target_of(name: str) -> tuple[Path, bool]:
    place, mode, is_followed = TARGETS[name]
    target = Path("store", place)
    if mode is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(OLD)
        target.chmod(mode)
    return target, is_followed


def label(**outputs: str) -> dict[str, Any]:
    return materialize("f.csv", ["l.csv"], outputs.pop("out", "o.csv"), min_match_rate=0, **outputs)


def batch(**outputs: str) -> dict[str, Any]:
    table = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv", "min_match_rate": 0}
    Path("m.json").write_text(json.dumps({"tables": [table]}))
    return run_batch("m.json", **outputs)


def save(db: str) -> None:
    label(audit_json="a.json")
    with Views(["a.json"]) as evidence:
        evidence.save(db)


OUTPUTS: dict[str, Callable[..., Any]] = {
    "out": label,
    "audit_json": label,
    "unmatched": label,
    "report_json": batch,
    "report_md": batch,
    "report_html": batch,
    "report_junit": batch,
    "db": save,
}


def check(link: Path, target: Path, is_followed: bool, existed: bool) -> None:
    assert link.is_symlink() == is_followed
    assert link.stat().st_size > 0
    if is_followed:
        assert target.read_bytes() != OLD
    elif existed:
        assert target.read_bytes() == OLD
    else:
        assert not target.exists()
        assert not target.parent.exists() or list(target.parent.iterdir()) == []
    left = [path for folder in (link.parent, target.parent) for path in folder.glob(".*moslabels*")]
    assert left == []


@pytest.mark.sampled
@pytest.mark.parametrize("name", TARGETS)
def test_a_link(inputs: Path, name: str) -> None:
    target, is_followed = target_of(name)
    existed = target.exists()
    mode = target.stat().st_mode if existed else None
    Path("runs").mkdir()
    link = Path("runs/o.csv")
    link.symlink_to(Path("..", target))
    audit = label(out="runs/o.csv")
    check(link, target, is_followed, existed)
    assert [row["mos"] for row in read_table(link)] == ["3.0", ""]
    assert audit["output"] == audit["run_provenance"]["outputs"]["out"] == "runs/o.csv"
    assert mode is None or target.stat().st_mode == mode


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["a file", "a read-only file", "git-annex, dropped", "Hugging Face"])
@pytest.mark.parametrize("output", [output for output in OUTPUTS if output != "out"])
def test_a_link_at_every_output(inputs: Path, output: str, name: str) -> None:
    target, is_followed = target_of(name)
    existed = target.exists()
    if output == "db" and existed:  # What is not a DuckDB file is refused there.
        mode = target.stat().st_mode
        target.chmod(0o644)
        target.write_bytes(b"")
        target.chmod(mode)
    link = Path(f"{output}.csv")
    link.symlink_to(target)
    OUTPUTS[output](**{output: str(link)})
    if output == "db" and existed and not is_followed:
        assert target.read_bytes() == b""
        target.chmod(0o644)
        target.write_bytes(OLD)
    check(link, target, is_followed, existed)


def test_a_link_to_a_link(inputs: Path) -> None:
    target, _ = target_of("a read-only file")
    Path("second.csv").symlink_to(target)
    Path("o.csv").symlink_to("second.csv")
    label()
    assert not Path("o.csv").is_symlink()
    assert (Path("second.csv").readlink(), target.read_bytes()) == (target, OLD)
    os.replace(target, target.with_name("x"))
    target.write_bytes(OLD)
    label(out="second.csv")
    assert Path("second.csv").is_symlink()
    assert target.read_bytes() != OLD


def test_a_loop_of_links(inputs: Path) -> None:
    Path("o.csv").symlink_to("p.csv")
    Path("p.csv").symlink_to("o.csv")
    label()
    assert not Path("o.csv").is_symlink()
    assert Path("p.csv").is_symlink()


@pytest.mark.parametrize(("kind", "says"), [("folder", "is a folder"), ("pipe", "is not a regular file")])
def test_a_link_to_what_is_no_file(inputs: Path, kind: str, says: str) -> None:
    Path("there").mkdir() if kind == "folder" else os.mkfifo("there")
    Path("o.csv").symlink_to("there")
    with pytest.raises(MosLabelsError, match=f"o.csv: {says}"):
        label()
    assert Path("o.csv").is_symlink()


@pytest.mark.parametrize("target", ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/thread-self/fd/{}", "a link.csv"])
def test_a_log_that_is_open_is_not_replaced(inputs: Path, target: str) -> None:
    """As /dev/stdout is, if a shell appends what is printed to a file."""
    with open("log", "a+") as log:
        target = target.format(log.fileno())
        Path("a link.csv").symlink_to(f"/dev/fd/{log.fileno()}")
        if not os.path.exists(target):
            pytest.skip("this system has no such files")
        log.write("kept")
        log.flush()
        calls = [lambda: label(audit_json=target), lambda: batch(report_json=target)]
        if target.endswith(".csv"):
            calls.append(lambda: label(out=target))
        for call in calls:
            with pytest.raises(MosLabelsError, match=f"{target}: is what a process has open"):
                call()
        assert os.path.samestat(os.stat("log"), os.fstat(log.fileno()))
    assert Path("log").read_text() == "kept"


@pytest.mark.parametrize("mode", [0o644, 0o444])
def test_a_hard_link_keeps_what_it_held(inputs: Path, mode: int) -> None:
    cached = Path("cached")
    cached.write_bytes(OLD)
    cached.chmod(mode)
    os.link(cached, "o.csv")
    label()
    assert (cached.read_bytes(), cached.stat().st_mode & 0o777, cached.stat().st_nlink) == (OLD, mode, 1)
    assert len(read_table(Path("o.csv"))) == 2


def test_a_reflink_keeps_what_it_held(inputs: Path) -> None:
    Path("cached").write_bytes(OLD * 1000)
    if subprocess.run(["cp", "--reflink=always", "cached", "o.csv"], capture_output=True, check=False).returncode:
        shutil.copy("cached", "o.csv")  # A file system that shares no blocks.
    label()
    assert Path("cached").read_bytes() == OLD * 1000


def test_a_table_that_fails_leaves_the_link(inputs: Path) -> None:
    target, _ = target_of("a read-only file")
    Path("o.csv").symlink_to(target)
    with pytest.raises(MosLabelsError, match="MOS label match rate"):
        materialize("f.csv", ["l.csv"], "o.csv")
    assert (Path("o.csv").readlink(), target.read_bytes()) == (target, OLD)


class FailsSecond(System):
    """Its second replacement fails."""

    calls = 0

    def replace(self, *arguments: Any) -> None:
        self.calls += 1
        if self.calls == 2:
            raise OSError(5, "Input/output error")
        super().replace(*arguments)


@pytest.mark.sampled
@pytest.mark.parametrize("missing", [[], ["links"], ["folder_handles"], Abilities.names()])
def test_a_fault_after_the_link_was_replaced_brings_it_back(inputs: Path, missing: list[str]) -> None:
    target, _ = target_of("DVC")
    for name in ("o.csv", "a.json"):
        Path(name).symlink_to(target)
    with (
        use(FailsSecond(Abilities.found().without(*missing))),
        pytest.raises(MosLabelsError, match="a.json: Input/output error"),
    ):
        label(audit_json="a.json")
    assert [Path(name).readlink() for name in ("o.csv", "a.json")] == [target, target]
    assert target.read_bytes() == OLD


# The links that there are, what the manifest reads and writes, and the problem, "" where there is none.
CLASHES: list[tuple[dict[str, str], dict[str, Any], str]] = [
    # Outputs with the same content are one object in a store.
    ({"o.csv": "ro", "a.json": "ro"}, {}, ""),
    ({"o.csv": "ro", "in.csv": "ro"}, {"features": "in.csv"}, ""),
    ({"o.csv": "rw", "a.json": "rw"}, {}, "audit_json: .* is also out"),
    ({"o.csv": "rw.csv"}, {"features": "rw.csv"}, "out: .* is also features"),
    ({"o.csv": "l.csv"}, {}, r"out: .* is also labels\[0\]"),
    ({"in.csv": "ro"}, {"features": "in.csv", "out": "in.csv"}, "out: .* is also features"),
    ({"in.csv": "o.csv", "o.csv": "ro"}, {"features": "in.csv"}, "out: .* is also features"),
    # A link to a file that the run itself makes would be followed to it, or not, by the order of the tables.
    ({"o.csv": "a.json"}, {}, "audit_json: .* is also out"),
    ({"a.json": "o.csv"}, {}, "audit_json: .* is also out"),
    ({"a.json": ".o.csv.moslabels-staged-1-0"}, {}, "audit_json: .* is where out is staged"),
]


@pytest.mark.parametrize(("links", "paths", "problem"), CLASHES)
def test_outputs_that_are_links(inputs: Path, links: dict[str, str], paths: dict[str, Any], problem: str) -> None:
    for name, mode in (("ro", 0o444), ("rw", 0o644), ("rw.csv", 0o644)):
        write_table(Path(name), "key\na\nb\n")
        Path(name).chmod(mode)
    for link, target in links.items():
        Path(link).symlink_to(target)
    arguments = {"features": "f.csv", "out": "o.csv", "audit_json": "a.json", **paths}
    if not problem:
        materialize(arguments.pop("features"), ["l.csv"], **arguments, min_match_rate=0)
        assert not any(Path(name).is_symlink() for name in ("o.csv", "a.json"))
        assert Path("ro").read_bytes() == b"key\na\nb\n"
        return
    with pytest.raises(UsageError, match=problem):
        materialize(arguments.pop("features"), ["l.csv"], **arguments, min_match_rate=0)


DVC = [sys.executable, "-m", "dvc"]


@pytest.fixture
def repository(inputs: Path) -> Path:
    pytest.importorskip("dvc", reason="needs dvc: pip install -e '.[integrations]'")
    subprocess.run([*DVC, "init", "-q", "--no-scm"], check=True)
    subprocess.run([*DVC, "config", "core.analytics", "false"], check=True)
    return inputs


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["copy", "hardlink", "symlink"])
@pytest.mark.parametrize("tracked", ["runs/o.csv", "runs"])
def test_outputs_that_dvc_keeps(repository: Path, kind: str, tracked: str) -> None:
    subprocess.run([*DVC, "config", "cache.type", kind], check=True)
    outputs = {"out": "runs/o.csv", "audit_json": "runs/a.json", "unmatched": "runs/u.csv"}
    label(**outputs)
    subprocess.run([*DVC, "add", "-q", *([tracked] if tracked == "runs" else outputs.values())], check=True)
    assert Path("runs/o.csv").is_symlink() == (kind == "symlink")

    def objects() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in Path(".dvc/cache/files").rglob("*") if path.is_file()}

    cached, before = objects(), Path("runs/o.csv").read_bytes()
    assert before in cached.values()
    write_table(Path("l.csv"), [{"key": "a", "mos": 4}, {"key": "b", "mos": 5}])
    label(**outputs)
    assert objects() == cached
    assert [row["mos"] for row in read_table(Path("runs/o.csv"))] == ["4.0", "5.0"]
    assert not Path("runs/o.csv").is_symlink()
    # DVC sees what is new, keeps it too, and brings either back.
    subprocess.run([*DVC, "add", "-q", *([tracked] if tracked == "runs" else outputs.values())], check=True)
    assert cached.items() < objects().items()
    assert before != Path("runs/o.csv").read_bytes()
    assert Path("runs/o.csv").read_bytes() in objects().values()
