"""suggest and init for features of many parts: the entry that is proposed labels them as it stands there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import moslabels
from helpers.command import moslabels as command
from helpers.many import write_parts
from helpers.tables import write_table
from moslabels import TableError, UsageError, load_manifest, run_batch
from moslabels.suggestions.search import suggest

IDS = [10036549127 + 7919 * n * n for n in range(60)]
FORMS: list[Any] = [
    "features",
    "./features/",
    {"glob": "features/**/*.parquet"},
    ["features/corpus=A", {"glob": "features/corpus=B/part-*"}],
]


def write_part(folder: Path, name: str, **columns: Any) -> None:
    path = folder / "features" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Features of two corpora in six parts, all of other clips."""
    for place, corpus in enumerate("AB"):
        for part in range(3):
            clips = IDS[place * 30 + part * 10 :][:10]
            paths = [f"v/{clip}_540.mp4" for clip in clips for _ in range(3)]
            write_part(tmp_path, f"corpus={corpus}/part-{part}.parquet", path=paths, x=[n / 7 for n in range(30)])
    write_table(tmp_path / "l.csv", [{"flickr_id": n, "mos": round(1.5 + n % 31 / 10, 1)} for n in IDS])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def proposed(features: Any = "features", labels: str = "l.csv", **arguments: Any) -> dict[str, Any]:
    """The entry of the best rule."""
    entry: dict[str, Any] = suggest(features, [labels], **arguments)["suggestions"][0]["manifest"]
    return entry


def run(entry: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What is reported of a table that is labelled by an entry as it is."""
    report = run_batch(write_table(Path("m.json"), json.dumps({"tables": [{**entry, **more}]})))
    return dict(report["tables"][0])


@pytest.mark.parametrize("features", FORMS)
def test_the_entry_labels_all_parts(folder: Path, features: Any) -> None:
    entry = proposed(features)
    assert (entry["id"], entry["features"], entry["out"]) == ("features", features, "features_mos")
    assert (entry["partitions"], entry["match_rate_by"]) == (["corpus"], "corpus")
    assert "confirm" not in entry
    told = run(entry)
    assert (told["status"], told["summary"]["matched_rows"], told["summary"]["input_rows"]) == ("ok", 180, 180)
    assert len(list(Path("features_mos").rglob("*.parquet"))) == 6
    # A second run finds its own output, and it is not among the parts.
    assert run(proposed(features))["status"] == "ok"


def test_names_of_folders_are_a_part_of_the_key_if_they_tell_clips_apart(folder: Path) -> None:
    for corpus in "AB":
        for part in range(3):
            clips = IDS[part * 20 :][:20]
            write_part(folder, f"corpus={corpus}/part-{part}.parquet", path=[f"v/{clip}.mp4" for clip in clips])
    both = [{"corpus": corpus, "flickr_id": n} for corpus in "AB" for n in IDS]
    write_table(folder / "l.csv", [{**row, "mos": 1 + n % 37 / 10} for n, row in enumerate(both)])
    entry = proposed()
    assert entry["feature_key_column"] == ["corpus", "path"]
    assert (entry["partitions"], entry["match_rate_by"]) == (["corpus"], "corpus")
    assert all(json.loads(value)[0] == key[0] in "AB" for value, key in entry["examples"].items())
    assert len(entry["examples"]) == 3
    assert run(entry)["summary"]["matched_rows"] == 120


def test_names_of_folders_are_the_key_if_nothing_else_names_the_clip(folder: Path) -> None:
    for n in IDS:
        write_part(folder / "alone", f"run=1/clip={n}/frames.parquet", x=[1.5, 2.5])
    entry = proposed("alone/features")
    assert (entry["feature_key_column"], entry["partitions"]) == ("clip", ["clip"])
    assert "match_rate_by" not in entry  # of so many values
    assert run(entry)["summary"]["matched_rows"] == 120


def test_names_of_folders_that_are_not_utf_8_are_refused(folder: Path) -> None:
    for code in ("E8", "E9"):
        write_part(folder / "alone", f"%{code}=x/part.parquet", path=["v/5550001112.mp4"], x=[0.5])
    with pytest.raises(TableError, match=r'the folder "%E8=x" above it has codes that are not UTF-8'):
        proposed("alone/features")


def test_a_folder_with_too_few_labels_is_a_question_and_not_a_gate(folder: Path) -> None:
    write_part(folder, "corpus=C/part.parquet", path=["v/5550001112.mp4"], x=[0.5])
    entry = proposed()
    assert "match_rate_by" not in entry
    assert "partitions" not in entry
    assert entry["confirm"] == [
        'for 1 value of the folders corpus=… too few keys have a label, or too few rows a key: "C" 0 of 1 have a label'
        "; is that right?"
    ]
    told = run(entry)
    assert told["status"] == "ok"
    assert any('"C" 0 of 1' in warning for warning in told["warnings"])


def test_keys_in_several_folders_are_a_question(folder: Path) -> None:
    write_part(folder, "corpus=B/part-9.parquet", path=[f"v/{n}_540.mp4" for n in IDS[:7]], x=[0.5] * 7)
    entry = proposed()
    assert entry["confirm"] == [
        'keys stand in several folders corpus=… (7 repeats): is each key one clip? If not, "corpus" must be a part of '
        "the key"
    ]
    assert run(entry)["status"] == "ok"


def test_folders_that_have_the_name_of_a_column_are_told_and_not_used(folder: Path) -> None:
    write_part(folder, "corpus=B/part-9.parquet", path=[f"v/{IDS[0]}_540.mp4"], Corpus=["x"])
    found = suggest("features", ["l.csv"])
    assert "folders corpus=… are not used: parts have a column of that name" in found["read"][0]["evidence"]
    assert "partitions" not in found["suggestions"][0]["manifest"]
    assert run(found["suggestions"][0]["manifest"])["status"] == "ok"


def test_a_column_whose_type_differs_between_parts_is_told_with_the_part(folder: Path) -> None:
    write_part(folder, "corpus=B/part-9.parquet", path=IDS[:3], x=[0.5] * 3)
    done = command("suggest", "--features", "features", "--labels", "l.csv", cwd=folder)
    assert done.returncode == 1
    assert (
        'features: 7 parts, 183 rows; a column is left out: features/corpus=B/part-9.parquet: column "path" is of type '
        "BIGINT, and of type VARCHAR in features/corpus=A/part-0.parquet: their values cannot be compared as they are"
    ) in done.stdout
    assert "no join rule found" in done.stdout


def test_a_column_that_one_part_lacks_is_no_key_and_another_is_found(folder: Path) -> None:
    for corpus in "AB":
        for path in (folder / f"features/corpus={corpus}").iterdir():
            table = pq.read_table(path)
            pq.write_table(table.append_column("also", table["path"]), path)
    write_part(folder, "corpus=B/part-9.parquet", also=[f"v/{IDS[0]}_540.mp4"], x=[0.5])
    entry = proposed()
    assert entry["feature_key_column"] == "also"
    assert run(entry)["summary"]["matched_rows"] == 181


def many(folder: Path, parts: int = 100, odd_part: int = 0, **odd: Any) -> list[str]:
    """Write parts of one row, and return their names. ``odd`` are the columns of one of them."""
    names = [f"p{number:03}.parquet" for number in range(parts)]
    for number, name in enumerate(names):
        columns = {"path": [f"v/{IDS[number % 60]}_540.mp4"], "other": [f"u/{IDS[number % 60]}.png"]}
        write_part(folder / "many", name, **(odd if number == odd_part and odd else columns))
    return names


def test_columns_are_compared_by_some_parts_and_rules_hold_for_all(folder: Path) -> None:
    names = many(folder)
    compared = {number * 100 // 64 for number in range(64)}
    for number, name in enumerate(names):
        if number not in compared:
            write_part(
                folder / "many", name, path=[f"v/{99_999_999 + number}.mp4"], other=[f"u/{IDS[number % 60]}.png"]
            )
    found = suggest("many/features", ["l.csv"])
    assert found["read"][0]["evidence"] == ["100 parts, 100 rows", "columns were compared by 64 of the parts"]
    best, *others = found["suggestions"]
    assert best["options"]["feature_key_column"] == "other"
    assert best["input_rows"] == 100
    assert all(one["match_rate"] < 1 for one in others if one["options"]["feature_key_column"] == "path")
    assert "confirm" not in best["manifest"]
    assert run(best["manifest"])["summary"]["matched_rows"] == 100


def test_what_was_measured_on_some_parts_is_a_question(folder: Path) -> None:
    many(folder)
    entry = proposed("many/features", most_rows=60)
    assert entry["confirm"] == [
        "rules were measured on 50 of 100 parts, 50 of 100 rows: does the rule hold for all? moslabels batch --dry-run "
        "tells"
    ]
    assert run(entry)["status"] == "ok"
    assert "confirm" not in proposed("many/features", most_rows=100)


@pytest.mark.parametrize("part", [51, 52])  # The first is compared, and the second is not.
def test_a_column_that_cannot_be_read_in_one_part_is_left_out(folder: Path, part: int) -> None:
    assert [part in {number * 100 // 64 for number in range(64)} for part in (51, 52)] == [True, False]
    many(folder, odd_part=part, path=["x" * 200_000], other=[f"u/{IDS[part]}.png"])
    found = suggest("many/features", ["l.csv"])
    assert any(f'p{part:03}.parquet: column "path"' in told for told in found["read"][0]["evidence"])
    assert found["suggestions"][0]["options"]["feature_key_column"] == "other"
    assert run(found["suggestions"][0]["manifest"])["status"] == "ok"


@pytest.mark.parametrize("hides", [False, True])
def test_the_table_with_traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hides: bool) -> None:
    """Folders with codes, an empty part, a name with a bracket, columns that hide the numbers of files and rows."""
    monkeypatch.chdir(write_parts(tmp_path, hides=hides))
    entry = proposed(labels="labels.csv")
    assert sorted(entry["feature_key_column"]) == ["clip", "corpus"]
    assert any("below the default min_match_rate" in note for note in entry["confirm"])
    told = run(entry, min_match_rate=0.5)
    assert (told["status"], told["summary"]["matched_rows"]) == ("ok", 10)


REFUSED: list[tuple[str, Any, str]] = [
    (
        "corpus=A/notes.csv",
        "features",
        'holds 6 Parquet files, and also 1 other table such as "features/corpus=A/notes',
    ),
    ("b/rows.jsonl", ["features/b"], "holds no Parquet file, but 1 file such as"),
    ("part.csv", "features", 'name the parts by a pattern, such as {"glob": "features/**/*.parquet"}'),
]


@pytest.mark.parametrize(("name", "features", "message"), REFUSED)
def test_a_folder_of_several_kinds_of_tables_is_refused(folder: Path, name: str, features: Any, message: str) -> None:
    (folder / "features" / name).parent.mkdir(exist_ok=True)
    write_table(folder / "features" / name, [{"a": 1}])
    with pytest.raises(TableError) as caught:
        suggest(features, ["l.csv"])
    assert message in str(caught.value)
    # What is named by a pattern, or hidden, is not mixed.
    os.replace(folder / "features" / name, folder / "features/_hidden.csv")
    assert proposed({"glob": "features/**/*.parquet"})["out"] == proposed()["out"] == "features_mos"


def test_label_files_in_the_folder_are_no_other_tables_but_no_part_is_one(folder: Path) -> None:
    os.replace("l.csv", "features/l.csv")
    assert proposed(labels="features/l.csv")["labels"] == ["features/l.csv"]
    with pytest.raises(TableError, match="is a label file, and also a part of the features"):
        suggest("features", ["features/corpus=A/part-0.parquet"])


WRONG: list[tuple[Any, dict[str, Any], str]] = [
    ([], {}, "features: must name one file at least"),
    (["l.csv"], {}, 'features[0]: "l.csv" must be a folder that is there, or a file of Parquet'),
    ({"glob": "x", "y": 1}, {}, 'features: must be a path, or {"glob": "a pattern of paths"} alone'),
    ("features", {"feature_csv": ";"}, "feature_csv: must stand beside one CSV file: a table of many parts is Parquet"),
]


@pytest.mark.parametrize(("features", "arguments", "message"), WRONG)
def test_wrong_arguments(folder: Path, features: Any, arguments: dict[str, Any], message: str) -> None:
    for call in (suggest, moslabels.suggest):
        with pytest.raises(UsageError) as caught:
            call(features, ["l.csv"], **arguments)
        assert message in str(caught.value)


def test_in_python_paths_may_be_objects(folder: Path) -> None:
    found = moslabels.suggest([Path("features/corpus=A"), {"glob": Path("features/corpus=B/*")}], Path("l.csv"))
    assert found["features"] == "features"
    assert found["suggestions"][0]["manifest"]["features"] == ["features/corpus=A", {"glob": "features/corpus=B/*"}]
    assert "features" in repr(found)


@pytest.mark.parametrize("root", [".", "", "./"])
def test_beside_the_working_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    """The output is not among the parts, whatever pattern names these."""
    monkeypatch.chdir(folder / "features")
    entry = proposed({"glob": f"{root}{'/' if root == '.' else ''}**/*.parquet"}, labels="../l.csv")
    assert (entry["id"], entry["out"]) == ("features", "../features_mos")
    for _ in range(2):
        assert run(entry)["status"] == "ok"


def test_init_writes_paths_from_the_folder_of_the_manifest(folder: Path) -> None:
    flags = [flag for form in (*FORMS[1:3], "many/features") for flag in ("--features", _flag(form))]
    many(folder)
    Path("manifests").mkdir()
    done = command("init", *flags, "--labels", "l.csv", "--out", "manifests/m.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    tables = json.loads(Path("manifests/m.json").read_text(encoding="utf-8"))["tables"]
    assert [table["features"] for table in tables] == [
        "../features",
        {"glob": "../features/**/*.parquet"},
        "../many/features",
    ]
    assert len({table["id"] for table in tables}) == len({table["out"] for table in tables}) == 3
    assert [table.get("match_rate_by") for table in tables] == ["corpus", "corpus", None]
    assert all(len(table["examples"]) == 3 for table in tables)
    done = command("batch", "manifests/m.json", cwd=folder)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "3 of 3 tables labelled")


def _flag(features: Any) -> str:
    return features if isinstance(features, str) else json.dumps(features)


def test_init_adds_many_parts_to_a_manifest_and_refuses_them_twice(folder: Path) -> None:
    write_table(folder / "one.csv", [{"path": f"v/{n}_540.mp4"} for n in IDS])
    add = ("init", "--labels", "l.csv", "--out", "m.json")
    assert command(*add, "--features", "one.csv", cwd=folder).returncode == 0
    done = command(*add, "--add", "--features", '{"glob": "features/*/*.parquet"}', cwd=folder)
    assert done.returncode == 0, done.stderr
    assert [table.id for table in load_manifest("m.json").tables] == ["one", "features"]
    before = Path("m.json").read_text(encoding="utf-8")
    done = command(*add, "--add", "--features", "features", cwd=folder)
    assert done.returncode == 2
    assert 'features: "features" would be table "features"' in done.stderr
    assert Path("m.json").read_text(encoding="utf-8") == before
    assert run_batch("m.json")["status"] == "ok"


def test_a_gate_that_refuses_parts_names_the_command(folder: Path) -> None:
    entry = {"id": "t", "labels": ["l.csv"], "out": "o", "feature_key_column": "path", "label_key_column": "flickr_id"}
    for features, named in (
        ("features", "features"),
        ({"glob": "features/*/*.parquet"}, """'{"glob": "features/*/*.parquet"}'"""),
    ):
        write_table(folder / "m.json", json.dumps({"tables": [{**entry, "features": features}]}))
        done = command("batch", "m.json", cwd=folder)
        assert f"moslabels suggest --features {named} --labels l.csv" in done.stderr
