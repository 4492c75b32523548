"""The README: short, its commands and its tables say what is so."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from helpers.pages import blocks, run_page
from helpers.paths import ROOT
from helpers.tables import read_table
from moslabels import load_manifest, run_batch

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(ROOT / "README.md")
QUICKSTART = ROOT / "examples" / "quickstart"


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_first_screen_holds_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:36])
    commands = re.findall(r"^```sh\n(.*)\n```$", first_screen, re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("pip install -q . && moslabels batch examples/quickstart/manifest.json > report.json")
    assert commands[1].endswith("-m pytest -n 2")


def test_it_shows_what_its_commands_print(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # What installs, .ci/run runs.
    shown = [(language, text.rpartition("pip install -q . && ")[2]) for language, text in BLOCKS]
    run_page([block for block in shown if "pytest" not in block[1]], capsys)
    assert_rows_shown(Path("labelled.parquet"))


ALONE = """
import sys
from importlib.metadata import packages_distributions
for name, owners in packages_distributions().items():
    if not {"duckdb", "jinja2", "markupsafe", "pyarrow", "moslabels"} & {owner.lower() for owner in owners}:
        sys.modules[name] = None
"""


def test_its_script_runs_with_the_packages_of_the_run_time_alone(copy: Path) -> None:
    ((_, script),) = [block for block in BLOCKS if block[0] == "python"]
    done = subprocess.run(
        [sys.executable, "-c", ALONE + script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stderr, done.stdout) == ("", "1.0 [3.42, 2.08, 4.15, 1.77]\n")


def assert_rows_shown(path: Path) -> None:
    section = README.split("A row of the features before:")[1].split("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    before, label, after = ([cells(line) for line in table.splitlines()] for table in tables)
    features = pq.ParquetFile(QUICKSTART / "natural_features.parquet").read()
    first = features.slice(0, 1).to_pylist()[0]
    assert before[0] == list(first)
    assert before[2] == [str(round(value, 4) if isinstance(value, float) else value) for value in first.values()]
    assert label[0] == list(read_table(QUICKSTART / "natural_labels.csv")[0])
    assert label[2] == list(read_table(QUICKSTART / "natural_labels.csv")[0].values())
    labelled = pq.ParquetFile(path).read()
    assert labelled.select(features.column_names) == features
    added = labelled.drop_columns(features.column_names)
    assert after[0][1:] == added.column_names
    assert after[2][1:] == [str(value) for value in added.slice(0, 1).to_pylist()[0].values()]


def cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def test_the_manifest_shown_is_right(tmp_path: Path) -> None:
    (manifest,) = [text for language, text in BLOCKS if language == "json"]
    (tmp_path / "m.json").write_text(manifest)
    assert [table.id for table in load_manifest(tmp_path / "m.json").tables] == ["konvid"]


def test_the_commands_are_all_in_the_table() -> None:
    commands = moslabels("--help", cwd=ROOT).stdout.split("commands:")[1].split("example:")[0]
    section = README.split("## Commands")[1].split("\n## ")[0]
    shown = re.findall(r"^\| `.*?\|", section, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", "".join(shown))) == sorted(re.findall(r"^  (\w+)", commands, re.MULTILINE))


def test_the_quickstart_is_deterministic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = []
    for _ in range(2):
        folder = tmp_path / "quickstart"
        shutil.copytree(QUICKSTART, folder, ignore=shutil.ignore_patterns("out"))
        monkeypatch.chdir(folder)
        report = run_batch("manifest.json", report_json="out/report.json")
        assert json.loads(Path("out/report.json").read_text()) == report
        outputs.append({path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())})
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(folder)
    assert outputs[0] == outputs[1]
