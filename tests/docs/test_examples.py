"""The examples: every manifest labels its table, and every page shows what its commands print."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from helpers.pages import blocks, run_page
from helpers.paths import ROOT
from moslabels import load_manifest
from moslabels.cli import main
from moslabels.spec.table import TableSpec

EXAMPLES = ROOT / "examples"
MANIFESTS = sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/manifest.json"))
TRAPS = sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/traps.json"))
PAGES = sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/README.md") if path.parent.name != "guide")

# Of each corpus a few rows of its output: which, and what it has beside its features.
KONVID_1K = [({"sharpness": 24.02}, {"mos": 2.0487804878})]
KONVID_150K = [
    ({"video_path": "k150ka_extracted/orig_13874420693_540_5s.mp4"}, {"mos": 1.8, "mos_raw_0_100": 20.0}),
    ({"video_path": "k150kb_extracted/orig_8846120357_540_5s.avi", "frame": 100}, {"mos": 3.0449438202}),
    ({"video_path": "k150kb_extracted/orig_5560127493_540_5s.avi", "frame": 0}, {"mos": 3.8723404255}),
]
CHUG = [
    (
        {"Video": "03aed0b6c7ac1491def88334e647cb8f"},
        {"mos_raw_0_100": 64.226059160337, "mos": 1 + 4 * 64.226059160337 / 100, "sos": 1.939807616697},
    ),
    ({"bitrate_mbps": 0.2, "split": "test"}, {"content": "Files_Apr17_IMG_1185_4_12.mp4"}),
]
YOUTUBE_UGC = [
    (
        {"file_name": "VerticalVideo_480P-73be_crf_10_ss_00_t_20.0.mp4"},
        {"mos": 3.674, "category": "VerticalVideo", "mos_std_dev": 0.657},
    )
]
BVI = [
    ({"psnr_y": 40.12}, {"mos": 5.0, "mos_raw_0_100": 100.0, "content": "FallingSnow"}),
    ({"dis_path": "/data/BVI-HD/HEVC/FallingSnow_1920x1080_60fps_HEVC_QP47.yuv"}, {"mos_raw_0_100": 58.5, "mos": 3.34}),
]
SCORES = {
    "bvi": {"bvi_hd": BVI},
    "chug": {"chug": CHUG},
    "konvid-150k": {"konvid_150k": KONVID_150K},
    "konvid-1k": {"konvid_1k": KONVID_1K},
    "youtube-ugc": {"youtube_ugc": YOUTUBE_UGC},
}
SCORES["corpora"] = {name: rows for tables in SCORES.values() for name, rows in tables.items()}
SCORES["quickstart"] = {"natural_mos": [({"noise": 0.1508}, {"mos": 3.42, "mos_n_ratings": 58, "mos_std_dev": 0.71})]}


@pytest.mark.parametrize("path", MANIFESTS, ids=str)
def test_a_manifest(copy: Path, path: Path) -> None:
    assert main(["batch", str(copy / path), "--report-json", "report.json"]) == 0
    tables = SCORES[path.parent.name]
    assert {file.stem for file in (copy / path.parent / "out").glob("*.parquet")} == set(tables)
    for name, rows in tables.items():
        labelled = pq.ParquetFile(copy / path.parent / "out" / f"{name}.parquet").read().to_pylist()
        for where, wanted in rows:
            row = next(row for row in labelled if where.items() <= row.items())
            assert {key: row[key] for key in wanted} == wanted


def test_the_batch_of_all_has_the_rules_of_each_and_one_policy() -> None:
    policy = json.loads((EXAMPLES / "corpora/manifest.json").read_text(encoding="utf-8"))["defaults"]
    alone = [table for path in TRAPS for table in load_manifest(EXAMPLES / path.parent / "manifest.json").tables]
    together = load_manifest(EXAMPLES / "corpora/manifest.json").tables
    assert {table.id: rules(table) for table in together} == {table.id: rules(table, **policy) for table in alone}


def rules(table: TableSpec, **policy: Any) -> Any:
    labels = [(os.path.realpath(label.path), label.config) for label in table.labels]
    return os.path.realpath(table.features), labels, {**table.config, **policy}


@pytest.mark.parametrize("path", TRAPS, ids=str)
def test_every_trap_is_shown(copy: Path, path: Path) -> None:
    """Each table of a traps.json fails for its own reason, and the page shows how."""
    tables = json.loads((copy / path).read_text(encoding="utf-8"))["tables"]
    assert main(["batch", str(copy / path), "--report-json", "report.json"]) == 1
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert {table["status"] for table in report["tables"]} == {"error"}
    shown = [text.split(":")[0] for language, text in blocks(copy / path.parent / "README.md") if not language]
    assert set(shown) >= {table["id"] for table in tables}


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_shows_what_its_commands_print(copy: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = blocks(copy / path)
    assert "sh" in dict(page)
    run_page(page, capsys)


def test_the_page_of_recipes_lists_and_runs_them_all() -> None:
    page = EXAMPLES / "sql" / "README.md"
    run = "\n".join(text for language, text in blocks(page) if language == "sh")
    for path in EXAMPLES.glob("sql/*.sql"):
        assert f"| [{path.stem}]({path.name}) |" in page.read_text(encoding="utf-8")
        assert f"-f examples/sql/{path.name}" in run
