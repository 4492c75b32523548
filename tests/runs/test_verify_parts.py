"""``moslabels verify`` of tables of many parts: what was changed, added or taken away is named, part by part."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from helpers.made import working_in
from helpers.many import OPTIONS, PARTS, write_parts
from helpers.tables import write_table
from moslabels import TableError, run_batch
from moslabels.base.progress import Progress
from moslabels.files import listing
from moslabels.files.listing import Item
from moslabels.runs.verify import verify, verify_text

C = "corpus=C/x/zz.parquet"
NASTY = "corpus=C/a\nb.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled table of many parts, one of them with a newline in its name, by a manifest in another folder."""
    folder = tmp_path_factory.mktemp("made") / "data"
    write_parts(folder)
    shutil.copy(folder / "features" / C, folder / "features" / NASTY)
    table = {"id": "t", "features": "features", "labels": ["labels.csv"], "out": "out", "audit_json": "out.json"}
    (folder / "m.json").write_text(json.dumps({"tables": [{**table, "unmatched": "u.csv", **OPTIONS}]}))
    with working_in(folder.parent):
        run_batch("data/m.json", report_json="data/r.json")
    return folder.parent


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    return Path("data")


def checked(path: str = "data/out.json", **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = verify([path], **options)["files"][-1]
    return result


def rewritten(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads((folder / "out.json").read_text())
    change(document)
    (folder / "out.json").write_text(json.dumps(document))


@pytest.mark.parametrize("path", ["data/out.json", "data/r.json"])
def test_all_of_a_table_of_many_parts_holds(folder: Path, path: str) -> None:
    document = verify([path])
    assert document["status"] == "ok", verify_text(document)
    assert document["outside"] == []
    assert (folder / "out" / NASTY).exists()


def append(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(b"x")


def link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


TOUCHED: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "a part changed": (lambda f: append(f / "out" / C), "differs", f"output_sha256 of data/out/{C}"),
    "a part of another table": (
        lambda f: shutil.copy(f / "out" / "corpus=C/q*.pq", f / "out" / C),
        "differs",
        f"output_sha256 of data/out/{C}",
    ),
    "a part is missing": (lambda f: (f / "out" / C).unlink(), "unknown", f"data/out/{C}"),
    "the folder is missing": (lambda f: shutil.rmtree(f / "out"), "unknown", f"data/out/{C}"),
    "a part more": (lambda f: shutil.copy(f / "out" / C, f / "out/corpus=C/new.parquet"), "differs", "new.parquet"),
    "a hidden part more": (lambda f: append(f / "out/.new.parquet"), "differs", ".new.parquet"),
    "a link in the output": (lambda f: link(f / "out" / C, "../../../features/" + C), "differs", f"data/out/{C}"),
    "a linked folder in the output": (lambda f: link(f / "out" / "l", "../features"), "differs", "data/out/l"),
    "features changed": (lambda f: append(f / "features" / C), "differs", f"features_sha256 of data/features/{C}"),
    "features are missing": (lambda f: (f / "features" / C).unlink(), "unknown", f"data/features/{C}"),
    "features more": (
        lambda f: shutil.copy(f / "features" / C, f / "features/corpus=C/new.pq"),
        "differs",
        "features_sha256 of data/features/corpus=C/new.pq",
    ),
    "labels changed": (lambda f: append(f / "labels.csv"), "differs", "labels data/labels.csv: sha256"),
}


@pytest.mark.parametrize("case", list(TOUCHED))
def test_what_was_touched_is_named(folder: Path, case: str) -> None:
    touch, status, says = TOUCHED[case]
    touch(folder)
    found = checked()
    assert found["status"] == status
    told = [one["what"] for one in found["differences"]] if status == "differs" else found["unknown"]
    assert any(says in one for one in told), told


@pytest.mark.parametrize("are_there", [True, False], ids=["with the parts", "without the parts"])
def test_a_large_folder_that_an_audit_names_is_not_searched_far(
    folder: Path, monkeypatch: pytest.MonkeyPatch, are_there: bool
) -> None:
    """Whoever wrote the audit may have named any folder: that of the whole machine, at worst."""
    large = folder / "large"
    if are_there:
        shutil.copytree(folder / "out", large)
    for number in range(100):
        write_table(large / f"others/{number}/more.txt", "x")
    rewritten(folder, lambda document: document.update(output="data/large"))
    seen = []
    walk = os.walk

    def counted(top: str) -> Any:
        for found in walk(top):
            seen.append(found[0])
            yield found

    monkeypatch.setattr(os, "walk", counted)
    found = checked()
    assert found["status"] == "differs"
    assert len([one for one in seen if "others" in one]) <= 25


NAMED: dict[str, tuple[dict[str, Any], str]] = {
    "the output": ({}, "data/out: holds"),
    "the features": ({}, "its features cannot be listed: data/features: holds"),
    "the features by a pattern": (
        {"features": {"glob": "features/**/*.p*"}},
        "its features cannot be listed: data/features: holds",
    ),
}


@pytest.mark.parametrize("case", list(NAMED))
def test_a_tree_of_many_folders_is_not_searched(folder: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """Also if it has a part of the table, and no other file."""
    change, says = NAMED[case]
    where = folder / ("out" if case == "the output" else "features")
    for number in range(40):
        (where / f"{number}/x/y").mkdir(parents=True)
    rewritten(folder, lambda document: document.update(change))
    assert not [one for one in checked()["unknown"] if "holds" in one]
    monkeypatch.setattr(listing, "_MOST_NAMES", 50)
    monkeypatch.setattr(listing, "_NAMES_OF_A_PART", 5)
    walked: list[str] = []
    monkeypatch.setattr(os, "walk", lambda top: walked.append(top) or [])
    told = f"{says} far more files and folders than 5 parts, and is not searched"
    assert told in checked()["unknown"]
    assert str(where) not in walked


@pytest.mark.parametrize("pattern", ["*/*.p*", "**/*.p*"])
def test_a_pattern_is_searched_as_deep_as_it_can_match(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setattr(listing, "_MOST_NAMES", 50)
    monkeypatch.setattr(listing, "_NAMES_OF_A_PART", 0)
    for number in range(60):
        (folder / f"features/a/b/{number}").mkdir(parents=True)
    item = Item("glob", str(folder / "features" / pattern))
    with pytest.raises(TableError, match="holds far more") if "**" in pattern else nullcontext():
        listing.check_extent([item], 5)


def test_links_to_folders_count_where_a_pattern_follows_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_NAMES", 50)
    link(folder / "out" / "round", ".")
    listing.check_extent([Item("folder", str(folder / "out"))], 0)
    with pytest.raises(TableError, match="holds far more"):
        listing.check_extent([Item("glob", str(folder / "out/**/*.parquet"))], 0)


def first(document: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = document["parts"][0]
    return part


def both_first(document: dict[str, Any]) -> None:
    document["parts"][1] = first(document)


def moved_rows(document: dict[str, Any]) -> None:
    """Leave the sums of all parts as they are."""
    for part, change in zip(document["parts"], (1, -1), strict=False):
        part["matched_rows"] += change


CLAIMS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a path above": (lambda d: first(d).update(path="../x.parquet"), "parts[0].path"),
    "an absolute path": (lambda d: first(d).update(path="/etc/x.parquet"), "parts[0].path"),
    "a path through a parent": (lambda d: first(d).update(path="a/../../x.parquet"), "parts[0].path"),
    "a NUL in a path": (lambda d: first(d).update(path="a\0.parquet"), "parts[0].path"),
    "another suffix": (lambda d: first(d).update(path="passwd"), "parts[0].path"),
    "two equal parts": (both_first, "parts[1].path"),
    "rows": (lambda d: first(d).update(rows=99), "input_rows, of its parts"),
    "rows moved between parts": (moved_rows, "parts, labelled again.corpus=A%20b/p[3].parquet.matched_rows"),
    "the hash of all": (lambda d: d.update(output_sha256="0" * 64), "output_sha256, of its parts"),
    "the bytes of all": (lambda d: d.update(output_bytes=1), "output_bytes, of its parts"),
    "one part less": (lambda d: d["parts"].pop(), "output_sha256, of its parts"),
}


@pytest.mark.parametrize("case", list(CLAIMS))
def test_a_wrong_claim_is_named(folder: Path, case: str) -> None:
    change, says = CLAIMS[case]
    rewritten(folder, change)
    found = checked()
    assert found["status"] == "differs"
    assert says in [one["what"] for one in found["differences"]]


@pytest.mark.parametrize(
    "change", [lambda d: d.pop("parts"), lambda d: d.update(parts=[]), lambda d: d.pop("features")]
)
def test_an_audit_without_its_parts_cannot_be_told(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    rewritten(folder, change)
    assert checked()["status"] == "unknown"


def test_parts_outside_of_the_folder_are_listed_and_not_opened_if_that_is_refused(folder: Path) -> None:
    write_table(Path("../elsewhere.parquet"), [{"clip": "1"}])
    link(folder / "features" / C, os.path.abspath("../elsewhere.parquet"))
    document = verify(["data/out.json"])
    assert document["outside"] == [f"data/features/{C}"]
    only = verify(["data/out.json"], only_root=True)
    assert any("--only-root refuses" in one for one in only["files"][0]["unknown"])
    assert not only["files"][0]["changed_inputs"]


@pytest.mark.parametrize("name", [name for name, clips in PARTS.items() if clips])
def test_one_part_alone_is_not_judged_as_a_table(folder: Path, name: str) -> None:
    found = checked(f"data/out/{name}")
    assert (found["status"], found["differences"]) == ("unknown", [])
    assert any("one part of a table of many" in one for one in found["unknown"])
    append(folder / "features" / name)
    assert checked(f"data/out/{name}")["status"] == "differs"


class Told(Progress):
    """Keeps the steps that count parts, and how far each came."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int]] = []
        self.done: dict[str, int] = {}

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:  # noqa: ARG002
        self.steps.append((name, total if unit == "parts" else 0))

    def advance(self, done: int) -> None:
        self.done[self.steps[-1][0]] = done


def test_progress_counts_parts(folder: Path) -> None:
    told = Told()
    verify([str(folder / "out.json")], progress=told)
    for name in ("hashing the parts of the output", "hashing the parts of the features"):
        assert (name, len(PARTS) + 1) in told.steps
        assert told.done[name] == len(PARTS) + 1
