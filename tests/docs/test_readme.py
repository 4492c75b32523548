"""The README: its commands, its example and its tables say what is so."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from pathlib import Path

import pytest

import moslabels as package
from helpers.command import moslabels
from helpers.pages import blocks
from helpers.paths import ROOT
from moslabels import GateError, materialize, run_batch
from moslabels.sources.opening import FORMATS, KEY_NAMES, MOS_NAMES
from moslabels.spec.options import FIELDS, LABEL_FIELDS

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(ROOT / "README.md")


def test_the_first_screen_holds_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:25])
    commands = re.findall(r"^```sh\n(.*)\n```$", first_screen, re.MULTILINE)
    assert len(commands) == 2
    assert "moslabels batch examples/quickstart/manifest.json" in commands[0]
    assert commands[1].endswith("-m pytest -n 2")


def test_the_report_shown_is_the_report_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(
        ROOT / "examples/quickstart", tmp_path / "examples/quickstart", ignore=shutil.ignore_patterns("out")
    )
    monkeypatch.chdir(tmp_path)
    run_batch("examples/quickstart/manifest.json", report_md="report.md")
    assert Path("report.md").read_text() in [text for language, text in BLOCKS if not language]


def test_the_manifest_shown_is_right(tmp_path: Path) -> None:
    from moslabels import load_manifest

    (manifest,) = [text for language, text in BLOCKS if language == "json"]
    (tmp_path / "m.json").write_text(manifest)
    assert [table.id for table in load_manifest(tmp_path / "m.json").tables] == ["konvid"]


def test_the_python_shown_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = [text for language, text in BLOCKS if language == "python"]
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out in [text for language, text in BLOCKS if not language]
    exec(compile(code.replace("[3.42, 2.08]", "[3.42, 28]"), "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("mixed-scale labels mos None labels: column")


def test_the_names_of_the_package_are_all_there() -> None:
    section = README.split("## In a script")[1].split("\n## ")[0]
    shown = dict(re.findall(r"^\| `(\w+)(\(.*?\))?` \|", section, re.MULTILINE))
    assert set(shown) == set(package.__all__)
    for name, arguments in shown.items():
        if arguments:
            parameters = inspect.signature(getattr(package, name)).parameters
            named = re.findall(r"(?<!\*)\b(\w+)(?:=|,|\))", arguments.replace("**options", ""))
            assert set(named) - {"None", "False"} <= set(parameters)
    codes = section.split("- Codes:")[1].split("- [")[0]
    assert re.findall("`([a-z-]+)`", codes) == list(package.CODES)


@pytest.mark.parametrize("name", [name for name in package.__all__ if name != "CODES"])
def test_what_is_public_says_what_it_does(name: str) -> None:
    value = getattr(package, name)
    members = vars(value).items() if inspect.isclass(value) else ()
    for named in (value, *(member for called, member in members if callable(member) and not called.startswith("_"))):
        assert inspect.getdoc(named)


def test_the_suggestion_shown_is_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = re.findall(r"^    (moslabels suggest .*)$", README, re.MULTILINE)
    done = moslabels(*command.split()[1:], cwd=ROOT)
    (shown,) = [text for language, text in BLOCKS if not language and "scores: column" in text]
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(shown)


def test_the_failed_gate_shown_is_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("features.csv").write_text("clip_id\nA001.mp4\nA002.mp4\n")
    Path("labels.csv").write_text("clip_id,mos\nA001,3\nA002,4\n")
    with pytest.raises(GateError) as caught:
        materialize("features.csv", ["labels.csv"], "labelled.csv")
    assert f"{caught.value}\n" in [text for language, text in BLOCKS if not language]


def test_the_options_are_all_there() -> None:
    section = README.split("## Options")[1].split("## ")[0]
    shown = re.findall(r"`(\w+)`( •)?", "\n".join(line.split("|")[1] for line in section.splitlines() if "|" in line))
    assert {name for name, _ in shown} == set(FIELDS)
    assert {name for name, mark in shown if mark} == set(LABEL_FIELDS)
    for name in ("min_match_rate", "mos_tolerance", "key_normalize", "status_column"):
        row = next(line for line in section.splitlines() if line.startswith(f"| `{name}`"))
        assert str(FIELDS[name].default).replace("1e-06", "1e-6") in row


@pytest.mark.parametrize("line", re.findall(r"^    moslabels (.*)$", README, re.MULTILINE))
def test_the_flags_shown_are_there(line: str) -> None:
    name, rest = line.split(" ", 1)
    done = moslabels(name, "--help", cwd=ROOT)
    assert done.returncode == 0
    assert set(re.findall(r"--[a-z-]+|(?<= )-[a-z]\b", rest)) <= set(re.findall(r"--[a-z-]+|-[a-z]\b", done.stdout))


def test_the_commands_are_all_told() -> None:
    listed = moslabels("--help", cwd=ROOT).stdout.split("commands:")[1].split("example:")[0]
    for name in re.findall(r"^  (\w+)", listed, re.MULTILINE):
        assert re.search(rf"moslabels {name}\b|`{name}`", README), name


def test_the_names_and_suffixes_are_all_there() -> None:
    words = set(re.findall(r"[\w.]+", README))
    assert {*KEY_NAMES, *MOS_NAMES, *FORMATS} <= words


def test_the_quickstart_is_deterministic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = []
    for _ in range(2):
        folder = tmp_path / "quickstart"
        shutil.copytree(ROOT / "examples/quickstart", folder, ignore=shutil.ignore_patterns("out"))
        monkeypatch.chdir(folder)
        report = run_batch("manifest.json", report_json="out/report.json")
        assert json.loads(Path("out/report.json").read_text()) == report
        outputs.append({path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())})
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(folder)
    assert outputs[0] == outputs[1]
