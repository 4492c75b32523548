"""``moslabels diff`` of tables of many parts: parts added, removed and changed, and the clips as of single files."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.made import copied, working_in
from helpers.many import OPTIONS, SCORES, write_parts
from helpers.mutants import mutants
from helpers.tables import write_table
from moslabels import MosLabelsError, UsageError, diff, materialize, run_batch
from moslabels.files import listing
from moslabels.runs.diff import diff_text

A, EMPTY, Q, ZZ = "corpus=A%20b/p[3].parquet", "corpus=C/x/empty.parquet", "corpus=C/q*.pq", "corpus=C/x/zz.parquet"
FIRST = "corpus=A%20b/0.parquet"


def label(folder: Path, **options: Any) -> None:
    """Label the parts in a folder. Paths in the evidence open from the folder above it."""
    table = {"id": "t", "features": "features", "labels": ["labels.csv"], "out": "out", "audit_json": "out.json"}
    given = {name: value for name, value in {**table, **OPTIONS, **options}.items() if value is not None}
    (folder / "m.json").write_text(json.dumps({"tables": [given]}))
    assert run_batch(folder / "m.json", base_dir=folder, report_json=folder / "r.json")["status"] == "ok"


def write_labels(folder: Path, scores: dict[tuple[str, str], float]) -> None:
    rows = [{"corpus": corpus, "clip": clip, "mos": score} for (corpus, clip), score in scores.items()]
    write_table(folder / "labels.csv", rows)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: in the second a part stands before all, one is gone, one has fewer rows, and labels changed."""
    with working_in(tmp_path_factory.mktemp("made")) as made:
        write_parts(Path("old"))
        label(Path("old"))
        features = write_parts(Path("new")) / "features"
        write_table(features / FIRST, [{"clip": "2", "feature": 1.0}])
        (features / EMPTY).unlink()
        write_table(features / ZZ, [{"clip": "1", "feature": 1.0}, {"clip": "none", "feature": 1.0}])
        scores = {("A b", "none"): 5.0, ("A b", "1"): 2.0, ("A b", "2"): 2.0, ("C", "2"): 4.5, ("X", "x"): 1.0}
        write_labels(Path("new"), scores)
        label(Path("new"), match_rate_by=None)
    return made


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


def changed_part(path: str, **told: Any) -> dict[str, Any]:
    counts = ("old_rows", "new_rows", "old_matched_rows", "new_matched_rows", "gained", "lost", "changed")
    return {"path": path, "features_changed": False, **dict.fromkeys(counts, 0), **told}


PARTS = {
    "old": 4,
    "new": 4,
    "added": {"count": 1, "sample": [FIRST]},
    "removed": {"count": 1, "sample": [EMPTY]},
    "changed": {
        "count": 2,
        "sample": [
            changed_part(A, old_rows=4, new_rows=4, old_matched_rows=3, new_matched_rows=4, gained=1, changed=1),
            changed_part(
                ZZ, features_changed=True, old_rows=5, new_rows=2, old_matched_rows=4, new_matched_rows=0, lost=2
            ),
        ],
    },
    "same": 1,
}
PAIRS = {
    "audits": ("old/out.json", "new/out.json"),
    "reports": ("old/r.json", "new/r.json"),
    "folders": ("old/out", "new/out"),
    "a folder and an audit": ("old/out", "new/out.json"),
}


@pytest.mark.parametrize("pair", list(PAIRS))
def test_clips_are_compared_as_of_single_files_and_parts_by_their_paths(here: Path, pair: str) -> None:
    document = diff(*PAIRS[pair])
    (table,) = document["tables"]
    assert not document["same"]
    assert table["gained"] == {"count": 1, "sample": ['["A b","none"]']}
    assert table["lost"] == {"count": 1, "sample": ['["C","1"]']}
    assert table["changed"]["largest"] == [{"key": '["A b","1"]', "old": 1.5, "new": 2.0, "change": 0.5}]
    assert table["same"] == 2
    assert table["parts"] == PARTS
    assert {one["what"] for one in table["inputs"]} == {"old/labels.csv", "new/labels.csv"}
    page = document._repr_html_()  # type: ignore[attr-defined]
    shown = page[page.index("Parts that changed") :]
    assert re.findall("<bdi>(.*?)</bdi>", shown)[-5:] == ["4", "4", "1", "1", "2"]
    if pair in ("reports", "folders"):
        assert diff(PAIRS[pair][0], PAIRS[pair][0])["same"]


def test_the_command_tells_the_parts(here: Path) -> None:
    done = moslabels("diff", "old/out.json", "new/out.json", cwd=here)
    assert (done.returncode, done.stderr) == (1, "")
    assert (
        f"  1 of 4 parts added: {FIRST}\n"
        f"  1 of 4 parts removed: {EMPTY}\n"
        "  2 parts changed:\n"
        f"    {A}: 3 -> 4 rows labelled, 1 gained, 1 with another MOS\n"
        f"    {ZZ}: other features, 5 -> 2 rows, 4 -> 0 rows labelled, 2 lost\n"
    ) in done.stdout
    done = moslabels("diff", "old/out.json", "old/out.json", "--json", cwd=here)
    assert (done.returncode, json.loads(done.stdout)["tables"][0]["parts"]["same"]) == (0, 4)


def test_features_that_changed_without_a_count_are_told(here: Path) -> None:
    """The rows and labels are as before, so the hash of the features alone tells."""
    shutil.copytree("old", "later")
    write_table(Path("later/features") / Q, [{"clip": "2", "feature": 9.0}] * 3)
    label(Path("later"))
    document = diff("old/out.json", "later/out.json")
    (table,) = document["tables"]
    assert not document["same"]
    assert table["same"] == 4
    same = {"old_rows": 3, "new_rows": 3, "old_matched_rows": 3, "new_matched_rows": 3}
    assert table["parts"]["changed"]["sample"] == [changed_part(Q, features_changed=True, **same)]


def test_many_changes_are_counted_and_the_first_are_named(here: Path) -> None:
    for run in ("old", "new"):
        features = Path("many") / run / "features"
        for number in range(14):
            rows = [{"clip": "1"}] * (1 if run == "old" else 2)
            write_table(features / "corpus=C" / f"{number:02}.parquet", rows)
            write_table(features / "corpus=C" / f"{run}{number:02}.parquet", rows)
        write_labels(Path("many") / run, SCORES)
        label(Path("many") / run)
    document = diff("many/old/out.json", "many/new/out.json")
    parts = document["tables"][0]["parts"]
    assert parts is not None
    assert [parts[name]["count"] for name in ("added", "removed", "changed")] == [14, 14, 14]
    assert [part["path"] for part in parts["changed"]["sample"]] == [f"corpus=C/{n:02}.parquet" for n in range(10)]
    text = diff_text(document)
    assert (
        "14 of 28 parts added: corpus=C/new00.parquet, corpus=C/new01.parquet, corpus=C/new02.parquet and 11 more"
        in text
    )
    assert "14 parts changed, the first:" in text


def test_a_folder_that_was_copied_is_compared_by_the_hashes_in_its_evidence(here: Path) -> None:
    """Its name must not be taken for a folder of the partition either."""
    shutil.copytree("old", "corpus=kept")
    shutil.rmtree("old/out")
    shutil.copytree("new/out", "old/out")  # What stands at the old place is another table now.
    (table,) = diff("corpus=kept/out.json", "new/out.json")["tables"]
    assert table["parts"] == PARTS
    assert table["lost"]["sample"] == ['["C","1"]']
    with pytest.raises(UsageError, match="old/out/.*: is not a part of the table that .*corpus=kept/out.json is about"):
        shutil.rmtree("corpus=kept/out")
        diff("corpus=kept/out.json", "new/out.json")


def test_partitions_above_all_parts(here: Path) -> None:
    """The values of the folders are those of the features: the output has no such folder above it."""
    options: dict[str, Any] = {**OPTIONS, "match_rate_by": None}
    for run in ("old", "new"):
        materialize([f"{run}/features/{Q}"], f"{run}/labels.csv", f"{run}/q", f"{run}/q.json", **options)
    assert os.listdir("old/q") == ["q*.pq"]
    for old, new in (("old/q.json", "new/q.json"), ("old/q", "new/q")):
        (table,) = diff(old, new)["tables"]
        assert (table["same"], table["disjoint"]) == (1, False)
        assert table["parts"] is not None
        assert table["parts"]["same"] == 1


def test_a_folder_and_one_file_are_told_apart(here: Path) -> None:
    rows = [{"corpus": "C", "clip": clip} for clip in ("1", "2")]
    write_table(Path("one.parquet"), rows)
    options: dict[str, Any] = {name: OPTIONS[name] for name in ("feature_key_column", "label_key_column")}
    materialize("one.parquet", "old/labels.csv", "labelled.parquet", "labelled.json", **options)
    for old, new, says in (
        ("labelled.json", "old/out.json", "was one file, is 4 parts: only their clips are compared"),
        ("old/out", "labelled.parquet", "was 4 parts, is one file: only their clips are compared"),
    ):
        document = diff(old, new)
        (table,) = document["tables"]
        assert (table["same"], document["same"]) == (2, False)
        assert f"  {says}\n" in diff_text(document)
        assert table["parts"] is not None
        assert table["parts"]["changed"]["count"] == 0
    (table,) = diff("labelled.json", "labelled.json")["tables"]
    assert table["parts"] is None


def test_a_report_of_a_table_without_audit_reads_the_evidence_in_its_parts(here: Path) -> None:
    for run in ("old", "new"):
        label(Path(run), audit_json=None, match_rate_by=None)
    (table,) = diff("old/r.json", "new/r.json")["tables"]
    assert (table["id"], table["parts"]) == ("t", PARTS)
    shutil.copy("old/r.json", "old/before.json")
    label(Path("old"), audit_json=None, min_match_rate=0.1)
    with pytest.raises(UsageError, match=r'before.json: table "t" was labelled again since, with other options'):
        diff("old/before.json", "new/r.json")


def test_tables_without_a_shared_clip(here: Path) -> None:
    shutil.copytree("old", "other")
    write_table(Path("other/labels.csv"), [{"corpus": "A b", "clip": "none", "mos": 3}])
    label(Path("other"), min_match_rate=0)
    done = moslabels("diff", "old/out", "other/out", cwd=here)
    assert done.returncode == 2
    assert "no clip is labelled in both" in done.stdout


def append(path: str) -> None:
    with open(path, "ab") as stream:
        stream.write(b"x")


def rewritten(change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(Path("old/out.json").read_text())
    change(document)
    Path("old/out.json").write_text(json.dumps(document))


def one_file_instead() -> None:
    shutil.rmtree("old/out")
    Path("old/out").write_text("x")


def with_file_of_one() -> None:
    write_table(Path("one.jsonl"), [{"corpus": "C", "clip": "1"}])
    options: dict[str, Any] = {name: OPTIONS[name] for name in ("feature_key_column", "label_key_column")}
    materialize("one.jsonl", "old/labels.csv", "old/out/zzz.parquet", **options)


REFUSED: dict[str, tuple[str, Callable[[], Any], str]] = {
    "a part that changed": ("old/out.json", lambda: append(f"old/out/{ZZ}"), f"old/out/{ZZ}: is no longer the table"),
    "parts that changed places": (
        "old/out.json",
        lambda: shutil.copy(f"old/out/{ZZ}", f"old/out/{Q}"),
        f"old/out/{Q}: is no longer the table that old/out.json is about",
    ),
    "a part that is gone": ("old/out.json", lambda: os.remove(f"old/out/{ZZ}"), f"old/out/{ZZ}: there is no such file"),
    "a part more": (
        "old/out.json",
        lambda: shutil.copy(f"old/out/{ZZ}", "old/out/corpus=C/more.parquet"),
        "old/out/corpus=C/more.parquet: is not a part of the table that old/out.json is about",
    ),
    "one file in its place": ("old/out.json", one_file_instead, "old/out: is not a folder"),
    "another run's part": (
        "old/out",
        lambda: shutil.copy(f"new/out/{ZZ}", f"old/out/{ZZ}"),
        f"old/out/{ZZ}: is of another run than {A} beside it: their evidence differs in",
    ),
    "a table of one file": ("old/out", with_file_of_one, "old/out/zzz.parquet: was labelled as one file"),
    "a part without evidence": (
        "old/out",
        lambda: write_table(Path(f"old/out/{ZZ}"), [{"clip": "1"}]),
        f"old/out/{ZZ}: carries no evidence",
    ),
    "the features": ("old/features", lambda: None, "carries no evidence"),
    "a folder without parts": ("nothing", lambda: os.mkdir("nothing"), "nothing: is a folder without a Parquet file"),
    "an audit without parts": (
        "old/out.json",
        lambda: rewritten(lambda document: document.update(parts=[])),
        "parts must have each part once, and one at least",
    ),
    "an audit with a part twice": (
        "old/out.json",
        lambda: rewritten(lambda document: document["parts"].append(document["parts"][0])),
        "parts must have each part once, and one at least",
    ),
    "an audit with a part above": (
        "old/out.json",
        lambda: rewritten(lambda document: document["parts"][1].update(path=f"../out/{Q}")),
        r"parts[1] must have the path of a Parquet file below its folder",
    ),
    "an audit with a part without hash": (
        "old/out.json",
        lambda: rewritten(lambda document: document["parts"][2].pop("sha256")),
        r"parts[2] must have the path",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_is_not_the_table_any_more_is_refused(here: Path, case: str) -> None:
    path, change, says = REFUSED[case]
    change()
    done = moslabels("diff", path, "new/out.json", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_parts_outside_of_the_root_are_listed_or_refused(here: Path) -> None:
    shutil.move("old", here.parent / "elsewhere")
    Path("old").symlink_to(here.parent / "elsewhere")
    assert diff("old/out.json", "new/out.json")["outside"][0] == "old/out"
    with pytest.raises(UsageError, match="old/out is outside of"):
        diff("old/out.json", "new/out.json", only_root=True)


def test_a_key_with_two_scores_in_two_parts_is_named_with_both(here: Path) -> None:
    """The parts are of one run by their evidence, and each has one score of the key alone."""
    path = f"old/out/{ZZ}"
    metadata = pq.read_metadata(path).metadata
    table = pq.read_table(path, partitioning=None)
    scores = [3.0 if clip == "2" else 3.25 for clip in table["clip"].to_pylist()]
    table = table.set_column(table.column_names.index("mos"), "mos", [scores])
    pq.write_table(table.replace_schema_metadata({b"moslabels": metadata[b"moslabels"]}), path)
    # The first part with the key has its own score, so only the other part can be wrong.
    with pytest.raises(MosLabelsError) as raised:
        diff("old/out", "new/out")
    assert "old/out/corpus=C/q*.pq: the key" in str(raised.value)
    assert f"has two scores: 4.5 in row 1 and 3.0 in row 2 of {path}" in str(raised.value)


def test_no_mutant_of_the_parts_of_an_audit_is_a_traceback(here: Path) -> None:
    audit = json.loads(Path("old/out.json").read_text())
    refused, table = 0, diff("old/out.json", "new/out.json")["tables"][0]
    for *_, mutant in mutants({"parts": audit["parts"]}):
        Path("old/mutant.json").write_text(json.dumps({**audit, "parts": None, **mutant}))
        try:
            assert diff("old/mutant.json", "new/out.json")["tables"][0] == table
        except UsageError:
            refused += 1
    assert refused > 10


def test_a_folder_that_holds_far_more_than_the_parts_is_not_searched(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        Path(f"old/out/{number}/x/y").mkdir(parents=True)
    assert diff(*PAIRS["audits"])["tables"]
    monkeypatch.setattr(listing, "_MOST_NAMES", 50)
    monkeypatch.setattr(listing, "_NAMES_OF_A_PART", 5)
    with pytest.raises(UsageError, match="old/out: holds far more files and folders than 4 parts, and is not searched"):
        diff(*PAIRS["audits"])
