"""init: a first manifest that loads, that editors check, and that labels; nothing is ever overwritten."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.paths import ROOT
from helpers.schemas import schema_of
from helpers.tables import write_table
from moslabels import TableError, UsageError, load_manifest, run_batch
from moslabels.evidence.json_schema import schema_text
from moslabels.runs.init import start_manifest

QUICKSTART = ROOT / "examples/quickstart"
IDS = [10036549127 + 7919 * n * n for n in range(40)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Features of one corpus by two extractors, its labels, and labels of another corpus."""
    write_table(tmp_path / "a/clips.csv", [{"path": f"v/{n}_540p.mp4", "x": n % 7 / 4} for n in IDS])
    write_table(tmp_path / "b/clips.csv", [{"path": f"w/{n}.npy", "y": n % 5 / 4} for n in IDS])
    write_table(tmp_path / "l.csv", [{"flickr_id": n, "mos": round(1.5 + n % 31 / 10, 1)} for n in IDS])
    write_table(tmp_path / "other.csv", [{"name": f"zz{'abcd'[n % 4]}q", "mos": 1 + n % 4} for n in range(9)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path: str = "manifest.json") -> dict[str, Any]:
    """The manifest that was written: it is valid, and its schema stands beside it."""
    document: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    assert schema_of("manifest").is_valid(document)
    assert (Path(path).parent / document["$schema"]).is_file()
    return document


@pytest.mark.parametrize(
    ("features", "labels"),
    [("natural_features.parquet", "natural_labels.csv"), ("hdr_features.jsonl", "hdr_labels.jsonl")],
)
def test_the_quickstart(tmp_path: Path, features: str, labels: str) -> None:
    for name in (features, labels):
        shutil.copy(QUICKSTART / name, tmp_path)
    done = moslabels("init", "--features", features, "--labels", labels, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    name = Path(features).stem
    assert done.stderr.startswith(f'{name}: "')
    assert done.stderr.endswith("to try: moslabels batch manifest.json --dry-run\n")
    assert (tmp_path / "manifest.schema.json").read_text(encoding="utf-8") == schema_text("manifest")
    report = moslabels("batch", "manifest.json", cwd=tmp_path)
    assert report.stderr.startswith(f"{name}: ok: match rate 1.000")


def test_several_tables(folder: Path) -> None:
    started = start_manifest(["a/clips.csv", "b/clips.csv"], ["l.csv"], "new/runs/m.json")
    assert [(proposal.id, proposal.is_rule) for proposal in started.proposals] == [
        ("../../a/clips", True),
        ("../../b/clips", True),
    ]
    document = written("new/runs/m.json")
    assert [table["features"] for table in document["tables"]] == ["../../a/clips.csv", "../../b/clips.csv"]
    assert [table["labels"] for table in document["tables"]] == [["../../l.csv"]] * 2
    report = run_batch("new/runs/m.json")
    assert [table["summary"]["match_rate"] for table in report["tables"]] == [1, 1]
    assert (folder / "a/clips_mos.csv").exists()


@pytest.mark.parametrize(
    ("features", "ids"),
    [
        (["a/clips.csv"], ["clips"]),
        (["a/clips.csv", "b/clips.csv"], ["a/clips", "b/clips"]),
        (["a/clips.csv", "a/clips.jsonl"], ["a/clips.csv", "a/clips.jsonl"]),
    ],
)
def test_the_ids_and_outputs_differ(folder: Path, features: list[str], ids: list[str]) -> None:
    write_table(folder / "a/clips.jsonl", [{"path": f"{n}.mp4"} for n in IDS])
    start_manifest(features, ["l.csv"], "m.json")
    assert [table.id for table in load_manifest("m.json").tables] == ids


def test_the_comments_say_what_a_rule_rests_on(folder: Path) -> None:
    start_manifest(["a/clips.csv"], ["l.csv"], "m.json")
    rule, *lines = written("m.json")["_rules"]["clips"]
    assert rule.startswith('"path" by ')
    assert "match rate 1.000 (40 of 40 keys), rows with a key 1.000, collisions 0 + 0, conflicts 0, identifier" in rule
    assert any(line.startswith('such as "v/1003') for line in lines)
    assert any('l.csv: 40 rows; scores: column "mos"' in line for line in lines)


def test_tables_are_added_to_a_manifest(folder: Path) -> None:
    table = {"out": "o.csv", "id": "mine", "labels": ["l.csv"], "features": "b/clips.csv", "min_match_rate": 0.5}
    before = {"tables": [table], "_why": "ünïcode", "defaults": {"mos_tolerance": 1e-07}, "_rules": {"mine": "by hand"}}
    Path("m.json").write_text(json.dumps(before), encoding="utf-8")
    done = moslabels("init", "--add", "--features", "a/clips.csv", "--labels", "l.csv", "--out", "m.json", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    after = json.loads(Path("m.json").read_text(encoding="utf-8"))
    added, comments = after["tables"].pop(), after["_rules"].pop("clips")
    assert json.dumps(after) == json.dumps(before), "all that was there stays, in its order"
    assert (added["id"], added["features"], added["out"]) == ("clips", "a/clips.csv", "a/clips_mos.csv")
    assert comments[0].startswith('"path" by ')
    assert [spec.id for spec in load_manifest("m.json").tables] == ["mine", "clips"]
    assert not Path("manifest.schema.json").exists()


ADDED_TO: dict[str, tuple[Any, str]] = {
    "an id that exists": (
        {"tables": [{"id": "clips", "features": "x.csv", "labels": ["l.csv"], "out": "o.csv"}]},
        '"a/clips.csv" would be table "clips"; if it is another one, rename the file',
    ),
    "an output that exists": (
        {"tables": [{"id": "t", "features": "x.csv", "labels": ["l.csv"], "out": "a/clips_mos.csv"}]},
        "tables[1].out",
    ),
    "defaults that change the rule": (
        {
            "defaults": {"feature_key_regex": "v/(.*)", "min_match_rate": 0.5, "key_case": "fold"},
            "tables": [{"id": "t", "features": "x.csv", "labels": ["l.csv"], "out": "o.csv"}],
        },
        'was found without the options "key_case" of defaults, which would hold for it too; move them',
    ),
    "a wrong manifest": ({"tables": [], "x": 1}, "x: is unknown"),
    "not JSON": ("{,}", "the manifest is not JSON"),
    "nothing": (None, "there is no such manifest"),
}


@pytest.mark.parametrize(("before", "message"), ADDED_TO.values(), ids=ADDED_TO)
def test_a_manifest_that_tables_cannot_be_added_to_stays(folder: Path, before: Any, message: str) -> None:
    text = before if isinstance(before, str) else json.dumps(before)
    if before is not None:
        Path("m.json").write_text(text)
    done = moslabels("init", "--add", "--features", "a/clips.csv", "--labels", "l.csv", "--out", "m.json", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert Path("m.json").exists() == (before is not None)
    if before is not None:
        assert Path("m.json").read_text() == text


def test_what_is_to_be_confirmed_is_said_and_written(folder: Path) -> None:
    write_table(folder / "few.csv", [{"flickr_id": n, "mos": round(1.5 + n % 31 / 10, 1)} for n in IDS[::2]])
    (folder / "a/clips_mos.csv").write_text("mine\n")
    done = moslabels("init", "--features", "a/clips.csv", "--labels", "few.csv", cwd=folder)
    assert done.returncode == 0
    for note in ("below the default min_match_rate 0.95", 'out "a/clips_mos.csv" exists: a run replaces it'):
        assert f"clips: confirm: {note}" in done.stderr
        assert any(line.startswith(f"confirm: {note}") for line in written()["_rules"]["clips"])


def test_without_a_rule_the_entry_has_none(folder: Path) -> None:
    done = moslabels("init", "--features", "a/clips.csv", "--labels", "other.csv", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "clips: no join rule found: " in done.stderr
    assert "a rule for 0 of 1 tables" in done.stderr
    document = written()
    assert set(document["tables"][0]) == {"id", "features", "labels", "out", "audit_json"}
    assert any("add feature_key_column, label_key_column" in line for line in document["_rules"]["clips"])
    assert load_manifest("manifest.json").tables[0].id == "clips"


def test_how_csv_is_written_is_kept(folder: Path) -> None:
    (folder / "bare.csv").write_text("".join(f"{n};{1.5 + n % 31 / 10:.1f}\n" for n in IDS))
    dialect = {"header": False, "delimiter": ";"}
    for labels, is_rule in ((["bare.csv"], True), (["other.csv"], False)):
        out = f"{is_rule}.json"
        started = start_manifest(["a/clips.csv"], labels, out, label_csv=dialect if is_rule else {"encoding": "utf-8"})
        assert started.proposals[0].is_rule == is_rule
        assert written(out)["tables"][0]["label_csv"] == (dialect if is_rule else {"encoding": "utf-8"})
    assert run_batch("True.json")["status"] == "ok"


def test_an_absolute_path_out_of_the_folder_stays(folder: Path) -> None:
    (folder / "m").mkdir()
    start_manifest([str(folder / "a/clips.csv")], [str(folder / "l.csv")], str(folder / "m/m.json"))
    table = written("m/m.json")["tables"][0]
    assert (table["features"], table["labels"]) == (str(folder / "a/clips.csv"), [str(folder / "l.csv")])
    start_manifest([str(folder / "a/clips.csv")], [str(folder / "l.csv")], str(folder / "n.json"))
    table = written("n.json")["tables"][0]
    assert (table["features"], table["labels"]) == ("a/clips.csv", ["l.csv"])


def test_a_folder_that_is_a_link(folder: Path) -> None:
    (folder / "deep/er").mkdir(parents=True)
    os.symlink(folder / "deep/er", folder / "link")
    start_manifest(["a/clips.csv"], ["l.csv"], "link/m.json")
    assert run_batch("link/m.json")["status"] == "ok"


def test_names_that_steer_a_terminal(folder: Path) -> None:
    name = "\u202e\x1b[31m$(touch x)'"
    os.rename("a", name)
    done = moslabels(
        "init", "--features", f"{name}/clips.csv", "--labels", "l.csv", "--out", f"{name}/m.json", cwd=folder
    )
    assert done.returncode == 0
    assert not {"\x1b", "\u202e"} & {*done.stderr, *Path(name, "m.json").read_text(encoding="utf-8")}
    assert "batch '" in done.stderr
    assert load_manifest(f"{name}/m.json").tables[0].features == f"{name}/clips.csv"


REFUSED: list[tuple[list[str], list[str], str, list[str]]] = [
    (["a/clips.csv"], ["l.csv"], "l.csv", ['out: "l.csv" exists already, and stays; ']),
    (["a/clips.csv"], ["l.csv"], "a", ['out: "a" exists already']),
    (["a/clips.csv"], ["l.csv"], "x/manifest.schema.json", ["is where the schema is written"]),
    (["a/clips.csv", "a/clips.csv"], ["l.csv"], "l.csv", ['features: "a/clips.csv" is given twice', "exists already"]),
    (
        ["a/clips.txt"],
        ["l.xls"],
        "m.json",
        ['features: "a/clips.txt" has the suffix', 'labels: "l.xls" has the suffix'],
    ),
    (["a/clips.csv"], ["\udcff.csv"], "m.json", ["bytes that are not UTF-8"]),
    (["a/clips.csv", "a/clips_mos.csv"], ["l.csv"], "m.json", ["tables[0].out: ", "is also tables[1].features"]),
]


@pytest.mark.parametrize(("features", "labels", "out", "found"), REFUSED)
def test_what_is_refused(folder: Path, features: list[str], labels: list[str], out: str, found: list[str]) -> None:
    shutil.copy("a/clips.csv", "a/clips_mos.csv")
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    with pytest.raises(UsageError) as caught:
        start_manifest(features, labels, out)
    assert all(text in str(caught.value) for text in found), str(caught.value)
    assert {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")} == before


def test_a_table_that_cannot_be_read_leaves_nothing(folder: Path) -> None:
    with pytest.raises(TableError, match="b/none.csv: there is no such file"):
        start_manifest(["a/clips.csv", "b/none.csv"], ["l.csv"], "new/m.json")
    assert not (folder / "new").exists()


def test_another_schema_stays(folder: Path) -> None:
    (folder / "manifest.schema.json").write_text("{}\n")
    done = moslabels("init", "--features", "a/clips.csv", "--labels", "l.csv", cwd=folder)
    assert done.returncode == 0
    assert "moslabels: warning: manifest.schema.json is the schema of another version" in done.stderr
    assert (folder / "manifest.schema.json").read_text() == "{}\n"
    os.unlink("manifest.schema.json")
    assert not start_manifest(["a/clips.csv"], ["l.csv"], "n.json").is_schema_other
    assert not start_manifest(["a/clips.csv"], ["l.csv"], "o.json").is_schema_other
