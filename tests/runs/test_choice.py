"""``batch --table``: some tables of a manifest, and a report that says so to whoever reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.made import copied, working_in
from helpers.tables import write_table
from moslabels import UsageError, diff, load_manifest, run_batch, verify
from moslabels.runs.views import Views


def table(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "features": "f.csv", "labels": ["l.csv"], "out": f"out/{name}.csv",
            "audit_json": f"out/{name}.json", **more}  # fmt: skip


TABLES = [table("konvid"), table("konvid-2"), table("weak", labels=["w.csv"]), table("lsvq")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of four tables, of which one fails, with the reports of all tables and of two."""
    folder = tmp_path_factory.mktemp("made")
    write_table(folder / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(folder / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 2}])
    write_table(folder / "w.csv", [{"key": "z", "mos": 3}])
    (folder / "m.json").write_text(json.dumps({"tables": TABLES}))
    with working_in(folder):
        run_batch("m.json", report_json="all.json")
        run_batch("m.json", tables=["weak", "konvid"], report_json="two.json")
        run_batch("m.json", tables=["konvid-2"], report_json="own.json", run_provenance={"job": 7})
        # The audit of this table is then that of a choice.
        run_batch("m.json", tables=["lsvq"], report_json="one.json")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


def document(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
    return found


def test_only_these_tables_are_labelled(tmp_path: Path, folder: Path) -> None:
    for name in ("konvid", "konvid-2", "lsvq"):
        (folder / f"out/{name}.csv").unlink()
    done = moslabels("batch", "m.json", "--table", "lsvq", "--table=konvid", "--report-md", "r.md",
                     "--report-html", "r.html", "--report-junit", "r.xml", cwd=folder)  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        0,
        "2 of 2 tables labelled, 2 of the manifest not chosen",
    )
    assert sorted(path.name for path in Path("out").glob("*.csv")) == ["konvid.csv", "lsvq.csv"]
    report = json.loads(done.stdout)
    assert [one["id"] for one in report["tables"]] == ["konvid", "lsvq"], "in the order of the manifest"
    assert (report["status"], report["summary"]["tables"], report["manifest_tables"]) == ("ok", 2, 4)
    assert report["run_provenance"]["args"]["tables"] == ["lsvq", "konvid"], "as they were given"
    assert report["run_provenance"]["inputs"]["labels"] == [
        record for record in document("all.json")["run_provenance"]["inputs"]["labels"] if record["path"] == "l.csv"
    ]
    says = "Chosen tables: 2 of the 4 in the manifest"
    assert Path("r.md").read_text(encoding="utf-8").startswith(f"{says}.\n\n| Table |")
    assert f"{says}. 2 of 2 tables labelled" in Path("r.html").read_text(encoding="utf-8")
    assert '<property name="manifest_tables" value="4" />' in Path("r.xml").read_text(encoding="utf-8")


def test_a_report_of_all_tables_does_not_speak_of_a_choice(folder: Path) -> None:
    found = document("all.json")
    assert "manifest_tables" not in found
    assert "tables" not in found["run_provenance"]["args"]
    done = moslabels("batch", "m.json", "--report-md", "r.md", cwd=folder)
    assert done.stderr.endswith("3 of 4 tables labelled\n")
    assert Path("r.md").read_text(encoding="utf-8").startswith("| Table |")


WRONG: list[tuple[Any, str]] = [
    (["konvd"], 'there is no table "konvd"; did you mean "konvid" or "konvid-2"?'),
    (["WEAK"], 'there is no table "WEAK"; did you mean "weak"?'),
    (["x", "lsvq"], 'there is no table "x"; there are "konvid", "konvid-2", "weak" and 1 more'),
    (["lsvq", "lsvq"], 'table "lsvq" is named twice'),
    ([7], "there is no table 7; there are"),
    ([], "tables: must name one table at least"),
    ("lsvq", 'tables: must be a list of ids, not "lsvq"'),
    ({"lsvq"}, "tables: must be a list of ids, not"),
]


@pytest.mark.parametrize(("tables", "says"), WRONG)
def test_a_wrong_choice_is_refused_before_anything_is_written(folder: Path, tables: Any, says: str) -> None:
    with pytest.raises(UsageError) as error:
        run_batch("m.json", tables=tables, report_json="new.json")
    assert str(error.value).startswith("m.json: the choice of tables is wrong:")
    assert says in str(error.value)
    assert not Path("new.json").exists()


def test_the_tables_that_are_not_chosen_are_checked_too(folder: Path) -> None:
    Path("twice.json").write_text(json.dumps({"tables": [table("a"), table("b", out="out/a.csv")]}))
    assert "tables[1].out" in moslabels("batch", "twice.json", "--table", "a", cwd=folder).stderr
    with pytest.raises(UsageError, match=r"report_json: .* is also tables\[3\]\.out"):
        run_batch("m.json", tables=["konvid"], report_json="out/lsvq.csv")


def test_a_loaded_manifest(folder: Path) -> None:
    report = run_batch(load_manifest("m.json"), tables=["lsvq"], report_json="loaded.json")
    assert (len(report["tables"]), report["manifest_tables"]) == (1, 4)
    assert verify("loaded.json")["status"] == "ok"


def test_each_report_holds(folder: Path) -> None:
    Path("all.json").unlink()  # The audits are of later runs.
    found = verify(["two.json", "one.json"])
    assert [(one["path"], one["status"]) for one in found["files"]] == [
        ("two.json", "ok"), ("out/konvid.json", "ok"), ("one.json", "ok"), ("out/lsvq.json", "ok")
    ]  # fmt: skip
    own = verify("own.json")["files"][0]
    assert own["differences"] == []
    assert not any("other tables" in one for one in own["unknown"])


def args_of(report: dict[str, Any]) -> dict[str, Any]:
    args: dict[str, Any] = report["run_provenance"]["args"]
    return args


FORGED: dict[str, tuple[str, Callable[[dict[str, Any]], Any], str]] = {
    "as one of all tables": ("two.json", lambda report: report.pop("manifest_tables"), "manifest_tables"),
    "of fewer tables": ("two.json", lambda report: report.update(manifest_tables=2), "manifest_tables"),
    "without the argument": ("two.json", lambda report: args_of(report).pop("tables"), "manifest_tables"),
    "without both": (
        "two.json",
        lambda report: (report.pop("manifest_tables"), args_of(report).pop("tables")),
        "number of tables",
    ),
    "of other tables": (
        "two.json",
        lambda report: args_of(report).update(tables=["konvid", "lsvq"]),
        "run_provenance.args.tables",
    ),
    "of tables that never were": (
        "one.json",
        lambda report: (args_of(report).update(tables=["new"]), report["tables"][0].update(id="new")),
        "run_provenance.args.tables",
    ),
    "of a text": ("one.json", lambda report: args_of(report).update(tables="lsvq"), "run_provenance.args.tables"),
    "that leaves out what failed": (
        "two.json",
        lambda report: (
            report["tables"].pop(),
            report.update(status="ok"),
            report["summary"].update(tables=1, failed_tables=0),
        ),
        "run_provenance.args.tables",
    ),
    "of all, with a mark": ("all.json", lambda report: report.update(manifest_tables=9), "manifest_tables"),
}


@pytest.mark.parametrize("what", list(FORGED))
def test_a_report_that_was_changed_differs(folder: Path, what: str) -> None:
    path, change, place = FORGED[what]
    report = document(path)
    change(report)
    Path(path).write_text(json.dumps(report))
    found = verify(path)["files"][0]
    assert any(one["what"].startswith(place) for one in found["differences"])


@pytest.mark.parametrize("total", [3, None])
def test_a_report_with_a_block_of_the_callers_own_that_was_changed_is_not_believed(
    folder: Path, total: int | None
) -> None:
    report = document("own.json")
    report.pop("manifest_tables")
    report.update({"manifest_tables": total} if total is not None else {})
    Path("own.json").write_text(json.dumps(report))
    assert any("has other tables" in one for one in verify("own.json")["files"][0]["unknown"])


def test_an_audit_of_a_table_that_was_not_chosen_differs(folder: Path) -> None:
    audit = document("out/lsvq.json")
    args_of(audit).update(tables=["konvid"])
    Path("out/lsvq.json").write_text(json.dumps(audit))
    found = verify("out/lsvq.json")["files"][0]
    assert [one["what"] for one in found["differences"]] == ["run_provenance.args.tables"]


def test_nothing_is_run_again_because_of_a_choice(folder: Path) -> None:
    report = run_batch("m.json", skip_unchanged=True, report_json="skipped.json")
    assert [one["status"] for one in report["tables"]] == ["unchanged", "ok", "error", "unchanged"], (
        "a block of the caller's own"
    )
    assert verify("skipped.json")["status"] == "ok"
    again = run_batch("m.json", skip_unchanged=True, tables=["lsvq"], report_json="skipped.json")
    assert [one["status"] for one in again["tables"]] == ["unchanged"]
    assert verify("skipped.json")["status"] == "ok"


DIFFS: list[tuple[str, str, list[str], dict[str, list[str]]]] = [
    ("all.json", "two.json", ["konvid"], {"not_compared": ["konvid-2", "lsvq"]}),
    ("two.json", "all.json", ["konvid"], {"not_compared": ["konvid-2", "lsvq"]}),
    ("all.json", "own.json", ["konvid-2"], {"not_compared": ["konvid", "lsvq"]}),
    ("new.json", "two.json", ["konvid"], {"only_old": ["weak"]}),
]


@pytest.mark.parametrize(("old", "new", "tables", "others"), DIFFS)
def test_what_was_not_chosen_is_not_gone(
    folder: Path, old: str, new: str, tables: list[str], others: dict[str, list[str]]
) -> None:
    write_table(Path("w.csv"), [{"key": "a", "mos": 3}, {"key": "b", "mos": 3}])
    run_batch("m.json", tables=["weak", "konvid"], report_json="new.json")
    run_batch("m.json", tables=["konvid"])
    run_batch("m.json", tables=["konvid-2", "lsvq"])
    for path in (old, new):  # Each table was labelled again since, with the same rows.
        forget_hashes(path)
    found = diff(old, new)
    assert [one["id"] for one in found["tables"]] == tables
    lists = ("only_old", "only_new", "not_compared")
    assert {name: found[name] for name in lists} == {**{name: [] for name in lists}, **others}  # type: ignore[literal-required]
    assert found["same"] == ("only_old" not in others)
    said = moslabels("diff", old, new, cwd=folder).stdout
    assert ("not compared, because one report is of chosen tables" in said) == ("not_compared" in others)


def forget_hashes(path: str) -> None:
    report = document(path)
    report["run_provenance"] = {}
    Path(path).write_text(json.dumps(report))


def test_two_choices_without_a_common_table_are_not_compared(folder: Path) -> None:
    with pytest.raises(UsageError, match="one is of chosen tables, which the other lacks"):
        diff("own.json", "one.json")


def test_a_choice_is_compared_with_its_own_tables(folder: Path) -> None:
    report = run_batch("m.json", tables=["konvid"], compare="all.json")
    assert [(one["id"], one["change"]) for one in report["comparison"]["tables"]] == [("konvid", "same")]
    report = run_batch("m.json", tables=["konvid"], compare="two.json", report_json="new.json")
    assert [(one["id"], one["change"]) for one in report["comparison"]["tables"]] == [("konvid", "same")]
    assert verify("new.json")["status"] == "ok"
    with pytest.raises(UsageError, match=r'two\.json: is the report of chosen tables, without "konvid-2", "lsvq"; '):
        run_batch("m.json", compare="two.json")


def test_sql_tells_a_choice(folder: Path) -> None:
    with Views(["all.json", "two.json"]) as views:
        answer = views.ask("SELECT path, tables, manifest_tables FROM reports ORDER BY path")
    assert answer is not None
    assert answer.values.to_pylist() == [
        {"path": "all.json", "tables": 4, "manifest_tables": None},
        {"path": "two.json", "tables": 2, "manifest_tables": 4},
    ]
