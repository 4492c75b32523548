"""Tables of many parts: what names them, what they become, and the one gate over all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.many import OPTIONS, PARTS, expected_rows, files, found_rows, label, sums, write_parts
from helpers.tables import read_table, write_table
from moslabels import GateError, MosLabelsError, TableError, UsageError, materialize, run_batch, verify

NAMED: dict[str, Callable[[Path], Any]] = {
    "a folder": lambda folder: folder,
    "a pattern": lambda folder: {"glob": f"{folder}/**/*"},
    "a list of folders": lambda folder: [folder / "corpus=A%20b", folder / "corpus=C"],
    "a list of all": lambda folder: [
        {"glob": f"{folder}/corpus=C/*/zz.parquet"},
        folder / "corpus=C" / "x" / "empty.parquet",
        folder / "corpus=C" / "q*.pq",
        folder / "corpus=A%20b",
    ],
}


@pytest.mark.parametrize("hides", [False, True], ids=["plain", "columns named file_index and file_row_number"])
@pytest.mark.parametrize("named", list(NAMED))
def test_each_row_of_each_part_gets_its_label(tmp_path: Path, named: str, hides: bool) -> None:
    write_parts(tmp_path, hides=hides)
    before = files(tmp_path / "features")
    audit = label(tmp_path, NAMED[named](tmp_path / "features"))
    assert {name: found_rows(tmp_path / "out" / name) for name in files(tmp_path / "out")} == {
        name: expected_rows(name) for name in PARTS
    }
    assert files(tmp_path / "features") == before
    counts = ("input_rows", "matched_rows", "total_feature_keys", "matched_feature_keys", "rows_without_key")
    assert [audit[name] for name in counts] == [12, 10, 6, 4, 0]
    assert [part["path"] for part in audit["parts"]] == sorted(PARTS)
    assert [(part["rows"], part["matched_rows"]) for part in audit["parts"]] == [(4, 3), (3, 3), (0, 0), (5, 4)]
    assert [group["matched_feature_keys"] for group in audit["match_rate_by"]["groups"]] == [2, 2]
    assert audit["output_sha256"] == sums(tmp_path / "out")
    assert audit["output_bytes"] == sum(map(len, files(tmp_path / "out").values()))
    assert audit["feature_table"] == str(tmp_path / "features")
    unmatched = read_table(tmp_path / "out.unmatched.csv")
    folder = tmp_path / "features"
    assert [(row["key"], row["file"], row["row"]) for row in unmatched] == [
        ('["A b","none"]', str(folder / "corpus=A%20b/p[3].parquet"), "4"),
        ('["C","none"]', str(folder / "corpus=C/x/zz.parquet"), "3"),
    ]
    sample = audit["diagnosis"]["unmatched_feature_keys"]["sample"]
    assert [(row["file"], row["row"]) for row in sample] == [(row["file"], int(row["row"])) for row in unmatched]
    assert audit["joined_sample"][0]["feature_file"] == str(folder / "corpus=A%20b/p[3].parquet")


def test_a_part_is_its_features_and_what_is_appended(tmp_path: Path) -> None:
    """The pages of the features are at their places, and the file says of itself what its own rows are."""
    write_parts(tmp_path)
    label(tmp_path)
    for name in PARTS:
        features = (tmp_path / "features" / name).read_bytes()
        length = int.from_bytes(features[-8:-4], "little")
        assert (tmp_path / "out" / name).read_bytes().startswith(features[: -8 - length])
        entry = json.loads(pq.read_metadata(tmp_path / "out" / name).metadata[b"moslabels"])
        assert entry["features"]["path"] == str(tmp_path / "features" / name)
        assert entry["counts"]["input_rows"] == len(PARTS[name])


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Twenty parts in two folders, labelled by one worker, and the audit."""
    folder = tmp_path_factory.mktemp("twenty")
    labels = [{"key": f"k{number}", "mos": 1 + number / 20, "note": f"n{number % 3}"} for number in range(60)]
    write_table(folder / "labels.csv", labels)
    for part in range(20):
        rows = [{"key": f"k{(part * 7 + row) % 70}"} for row in range(part % 4 * 3)]
        table = pa.Table.from_pylist(rows, pa.schema([("key", pa.string())]))
        path = folder / "features" / str(part % 2) / f"{part}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
    return folder, label(folder, out="one", min_match_rate=0, extras=["note"])


@pytest.mark.sampled
@pytest.mark.parametrize("most_parts", [1, 7, 64])
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_bytes_do_not_depend_on_who_labels_which_parts_together(
    twenty: tuple[Path, dict[str, Any]], workers: int, most_parts: int
) -> None:
    folder, one = twenty
    out = f"w{workers}-{most_parts}"
    other = label(folder, out=out, most_parts=most_parts, workers=workers, min_match_rate=0, extras=["note"])
    assert files(folder / out) == files(folder / "one")
    assert len(files(folder / out)) == 20
    assert other["parts"] == one["parts"]


def test_a_part_does_not_change_if_others_come(tmp_path: Path) -> None:
    labels = [{"key": f"k{number}", "mos": 1 + number / 10, "note": f"n{number % 3}"} for number in range(30)]
    write_table(tmp_path / "labels.csv", labels)
    for part in range(5):
        rows = [{"key": f"k{(part * 7 + row) % 35}"} for row in range(12)]
        write_table(tmp_path / "features" / f"{part}.parquet", rows)
    options = {"min_match_rate": 0, "extras": ["note"]}
    label(tmp_path, out="all", **options)
    for part in range(5):
        label(tmp_path, [tmp_path / "features" / f"{part}.parquet"], out=f"only{part}", **options)
        name = f"{part}.parquet"
        assert (tmp_path / f"only{part}" / name).read_bytes() == (tmp_path / "all" / name).read_bytes()


def two_parts(folder: Path, *clips: list[str]) -> None:
    for number, of_part in enumerate(clips):
        write_table(folder / "features" / f"{number}.parquet", [{"key": clip} for clip in of_part])
    write_table(folder / "labels.csv", [{"key": "a", "mos": 2}, {"key": "b", "mos": 3}, {"key": "c", "mos": 4}])


def test_a_gate_holds_over_all_parts_and_not_over_each(tmp_path: Path) -> None:
    two_parts(tmp_path, ["a", "b", "c"], ["none"])
    audit = label(tmp_path, min_match_rate=0.7)
    assert audit["match_rate"] == 0.75
    assert audit["warnings"] == ["1 of 2 parts without any label: 1.parquet"]
    audit = label(tmp_path, out="again", min_match_rate=0.7, warn_match_rate=0.8)
    assert audit["warnings"] == [
        "MOS label match rate 0.750 below warn_match_rate 0.800 (3/4 keys)",
        "1 of 2 parts without any label: 1.parquet",
    ]


def test_parts_that_pass_alone_may_fail_together(tmp_path: Path) -> None:
    """Each part has one of the same two matched keys, and one other that none has a label of."""
    two_parts(tmp_path, ["a", "x"], ["a", "y"], ["a", "z"])
    with pytest.raises(GateError, match="match rate 0.250 below min_match_rate 0.500") as refused:
        label(tmp_path, min_match_rate=0.5)
    assert f"suggest --features {tmp_path}/features --labels" in str(refused.value)
    assert not (tmp_path / "out").exists()
    assert [row["key"] for row in read_table(tmp_path / "out.unmatched.csv")] == ["x", "y", "z", "b", "c"]


def replace_part(content: Any, name: str = "1.parquet") -> Callable[[Path], Any]:
    def change(folder: Path) -> None:
        path = folder / "features" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, path) if isinstance(content, pa.Table) else path.write_bytes(content)

    return change


def in_folders(names: list[str], partition: str, **columns: list[str]) -> Callable[[Path], Any]:
    """Write parts in the place of those that are there, and label them by a partition."""

    def change(folder: Path) -> dict[str, Any]:
        for name in names:
            replace_part(pa.table({"key": ["a"], **columns}), name)(folder)
        for number in (0, 1):
            (folder / "features" / f"{number}.parquet").unlink()
        return {"partitions": [partition], "feature_key_column": "key"}

    return change


def link_to_folder(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "features" / "more").symlink_to(folder / "elsewhere")


def link_in_out(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "out").mkdir()
    (folder / "out" / "mine").symlink_to(folder / "elsewhere")


def labels_among_parts(folder: Path) -> dict[str, Any]:
    pq.write_table(pa.table({"key": ["a"], "mos": [3]}), folder / "features" / "labels.parquet")
    return {"labels": "features/labels.parquet"}


def only_csv(folder: Path) -> None:
    for path in (folder / "features").iterdir():
        path.rename(path.with_suffix(".csv"))


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a part of another key type": (
        replace_part(pa.table({"key": [1, 2]})),
        r'1.parquet: column "key" is of type BIGINT, and of type VARCHAR in .*0.parquet',
    ),
    "a part without the key": (replace_part(pa.table({"clip": ["a"]})), r'1.parquet: has no column "key"'),
    "a key twice but for case": (
        replace_part(pa.table({"key": ["a"], "KEY": ["b"]})),
        r'1.parquet: 2 columns are named "key", compared without regard to case',
    ),
    "a key twice": (
        replace_part(pa.table([["a"], ["b"]], names=["key", "key"])),
        r'1.parquet: 2 columns are named "key", compared without regard to case; rename all but one',
    ),
    "a part that is not Parquet": (replace_part(b"PAR1 or not"), r"1.parquet: .*not a readable Parquet"),
    "a value that cannot be a key": (
        lambda folder: [
            replace_part(pa.table({"key": [1.0, 2.0]}), "0.parquet")(folder),
            replace_part(pa.table({"key": [1.0, 2.5]}))(folder),
        ],
        r'1.parquet: row 2: column "key" holds "2.5", a fractional number',
    ),
    "a link to a folder": (link_to_folder, r"more: is a link to a folder"),
    "labels among the parts": (labels_among_parts, r"labels.parquet: is a label file, and also a part"),
    "a folder of CSV": (only_csv, r"features: holds no Parquet file, but 2 files such as \"0.csv\", \"1.csv\""),
    "an empty folder": (
        lambda folder: [path.unlink() for path in (folder / "features").iterdir()],
        r"features: is a folder without a Parquet file",
    ),
    "a file of another's in out": (
        lambda folder: write_table(folder / "out" / "mine.txt", "precious"),
        r"mine.txt: stands in the folder that is to be replaced",
    ),
    "a table of another's in out": (
        lambda folder: write_table(folder / "out" / "mine.parquet", [{"a": 1}]),
        r"mine.parquet: stands in the folder that is to be replaced",
    ),
    "a link to a folder in out": (link_in_out, r"mine: stands in the folder that is to be replaced"),
    "a partition that no folder has": (
        lambda _: {"partitions": ["corpus"], "feature_key_column": "key"},
        r'0.parquet: no folder above it has a name "corpus=…"',
    ),
    "a partition that two folders have": (
        in_folders(["corpus=A/corpus=B/2.parquet"], "corpus"),
        r'2.parquet: 2 folders above it have a name "corpus=…"',
    ),
    "partitions in codes that are not UTF-8": (
        in_folders(["corpus=%E8/2.parquet", "corpus=%E9/2.parquet"], "corpus"),
        r'%E8/2.parquet: the folder "corpus=%E8" above it has codes that are not UTF-8; give it a name',
    ),
    "names of partitions in codes that are not UTF-8": (
        in_folders(["%E8=x/2.parquet", "%E9=y/2.parquet"], "\ufffd"),
        r'%E8=x/2.parquet: the folder "%E8=x" above it has codes that are not UTF-8; give it a name',
    ),
    "a partition that is a column": (
        in_folders(["corpus=A/2.parquet"], "corpus", Corpus=["x"]),
        r'2.parquet: has a column "Corpus", and partitions takes',
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_does_not_fit_is_refused_with_its_part(tmp_path: Path, case: str) -> None:
    two_parts(tmp_path, ["a", "b"], ["c"])
    change, says = REFUSED[case]
    changed = change(tmp_path)
    options = {"min_match_rate": 0.0, **(changed if isinstance(changed, dict) else {})}
    mine = files(tmp_path / "out") if (tmp_path / "out").exists() else None
    with pytest.raises(TableError, match=says) as refused:
        label(tmp_path, **options)
    assert refused.value.file
    assert mine is None or files(tmp_path / "out") == mine
    assert not [path for path in tmp_path.iterdir() if "moslabels-parts" in path.name]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an empty list": ({"features": []}, "features: must name one file at least"),
    "no path": ({"features": [3]}, r"features\[0\]: must be a path, not 3"),
    "another member": ({"features": {"glob": "x/*", "more": 1}}, "features: must be a path, or"),
    "a CSV file": ({"features": ["f.csv"]}, r"features\[0\]: \"f.csv\" must be a folder that is there, or a file of"),
    "out like a file": ({"out": "o.parquet"}, "out: .* is named like one file"),
    "out inside of the features": ({"out": "features/out"}, "out: .* lies inside of the features"),
    "the audit inside of out": ({"audit_json": "out/a.json"}, "audit_json: .* lies inside of .*out"),
    "partitions without parts": (
        {"features": "f.parquet", "out": "o.parquet", "partitions": ["a"]},
        "partitions: must",
    ),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_a_manifest_says_what_is_wrong(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    two_parts(tmp_path, ["a"])
    entry, says = WRONG[case]
    table = {"id": "t", "features": "features", "labels": ["labels.csv"], "out": "out", **entry}
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
    with pytest.raises(UsageError, match=says):
        run_batch("m.json")


def test_folders_that_are_no_partitions_may_have_any_name(tmp_path: Path) -> None:
    two_parts(tmp_path, ["a"])
    replace_part(pa.table({"key": ["b"]}), "%E9=%E8/2.parquet")(tmp_path)
    assert label(tmp_path, min_match_rate=0)["input_rows"] == 2


def test_columns_that_differ_are_told_by_part(tmp_path: Path) -> None:
    two_parts(tmp_path, ["a"], ["b"], ["c"])
    replace_part(pa.table({"x": [1.0], "key": ["b"]}))(tmp_path)
    replace_part(pa.table({"key": ["c"], "x": [1]}), "2.parquet")(tmp_path)
    warnings = label(tmp_path, min_match_rate=0)["warnings"]
    assert [re.sub(r".*/", "", warning.partition(";")[0]) for warning in warnings] == [
        '0.parquet: it also has "x"',
        '0.parquet: it also has "x"',
    ]
    assert [row["x"] for row in read_table(tmp_path / "out" / "1.parquet")] == [1.0]


def test_a_run_replaces_all_parts_of_the_one_before(tmp_path: Path) -> None:
    two_parts(tmp_path, ["a"], ["b"])
    label(tmp_path, min_match_rate=0)
    old = files(tmp_path / "out")
    (tmp_path / "out").chmod(0o750)
    (tmp_path / "features" / "0.parquet").rename(tmp_path / "features" / "new.parquet")
    label(tmp_path, min_match_rate=0)
    assert {*old} == {"0.parquet", "1.parquet"}
    assert {*files(tmp_path / "out")} == {"1.parquet", "new.parquet"}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "features",
        "labels.csv",
        "out",
        "out.json",
        "out.unmatched.csv",
        "tmp",
    ]


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    write_parts(tmp_path)
    before = files(tmp_path)
    audit = label(tmp_path, dry_run=True)
    assert files(tmp_path) == before
    told = label(tmp_path)
    for name in ("input_rows", "matched_rows", "warnings", "joined_sample", "mos_stats"):
        assert audit[name] == told[name]


def test_a_batch_and_a_call_label_parts_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_parts(tmp_path))
    audit = materialize("features", ["labels.csv"], "one", workers=1, **OPTIONS)
    table = {"id": "t", "features": {"glob": "features/**/*"}, "labels": ["labels.csv"], "out": "two", **OPTIONS}
    (tmp_path / "m.json").write_text(json.dumps({"tables": [table]}))
    report = run_batch("m.json")
    assert report["status"] == "ok"
    assert report["tables"][0]["summary"]["matched_rows"] == audit["matched_rows"] == 10
    assert files(tmp_path / "one").keys() == files(tmp_path / "two").keys()


@pytest.mark.parametrize("name", ["a[1]", "a*", "[", "what?"])
def test_the_folder_of_a_manifest_is_none_of_its_pattern(tmp_path: Path, name: str) -> None:
    folder = write_parts(tmp_path / name)
    table = {"id": "t", "features": {"glob": "features/**/*"}, "labels": ["labels.csv"], "out": "out", **OPTIONS}
    (folder / "m.json").write_text(json.dumps({"tables": [{**table, "audit_json": "out.json"}]}))
    report = run_batch(folder / "m.json", report_json=folder / "r.json")
    assert (report["status"], report["tables"][0]["summary"]["matched_rows"]) == ("ok", 10)
    assert files(folder / "out").keys() == set(PARTS)
    assert verify([folder / "r.json"])["status"] == "ok"


@pytest.mark.parametrize("name", ["features/1.parquet", "labels.csv"])
def test_a_file_that_changes_between_counting_and_labelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from moslabels.labelling import pipeline

    two_parts(tmp_path, ["a", "b"], ["c"])
    label(tmp_path, min_match_rate=0)
    before = files(tmp_path / "out")
    real = pipeline.judge
    with monkeypatch.context() as patched:
        patched.setattr(
            "moslabels.runs.part_table.judge", lambda *args: [real(*args), os.utime(tmp_path / name, ns=(1, 1))][0]
        )
        with pytest.raises(TableError, match=f"{os.path.basename(name)}: changed while"):
            label(tmp_path, min_match_rate=0)
    assert files(tmp_path / "out") == before


def test_an_error_of_a_worker_is_one_of_the_table(tmp_path: Path) -> None:
    two_parts(tmp_path, ["a", "b"], ["c"])
    replace_part(b"PAR1")(tmp_path)
    with pytest.raises(MosLabelsError) as of_worker:
        label(tmp_path, workers=2, most_parts=1, min_match_rate=0)
    with pytest.raises(MosLabelsError) as of_process:
        label(tmp_path, workers=1, min_match_rate=0)
    told = [(str(error.value), error.value.code, error.value.file) for error in (of_worker, of_process)]
    assert told[0] == told[1]
