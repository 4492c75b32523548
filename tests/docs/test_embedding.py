"""The examples for scripts and schedulers: one is run, the others call what there is, with arguments that there are."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import moslabels
from helpers.command import moslabels as moslabels_command
from helpers.paths import ROOT
from moslabels.base.errors import CODES

FOLDER = ROOT / "examples" / "embedding"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))
QUICKSTART = "examples/quickstart"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "examples/embedding/label_clips.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_script_runs() -> None:
    done = run(f"{QUICKSTART}/natural_features.parquet", f"{QUICKSTART}/natural_labels.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("4 clips labelled, match rate 1.000\n{'frames': 3, 'mos': 2.08, 'mos_std_dev': 0.66}\n")


@pytest.mark.parametrize("arguments", [(), ("one",), ("one", "two", "three")])
def test_the_script_says_how_it_is_run(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().endswith("python examples/embedding/label_clips.py FEATURES LABELS")


def test_the_workflow_of_github_runs(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (copy / "embedding" / "github_workflow.yml").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ +- run: (moslabels batch .*)$", text, re.MULTILINE)
    monkeypatch.chdir(copy / "quickstart")
    done = moslabels_command(*command.split()[1:], cwd=copy / "quickstart")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in Path("out").glob("[jr]*")} == {"junit.xml", "report.json", "report.html"}
    Path("natural_labels.csv").write_text("flickr_id,mos\n4265321879,3\n")
    done = moslabels_command(*command.split()[1:], cwd=copy / "quickstart")
    assert done.returncode == 1
    assert "::error" in done.stdout + done.stderr


def test_the_script_says_what_is_wrong(tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    few.write_text("flickr_id,mos\n4265321879,3\n")
    done = run(f"{QUICKSTART}/natural_features.parquet", str(few))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("features: 3 clips have no label\nMOS label match rate 0.250 below")
    done = run(f"{QUICKSTART}/natural_features.parquet", "nowhere.csv")
    assert done.stderr == "no-file: nowhere.csv: there is no such file\n"


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_the_examples_call_is_there(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    calls = [
        call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("moslabels.")
    ]
    assert calls
    for call in calls:
        function: Any = getattr(moslabels, ast.unparse(call.func).removeprefix("moslabels."))
        keywords = {keyword.arg: None for keyword in call.keywords if keyword.arg is not None}
        inspect.signature(function).bind(*call.args, **keywords)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "moslabels":
            assert hasattr(moslabels, node.attr)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_codes_that_the_examples_name_are_there(name: str) -> None:
    tree = ast.parse((FOLDER / name).read_text(encoding="utf-8"))
    named = {
        leaf.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Set | ast.Compare)
        for leaf in ast.walk(node)
        if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and "-" in leaf.value
    }
    assert named <= set(CODES)
