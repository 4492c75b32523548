"""``--skip-unchanged`` compares files: how their paths are written does not count."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.made import working_in
from helpers.tables import read_table, write_table
from moslabels import diff, materialize, run_batch, verify

TABLES: list[dict[str, Any]] = [
    {"id": "one", "features": "data/f.csv", "labels": ["l.csv"], "out": "out/one.parquet",
     "audit_json": "out/one.json"},
    {"id": "two", "features": "data/f.csv", "labels": ["l.csv"], "out": "out/two.csv", "audit_json": "out/two.json",
     "unmatched": "out/left.csv"},
    {"id": "parts", "features": "parts", "labels": ["l.csv"], "out": "out/parts", "audit_json": "out/parts.json"},
]  # fmt: skip
OUTPUTS = [name for table in TABLES for key in ("out", "audit_json", "unmatched") if (name := table.get(key))]


def write_manifest(folder: Path, tables: list[dict[str, Any]], name: str = "m.json") -> None:
    document = {"defaults": {"min_match_rate": 0.5, "feature_key_column": "key"}, "tables": tables}
    (folder / name).write_text(json.dumps(document))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "project"
    for name in ("data", "parts/c=1", "elsewhere"):
        (folder / name).mkdir(parents=True)
    write_table(folder / "data/f.csv", [{"key": "a"}, {"key": "b"}])
    pq.write_table(pa.table({"key": ["a", "b"]}), folder / "parts/c=1/p.parquet")
    write_table(folder / "l.csv", [{"key": "a", "mos": 3}])
    write_manifest(folder, TABLES)
    with working_in(folder):
        run_batch("m.json", report_json="out/report.json")
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, which is the working folder."""
    project = tmp_path / "project"
    shutil.copytree(made, project)
    monkeypatch.chdir(project)
    return project


def files_of(project: Path) -> dict[str, tuple[bytes, int]]:
    found = [path for path in sorted((project / "out").rglob("*")) if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found if path.name != "report.json"}


def linked(project: Path) -> None:
    os.symlink(project, project.parent / "link")


def no_change(_project: Path) -> None:
    """Only the folder or the path of the manifest is another."""


UNCHANGED: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "as before": (no_change, ".", "m.json"),
    "with a dot": (no_change, ".", "./m.json"),
    "a detour": (no_change, ".", "data/../m.json"),
    "an absolute path": (no_change, ".", "{}/m.json"),
    "from a folder below": (no_change, "elsewhere", "../m.json"),
    "from a folder above": (no_change, "..", "project/m.json"),
    "from elsewhere, an absolute path": (no_change, "/", "{}/m.json"),
    "through a link": (linked, "..", "link/m.json"),
    "features through a link": (
        lambda project: (
            os.symlink("f.csv", project / "data/g.csv"),
            write_manifest(project, [{**table, "features": table["features"].replace("f.", "g.")} for table in TABLES],
                           "n.json"),
        ),
        ".",
        "n.json",
    ),
    "outputs of another spelling": (
        lambda project: write_manifest(project, [{**table, "out": f"./data/../{table['out']}"} for table in TABLES],
                                       "n.json"),
        ".",
        "n.json",
    ),
    "parts that are named by a pattern": (
        lambda project: write_manifest(
            project, [*TABLES[:2], {**TABLES[2], "features": {"glob": "parts/**/*.parquet"}}], "n.json"
        ),
        ".",
        "n.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(UNCHANGED))
def test_files_that_did_not_change_are_not_labelled_again(
    project: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    change, folder, manifest = UNCHANGED[what]
    change(project)
    before = files_of(project)
    monkeypatch.chdir(project / folder)
    path = manifest.format(project)
    report = run_batch(path, skip_unchanged=True, report_json=project / "report.json")
    assert [table["status"] for table in report["tables"]] == ["unchanged"] * 3
    assert files_of(project) == before
    # What the evidence says holds, or nobody can tell from here; and from where it was written, it does.
    found = verify(project / "report.json")
    assert [one["differences"] for one in found["files"]] == [[]] * 4
    assert verify(project / "report.json")["files"][0]["missing"] == []
    if folder != ".":
        told = [one["unknown"] for one in found["files"][1:]]
        assert (
            told == [[f"a run in another folder wrote it; its paths open there: verify it with --root {project}"]] * 3
        )
    audits = [str(project / "out" / name) for name in ("one.json", "two.json", "parts.json")]
    assert moslabels("verify", *audits, "--root", str(project), cwd=Path.cwd()).returncode == 0
    compared = diff(project / "out/report.json", project / "report.json", old_root=project)
    assert (compared["same"], len(compared["tables"])) == (True, 3)
    # A run that labels all of it again writes the same rows, and where no evidence is inside, the same bytes.
    rows = [read_table(project / name) for name in ("out/one.parquet", "out/two.csv", "out/parts/c=1/p.parquet")]
    assert run_batch(path)["status"] == "ok"
    assert [
        read_table(project / name) for name in ("out/one.parquet", "out/two.csv", "out/parts/c=1/p.parquet")
    ] == rows
    two = str(project / "out/two.csv")
    assert files_of(project)[two][0] == before[two][0]


def table_with(number: int, **more: Any) -> Callable[[Path], None]:
    return lambda project: write_manifest(
        project, [{**table, **(more if index == number else {})} for index, table in enumerate(TABLES)]
    )


def copied_features(project: Path) -> None:
    shutil.copy(project / "data/f.csv", project / "data/g.csv")
    table_with(0, features="data/g.csv")(project)


def renamed_features(project: Path) -> None:
    shutil.move(project / "data/f.csv", project / "data/g.csv")
    write_manifest(project, [{**table, "features": table["features"].replace("f.csv", "g.csv")} for table in TABLES])


def other_format(project: Path) -> None:
    os.link(project / "data/f.csv", project / "data/f.tsv")
    table_with(0, features="data/f.tsv")(project)


def other_format_of_output(project: Path) -> None:
    os.link(project / "out/two.csv", project / "out/two.tsv")
    table_with(1, out="out/two.tsv")(project)


AGAIN: dict[str, tuple[Callable[[Path], Any], list[str]]] = {
    "a label that is spelt otherwise, as the rows tell": (
        table_with(1, labels=["./l.csv"]),
        ["unchanged", "ok", "unchanged"],
    ),
    "a copy of the features": (copied_features, ["ok", "unchanged", "unchanged"]),
    "features of another name": (renamed_features, ["ok", "ok", "unchanged"]),
    "features that are read otherwise": (other_format, ["ok", "unchanged", "unchanged"]),
    "an output that is written otherwise": (other_format_of_output, ["unchanged", "ok", "unchanged"]),
    "a copy of the output": (
        lambda project: (
            shutil.copy(project / "out/one.parquet", project / "out/uno.parquet"),
            table_with(0, out="out/uno.parquet")(project),
        ),
        ["ok", "unchanged", "unchanged"],
    ),
    "no unmatched keys are wanted": (
        lambda project: write_manifest(
            project, [{key: value for key, value in table.items() if key != "unmatched"} for table in TABLES]
        ),
        ["unchanged", "ok", "unchanged"],
    ),
    "folders whose names are values": (
        lambda project: (
            write_manifest(project, [*TABLES[:2], {**TABLES[2], "partitions": ["c"]}]),
            run_batch("m.json"),
            write_manifest(project, [*TABLES[:2], {**TABLES[2], "partitions": ["c"], "features": "./data/../parts"}]),
        ),
        ["unchanged", "unchanged", "ok"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", list(AGAIN))
def test_what_a_new_run_would_write_otherwise_is_labelled_again(project: Path, what: str) -> None:
    change, statuses = AGAIN[what]
    change(project)
    report = run_batch("m.json", skip_unchanged=True)
    assert [table["status"] for table in report["tables"]] == statuses
    assert [table["status"] for table in run_batch("m.json", skip_unchanged=True)["tables"]] == ["unchanged"] * 3


def test_a_copy_of_a_project_does_not_take_the_evidence_of_the_other_for_its_own(project: Path) -> None:
    run_batch(project / "m.json")  # Its evidence has absolute paths.
    shutil.copytree(project, project.parent / "copy")
    report = run_batch(project.parent / "copy/m.json", skip_unchanged=True)
    assert [table["status"] for table in report["tables"]] == ["ok"] * 3
    shutil.move(project, project.parent / "moved")
    report = run_batch(project.parent / "moved/m.json", skip_unchanged=True)
    assert [table["status"] for table in report["tables"]] == ["ok"] * 3, "its evidence would open no more"


def test_another_file_that_the_old_path_opens_from_here_is_not_taken_for_the_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "elsewhere/data").mkdir()
    shutil.copy(project / "data/f.csv", project / "elsewhere/data/f.csv")
    monkeypatch.chdir(project / "elsewhere")
    report = run_batch("../m.json", skip_unchanged=True, report_json="r.json")
    assert [table["status"] for table in report["tables"]] == ["ok", "ok", "unchanged"]
    assert [one["differences"] for one in verify("r.json")["files"]] == [[]] * 4


def test_one_table_by_other_paths(project: Path) -> None:
    def labelled(features: str, labels: str, out: str) -> Any:
        return materialize(features, labels, out, "./out/one.json", skip_unchanged=True, min_match_rate=0.5,
                           feature_key_column="key")["run_provenance"]["args"]  # fmt: skip

    before = files_of(project)
    assert "manifest" in labelled(str(project / "data/f.csv"), "l.csv", "out/../out/one.parquet")
    assert files_of(project) == before
    assert "manifest" not in labelled("data/f.csv", str(project / "l.csv"), "out/one.parquet")
    assert read_table(Path("out/one.parquet"))[0]["mos_label_source"] == str(project / "l.csv")


@pytest.mark.parametrize("name", ["features", "out", "labels"])
def test_a_report_whose_paths_were_changed_differs(project: Path, name: str) -> None:
    run_batch("m.json", skip_unchanged=True, report_json="r.json")
    report = json.loads(Path("r.json").read_text())
    report["tables"][0][name] = ["m.json"] if name == "labels" else "m.json"
    Path("r.json").write_text(json.dumps(report))
    assert f"tables[0].{name}" in {
        one["what"].partition("[0].labels[")[0] or one["what"] for one in verify("r.json")["files"][0]["differences"]
    } | {one["what"].removesuffix("[0]") for one in verify("r.json")["files"][0]["differences"]}
