"""Completion scripts: what a shell offers for the beginning of a command line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import shtab

from helpers.command import moslabels, python
from moslabels.command.completion import SHELLS
from moslabels.spec.options import FIELDS

FLAGS = {f"--{name.replace('_', '-')}" for name in FIELDS}
MATERIALIZE = ["materialize", "--features", "f.csv"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips.csv").write_text("key\n")
    (tmp_path / "clips").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = moslabels("completion", "bash", cwd=tmp_path_factory.mktemp("completion"))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def offered(script: str, words: list[str], cwd: Path) -> set[str]:
    """What bash offers for the last of the words."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    code = f'{script}\nCOMP_WORDS=(moslabels "$@")\nCOMP_CWORD=$#\n'
    code += "$(complete -p moslabels | grep -o '_shtab[a-z_]*')\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    done = subprocess.run([bash, "-c", code, "bash", *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


OFFERED = [
    (["ba"], {"batch"}),
    (["co"], {"compile", "completion"}),
    (["batch", "--base"], {"--base-dir"}),
    (["batch", "clip"], {"clips", "clips.csv"}),
    (["batch", "--base-dir", "cl"], {"clips"}),
    ([*MATERIALIZE, "--labels", "cl"], {"clips", "clips.csv"}),
    ([*MATERIALIZE, "--key-norm"], {"--key-normalize"}),
    ([*MATERIALIZE, "--key-normalize", ""], {"auto", "raw", "basename", "stem"}),
    ([*MATERIALIZE, "--mos-scale", ""], {"auto", "1-5", "0-100", "per-value"}),
    ([*MATERIALIZE, "--out-of-range", "c"], {"clip"}),
    ([*MATERIALIZE, "--min-match-rate", "cl"], set()),
    (["explain", "--table", "cl"], set()),
    (["sql", "runs.json", "--format", "j"], {"json", "jsonl"}),
    (["schema", ""], {"manifest", "audit", "report"}),
    (["options", "mos_"], {"mos_scale", "mos_scale_column", "mos_tolerance"}),
    (["completion", ""], set(SHELLS)),
]


@pytest.mark.parametrize(
    ("words", "expected"),
    OFFERED,
    ids=lambda value: " ".join(sorted(value)) if isinstance(value, set) else " ".join(value),
)
def test_bash_offers(folder: Path, script: str, words: list[str], expected: set[str]) -> None:
    assert offered(script, words, folder) == expected


@pytest.mark.parametrize("command", ["materialize", "explain"])
def test_bash_offers_every_flag(folder: Path, script: str, command: str) -> None:
    flags = offered(script, [command, "--"], folder)
    assert flags >= {*FLAGS, "--features", "--labels", "--threads", "--help"}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_its_script(folder: Path, shell: str) -> None:
    assert shell in shtab.SUPPORTED_SHELLS
    done = moslabels("completion", shell, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("materialize", "report-json", "min-match-rate", "jsonl", "per-value"):
        assert word in done.stdout
    if binary := shutil.which(shell):
        (folder / "script").write_text(done.stdout)
        assert subprocess.run([binary, "-n", "script"], cwd=folder, check=False).returncode == 0


def test_without_shtab(folder: Path) -> None:
    code = (
        "import sys; sys.modules['shtab'] = None\nfrom moslabels.cli import main\nsys.exit(main(['completion', 'zsh']))"
    )
    done = python("-c", code, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("moslabels: completion needs shtab: pip install shtab (")
    assert len(done.stderr.splitlines()) == 1
