"""``--skip-unchanged`` for tables of many parts: all parts of features and output are compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.made import copied, working_in
from helpers.many import OPTIONS, files, write_parts
from moslabels import run_batch

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
