"""A batch compared with the one before: what changed, per table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import write_table
from moslabels import UsageError, run_batch
from moslabels.cli import main
from moslabels.runs import verify

LABELS = [{"key": "a", "mos": 2}, {"key": "b", "mos": 4}]


def table(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "features": "f.csv", "labels": [f"{name}.csv"], "out": f"{name}.out.csv", **more}


def write_manifest(*tables: dict[str, Any]) -> None:
    Path("m.json").write_text(json.dumps({"defaults": {"min_match_rate": 0.5}, "tables": tables}))


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The report ``old.json`` of four labelled tables and one that failed, and a manifest that changed since."""
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.csv"), [{"key": "a"}, {"key": "b"}])
    names = ("same", "scores", "fewer", "gone", "mended")
    for name in names[:4]:
        write_table(Path(f"{name}.csv"), LABELS)
    write_manifest(*(table(name, audit_json=f"{name}.json") for name in names))
    report = run_batch("m.json", report_json="old.json")
    write_table(Path("mended.csv"), LABELS)
    write_table(Path("scores.csv"), [{"key": "a", "mos": 2}, {"key": "b", "mos": 4.5}])
    write_table(Path("fewer.csv"), [*LABELS[:1], {"key": "c", "mos": 4}])
    write_table(Path("new.csv"), LABELS[:1])
    names = ("new", "same", "scores", "fewer", "mended")
    write_manifest(
        *(
            table(name, audit_json=f"{name}.json", **({"min_match_rate": 0.9} if name == "new" else {}))
            for name in names
        )
    )
    return dict(report)


def changes(comparison: dict[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    return {
        one["id"]: {change["what"]: (change["old"], change["new"]) for change in one["changes"]}
        for one in comparison["tables"]
    }


def test_what_changed(old: dict[str, Any]) -> None:
    report = run_batch("m.json", report_json="r.json", report_html="r.html", report_md="r.md", compare="old.json")
    since: dict[str, Any] = json.loads(Path("r.json").read_text())["comparison"]
    assert since == report["comparison"]
    assert since["report"] == "old.json"
    assert {one["id"]: one["change"] for one in since["tables"]} == {
        "new": "added",
        "same": "same",
        "scores": "changed",
        "fewer": "changed",
        "mended": "changed",
        "gone": "gone",
    }
    found = changes(since)
    hashes = [{one["id"]: one.get("output_sha256") for one in of["tables"]} for of in (old, report)]
    assert found["scores"] == {"output_sha256": (hashes[0]["scores"], hashes[1]["scores"])}
    assert (found["fewer"]["match_rate"], found["fewer"]["matched_rows"]) == ((1.0, 0.5), (2, 1))
    assert found["fewer"]["missing_rows"] == (0, 1)
    assert found["mended"]["status"] == ("error", "ok")
    assert found["mended"]["error"] == ("mended.csv: there is no such file", "")
    page, markdown = (Path(name).read_text(encoding="utf-8") for name in ("r.html", "r.md"))
    assert "1 added, 1 gone, 3 changed, 1 same." in page
    assert "1 added, 1 gone, 3 changed, 1 same." in markdown
    assert "| fewer | match_rate | 1 | 0\\.5 |" in markdown
    assert '<a href="#table-4"><bdi>fewer</bdi></a></th><td>match_rate</td><td>1</td><td>0.5</td>' in page
    assert "<bdi>gone</bdi></th><td>gone</td><td>ok</td><td>–</td>" in page


def test_warnings_that_came_and_went(old: dict[str, Any]) -> None:
    document = json.loads(Path("old.json").read_text())
    document["tables"][0]["warnings"] = ["<b>old</b> | warning"]
    Path("old.json").write_text(json.dumps(document))
    report = run_batch("m.json", report_md="r.md", report_html="r.html", compare="old.json", skip_unchanged=True)
    assert report["tables"][1]["status"] == "unchanged"
    assert changes(dict(report["comparison"]))["same"] == {"warnings": (["<b>old</b> | warning"], [])}
    assert "| same | warning | \\<b\\>old\\</b\\> \\| warning | – |" in Path("r.md").read_text(encoding="utf-8")
    assert "<td>&lt;b&gt;old&lt;/b&gt; | warning</td>" in Path("r.html").read_text(encoding="utf-8")


def test_the_old_report_may_be_written_anew_and_a_dry_run_compares(
    old: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["batch", "m.json", "--report-json", "old.json", "--compare", "old.json"]
    assert main([*run[:2], *run[4:], "--dry-run", "--report-json", "dry.json"]) == 1
    assert "since old.json: 1 added, 1 gone, 3 changed, 1 same" in capsys.readouterr().err
    assert main(run) == 1
    assert "since old.json: 1 added, 1 gone, 3 changed, 1 same" in capsys.readouterr().err
    assert main(run) == 1
    assert "since old.json: 5 same" in capsys.readouterr().err


def test_a_report_without_hashes_says_that_outputs_are_not_compared(old: dict[str, Any]) -> None:
    document = json.loads(Path("old.json").read_text())
    for one in document["tables"]:
        one.pop("output_sha256", None)
    Path("old.json").write_text(json.dumps(document))
    report = run_batch("m.json", report_md="r.md", compare="old.json")
    assert report["comparison"]["outputs_not_compared"] == ["same", "scores", "fewer"]
    assert "the old report has no sha256 of the output of 3." in Path("r.md").read_text()


def test_verify_checks_what_a_comparison_says_of_its_own_report(old: dict[str, Any]) -> None:
    del old
    for one in ("new",):
        write_table(Path(f"{one}.csv"), LABELS)
    run_batch("m.json", report_json="r.json", compare="old.json")
    assert verify.verify(["r.json"])["status"] == "ok"
    document = json.loads(Path("r.json").read_text())
    for edit in (
        lambda since: since["tables"][3]["changes"][0].update(new=0.75),
        lambda since: since["tables"].pop(1),
        lambda since: since["tables"][1].update(status="error"),
    ):
        edited = json.loads(json.dumps(document))
        edit(edited["comparison"])
        Path("r.json").write_text(json.dumps(edited))
        found = verify.verify(["r.json"])
        assert found["status"] == "differs", edited["comparison"]


def twice(document: dict[str, Any]) -> None:
    document["tables"][1]["id"] = document["tables"][0]["id"]


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an id twice": (twice, 'two tables have the id "same"'),
    "a rate that is text": (lambda document: document["tables"][0]["summary"].update(match_rate="1"), "match_rate"),
    "a rate above 1": (lambda document: document["tables"][0]["summary"].update(match_rate=2), "out of its range"),
    "no status": (lambda document: document["tables"][0].pop("status"), "status is missing"),
    "another status": (lambda document: document["tables"][0].update(status="fine"), '"fine"'),
    "another schema": (lambda document: document.update(schema="mos-label-materializer-batch-v9"), "does not know"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_old_report_that_is_wrong_is_refused_before_anything_is_written(old: dict[str, Any], name: str) -> None:
    edit, says = WRONG[name]
    edit(old)
    Path("old.json").write_text(json.dumps(old))
    refused("old.json", says)


@pytest.mark.parametrize(
    ("path", "says"),
    [("none.json", "none.json"), ("same.json", "evidence of one table"), ("f.csv", "f.csv"), ("m.json", "m.json")],
)
def test_what_is_not_a_report_is_refused(old: dict[str, Any], path: str, says: str) -> None:
    del old
    refused(path, says)


def refused(path: str, says: str) -> None:
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    with pytest.raises(UsageError) as caught:
        run_batch("m.json", report_json="r.json", compare=path)
    assert says in str(caught.value)
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_members_of_a_later_version_are_passed_over(old: dict[str, Any]) -> None:
    old["more"] = 1
    old["tables"][0]["more"] = {"a": 1}
    old["tables"][0]["config"]["another_option"] = [1]
    Path("old.json").write_text(json.dumps(old))
    assert run_batch("m.json", compare="old.json")["comparison"]["tables"][1]["change"] == "same"
