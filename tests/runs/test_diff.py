"""``moslabels diff``: clips gained, lost and with another MOS, the rule and the inputs that changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.made import copied, working_in
from helpers.mutants import mutants
from helpers.tables import write_table
from moslabels import MosLabelsError, TableError, UsageError, materialize, run_batch
from moslabels.base.text import shown_apart
from moslabels.cli import main
from moslabels.files.records import file_sha256
from moslabels.runs.diff import diff
from moslabels.runs.verify import verify

OLD = [("k1", 1.0), ("k2", 2.0), ("k3", 3.0), ("k4", 4.0)]
NEW = [("k2", 2.0), ("k3", 3.5), ("k4", 3.0), ("k5", 5.0)]
OUTS = ["parquet", "csv", "jsonl"]


def label(folder: Path, labels: list[tuple[str, float]], **options: Any) -> None:
    """Label three tables in a folder of their own; frames of one clip stand in several rows."""
    write_table(folder / "f.csv", [{"path": f"v/k{index % 6}.mp4"} for index in range(18)])
    write_table(folder / "l.csv", [{"key": key, "mos": mos} for key, mos in labels])
    rule = {"feature_key_regex": "(k[0-9])[.]", "min_match_rate": 0, "mos_scale": "1-5", **options}
    tables = [
        {"id": suffix, "features": "f.csv", "labels": ["l.csv"], "out": f"o.{suffix}", "audit_json": f"{suffix}.json"}
        for suffix in OUTS
    ]
    (folder / "m.json").write_text(json.dumps({"defaults": rule, "tables": tables}))
    run_batch(folder / "m.json", base_dir=folder, report_json=folder / "r.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with working_in(tmp_path_factory.mktemp("made")) as made:
        label(Path("old"), OLD)
        label(Path("new"), NEW)
    return made


@pytest.fixture
def folders(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two runs in folders beside each other. Paths in their evidence open from the folder of both."""
    copied(made, tmp_path, monkeypatch)
    return Path("old"), Path("new")


def check(table: dict[str, Any]) -> None:
    assert (table["gained"], table["lost"]) == ({"count": 1, "sample": ["k5"]}, {"count": 1, "sample": ["k1"]})
    assert table["same"] == 1
    assert table["changed"] == {
        "count": 2,
        "mean_change": -0.25,
        "mean_absolute_change": 0.75,
        "largest": [
            {"key": "k4", "old": 4.0, "new": 3.0, "change": -1.0},
            {"key": "k3", "old": 3.0, "new": 3.5, "change": 0.5},
        ],
    }


@pytest.mark.parametrize("suffix", OUTS)
def test_two_audits(folders: tuple[Path, Path], suffix: str) -> None:
    document = diff(*(str(folder / f"{suffix}.json") for folder in folders))
    assert not document["same"]
    (table,) = document["tables"]
    check(table)
    assert len([one for one in table["inputs"] if one["old"] and one["new"]]) == 0, "they have other paths"
    assert diff(*[str(folders[0] / f"{suffix}.json")] * 2)["same"]


def test_two_reports(folders: tuple[Path, Path]) -> None:
    document = diff(*(str(folder / "r.json") for folder in folders))
    assert [table["id"] for table in document["tables"]] == OUTS
    for table in document["tables"]:
        check(table)
    report = json.loads((folders[1] / "r.json").read_text())
    report["tables"][0]["id"] = "other"
    (folders[1] / "r.json").write_text(json.dumps(report))
    document = diff(*(str(folder / "r.json") for folder in folders))
    assert (document["only_old"], document["only_new"], document["same"]) == (["parquet"], ["other"], False)


def test_two_tables(folders: tuple[Path, Path]) -> None:
    document = diff(*(str(folder / "o.parquet") for folder in folders))
    check(document["tables"][0])
    document = diff(str(folders[0] / "o.parquet"), str(folders[1] / "parquet.json"))
    check(document["tables"][0])


def test_the_rule_and_the_inputs_that_changed(folders: tuple[Path, Path]) -> None:
    Path("old").rename("before")
    label(Path("old"), OLD[:3], mos_tolerance=0.1)
    os.chdir("old")
    relative = [Path(name) for name in ("csv.json", "../before/csv.json")]
    for path in relative:
        path.write_text(path.read_text().replace('"old/', '"'))
    document = diff("../before/csv.json", "csv.json", old_base_dir="../before")
    (table,) = document["tables"]
    assert (table["lost"]["sample"], table["same"]) == (["k4"], 3)
    assert [one["what"] for one in table["rule"]] == ["config", "label_files"]
    assert table["rule"][0]["new"]["mos_tolerance"] == 0.1
    assert [one["what"] for one in table["inputs"]] == ["l.csv"]
    audits = [json.loads(path.read_text()) for path in relative]
    for path, document in zip(relative, audits, strict=True):  # As older tools wrote them.
        path.write_text(json.dumps({name: value for name, value in document.items() if name != "output_sha256"}))
    assert diff("../before/csv.json", "csv.json", old_base_dir="../before")["tables"] == [table]


OVERWRITTEN = {
    "an audit, other labels": ("csv.json", OLD[:3], {}, "old/o.csv: is no longer the table that"),
    "a report, other labels": ("r.json", OLD[:3], {}, 'r.json: table "parquet" was labelled again since'),
    "a report, other scores": (
        "r.json",
        [(key, mos + 0.5) for key, mos in OLD],
        {},
        'r.json: table "parquet" was labelled again since',
    ),
    "a report, other options": (
        "r.json",
        OLD,
        {"mos_tolerance": 0.1},
        'r.json: table "parquet" was labelled again since',
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "labels", "options", "message"), OVERWRITTEN.values(), ids=OVERWRITTEN)
def test_an_output_that_was_overwritten_is_not_taken_for_the_old_one(
    folders: tuple[Path, Path], name: str, labels: list[tuple[str, float]], options: dict[str, Any], message: str
) -> None:
    before = folders[0] / f"before_{name}"
    before.write_text((folders[0] / name).read_text())
    label(folders[0], labels, **options)
    with pytest.raises(UsageError, match=message) as raised:
        diff(str(before), str(folders[0] / name))
    assert "keep the outputs of each run in a folder of their own" in str(raised.value)


def test_one_output_and_no_audit(folders: tuple[Path, Path]) -> None:
    manifest = json.loads((folders[0] / "m.json").read_text())
    for table in manifest["tables"]:
        del table["audit_json"]
    (folders[0] / "m.json").write_text(json.dumps(manifest))
    reports = [str(folders[0] / name) for name in ("one.json", "two.json")]
    for path in reports:
        run_batch(folders[0] / "m.json", base_dir=folders[0], report_json=path)
    with pytest.raises(UsageError, match=r"one.json and .*two.json name the same output, .*o.parquet, and without an"):
        diff(*reports)
    assert diff(reports[0], reports[0])["same"]
    assert not diff(reports[0], str(folders[1] / "r.json"))["same"]


def test_the_command(folders: tuple[Path, Path], tmp_path: Path) -> None:
    done = moslabels("diff", "old/csv.json", "new/csv.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert '  1 gained: "k5"\n  1 lost: "k1"\n' in done.stdout
    assert "  2 with another MOS: mean change -0.25, mean of the sizes 0.75; the largest:\n" in done.stdout
    assert '    "k4": 4 -> 3 (-1)\n' in done.stdout
    done = moslabels("diff", "old/csv.json", "old/csv.json", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["same"]) == (0, True)


def test_what_differs_inside_of_a_structure_is_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    label(Path("new"), OLD[:3], mos_tolerance=0.1)
    for path, last in (("old/csv.json", "2"), ("new/csv.json", "1")):
        audit = json.loads(Path(path).read_text())
        audit["config"]["extras"] = ["a" * 150 + last]
        Path(path).write_text(json.dumps(audit))
    told = moslabels("diff", "old/csv.json", "new/csv.json", cwd=tmp_path).stdout.splitlines()
    assert [line for line in told if line.startswith("  rule ")] == [
        f'  rule config.extras: …{"a" * 20}2"] -> …{"a" * 20}1"]',
        "  rule config.mos_tolerance: absent -> 0.1",
        '  rule label_files[0].path: "old/l.csv" -> "new/l.csv"',
        "  rule label_files[0].rows: 4 -> 3",
    ]


APART = {
    "short": ("a", "b", '"a"', '"b"'),
    "kinds": ("1", 1, '"1"', "1"),
    "late": ("x" * 200 + "a", "x" * 200 + "b", f'…{"x" * 20}a"', f'…{"x" * 20}b"'),
    "longer": ("x" * 200, "x" * 201, f'…{"x" * 20}"', f'…{"x" * 20}x"'),
    "composed": ("\u00e9", "e\u0301", '"\\u00e9"', '"e\\u0301"'),
    "long after the place": ("a" + "x" * 200, "b" + "x" * 200, f'"a{"x" * 115}…', f'"b{"x" * 115}…'),
}


@pytest.mark.parametrize(("one", "other", "first", "second"), APART.values(), ids=APART)
def test_values_that_differ_are_shown_so_that_they_differ(one: Any, other: Any, first: str, second: str) -> None:
    assert shown_apart(one, other) == (first, second)


@pytest.mark.parametrize("name", ["r.json", "csv.json", "parquet.json"])
def test_a_copied_folder_is_compared_by_the_hashes(folders: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    """The run wrote over what it had written, so the paths in the copied evidence lead to other tables."""
    shutil.copytree(folders[0], "copy")
    label(folders[0], NEW)
    for table in diff(f"copy/{name}", f"old/{name}")["tables"]:
        check(table)
        assert [one["what"] for one in table["inputs"]] == ["old/l.csv"]
    Path("copy/l.csv").write_text("key,mos\nk1,1\n")
    assert diff(f"copy/{name}", f"copy/{name}")["same"], "the tables are compared, not the inputs"
    for suffix in OUTS:
        Path(f"copy/o.{suffix}").write_bytes(Path(f"new/o.{suffix}").read_bytes())
    with pytest.raises(UsageError, match="is no longer the table that"):
        diff(f"copy/{name}", f"old/{name}")


def test_inputs_with_the_same_bytes_at_another_path_did_not_change(folders: tuple[Path, Path]) -> None:
    label(Path("again"), OLD)
    document = diff("old/r.json", "again/r.json")
    assert document["same"]
    assert [(table["rule"], table["inputs"]) for table in document["tables"]] == [([], [])] * 3
    (table,) = diff("old/csv.json", "new/csv.json")["tables"]
    assert [one["what"] for one in table["inputs"]] == ["new/l.csv", "old/l.csv"]


def test_tables_that_share_no_clip(folders: tuple[Path, Path], tmp_path: Path) -> None:
    label(Path("other"), [("k0", 1.0), ("k5", 2.0)])
    done = moslabels("diff", "old/r.json", "other/r.json", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.count(": no clip is labelled in both, so the two cannot be compared: ") == len(OUTS)
    assert '  4 lost: "k1", "k2", "k3"\n' in done.stdout
    assert [table["disjoint"] for table in diff("old/r.json", "new/r.json")["tables"]] == [False] * 3
    label(Path("none"), [("k7", 1.0)])
    done = moslabels("diff", "none/csv.json", "old/csv.json", cwd=tmp_path)
    assert (done.returncode, "4 gained" in done.stdout) == (1, True), "a first label is gained"


WRONG = [
    ("old/m.json", "old/csv.json", "old/m.json"),
    ("old/none.json", "old/csv.json", "none.json"),
    ("old/r.json", "old/csv.json", "cannot be compared"),
    ("old/l.csv", "old/o.csv", "nothing says which column its key is"),
    ("old/half.json", "old/r.json", "half.json: its report is not valid: status is missing"),
    ("old/x.parquet", "old/o.parquet", "old/x.parquet: there is no such file"),
    ("old/y.txt2", "old/o.parquet", "there is no such file"),
    ("old", "old/o.parquet", "old/o.parquet: was labelled as one file, not as a part of a table"),
    ("old/k.txt", "old/o.parquet", "is not a report, an audit or a table"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_what_cannot_be_compared(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    Path("old/k.txt").write_text("1")
    Path("old/half.json").write_text('{"schema": "mos-label-materializer-batch-v1"}')
    assert main(["diff", old, new]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_a_table_without_evidence_does_not_say_what_its_key_is(tmp_path: Path) -> None:
    columns = {"key": ["a", "b"], "mos": [1.0, None], "mos_label_status": ["ok", "missing-label"]}
    for name in ("old.parquet", "new.parquet"):
        pq.write_table(pa.table(columns), tmp_path / name)
    with pytest.raises(UsageError, match=r"old.parquet: nothing says which column its key is"):
        diff(str(tmp_path / "old.parquet"), str(tmp_path / "new.parquet"))
    with pytest.raises(UsageError):
        diff(str(tmp_path / "old.parquet"), str(tmp_path / "new.xyz"))


FRAMES = [{"file_name": f"{clip}.mp4", "n": n} for clip in "abc" for n in (1, 2)]
READ_BACK: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]] = {
    "an extra named like a key": (
        FRAMES,
        [{"file_name": "a.mp4", "mos": 3, "content_id": "X"}, {"file_name": "b.mp4", "mos": 4, "content_id": "X"}],
        {"label_key_column": "file_name", "extras": ["content_id"]},
    ),
    "an extra that takes the place of a feature": (
        [{**row, "content_id": "old"} for row in FRAMES],
        [{"file_name": "a.mp4", "mos": 3, "content_id": "X"}, {"file_name": "b.mp4", "mos": 4, "content_id": "X"}],
        {
            "feature_key_column": "file_name",
            "label_key_column": "file_name",
            "extras": ["content_id"],
            "overwrite": True,
        },
    ),
    "a key of two columns": (
        [{"content_id": "t", "clip": row["file_name"][0], "n": row["n"]} for row in FRAMES],
        [{"content_id": "t", "clip": "a", "mos": 3}, {"content_id": "t", "clip": "b", "mos": 4}],
        {name: ["content_id", "clip"] for name in ("feature_key_column", "label_key_column")},
    ),
    "a name that occurs in two cases": (
        [{"Key": row["file_name"], "key": "k", "n": row["n"]} for row in FRAMES],
        [{"key": "a.mp4", "mos": 3}, {"key": "b.mp4", "mos": 4}],
        {"feature_key_column": "Key"},
    ),
    "a column that comes first by its name": (
        [{"vid": row["file_name"], "key": f"frame {row['n']}"} for row in FRAMES],
        [{"key": "a.mp4", "mos": 3}, {"key": "b.mp4", "mos": 4}],
        {"feature_key_column": "vid"},
    ),
}


CASES = [(next(iter(READ_BACK)), suffix) for suffix in ("parquet", "csv", "jsonl", "json")]
CASES += list(zip(list(READ_BACK)[1:], ("parquet", "jsonl", "csv", "csv"), strict=True))


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "suffix"), CASES)
def test_a_labelled_table_is_read_back_by_the_key_that_its_evidence_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    features, labels, options = READ_BACK[name]
    write_table(Path(f"f.{suffix}"), features)
    table = {"id": "t", "features": f"f.{suffix}", "labels": ["l.csv"]}
    for run, mos in (("old", 4), ("new", 4.5)):
        write_table(Path("l.csv"), [labels[0], {**labels[1], "mos": mos}])
        with_audit = (
            {"out": f"{run}.{suffix}", "audit_json": f"{run}.json"} if suffix != "json" else {"out": f"{run}.json"}
        )
        manifest = {
            "defaults": {"min_match_rate": 0.5, "mos_scale": "1-5", **options},
            "tables": [{**table, **with_audit}],
        }
        Path("m.json").write_text(json.dumps(manifest))
        assert run_batch("m.json", report_json=f"{run}_report.json")["status"] == "ok"
    pairs = [("old_report.json", "new_report.json")]  # A JSON table of these has no audit.
    pairs += [("old.parquet", "new.parquet")] if suffix == "parquet" else []
    for pair in pairs:
        (found,) = diff(*pair)["tables"]
        assert (found["gained"]["count"], found["lost"]["count"], found["same"]) == (0, 0, 1)
        assert (found["changed"]["count"], found["changed"]["mean_change"]) == (1, 0.5)
    if suffix != "json":
        assert verify(["new.json"])["status"] == "ok"


FLOATS: dict[str, tuple[str, Any]] = {
    "DOUBLE": ("f.parquet", pa.table({"id": [12.0, 10008004183.0]})),
    "FLOAT": ("f.parquet", pa.table({"id": pa.array([12, 1048576], pa.float32())})),
    "DECIMAL": ("f.parquet", pa.table({"id": pa.array([12, 1048576], pa.decimal128(12, 2))})),
    "JSON": ("f.jsonl", '{"id": 12.0}\n{"id": 1.5e3}\n'),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(FLOATS))
def test_keys_that_are_numbers_in_the_features_are_so_in_a_csv_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path, content = FLOATS[name]
    write_table(Path(path), content)
    options = {"feature_key_column": "id", "feature_key_regex": "^[0-9]+$", "min_match_rate": 0, "mos_scale": "1-5"}
    for run, mos in (("old", 3), ("new", 4)):
        write_table(Path("l.csv"), [{"id": "12", "mos": mos}])
        materialize(path, [{"path": "l.csv", "label_key_column": "id"}], f"{run}.csv", f"{run}.json", **options)
    (found,) = verify(["new.json"])["files"]
    assert (found["differences"], found["unknown"]) == ([], [])
    assert diff("old.json", "new.json")["tables"][0]["changed"]["largest"] == [
        {"key": "12", "old": 3.0, "new": 4.0, "change": 1.0}
    ]
    os.rename(path, "elsewhere")  # The output has the key itself, and needs no features to be read.
    assert diff("old.json", "new.json")["tables"][0]["changed"]["count"] == 1
    (found,) = verify(["new.json"])["files"]
    assert found["differences"] == []


FAULTS = {
    "two scores": (
        [("a", 1.0, "ok"), ("a", 2.0, "ok")],
        'the key "a" of column "key" has two scores: 1.0 in row 1 and 2.0',
    ),
    "a label in some rows": ([("a", 1.0, "ok"), ("a", None, "missing-label")], 'the key "a" of column "key" has two'),
    "a score that is none": ([("a", None, "ok")], "row 1 is labelled, and its mos is null"),
    "a fraction": (
        [(12.0, 1.0, "ok"), (12.1, 1.0, "ok")],
        'row 2: the key column "key" holds "12.1", a fractional number',
    ),
    "infinity": ([(float("inf"), 1.0, "ok")], "an infinite number, which cannot be a key (1 such rows)"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(FAULTS))
def test_a_key_that_cannot_be_read_back_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    rows, message = FAULTS[name]
    write_table(Path("f.csv"), [{"key": "a"}])
    write_table(Path("l.csv"), [{"key": "a", "mos": 1}])
    materialize("f.csv", ["l.csv"], "o.parquet", "a.json", mos_scale="1-5")
    names = ("key", "mos", "mos_label_status")
    write_table(
        Path("o.parquet"), [{**dict(zip(names, row, strict=True)), "mos_label_source": "l.csv"} for row in rows]
    )
    audit = json.loads(Path("a.json").read_text())
    audit["output_sha256"] = file_sha256("o.parquet")
    Path("a.json").write_text(json.dumps(audit))
    with pytest.raises(TableError, match=re.escape(message)):
        diff("a.json", "a.json")
    assert any(message in note for note in verify(["a.json"])["files"][0]["unknown"])


def test_csv_outputs_in_the_dialect_of_their_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dialect = {"header": False, "delimiter": ";", "encoding": "latin-1"}
    Path("f.csv").write_bytes("é;1\nb;2\n".encode("latin-1"))
    options = {"feature_csv": dialect, "feature_key_column": "column0", "audit_json": None}
    for name, mos in (("old", 3), ("new", 4)):
        write_table(Path(f"{name}_l.csv"), [{"key": "é", "mos": mos}, {"key": "b", "mos": 2}])
        materialize("f.csv", [f"{name}_l.csv"], f"{name}.csv", **{**options, "audit_json": f"{name}.json"})
    (table,) = diff("old.json", "new.json")["tables"]
    assert (table["changed"]["largest"][0]["key"], table["same"]) == ("é", 1)
    assert moslabels("verify", "old.json", cwd=tmp_path).returncode == 0


PATHS = ("old/r.json", "old/csv.json", "old/o.parquet")


def test_no_mutant_of_a_document_is_a_traceback(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["moslabels.runs.diff"]
    empty = {name: {"count": 0, "sample": []} for name in ("gained", "lost", "changed")}
    monkeypatch.setattr(
        module, "compared", lambda *_: {"id": None, "parts": None, "rule": [], "inputs": [], "same": 0, **empty}
    )
    table = pq.read_table("old/o.parquet")
    entry = json.loads(pq.ParquetFile("old/o.parquet").metadata.metadata[b"moslabels"])
    found: dict[str, int] = {}
    for path in PATHS:
        document = entry if path == "old/o.parquet" else json.loads(Path(path).read_text())
        assert diff(path, path)["same"]
        for mutant in [mutant for *_, mutant in mutants(document)] + [{}, [], "x", {"schema": ["x"]}]:
            if path == "old/o.parquet":
                metadata = {b"moslabels": json.dumps(mutant).encode()}
                pq.write_table(table.slice(0, 1).replace_schema_metadata(metadata), path)
            else:
                Path(path).write_text(json.dumps(mutant))
            try:
                diff(path, path)
            except UsageError:
                found[path] = found.get(path, 0) + 1
        Path(path).write_text(json.dumps(document))
    assert all(found[path] > 50 for path in PATHS), found


def test_options_and_patterns_that_do_not_fit_are_told(folders: tuple[Path, Path]) -> None:
    path = folders[0] / "csv.json"
    document = json.loads(path.read_text())
    for config, message in (
        ({**document["config"], "later": 1}, 'holds what this version does not know, "config.later"'),
        ({**document["config"], "feature_key_regex": ["a", "b"]}, "has 2 patterns for the key"),
        ({**document["config"], "status_column": "none"}, "not a column of it"),
    ):
        path.write_text(json.dumps({**document, "config": config}))
        with pytest.raises(MosLabelsError, match=re.escape(message)):
            diff(str(path), str(path))
