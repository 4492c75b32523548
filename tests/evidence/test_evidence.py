"""Contract 8: audits, reports, provenance; old or new, never half; the same bytes twice."""

from __future__ import annotations

import hashlib
import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import moslabels
from helpers.generated_pages import FILES
from helpers.job import Job
from helpers.tables import read_table, write_table
from moslabels import MosLabelsError, TableError, materialize, run_batch
from moslabels.cli import main
from moslabels.engine.statements import sql_folder
from moslabels.evidence.audit_fields import AUDIT_FIELDS
from moslabels.evidence.reports import MAKERS
from moslabels.evidence.table_fields import TABLE_FIELDS
from moslabels.spec.options import FIELDS, Options
from moslabels.spec.reports import REPORT_FORMS

V1_AUDIT = (
    "feature_table output feature_key_column label_key_column label_mos_column key_normalize feature_key_regex "
    "label_key_regex min_match_rate input_rows output_rows total_feature_keys matched_feature_keys matched_rows "
    "missing_rows labels_loaded label_sources match_rate run_provenance"
).split()
ADDED = (
    "schema rows_without_key label_rows_without_key duplicate_labels missing_mos_rows clipped_mos_rows label_files "
    "unmatched_feature_keys unused_label_keys key_collisions mos_stats mos_histogram output_sha256 output_bytes"
).split()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two tables that can be labelled and one that cannot; the tests stand in the folder."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "one.parquet", [{"key": "a", "x": 1}, {"key": "b", "x": 2}, {"key": "a", "x": 3}])
    write_table(tmp_path / "two.jsonl", [{"key": "a"}, {"key": "c"}, {"key": None}])
    write_table(tmp_path / "labels.csv", [{"key": "a", "mos": 2}, {"key": "b", "mos": 4}, {"key": "z", "mos": 5}])
    manifest = {
        "defaults": {"min_match_rate": 0.5},
        "tables": [
            {
                "id": "one",
                "features": "one.parquet",
                "labels": ["labels.csv"],
                "out": "out/one.parquet",
                "audit_json": "out/one.audit.json",
            },
            {
                "id": "low",
                "features": "two.jsonl",
                "labels": ["labels.csv"],
                "out": "out/low.jsonl",
                "min_match_rate": 0.9,
                "audit_json": "out/low.audit.json",
            },
            {"id": "two", "features": "two.jsonl", "labels": ["labels.csv"], "out": "out/two.jsonl"},
        ],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def test_audit(folder: Path) -> None:
    audit = materialize("one.parquet", ["labels.csv"], "out/o.parquet", audit_json="out/o.json")
    assert set(V1_AUDIT + ADDED) <= set(audit)
    assert audit["schema"] == "mos-label-materializer-audit-v1"
    assert {key: audit[key] for key in V1_AUDIT if key != "run_provenance"} == {
        "feature_table": "one.parquet",
        "output": "out/o.parquet",
        "feature_key_column": "key",
        "label_key_column": "key",
        "label_mos_column": "mos",
        "key_normalize": "auto",
        "feature_key_regex": "",
        "label_key_regex": "",
        "min_match_rate": 0.95,
        "input_rows": 3,
        "output_rows": 3,
        "total_feature_keys": 2,
        "matched_feature_keys": 2,
        "matched_rows": 3,
        "missing_rows": 0,
        "labels_loaded": 3,
        "label_sources": ["labels.csv"],
        "match_rate": 1.0,
    }
    assert audit["label_files"] == [
        {
            "path": "labels.csv",
            "key_column": "key",
            "mos_column": "mos",
            "key_normalize": "raw",
            "key_regex": "",
            "mos_scale": "1-5",
            "rows": 3,
            "rows_without_key": 0,
            "config": {},
            "source": "labels.csv",
        }
    ]
    assert audit["unused_label_keys"] == {"count": 1, "sample": ["z"]}
    assert audit["mos_stats"] == {"min": 2, "max": 4, "mean": 8 / 3, "q1": 2, "median": 2, "q3": 3}
    assert audit["mos_histogram"] == [2 * (bin_ == 5) + (bin_ == 15) for bin_ in range(20)]
    output = Path("out/o.parquet").read_bytes()
    assert (audit["output_sha256"], audit["output_bytes"]) == (hashlib.sha256(output).hexdigest(), len(output))
    written = Path("out/o.json").read_text()
    assert json.loads(written) == audit
    assert written == json.dumps(audit, indent=2, sort_keys=True) + "\n"


def test_samples_are_the_first_twenty_by_key(job: Job) -> None:
    keys = [f"k{index:03}" for index in range(50)]
    job.run([{"key": key} for key in reversed(keys)], [{"key": f"l{key}", "mos": 3} for key in keys], min_match_rate=0)
    assert job.audit["unmatched_feature_keys"] == {"count": 50, "sample": keys[:20]}
    assert job.audit["unused_label_keys"] == {"count": 50, "sample": [f"l{key}" for key in keys[:20]]}


def statistics_of(scores: list[float]) -> dict[str, float]:
    scores = sorted(scores)

    def quantile(share: float) -> float:
        place = share * (len(scores) - 1)
        below = scores[int(place)]
        return below + (scores[min(int(place) + 1, len(scores) - 1)] - below) * (place - int(place))

    return {
        "min": scores[0],
        "max": scores[-1],
        "mean": sum(scores) / len(scores),
        "q1": quantile(0.25),
        "median": quantile(0.5),
        "q3": quantile(0.75),
    }


def test_statistics_agree_with_the_rows(job: Job) -> None:
    labels = [{"key": str(index), "mos": 1 + index / 25} for index in range(100)]
    rows = job.run([{"key": str(index * index % 100)} for index in range(57)], labels)
    of_keys = {row["key"]: row["mos"] for row in rows}
    assert 1 < len(of_keys) < len(rows)
    assert job.audit["mos_stats"] == pytest.approx(statistics_of([row["mos"] for row in rows]))
    assert job.audit["mos_stats_by_key"] == pytest.approx(statistics_of(list(of_keys.values())))


def test_statistics_of_no_rows_are_null(job: Job) -> None:
    job.run([{"key": "x"}], [{"key": "a", "mos": 3}], min_match_rate=0)
    assert set(job.audit["mos_stats"].values()) == {None}
    assert set(job.audit["mos_stats_by_key"].values()) == {None}
    assert job.audit["mos_histogram"] == job.audit["mos_histogram_by_key"] == [0] * 20
    assert job.audit["joined_sample"] == []


def test_keys_of_several_values_and_rows_count_once(job: Job) -> None:
    """Two values of one key, one of them in two rows, are three rows of one key. A score at an end may be as given."""
    scores = {"a": "2", "b": "5", "c": "7", "d": "-1", "e": "6"}
    rows = [{"key": key} for key in ("x/a.mp4", "y/a.mp4", "x/a.mp4", "b.mp4", "c.mp4", "c.mp4", "d.mp4", "z.mp4")]
    labels = [{"key": f"{key}.mp4", "mos": score} for key, score in scores.items()]
    options: dict[str, Any] = {"mos_scale": "1-5", "out_of_range": "clip", "max_clipped": 1, "min_match_rate": 0}
    job.run(rows, labels, key_normalize="basename", **options)
    audit = job.audit

    def counts(name: str) -> dict[int, int]:
        return {place: count for place, count in enumerate(audit[name]) if count}

    assert counts("mos_histogram") == {0: 1, 5: 3, 19: 3}
    assert counts("mos_histogram_by_key") == {0: 1, 5: 1, 19: 2}
    assert counts("clipped_histogram") == {0: 1, 19: 2}
    assert counts("clipped_histogram_by_key") == {0: 1, 19: 1}
    assert audit["mos_stats_by_key"]["mean"] == (1 + 2 + 5 + 5) / 4
    (path,) = audit["label_sources"]
    assert audit["warnings"][:1] == [
        f'3 scores outside of their scale were clipped to its end (out_of_range is "clip"), such as "7" in {path} row 3'
    ]
    first = {
        "raw_value": "x/a.mp4",
        "row": 1,
        "key": "a.mp4",
        "label_value": "a.mp4",
        "label_file": path,
        "label_row": 1,
    }
    assert audit["joined_sample"][0] == {**first, "mos_text": "2", "mos": 2, "mos_raw_0_100": 25}
    assert [(one["row"], one["key"], one["mos_text"], one["mos"]) for one in audit["joined_sample"]] == [
        (1, "a.mp4", "2", 2),
        (4, "b.mp4", "5", 5),
        (5, "c.mp4", "7", 5),
    ]


def test_the_score_that_was_clipped_is_named_where_a_label_has_two(job: Job) -> None:
    labels = [{"key": "a", "mos": 3, "mos_raw_0_100": 50}, {"key": "b", "mos": 5, "mos_raw_0_100": 100.5}]
    job.run([{"key": "a"}, {"key": "b"}], labels, out_of_range="clip", max_clipped=1)
    (warning,) = job.audit["warnings"]
    assert '1 score outside of its scale was clipped to its end (out_of_range is "clip"), such as "100.5" in' in warning


MIXED = {
    "1-5 and 0-100": [1, 2, 5, 60, 100, 99.5],
    "an edge": [4.999, 5, 5.001],
    "one far away": [3.1, 4, 1e300, -1e300],
    "the largest": [-1.7e308, 1.7e308, 5],
    "near 5": [5, math.nextafter(5, 6)],
}


@pytest.mark.parametrize("name", list(MIXED))
def test_scores_of_a_mixed_scale_have_a_histogram_with_an_edge_at_5(job: Job, name: str) -> None:
    scores = MIXED[name]
    with pytest.raises(TableError) as caught:
        job.run([{"key": "0"}], [{"key": str(number), "mos": score} for number, score in enumerate(scores)])
    assert caught.value.code == "mixed-scale"
    bins = caught.value.found[0]["histogram"]
    assert sum(one["count"] for one in bins) == len(scores)
    assert sum(one["count"] for one in bins if one["up_to"] <= 5) == sum(score <= 5 for score in scores)
    assert [one["above"] for one in bins] == sorted(one["above"] for one in bins)
    width = bins[0]["up_to"] - bins[0]["above"]
    assert (max(scores) / 20 - min(scores) / 20) <= width * 1.001 or name == "near 5"
    if name == "1-5 and 0-100":
        assert bins == [
            {"above": 0.0, "up_to": 5.0, "count": 3},
            {"above": 55.0, "up_to": 60.0, "count": 1},
            {"above": 95.0, "up_to": 100.0, "count": 2},
        ]


EDGES = [(5 + bin_) / 5 for bin_ in range(20)]
"""The lower edges of the bins: the doubles nearest to 1.0, 1.2, …, 4.8."""
SCORES = {
    "edges": ("1-5", [*EDGES, 5.0]),
    "edges on 0-100": ("0-100", [5 * bin_ for bin_ in range(21)]),
    "edges of a DMOS": ({"worst": 100, "best": 0}, [5 * bin_ for bin_ in range(21)]),
    "just below the edges": ("1-5", [math.nextafter(edge, 0) for edge in (*EDGES[1:], 5.0)]),
    "just above the edges": ("1-5", [math.nextafter(edge, 9) for edge in EDGES]),
    "in between": ("1-5", [1 + index / 173 for index in range(692)]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", list(SCORES))
def test_the_histogram_agrees_with_the_rows(job: Job, name: str) -> None:
    scale, scores = SCORES[name]
    labels = [{"key": str(index), "mos": score} for index, score in enumerate(scores)]
    rows = job.run(
        [{"key": str(index)} for index in range(len(scores)) for _ in range(index % 3 + 1)], labels, mos_scale=scale
    )
    expected = [0] * 20
    for row in rows:
        expected[bisect_right(EDGES, row["mos"]) - 1] += 1
    assert job.audit["mos_histogram"] == expected
    assert sum(expected) == job.audit["matched_rows"]
    if name == "edges":
        assert expected == [index % 3 + 1 for index in range(19)] + [19 % 3 + 1 + 20 % 3 + 1]
    assert f"{EDGES[1]} {EDGES[-1]}" == "1.2 4.8"


def test_report(folder: Path) -> None:
    report = run_batch("manifest.json", report_json="out/report.json", report_md="out/report.md")
    assert json.loads(Path("out/report.json").read_text()) == report
    assert (report["schema"], report["status"], report["manifest"]) == (
        "mos-label-materializer-batch-v1",
        "failed",
        "manifest.json",
    )
    assert report["summary"] == {
        "tables": 3,
        "failed_tables": 1,
        "input_rows": 6,
        "output_rows": 6,
        "matched_rows": 4,
        "missing_rows": 2,
    }
    one, low, two = report["tables"]
    assert one == {
        "id": "one",
        "features": "one.parquet",
        "labels": ["labels.csv"],
        "out": "out/one.parquet",
        "audit_json": "out/one.audit.json",
        "config": {"min_match_rate": 0.5},
        "status": "ok",
        "feature_key_column": "key",
        "summary": {
            "input_rows": 3,
            "output_rows": 3,
            "matched_rows": 3,
            "missing_rows": 0,
            "match_rate": 1.0,
            "labels_loaded": 3,
        },
        "output_sha256": hashlib.sha256(Path("out/one.parquet").read_bytes()).hexdigest(),
        "mos_stats": {"min": 2.0, "q1": 2.0, "median": 2.0, "q3": 3.0, "max": 4.0, "mean": 8 / 3},
    }
    assert (low["status"], low["config"]) == ("error", {"min_match_rate": 0.9})
    assert low["error"].startswith("MOS label match rate 0.500 below min_match_rate 0.900 (1/2 keys)")
    assert (two["status"], two["audit_json"], two["summary"]["match_rate"]) == ("ok", None, 0.5)
    lines = Path("out/report.md").read_text().splitlines()
    assert lines[0] == "| Table | Status | Match rate | Matched rows | Missing rows | Output |"
    assert lines[2] == "| one | ok | 1.000 | 3 | 0 | `out/one.parquet` |"
    assert lines[3] == "| low | error |  |  |  | `out/low.jsonl` |"
    assert lines[4] == "| two | ok | 0.500 | 1 | 2 | `out/two.jsonl` |"
    assert any(line.startswith("- low: MOS label match rate 0.500") for line in lines)


def test_fail_fast(folder: Path) -> None:
    report = run_batch("manifest.json", fail_fast=True)
    assert [table["status"] for table in report["tables"]] == ["ok", "error", "not-run"]
    assert report["summary"]["tables"] == 3
    assert not Path("out/two.jsonl").exists()


def test_paths_are_the_base_joined_with_the_path_as_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    report = run_batch(f"{folder.name}/manifest.json")
    assert report["tables"][0]["features"] == f"{folder.name}/one.parquet"
    audit = json.loads((folder / "out/one.audit.json").read_text())
    assert audit["label_sources"] == [f"{folder.name}/labels.csv"]
    assert {row["mos_label_source"] for row in read_table(folder / "out/one.parquet")} == {"labels.csv"}


def test_provenance(folder: Path) -> None:
    run_batch("manifest.json", report_json="r.json", report_md="r.md", argv=["batch", "manifest.json"])
    audit = json.loads(Path("out/one.audit.json").read_text())
    block = audit["run_provenance"]

    def record(path: str) -> dict[str, Any]:
        return {
            "path": path,
            "exists": True,
            "kind": "file",
            "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        }

    assert block["schema"] == "ai-run-provenance-v1"
    entrypoint = hashlib.sha256((Path(moslabels.__file__).parent / "cli.py").read_bytes()).hexdigest()
    assert block["entrypoint"] == {"path": "moslabels/cli.py", "exists": True, "kind": "file", "sha256": entrypoint}
    assert block["argv"] == ["batch", "manifest.json"]
    assert block["args"] == {
        "base_dir": None,
        "fail_fast": False,
        "manifest": "manifest.json",
        "report_json": "r.json",
        "report_md": "r.md",
    }
    assert block["inputs"] == {
        "manifest": record("manifest.json"),
        "features": record("one.parquet"),
        "labels": [record("labels.csv")],
    }
    assert block["outputs"] == {
        "out": "out/one.parquet",
        "audit_json": "out/one.audit.json",
        "report_json": "r.json",
        "report_md": "r.md",
    }
    assert set(block["versions"]) == {"moslabels", "duckdb", "pyarrow", "python"}
    block = json.loads(Path("r.json").read_text())["run_provenance"]
    assert block["inputs"]["features"] == [record("one.parquet"), record("two.jsonl")]
    assert block["outputs"]["out"] is None


def test_no_file_is_read_twice_to_be_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moslabels.files import records

    hashed: list[str] = []
    file_sha256 = records.file_sha256
    monkeypatch.setattr(records, "file_sha256", lambda path: hashed.append(str(path)) or file_sha256(path))
    report = run_batch("manifest.json")
    inputs = report["run_provenance"]["inputs"]
    assert [record["sha256"] is not None for record in (*inputs["features"], *inputs["labels"])] == [True] * 3
    # The Parquet features were hashed as they were copied.
    assert sorted(path for path in hashed if not path.endswith("cli.py")) == [
        "labels.csv",
        "manifest.json",
        "two.jsonl",
    ]


EVERY_OPTION = {
    "audit_json": None,
    "unmatched": None,
    "dry_run": False,
    **dict.fromkeys(("memory_limit", "threads", "temp_dir")),
    **json.loads(json.dumps({name: getattr(Options(), name) for name in FIELDS})),
}


def test_every_option_with_its_value_is_in_the_evidence_of_the_command(folder: Path) -> None:
    arguments = ["--features", "one.parquet", "--labels", "labels.csv", "--out", "o.csv", "--audit-json", "a.json"]
    for flags, given in (
        ([], {}),
        (["-q", "--mos-tolerance", "0.5", "--threads", "1"], {"mos_tolerance": 0.5, "threads": 1}),
        (["--feature-key-column", "key", "--extras", "[]"], {"feature_key_column": "key", "extras": []}),
    ):
        assert main(["materialize", *arguments, *flags]) == 0
        args = json.loads(Path("a.json").read_text())["run_provenance"]["args"]
        paths = {"features": "one.parquet", "labels": ["labels.csv"], "out": "o.csv", "audit_json": "a.json"}
        assert args == EVERY_OPTION | paths | given


def test_provenance_of_a_call_from_python(folder: Path) -> None:
    block = materialize(Path("one.parquet"), ["labels.csv"], "o.csv", mos_tolerance=0.5)["run_provenance"]
    assert block["argv"] == []
    given = {"features": "one.parquet", "label_paths": ["labels.csv"], "out": "o.csv", "mos_tolerance": 0.5}
    assert block["args"] == EVERY_OPTION | given
    assert block["inputs"]["manifest"] is None
    own = {"schema": "mine"}
    assert materialize("one.parquet", "labels.csv", "o.csv", run_provenance=own)["run_provenance"] == own


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_run_twice_gives_the_same_bytes(folder: Path) -> None:
    run_batch("manifest.json", report_json="r.json", report_md="r.md")
    first = everything(folder)
    run_batch("manifest.json", report_json="r.json", report_md="r.md")
    assert everything(folder) == first


def test_a_failed_table_leaves_its_old_files(folder: Path) -> None:
    Path("out").mkdir()
    Path("out/low.jsonl").write_text("old")
    Path("out/low.audit.json").write_text("old audit")
    run_batch("manifest.json")
    assert Path("out/low.jsonl").read_text() == "old"
    assert Path("out/low.audit.json").read_text() == "old audit"
    assert not [path for path in Path("out").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("target", ["out", "audit_json"])
@pytest.mark.parametrize("kind", ["a folder", "not a regular file"])
def test_a_target_that_is_no_file_is_refused_before_anything_is_written(folder: Path, target: str, kind: str) -> None:
    import os

    Path("t.csv").mkdir() if kind == "a folder" else os.mkfifo("t.csv")
    other = {"out": "o.csv", "audit_json": "a.json", target: "t.csv"}
    for name in set(other.values()) - {"t.csv"}:
        Path(name).write_text("old")
    with pytest.raises(MosLabelsError, match=rf"t\.csv: is {kind}; write to another path"):
        materialize("one.parquet", ["labels.csv"], other["out"], audit_json=other["audit_json"])
    assert {Path(name).read_text() for name in set(other.values()) - {"t.csv"}} == {"old"}


def test_a_target_that_is_a_link_is_followed(folder: Path) -> None:
    Path("real").mkdir()
    Path("real/o.csv").write_text("old")
    Path("o.csv").symlink_to("real/o.csv")
    materialize("one.parquet", ["labels.csv"], "o.csv")
    assert Path("o.csv").is_symlink()
    assert Path("real/o.csv").read_text().startswith("key,x,mos")


def test_an_output_that_cannot_be_written_fails_its_table(folder: Path) -> None:
    Path("out/one.parquet").mkdir(parents=True)
    report = run_batch("manifest.json")
    assert [table["status"] for table in report["tables"]] == ["error", "error", "ok"]
    assert "out/one.parquet" in report["tables"][0]["error"]
    assert not Path("out/one.audit.json").exists()


def test_an_input_that_changes_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import moslabels.runs.table as home

    write = home.write_labelled

    def change_then_write(job: Any, staged: Any) -> Any:
        Path("labels.csv").write_text("key,mos\na,5\nb,5\n")
        return write(job, staged)

    monkeypatch.setattr(home, "write_labelled", change_then_write)
    with pytest.raises(MosLabelsError, match=r"labels\.csv: changed while it was read"):
        materialize("one.parquet", ["labels.csv"], "o.csv")
    assert not Path("o.csv").exists()


MARKDOWN = ["a|b", "`code`", "<script>", "[x](y)", "*b*", "line\nbreak", "konvid_1k", "-1", "| x |\n| y |"]


@pytest.mark.sampled
@pytest.mark.parametrize("identifier", MARKDOWN)
def test_nothing_becomes_markdown_structure(folder: Path, identifier: str) -> None:
    manifest = json.loads(Path("manifest.json").read_text())
    manifest["tables"] = [{**manifest["tables"][1], "id": identifier, "out": f"out/{identifier}.jsonl"}]
    Path("manifest.json").write_text(json.dumps(manifest))
    run_batch("manifest.json", report_md="r.md")
    lines = Path("r.md").read_text().splitlines()
    assert all(line.startswith("  - ") for line in lines[7:])
    cells = lines[2].replace("\\|", "").split("|")
    assert len(cells) == 8
    if identifier == "konvid_1k":
        assert cells[1] == " konvid_1k "
    assert "<script>" not in lines[2].replace("\\<", "").replace(cells[6], "")


def test_label_entries_with_options_of_their_own(folder: Path) -> None:
    Path("scores.tsv").write_text("clip_a.mp4;75\nclip_b.mp4;NA\n")
    Path("dmos.jsonl").write_text('{"name": "x_a", "dmos": 20}\n{"name": "x_z", "dmos": -5}\n')
    manifest = {
        "tables": [
            {
                "id": "t",
                "features": "one.parquet",
                "out": "o.jsonl",
                "mos_tolerance": 0.5,
                "labels": [
                    "labels.csv",
                    {
                        "path": "scores.tsv",
                        "label_csv": {"header": False, "delimiter": ";"},
                        "label_key_column": "column0",
                        "label_mos_column": "column1",
                        "key_normalize": "stem",
                        "label_key_regex": "clip_([a-z])",
                        "mos_scale": "0-100",
                        "missing_mos": "skip",
                        "missing_values": ["NA"],
                    },
                    {
                        "path": "dmos.jsonl",
                        "label_key_regex": "x_(.)",
                        "label_mos_column": "dmos",
                        "mos_scale": {"worst": 100, "best": 0},
                        "out_of_range": "clip",
                        "max_clipped": 0.5,
                    },
                ],
            }
        ]
    }
    Path("manifest.json").write_text(json.dumps(manifest))
    report = run_batch("manifest.json")
    assert report["tables"][0]["status"] == "error"
    assert (
        'conflicting MOS labels for 1 keys: "a": labels.csv row 1 says "2" (mos 2), scores.tsv row 1 says "75" (mos 4)'
        in report["tables"][0]["error"]
    )
    manifest["tables"][0]["mos_tolerance"] = 4
    manifest["tables"][0]["audit_json"] = "a.json"
    Path("manifest.json").write_text(json.dumps(manifest))
    assert run_batch("manifest.json")["status"] == "ok"
    audit = json.loads(Path("a.json").read_text())
    assert [file["mos_scale"] for file in audit["label_files"]] == ["1-5", "0-100", {"worst": 100, "best": 0}]
    assert (audit["duplicate_labels"], audit["missing_mos_rows"], audit["clipped_mos_rows"]) == (3, 1, 1)


def test_a_form_of_the_report_is_listed_once_and_made() -> None:
    names = [form.name for form in REPORT_FORMS]
    assert names == list(MAKERS) == [name for name in signature(run_batch).parameters if name.startswith("report_")]
    view = (sql_folder() / "evidence" / "views" / "provenance_files.sql").read_text(encoding="utf-8")
    assert names == re.findall(r"'output', '(report_[a-z]+)'", view)


def test_the_fields_of_an_audit_are_listed_once(job: Job) -> None:
    job.run([{"key": "a"}], [{"key": "a", "mos": 3}], feature_key_column="key", feature_key_template="{0}")
    whole = {*job.audit}
    (job.folder / "many").mkdir()
    write_table(job.folder / "many" / "one.parquet", [{"key": "a"}])
    labels = job.audit["label_sources"]
    of_parts = materialize(
        job.folder / "many", labels, job.folder / "out", feature_key_column="key", feature_key_template="{0}"
    )
    assert whole | {*of_parts} == {field.name for field in AUDIT_FIELDS}
    assert {*of_parts} - whole == {"features", "parts"}


@pytest.mark.parametrize(("path", "made"), FILES.items(), ids=lambda value: getattr(value, "stem", ""))
def test_a_file_is_made_from_the_code(path: Path, made: Callable[[], str]) -> None:
    assert path.read_text(encoding="utf-8") == made(), "run: make pages"


def test_the_fields_of_a_table_in_a_report_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one report: a table with all that a labelled one may say, and one that failed."""
    write_table(tmp_path / "f.csv", "key\na\nb\n")
    write_table(tmp_path / "l.csv", "key,mos\na,3\n")
    entry = {"features": "f.csv", "labels": ["l.csv"]}
    tables = [
        {**entry, "id": "one", "out": "o.csv", "unmatched": "u.csv", "min_match_rate": 0},
        {**entry, "id": "two", "out": "p.csv", "min_match_rate": 1},
        {**entry, "id": "three", "out": "q.csv", "mos_scale": "0-100", "out_of_range": "error", "labels": ["n.csv"]},
    ]
    write_table(tmp_path / "n.csv", "key,mos\na,101\n")
    (tmp_path / "m.json").write_text(json.dumps({"tables": tables}))
    monkeypatch.chdir(tmp_path)
    found = run_batch("m.json", skip_unchanged=True)["tables"]
    assert [table["status"] for table in found] == ["ok", "error", "error"]
    assert {*found[0], *found[1], *found[2]} == {field.name for field in TABLE_FIELDS}
    assert {*found[0]} & {*found[1]} >= {field.name for field in TABLE_FIELDS if field.is_required}
