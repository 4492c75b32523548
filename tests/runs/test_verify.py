"""``moslabels verify``: every claim of a report, an audit or a labelled table that was tampered with is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.made import copied, working_in
from helpers.mutants import mutants
from helpers.tables import write_table
from moslabels import MosLabelsError, TableError, UsageError, load_manifest, materialize, run_batch
from moslabels.cli import main
from moslabels.evidence import provenance
from moslabels.evidence.audit import json_text
from moslabels.evidence.documents import load
from moslabels.evidence.json_schema import SCHEMAS, entry_document, provenance_block
from moslabels.evidence.shape import misfits
from moslabels.files import records
from moslabels.runs import verify, verify_again, verify_audit, verify_report
from moslabels.runs.diff import diff
from moslabels.runs.verify_again import Again
from moslabels.spec.table import TableSpec

OUTS = {"one": "one.parquet", "two": "two.csv", "three": "three.jsonl"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("made")
    rows = [{"key": f"x/k{index}.mp4", "corpus": "c" if index < 3 else "d"} for index in range(6)]
    write_table(tmp_path / "f.parquet", rows)
    columns = {"split": "a", "SD": 0.5, "CI": 0.1}  # One that is carried over by each way, and one that is not.
    labels = [{"name": f"k{index}.mp4", "mos": 1 + index / 2, **columns} for index in range(1, 8)]
    write_table(tmp_path / "l.csv", [*labels, labels[0]])
    table = {"features": "f.parquet", "labels": [{"path": "l.csv", "mos_scale": "1-5"}], "key_normalize": "basename"}
    tables = [
        {
            **table,
            "id": name,
            "out": out,
            "audit_json": f"{name}.json",
            "match_rate_by": "corpus",
            "unmatched": f"{name}_u.csv",
        }
        for name, out in OUTS.items()
    ]
    failed = {"id": "failed", "features": "none.csv", "labels": ["l.csv"], "out": "failed.csv"}
    with working_in(tmp_path):
        for name, of_report in (("few", [tables[0], failed]), ("m", [*tables, failed])):
            Path(f"{name}.json").write_text(json.dumps({"defaults": {"min_match_rate": 0.5}, "tables": of_report}))
        run_batch("few.json", report_json="few_r.json")
        run_batch("m.json", report_json="r.json")
    return tmp_path


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


@pytest.fixture
def again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Label again what was labelled, without the work."""
    audits = {f"{out}": json.loads(Path(f"{name}.json").read_text()) for name, out in OUTS.items()}

    def label_table(spec: TableSpec, *_: Any) -> Any:
        if spec.out not in audits:
            raise TableError("none.csv: there is no such file", code="no-file", file="none.csv")
        return json.loads(json_text(audits[spec.out]))

    monkeypatch.setattr(verify_again, "label_table", label_table)
    monkeypatch.setattr(Again, "recount", lambda *_: None)


def edit(path: str, change: Callable[[Any], Any]) -> None:
    document = json.loads(Path(path).read_text())
    change(document)
    Path(path).write_text(json_text(document))


def differences(*paths: str) -> list[str]:
    return [one["what"] for found in verify.verify(paths)["files"] for one in found["differences"]]


def test_all_of_it_holds(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    files = ["r.json", "one.parquet", *(f"{name}.json" for name in OUTS)]
    document = verify.verify(files)
    assert document["status"] == "ok", document
    assert len(document["files"]) == 1 + 3 + 1 + 3, "a report covers its audits"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    done = moslabels("verify", *files, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "one.json (audit): all of it holds\n" in done.stdout


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if isinstance(value, int) else value / 2 + 0.1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value, "x"] if not value else [other(value[0]), *value[1:]]
    if isinstance(value, dict):
        name = sorted(value)[0]
        return {**value, name: other(value[name])}
    return "x"


RULE = ("schema", "feature_table", "output", "label_sources", "label_files", "config")
"""What an audit is labelled again by: each is edited by itself, the others all at once."""


def changed(audit: dict[str, Any], member: str, way: str) -> None:
    if way == "edited":
        audit[member] = other(audit[member])
    else:
        del audit[member]


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(OUTS))
@pytest.mark.parametrize("way", ["edited", "left out"])
def test_every_edited_member_of_an_audit(folder: Path, name: str, way: str) -> None:
    original = json.loads(Path(f"{name}.json").read_text())
    others = [member for member in original if member not in (*RULE, "run_provenance")]
    assert len(others) > 25
    edit(f"{name}.json", lambda audit: [changed(audit, member, way) for member in others])
    if way == "edited":
        found = differences(f"{name}.json")
        assert [member for member in others if not any(what.startswith(member) for what in found)] == []
        return
    for member in others[::7]:
        Path(f"{name}.json").write_text(json_text(original))
        edit(f"{name}.json", lambda audit, member=member: changed(audit, member, way))
        assert verify.verify([f"{name}.json"])["status"] == "unknown", member


@pytest.mark.parametrize("name", ["one", *(pytest.param(name, marks=pytest.mark.long) for name in ("two", "three"))])
def test_each_edited_member_that_an_audit_is_labelled_again_by(folder: Path, name: str) -> None:
    original = json.loads(Path(f"{name}.json").read_text())
    told = {"schema": ["unknown"], "label_files": ["unknown", "differs"], "config": ["unknown", "differs"]}
    for member in RULE:
        Path(f"{name}.json").write_text(json_text(original))
        edit(f"{name}.json", lambda audit, member=member: changed(audit, member, "edited"))
        found = verify.verify([f"{name}.json"])
        assert found["status"] in told.get(member, ["differs"]), (member, found)


def test_an_audit_of_an_older_version_lacks_what_came_later(folder: Path) -> None:
    def older(audit: dict[str, Any]) -> None:
        del audit["mos_histogram"]
        audit["run_provenance"]["versions"]["moslabels"] = "0.0.1"

    edit("one.json", older)
    (found,) = verify.verify(["one.json"])["files"]
    assert (found["status"], found["differences"]) == ("unknown", [])
    assert 'it lacks what this version writes, which is not checked: "mos_histogram"' in found["unknown"]
    edit("one.json", lambda audit: audit.update(matched_rows=4))
    assert "matched_rows" in differences("one.json")


CLIPPED = [
    # options of the table, options of the label file
    ({"out_of_range": "clip", "mos_scale": "1-5"}, {}),
    ({"mos_scale": "1-5"}, {"out_of_range": "clip"}),
]


@pytest.mark.parametrize(("options", "of_file"), CLIPPED)
def test_an_older_version_clipped_any_number_of_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], of_file: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "f.csv", [{"key": "a"}, {"key": "b"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 6}, {"key": "b", "mos": 3}])
    labels = [{"path": "l.csv", **of_file}]
    materialize("f.csv", labels, "o.csv", "a.json", max_clipped=1, **options)
    assert verify.verify(["a.json"])["status"] == "ok"

    def older(audit: dict[str, Any]) -> None:
        del audit["config"]["max_clipped"]
        audit["run_provenance"]["versions"]["moslabels"] = "0.0.1"

    edit("a.json", older)
    (found,) = verify.verify(["a.json"])["files"]
    assert (found["status"], found["differences"]) == ("unknown", [])
    assert any(said.startswith("it names no max_clipped, without which") for said in found["unknown"])
    edit("a.json", lambda audit: audit.update(clipped_mos_rows=0))
    assert "clipped_mos_rows" in differences("a.json")
    edit("a.json", lambda audit: audit["config"].update(max_clipped=0.2))
    (found,) = verify.verify(["a.json"])["files"]
    assert any(said.startswith("labelling again ends in an error") for said in found["unknown"])


HASHES = [("features",), ("labels", 0), ("manifest",)]


@pytest.mark.parametrize("place", HASHES)
@pytest.mark.parametrize("path", ["one.json", "r.json"])
def test_edited_hashes_of_inputs(again: None, path: str, place: tuple[Any, ...]) -> None:
    def change(document: Any) -> None:
        record = document["run_provenance"]["inputs"]
        for name in place:
            record = record[name]
        record = record[0] if isinstance(record, list) else record
        record["sha256"] = "0" * 64

    edit(path, change)
    assert [what for what in differences(path) if what.startswith(place[0])] != []


def test_every_edited_member_of_a_report(again: None) -> None:
    report = json.loads(Path("few_r.json").read_text())
    Path("r.json").write_text(json_text(report))
    first = report["tables"][0]
    edits: dict[str, Callable[[Any], Any]] = {
        member: lambda document, member=member: document.update({member: other(document[member])})
        for member in ("schema", "status", "manifest", "summary")
    }
    assert {"id", "unmatched", "status"} <= set(first)
    for member in first:
        edits[f"tables[0].{member}"] = lambda document, member=member: document["tables"][0].update(
            {member: other(first[member])}
        )
    edits["tables[1].summary"] = lambda document: document["tables"][1].update(summary=first["summary"])
    for member, change in edits.items():
        Path("r.json").write_text(json_text(report))
        edit("r.json", change)
        found = verify.verify(["r.json"])
        if member == "schema":
            assert found["status"] != "ok"
        else:
            assert any(one["what"].startswith(member) for file in found["files"] for one in file["differences"]), member
    Path("r.json").write_text(json_text(report))
    edit("r.json", lambda document: document["summary"].update(dict.fromkeys(report["summary"], 99)))
    edit("r.json", lambda document: document["tables"][0]["summary"].update(dict.fromkeys(first["summary"], 98)))
    found = set(differences("r.json"))
    assert {f"tables[0].summary.{name}" for name in first["summary"]} <= found
    assert {f"summary.{name}" for name in report["summary"]} <= found


def members(value: Any, *place: Any) -> list[tuple[Any, ...]]:
    """Where the values of a JSON document stand, those that hold none themselves."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [found for name, item in inner for found in members(item, *place, name)] or [place]


@pytest.mark.parametrize("path", ["r.json", "one.json", "alone.json"])
def test_every_edited_member_of_run_provenance(folder: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    options = {"key_normalize": "basename", "min_match_rate": 0}
    materialize("f.parquet", ["l.csv"], "alone.csv", audit_json="alone.json", **options)
    for slow in ("audit", "recount"):
        monkeypatch.setattr(Again, slow, lambda *_: None)
    document = json.loads(Path(path).read_text())
    # Other versions in an audit make that the output cannot be told byte for byte, which is tested below.
    left_out = ("argv", "args") if path == "r.json" else ("argv", "args", "versions")
    places = [place for place in members(document["run_provenance"]) if place[0] not in left_out]
    assert len(places) > 15
    assert verify.verify([path])["status"] == "ok"
    unseen = []
    for place in places:
        *above, last = place
        for way in (other, lambda _: None, lambda _: "file"):
            edited = json.loads(json_text(document))
            holder = reduce(lambda value, name: value[name], above, edited["run_provenance"])
            before = holder[last]
            holder[last] = way(before)
            if holder[last] == before:
                continue
            Path(path).write_text(json_text(edited))
            found = verify.verify([path])["files"][0]
            unseen += [] if found["differences"] or found["unknown"] else [(place, holder[last])]
            if way is other and isinstance(before, str) and place[0] != "entrypoint":
                assert found["differences"], place
    assert unseen == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda document: document["tables"][3].update(error="none.csv: is a folder"), "tables[3].error"),
        (lambda document: document["tables"].pop(), "number of tables"),
        (lambda document: document["tables"][0].update(status="unchanged"), "tables[0].status"),
        (lambda document: document["tables"][0].update(status="done"), "tables[0].status"),
        (lambda document: document["tables"][3].update(status="ok"), "tables[3].status"),
        (lambda document: document["tables"][3].update(status="not-run"), "tables[3].status"),
        (lambda document: document["tables"][3].update(features="f.parquet"), "tables[3].features"),
        (lambda document: document["tables"][3]["config"].update(overwrite=True), "tables[3].config.overwrite"),
    ],
)
def test_other_edits_of_a_report(again: None, change: Callable[[Any], Any], what: str) -> None:
    edit("r.json", change)
    found = verify.verify(["r.json"])["files"][0]
    told = [one["what"] for one in found["differences"]] + [note.split(":")[0] for note in found["unknown"]]
    assert what in told


def test_an_input_that_was_missing_and_is_there_now(folder: Path) -> None:
    write_table(folder / "none.csv", [{"key": "k1.mp4"}])
    assert [what for what in differences("few_r.json") if "none.csv" in what] == [
        "features none.csv: sha256",
        "features none.csv: exists",
        "features none.csv: kind",
    ]


def batch(**options: Any) -> Callable[[], Any]:
    return lambda: run_batch("m.json", report_json="r2.json", **options)


def fail_fast() -> None:
    manifest = json.loads(Path("m.json").read_text())
    manifest["tables"].reverse()
    Path("other.json").write_text(json.dumps(manifest))
    run_batch("other.json", report_json="r2.json", fail_fast=True)


def loaded() -> None:
    """A manifest that the caller has loaded from another folder, and some of its tables alone."""
    Path("sub").mkdir()
    shutil.copy("m.json", "sub/m.json")
    manifest = load_manifest("sub/m.json", ".")
    run_batch(replace(manifest, tables=manifest.tables[1:]), report_json="r2.json")


def based() -> None:
    Path("sub").mkdir()
    shutil.copy("m.json", "sub/m.json")
    run_batch(Path("sub/m.json"), base_dir=Path(), report_json=Path("r2.json"), report_html="r.html", report_md="r.md")


def tables_alone() -> None:
    """The audits are of later calls than the report."""
    labels = [{"path": "l.csv", "mos_scale": "1-5"}]
    options = {"key_normalize": "basename", "match_rate_by": "corpus", "min_match_rate": 0.5}
    for name, out in OUTS.items():
        materialize("f.parquet", labels, out, audit_json=f"{name}.json", unmatched=Path(f"{name}_u.csv"), **options)


HOLD: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "tables labelled alone since": (tables_alone, ["r.json"]),
    "a second report": (batch(), ["r.json", "r2.json"]),
    "--skip-unchanged": (batch(skip_unchanged=True), ["r2.json"]),
    "--fail-fast": (fail_fast, ["r2.json"]),
    "another folder": (based, ["r2.json"]),
    "a manifest that was loaded": (loaded, ["r2.json", "two.json"]),
    "a report of another name": (lambda: shutil.move("r.json", "r2.json"), ["r2.json"]),
    "the command": (lambda: main("batch m.json --report-json r2.json --report-html r.html".split()), ["r2.json"]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(HOLD))
def test_what_was_not_edited_holds(again: None, name: str) -> None:
    change, files = HOLD[name]
    change()
    found = verify.verify(files)
    assert found["status"] == "ok", verify.verify_text(found)


OWN: list[dict[str, Any]] = [
    {},
    {"schema": "mine", "inputs": 3, "outputs": [], "versions": [1]},
    {"schema": provenance.SCHEMA, "entrypoint": "job.py", "inputs": {"features": "f.parquet", "labels": None}},
    {"inputs": {"features": [{"path": "f.parquet", "sha256": "md5:1"}, {"path": 3}], "manifest": "m.json"}},
    {"inputs": {"features": {"path": "f.parquet"}, "labels": [3]}, "versions": {"moslabels": 3}, "args": []},
]


@pytest.mark.sampled
@pytest.mark.parametrize("block", OWN)
def test_a_block_of_the_callers_own_is_of_any_shape(again: None, block: dict[str, Any]) -> None:
    run_batch("few.json", report_json="r.json", run_provenance=block)
    report, *audits = verify.verify(["r.json"])["files"]
    assert report["differences"] == []
    assert [audit["differences"] for audit in audits] == [[]]
    assert "its run_provenance is the caller's own" in audits[0]["unknown"][0]


def test_hashes_in_a_block_of_the_callers_own(folder: Path) -> None:
    record = {"path": "f.parquet", "sha256": records.file_sha256("f.parquet")}
    run_batch("few.json", report_json="r.json", run_provenance={"inputs": {"read": [record]}})
    assert differences("r.json", "one.json") == []
    run_batch("few.json", report_json="r.json", run_provenance={"inputs": {"read": [{**record, "sha256": "0" * 64}]}})
    assert set(differences("r.json", "one.json")) == {"f.parquet: sha256"}


def test_the_entrypoint_of_another_version_is_not_compared(again: None) -> None:
    def older(report: dict[str, Any]) -> None:
        report["run_provenance"]["versions"]["moslabels"] = "0.0.1"
        report["run_provenance"]["entrypoint"]["sha256"] = "0" * 64

    for name in ("r", *OUTS):
        edit(f"{name}.json", older)
    found, *_ = verify.verify(["r.json"])["files"]
    assert (found["status"], found["differences"]) == ("unknown", [])
    assert found["unknown"] == ["another version of moslabels wrote it: its entrypoint.sha256 is not compared"]


def relabel(path: str) -> None:
    """Give the first labelled row of a table another score."""
    if path.endswith(".parquet"):
        table = pq.read_table(path)
        entry = pq.ParquetFile(path).metadata.metadata[b"moslabels"]
        mos = [5.0 if value is not None else None for value in table["mos"].to_pylist()]
        place = table.schema.get_field_index("mos")
        table = table.set_column(place, table.schema.field(place), [mos])
        pq.write_table(table.replace_schema_metadata({b"moslabels": entry}), path)
        return
    text = Path(path).read_text()
    Path(path).write_text(text.replace("1.5", "4.5", 1))


TAMPERED: dict[str, tuple[Callable[[str], Any], str]] = {
    "another score": (relabel, "sha256"),
    "a byte more": (lambda path: Path(path).write_bytes(Path(path).read_bytes() + b"\n"), "sha256"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(OUTS))
@pytest.mark.parametrize("way", list(TAMPERED))
def test_a_tampered_output(folder: Path, capsys: pytest.CaptureFixture[str], name: str, way: str) -> None:
    change, what = TAMPERED[way]
    change(OUTS[name])
    status = main(["verify", f"{name}.json", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (status, document["status"]) == (1, "differs")
    assert any(what in found["what"] for found in document["files"][0]["differences"])


@pytest.mark.parametrize("path", ["one.json", "few_r.json"])
def test_an_output_that_is_gone_cannot_be_told(folder: Path, path: str) -> None:
    os.remove("one.parquet")
    found = verify.verify([path])
    assert (found["status"], differences(path)) == ("unknown", [])
    assert "one.parquet: there is no such file" in json.dumps(found)
    os.mkdir("one.parquet")
    assert "one.parquet: is a folder" in json.dumps(verify.verify([path]))


def test_an_output_and_its_audit_that_agree_with_each_other_alone(folder: Path) -> None:
    Path("two.csv").write_text(Path("two.csv").read_text().replace("1.5,", "4.5,", 1))
    sha256 = records.file_sha256("two.csv")
    edit("two.json", lambda audit: audit.update(output_sha256=sha256, output_bytes=os.path.getsize("two.csv")))
    assert differences("two.json") == ["output_sha256, labelled again"]
    text = Path("two.csv").read_text().replace("missing-label", "ok", 1)
    Path("two.csv").write_text(text)
    assert {"matched_rows, counted in the output", "missing_rows, counted in the output"} <= set(
        differences("two.json")
    )
    Path("two.csv").write_text(text.replace(",ok,l.csv", ",ok,other.csv", 1))
    assert "sources in the output" in " ".join(differences("two.json"))


INPUTS = {
    "l.csv": lambda: write_table(Path("l.csv"), [{"name": f"k{i}.mp4", "mos": 3, "split": "a"} for i in range(1, 8)]),
    "f.parquet": lambda: write_table(Path("f.parquet"), [{"key": "k1.mp4", "corpus": "c"}]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(INPUTS))
@pytest.mark.parametrize("path", ["one.json", "few_r.json", "one.parquet"])
def test_an_input_that_changed_or_is_gone(folder: Path, name: str, path: str) -> None:
    INPUTS[name]()
    found = differences(path)
    assert any(name in what and "sha256" in what for what in found)
    assert any(what.startswith(("mos_stats", "counts", "sha256, labelled again", "input_rows")) for what in found)
    os.remove(name)
    found = verify.verify([path])
    assert found["status"] == "unknown", "what is not there cannot be told"
    assert "nothing is labelled again without" in json.dumps(found)
    assert f"{name}: there is no such file" in json.dumps(found)
    edit_counts = {
        "few_r.json": lambda d: d["summary"].update(tables=9),
        "one.json": lambda d: d.update(output_bytes=1),
    }
    if path in edit_counts:  # Where both are so, both are said, and what differs decides.
        edit(path, edit_counts[path])
        found = verify.verify([path])
        assert found["status"] == "differs"
        assert f"{name}: there is no such file" in json.dumps(found)


def test_a_labelled_table_carries_its_evidence(folder: Path) -> None:
    entry = json.loads(pq.ParquetFile("one.parquet").metadata.metadata[b"moslabels"])
    assert entry["schema"] == "moslabels-labelled-table-v1"
    assert entry["features"] == {"path": "f.parquet", "sha256": records.file_sha256("f.parquet")}
    assert entry["labels"][0]["sha256"] == records.file_sha256("l.csv")
    assert entry["labels"][0]["config"] == {"mos_scale": "1-5"}
    assert entry["config"]["key_normalize"] == "basename"
    assert entry["counts"]["matched_rows"] == 5
    for path in Path().glob("*.json"):
        path.unlink()
    assert verify.verify(["one.parquet"])["status"] == "ok", "without its audit"
    relabel("one.parquet")
    assert differences("one.parquet") == ["sha256, labelled again"]
    edited = pq.read_table("one.parquet")
    entry["counts"]["matched_rows"] = 6
    pq.write_table(edited.replace_schema_metadata({b"moslabels": json.dumps(entry).encode()}), "one.parquet")
    assert "matched_rows, counted in the output" in differences("one.parquet")


def test_a_parquet_file_from_other_formats_carries_it_too(folder: Path) -> None:
    write_table(folder / "g.csv", [{"key": "k1.mp4"}])
    materialize("g.csv", ["l.csv"], "g.parquet")
    entry = json.loads(pq.ParquetFile("g.parquet").metadata.metadata[b"moslabels"])
    assert entry["features"]["sha256"] == records.file_sha256("g.csv")
    assert verify.verify(["g.parquet"])["status"] == "ok"
    materialize("g.parquet", ["l.csv"], "again.parquet", overwrite=True)
    again = json.loads(pq.ParquetFile("again.parquet").metadata.metadata[b"moslabels"])
    assert again["features"]["path"] == "g.parquet"


def test_a_copy_of_the_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "here"
    shutil.copytree(folder, copy)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = moslabels("verify", str(copy / "r.json"), "--root", str(copy), cwd=elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    assert moslabels("verify", str(copy / "r.json"), cwd=elsewhere).returncode == 2
    # Replayed there, it gives the same bytes.
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    assert moslabels("batch", "m.json", "--report-json", "r2.json", cwd=copy).returncode == 1
    for out in OUTS.values():
        assert (copy / out).read_bytes() == before[out]


UNKNOWN = [
    ("none.json", None, "there is no such file"),
    ("x.json", "{", "is not JSON"),
    ("x.json", "[]", "is not an audit, a report"),
    ("x.json", '{"schema": "other"}', "is not an audit, a report"),
    ("x.parquet", None, "there is no such file"),
    ("x.parquet", "PAR1", "cannot be read"),
    ("x.parquet", "x", "is not a Parquet file, but text"),
    ("x.json", '{"schema": ["x"]}', "is not an audit, a report"),
    (
        "x.json",
        '{"schema": "mos-label-materializer-audit-v2"}',
        'is of the schema "mos-label-materializer-audit-v2", wh',
    ),
    ("x.json", '{"schema": "mos-label-materializer-audit-v1"}', "feature_table is missing"),
    ("x.json", "[" * 90000, "nest too deep"),
    ("x.json", '{"a": ' * 200 + "1" + "}" * 200, "nest too deep"),
    ("x.json", '{"schema": "x", "schema": "y"}', 'the member "schema" is given twice'),
    ("x.json", '{"a": 1e400}', "the number 1e400 is too large"),
    ("x.json", '{"a": NaN}', "NaN is not a JSON number"),
    ("x.json", '{"a": "\\ud800"}', "holds half a character"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "text", "message"), UNKNOWN)
def test_what_cannot_be_told(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (folder / name).write_text(text)
    found = verify.verify([name])
    assert (found["status"], found["files"][0]["differences"]) == ("unknown", [])
    assert message in found["files"][0]["unknown"][0]
    assert main(["verify", name]) == 2
    assert message in capsys.readouterr().out


def test_features_carry_no_evidence(folder: Path) -> None:
    assert "carries no evidence" in json.dumps(verify.verify(["f.parquet"]))


def test_other_versions_cannot_be_compared_byte_for_byte(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_audit, "versions", dict)
    for path in ("one.json", "one.parquet"):
        found = verify.verify([path])
        assert (found["status"], found["files"][0]["differences"]) == ("unknown", [])
        assert "other versions wrote it" in found["files"][0]["unknown"][0]


def test_an_audit_of_an_older_version(folder: Path) -> None:
    edit("one.json", lambda audit: audit.pop("config"))
    found = verify.verify(["one.json"])
    assert found["status"] == "unknown"
    assert any("does not hold the options" in note for note in found["files"][0]["unknown"])


def is_shape(document: Any, kind: str) -> bool:
    """Whether a document is of another shape, and not of other facts."""
    found = list(misfits(document, SCHEMAS[kind]()))
    block = document.get("run_provenance") if isinstance(document, dict) else None
    found += list(misfits(block, provenance_block())) if provenance.is_ours(block) else []
    return any(one.kind in ("type", "missing") for one in found)


@pytest.mark.parametrize("path", ["few_r.json", "two.json"])
def test_no_mutant_of_a_document_is_a_traceback_or_passes(again: None, path: str) -> None:
    document = json.loads(Path(path).read_text())
    assert verify.verify([path])["status"] == "ok"
    tried = 0
    for place, way, mutant in mutants(document):
        Path(path).write_text(json.dumps(mutant))
        found = verify.verify([path])
        json_text(found)
        verify.verify_text(found)
        if is_shape(mutant, "report" if path == "few_r.json" else "audit"):
            assert (found["status"], found["files"][0]["differences"]) == ("unknown", []), (place, way, found)
            tried += 1
        elif place[:2] not in (("run_provenance", "argv"), ("run_provenance", "args")):
            assert found["status"] != "ok", (place, way)
    assert tried > 150


def test_no_mutant_of_the_evidence_in_a_table_is_a_traceback_or_passes(again: None) -> None:
    table = pq.read_table("one.parquet")
    entry = json.loads(pq.ParquetFile("one.parquet").metadata.metadata[b"moslabels"])
    wrong: list[Any] = [mutant for _, _, mutant in mutants(entry)]
    for mutant in [*wrong, {}, [], "x", None, {"schema": ["x"]}, {**entry, "schema": "moslabels-labelled-table-v2"}]:
        text = json.dumps(mutant)
        pq.write_table(table.slice(0, 1).replace_schema_metadata({b"moslabels": text.encode()}), "x.parquet")
        found = verify.verify(["x.parquet"])
        assert found["status"] != "ok", mutant
        if any(one.kind in ("type", "missing") for one in misfits(mutant, entry_document())):
            assert (found["status"], found["files"][0]["differences"]) == ("unknown", []), mutant
    pq.write_table(table.replace_schema_metadata({b"moslabels": b"{"}), "x.parquet")
    assert "its evidence is not JSON" in verify.verify(["x.parquet"])["files"][0]["unknown"][0]


NEWER: list[tuple[str, Callable[[Any], Any], str]] = [
    ("one.json", lambda audit: audit.update(later={"x": 1}), '"later"'),
    ("one.json", lambda audit: audit["mos_stats"].update(p90=4.5), '"mos_stats.p90"'),
    ("one.json", lambda audit: audit["config"].update(later_option=True), "later_option: is unknown"),
    (
        "one.json",
        lambda audit: audit["run_provenance"]["versions"].update(polars="9"),
        '"run_provenance.versions.polars"',
    ),
    ("r.json", lambda report: report.update(later=1), '"later"'),
    ("r.json", lambda report: report["tables"][0].update(later=1), '"tables[0].later"'),
    ("r.json", lambda report: report["tables"][0]["summary"].update(later=1), '"tables[0].summary.later"'),
]


@pytest.mark.parametrize(("path", "change", "told"), NEWER)
def test_what_a_newer_version_added_cannot_be_told(
    again: None, path: str, change: Callable[[Any], Any], told: str
) -> None:
    edit(path, change)
    found = verify.verify([path])
    assert (found["status"], found["files"][0]["differences"]) == ("unknown", [])
    assert told in " ".join(found["files"][0]["unknown"])
    key = "output_bytes" if path == "one.json" else "status"
    edit(path, lambda document: document.update({key: other(document[key])}))
    assert verify.verify([path])["status"] == "differs", "what is known is compared all the same"


def test_what_a_folder_holds_beside_the_output_is_told_and_not_compared(folder: Path) -> None:
    Path("_metadata").write_text("")
    run_batch("few.json", report_json="r.json")
    assert "misleads Spark" in json.loads(Path("one.json").read_text())["warnings"][0]
    (found,) = verify.verify(["one.json"])["files"]
    assert (found["status"], len(found["notes"])) == ("ok", 1)
    os.remove("_metadata")
    (found,) = verify.verify(["one.json"])["files"]
    assert (found["status"], found["notes"]) == ("ok", [])
    Path(".one.parquet.crc").write_text("")
    (found,) = verify.verify(["one.json"])["files"]
    assert (found["status"], len(found["notes"])) == ("ok", 1)
    assert "beside it: .one.parquet.crc does not know" in verify.verify_text(verify.verify(["one.json"]))
    edit("one.json", lambda audit: audit["warnings"].append("another"))
    assert "warnings" in differences("one.json")


def test_the_file_of_what_did_not_meet_is_checked(folder: Path) -> None:
    audit = json.loads(Path("two.json").read_text())
    left = {"path": "two_u.csv", "sha256": records.file_sha256("two_u.csv"), "bytes": os.path.getsize("two_u.csv")}
    assert audit["unmatched"] == left
    Path("two_u.csv").write_text("by hand")
    assert differences("two.json") == ["unmatched.sha256", "unmatched.bytes"]
    edit("two.json", lambda audit: audit["unmatched"].update(sha256=records.file_sha256("two_u.csv"), bytes=7))
    assert differences("two.json") == ["unmatched.bytes", "unmatched.sha256"], "labelled again"
    os.remove("two_u.csv")
    edit("two.json", lambda audit: audit.update(unmatched=left))
    found = verify.verify(["two.json"])
    assert (found["status"], found["files"][0]["unknown"]) == ("unknown", ["two_u.csv: there is no such file"])


def fifo() -> str:
    os.mkfifo("pipe")
    return "pipe"


def loop() -> str:
    os.symlink("loop", "loop")
    return "loop"


URL = "s3://bucket/x?endpoint_override=127.0.0.1:9&scheme=http#.a.parquet"
PATHS: dict[str, tuple[Callable[[], str], str]] = {
    "a pipe": (fifo, "is not a regular file"),
    "a device": (lambda: "/dev/zero", "is not a regular file"),
    "a loop of links": (loop, "cannot be read"),
    "a folder": (lambda: ".", "is a folder"),
    "a URL": (lambda: URL, "s3://bucket/x"),
    "a path with NUL": (lambda: "a\0b", "is not a name that a file can have"),
    "the report itself": (lambda: "r.json", ""),
    "nothing": (lambda: "none/at/all.json", "there is no such file"),
    "no path": (lambda: "", ""),
}
MEMBERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "audit_json": ("r.json", ("tables", 0, "audit_json")),
    "output": ("one.json", ("output",)),
    "features": ("one.json", ("feature_table",)),
    "labels": ("one.json", ("label_sources", 0)),
    "label file": ("one.json", ("label_files", 0, "path")),
    "hashed features": ("one.json", ("run_provenance", "inputs", "features", "path")),
    "manifest": ("one.json", ("run_provenance", "inputs", "manifest", "path")),
    "unmatched": ("one.json", ("unmatched", "path")),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(PATHS))
def test_a_path_of_a_document_is_a_regular_file_or_a_fault(again: None, name: str) -> None:
    make, message = PATHS[name]
    path = make()
    for what, (file, place) in MEMBERS.items():
        document = json.loads(Path(file).read_text())
        edited = json.loads(json_text(document))
        reduce(lambda value, name: value[name], place[:-1], edited)[place[-1]] = path
        Path(file).write_text(json.dumps(edited))
        found = verify.verify([file])
        assert found["status"] != "ok", what
        if what in ("audit_json", "output", "hashed features", "unmatched"):
            assert message in json.dumps(found["files"][0]["unknown"]), (what, found)
        if what in ("audit_json", "output"):
            with pytest.raises(MosLabelsError):
                diff(file, file)
        Path(file).write_text(json_text(document))
    table = pq.read_table("one.parquet")
    entry = json.loads(pq.ParquetFile("one.parquet").metadata.metadata[b"moslabels"])
    for record in (entry["features"], entry["labels"][0]):
        before, record["path"] = record["path"], path
        pq.write_table(table.replace_schema_metadata({b"moslabels": json.dumps(entry).encode()}), "x.parquet")
        assert verify.verify(["x.parquet"])["status"] != "ok"
        record["path"] = before
    for outside in ["/dev/zero"] if name == "a device" else []:
        assert verify.verify([outside])["status"] == "unknown"


def test_one_audit_that_is_named_often_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    for module in (verify, verify_report):
        monkeypatch.setattr(module, "load", lambda path: opened.append(path) or load(path))
    edit("r.json", lambda report: report.update(tables=report["tables"][:1] * 60))
    found = verify.verify(["r.json"])
    assert (found["status"], opened) == ("differs", ["r.json", "one.json"])
    assert [file["path"] for file in found["files"]] == ["r.json", "one.json"]
    with pytest.raises(UsageError, match="two tables have the id"):
        diff("r.json", "r.json")
    edit("r.json", lambda report: [table.update(id=str(index)) for index, table in enumerate(report["tables"])])
    with pytest.raises(UsageError, match='tables "0" and "1" name one audit, one.json'):
        diff("r.json", "r.json")


def test_what_lies_outside_of_the_folder_is_listed_or_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("in").mkdir()
    monkeypatch.chdir("in")
    os.symlink("../l.csv", "l.csv")
    materialize("../f.parquet", ["l.csv"], "o.csv", "a.json", key_normalize="basename", min_match_rate=0.5)
    found = verify.verify(["a.json"])
    assert (found["status"], found["outside"]) == ("ok", ["../f.parquet", "l.csv"])
    assert "outside of the folder: ../f.parquet, l.csv" in verify.verify_text(found)
    found = verify.verify(["a.json"], only_root=True)
    assert (found["status"], found["files"][0]["differences"]) == ("unknown", [])
    assert "../f.parquet: is outside of" in found["files"][0]["unknown"][0]
    assert main(["verify", "a.json", "--only-root", "--root", "."]) == 2
    assert diff("a.json", "a.json")["outside"] == ["../f.parquet"], "what of the keys of a CSV table is a number"
    edit("a.json", lambda audit: audit.update(output="../two.csv", output_sha256=records.file_sha256("../two.csv")))
    assert diff("a.json", "a.json")["outside"] == ["../two.csv", "../f.parquet"]
    with pytest.raises(UsageError, match="two.csv is outside of .*, and --only-root refuses that"):
        diff("a.json", "a.json", only_root=True)
    with monkeypatch.context() as patched:
        patched.setattr(Again, "recount", lambda *_: pytest.fail("opened"))
        patched.setattr(Again, "audit", lambda *_: None)
        found = verify.verify(["a.json"], only_root=True)
    assert any("../two.csv: is outside of" in note for note in found["files"][0]["unknown"])
    os.chdir("..")
    assert main(["diff", "in/a.json", "in/a.json", "--only-root", "--old-root", "in"]) == 2
    assert main(["verify", "one.json", "--only-root"]) == 0
