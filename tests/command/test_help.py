"""Help, versions, and what is said of arguments that argparse refuses."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from helpers.command import ENVIRONMENT, moslabels, python
from moslabels import __version__
from moslabels.command.commands import COMMANDS as BY_NAME
from moslabels.spec.options import FIELDS

COMMANDS = ["batch", "materialize", "plan", "part", "commit", "init", "suggest", "explain", "sql", "verify", "diff"]
COMMANDS += ["export", "compile", "schema", "options", "completion"]


@pytest.fixture(autouse=True)
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def helped(*arguments: str, cwd: Path) -> str:
    done = moslabels(*arguments, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_is_one_screen_that_ends_with_an_example(tmp_path: Path, command: str | None) -> None:
    text = helped(*([command] if command else []), "--help", cwd=tmp_path)
    lines = text.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith(f"example: moslabels {command or ''}")
    assert lines[0].startswith(f"usage: moslabels {command or 'COMMAND'}")


def test_the_help_names_every_command(tmp_path: Path) -> None:
    text = helped("--help", cwd=tmp_path)
    listed = text.split("commands:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == COMMANDS
    assert {*BY_NAME} == {*COMMANDS}


@pytest.mark.parametrize("command", ["materialize", "explain"])
def test_the_help_names_every_option(tmp_path: Path, command: str) -> None:
    words = helped(command, "--help", cwd=tmp_path).split()
    assert {f"--{name.replace('_', '-')}" for name in FIELDS} <= set(words)
    assert {"--memory-limit", "--threads", "--temp-dir"} <= set(words)


def test_help_on_a_terminal_that_speaks_ascii(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "moslabels", "batch", "--help"]
    environment = {**ENVIRONMENT, "COLUMNS": "80", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "…" in done.stdout.decode("utf-8")


def test_options_are_told_in_full(tmp_path: Path) -> None:
    text = helped("options", cwd=tmp_path)
    words = " ".join(text.split())
    for name, option in FIELDS.items():
        assert f"--{name.replace('_', '-')} {option.metadata['kind'].placeholder}".strip() in words
        assert option.metadata["help"] in words
    assert 'such as "4GB"' in words
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", ["batch", "materialize", "explain"])
def test_flags_that_a_help_only_names_are_told_by_options(tmp_path: Path, command: str) -> None:
    after = re.split("more flags.*:|settings:", helped(command, "--help", cwd=tmp_path))[1]
    named = re.findall("--[a-z-]+", after.split("example:")[0])
    assert "--memory-limit" in named
    told = [line.split()[0] for line in helped("options", cwd=tmp_path).splitlines() if line.startswith("--")]
    assert {*named} <= {*told}
    for flag in named:
        assert helped("options", flag, cwd=tmp_path).startswith(flag)


@pytest.mark.parametrize("name", ["mos_scale", "mos-scale", "--mos-scale"])
def test_one_option_is_told(tmp_path: Path, name: str) -> None:
    text = helped("options", name, "overwrite", cwd=tmp_path)
    assert [line for line in text.splitlines() if line.startswith("--")] == (
        ["--overwrite", "--mos-scale SCALE"] if name.startswith("--") else ["--mos-scale SCALE", "--overwrite"]
    )
    assert 'default: "auto"' in text


def test_the_version(tmp_path: Path) -> None:
    assert helped("--version", cwd=tmp_path) == (
        f"moslabels {__version__} (duckdb {duckdb.__version__}, pyarrow {pa.__version__}, "
        f"Python {platform.python_version()})\n"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["batch", "--help"], ["options"], ["btach"]])
def test_what_needs_no_duckdb_does_not_load_it(tmp_path: Path, arguments: list[str]) -> None:
    code = (
        "import sys, moslabels.cli\n"
        "try:\n"
        "    moslabels.cli.main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.exit(bool({'duckdb', 'pyarrow', 'jinja2'} & set(sys.modules)))"
    )
    assert python("-c", code, *arguments, cwd=tmp_path).returncode == 0


def test_without_a_command(tmp_path: Path) -> None:
    done = moslabels(cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == helped("--help", cwd=tmp_path) + "\nmoslabels: a command is required\n"


TABLE = ["--features", "f.csv", "--labels", "l.csv", "--out", "o.csv"]
WRONG: list[tuple[list[str], str, list[str]]] = [
    (["btach"], "", ['COMMAND: must be one of batch, .*, not "btach"; did you mean "batch"?']),
    (["-version"], "", ['there is no flag "-version"; did you mean "--version"?']),
    (["batch"], "batch ", ["the following arguments are required: MANIFEST"]),
    (["batch", "a.json", "b.json"], "batch ", ['too many arguments: "b.json"']),
    (["batch", "m.json", "--dryrun"], "batch ", ['there is no flag "--dryrun"; did you mean "--dry-run"?']),
    (["batch", "m.json", "--basedir", "x"], "batch ", ['there is no flag "--basedir"; did you mean "--base-dir"?']),
    (
        ["materialize", *TABLE, "--mos-scal=1-5"],
        "materialize ",
        ['there is no flag "--mos-scal"; did .* "--mos-scale"?'],
    ),
    (
        ["materialize", "--feature", "f.csv", "--label", "l.csv", "--out", "o.csv"],
        "materialize ",
        [
            'there is no flag "--feature"; did you mean "--features"?',
            'there is no flag "--label"; did you mean "--labels"?',
            "the following arguments are required: --features, --labels",
        ],
    ),
    (["materialize", *TABLE, "--threads", "two"], "materialize ", ['--threads: "two" is not a whole number']),
    (["materialize", *TABLE, "--min-match-rate", "x"], "materialize ", ['--min-match-rate: "x" is not a number']),
    (
        ["materialize", *TABLE, "--feature-key-regex", "-x"],
        "materialize ",
        ['there is no flag "-x"', "--feature-key-regex: expected one argument; .* such as --flag=-1"],
    ),
    (["sql", "*.json", "--format", "tabel"], "sql ", ['--format: must be one of .*; did you mean "table"?']),
    (["sql", "*.json", "-c", "x", "-f", "y"], "sql ", ["-f/--file: not allowed with -c/--command"]),
    (
        ["schema", "audits"],
        "schema ",
        ['KIND: must be one of manifest, audit, report, timings, .*; did you mean "audit"?'],
    ),
    (["options", "scale"], "options ", ['NAME: there is no option "scale"; did you mean "mos_scale"?; .*']),
    (["options", "\x1b[31m"], "options ", [r'NAME: there is no option "\u001b[31m"; without .*']),
]


@pytest.mark.parametrize(("arguments", "command", "problems"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_arguments(tmp_path: Path, arguments: list[str], command: str, problems: list[str]) -> None:
    done = moslabels(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    heading, *said = done.stderr.splitlines()
    assert heading == f"moslabels: the arguments are wrong; see moslabels {command}--help:"
    assert len(said) == len(problems)
    for line, expected in zip(said, problems, strict=True):
        # .* stands for any text; all else is meant as it is.
        start, *rest = expected.split(".*")
        assert line.startswith(f"  {start}"), line
        assert all(part in line for part in rest), line
        assert expected.endswith(".*") or line.endswith((start, *rest)[-1]), line


@pytest.mark.parametrize("value", ["-5", "-.5", "- x", "--", "-"])
def test_a_value_that_looks_like_a_flag(tmp_path: Path, value: str) -> None:
    """What argparse takes as a value is no unknown flag."""
    arguments = ["--", value] if value == "--" else [value]
    done = moslabels("explain", *arguments, cwd=tmp_path)
    assert done.stderr.startswith("moslabels: explain needs --features and --labels")
