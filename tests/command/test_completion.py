"""Completion scripts: what bash, zsh and fish offer for the beginning of a command line."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from helpers.command import moslabels
from moslabels.command.commands import COMMANDS
from moslabels.command.completion import SHELLS
from moslabels.spec.options import FIELDS

FLAGS = {f"--{name.replace('_', '-')}" for name in FIELDS}
MATERIALIZE = "materialize --features f.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips.csv").write_text("key\n")
    (tmp_path / "clips").mkdir()
    (tmp_path / "my clips.csv").write_text("key\n")
    return tmp_path


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = {}
    for shell in SHELLS:
        done = moslabels("completion", shell, cwd=tmp_path_factory.mktemp("completion"))
        assert (done.returncode, done.stderr) == (0, "")
        found[shell] = done.stdout
    return found


def offered(shell: str, script: str, line: str, cwd: Path) -> set[str]:
    """Return what a shell offers for the last word of a line."""
    binary = shutil.which(shell)
    if binary is None:
        pytest.skip(f"there is no {shell}")
    home = cwd / "home"
    home.mkdir()
    (home / "script").write_text(script)
    return OFFER[shell](binary, home, f"moslabels {line}", cwd)


def offered_by_bash(binary: str, home: Path, line: str, cwd: Path) -> set[str]:
    """Return what the function of the script offers, called as bash calls it: a = is a word of its own there."""
    code = 'set -u; source home/script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
    code += "$(complete -p moslabels | sed 's/.* -F \\([^ ]*\\) .*/\\1/')\nprintf '%s\\n' \"${COMPREPLY[@]}\""
    words = line.replace("=", " = ").split(" ")
    words = [word for word in words[:-1] if word] + words[-1:]
    done = subprocess.run([binary, "-c", code, "bash", *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return {word for word in done.stdout.split("\n") if word}


def offered_by_fish(binary: str, home: Path, line: str, cwd: Path) -> set[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = [binary, "--no-config", "-c", "source home/script; complete -C $argv[1]", line]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    words = [offer.split("\t")[0] for offer in done.stdout.split("\n") if offer]
    return {word.rpartition("=")[2].rstrip("/") for word in words}


ZSHRC = """\
PS1=ready:
autoload -U compinit; compinit -u -D
source $ZDOTDIR/script
compadd() {
    local -a found
    # With -O, -A or -D, matches go to an array, and are not offered.
    if [[ " $* " != *' -'[OAD]' '* ]]; then
        builtin compadd -A found "$@"
        print -rl -- $found >> $ZDOTDIR/found
    fi
    builtin compadd "$@"
}
collect() { _main_complete; print >> $ZDOTDIR/found; mv $ZDOTDIR/found $ZDOTDIR/offered }
zle -C collect list-choices collect
bindkey '^T' collect
"""


def offered_by_zsh(binary: str, home: Path, line: str, cwd: Path) -> set[str]:
    """Return what zsh offers at a terminal, which its completion needs."""
    (home / ".zshrc").write_text(ZSHRC)
    answer, said, is_asked = home / "offered", b"", False
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "ZDOTDIR": str(home), "HOME": str(home), "TERM": "xterm"}
    with subprocess.Popen(
        [binary, "-i"], cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        try:
            until = time.monotonic() + 60
            while not answer.exists() and time.monotonic() < until:
                if select.select([ours], [], [], 0.05)[0]:
                    said += os.read(ours, 65536)
                if not is_asked and b"ready:" in said:
                    is_asked = bool(os.write(ours, line.encode() + b"\x14"))
        finally:
            process.kill()
    os.close(ours)
    os.close(theirs)
    assert answer.exists(), said
    return {word for word in answer.read_text().split("\n") if word}


OFFER = {"bash": offered_by_bash, "zsh": offered_by_zsh, "fish": offered_by_fish}
OFFERED = {
    "ba": {"batch"},
    "co": {"commit", "compile", "completion"},
    "--ver": {"--version"},
    "batch --base": {"--base-dir"},
    "batch clip": {"clips", "clips.csv"},
    "batch ba": set(),
    "batch --base-dir cl": {"clips"},
    "batch --base-dir=cl": {"clips"},
    "batch --dry-run cl": {"clips", "clips.csv"},
    "diff clips.csv cl": {"clips", "clips.csv"},
    "verify clips.csv cl": {"clips", "clips.csv"},
    f"{MATERIALIZE} --labels a.csv --labels cl": {"clips", "clips.csv"},
    f"{MATERIALIZE} --key-norm": {"--key-normalize"},
    f"{MATERIALIZE} --key-normalize ": {"auto", "raw", "basename", "stem"},
    f"{MATERIALIZE} --key-normalize=b": {"basename"},
    f"{MATERIALIZE} --mos-scale ": {"auto", "1-5", "0-100", "per-value"},
    f"{MATERIALIZE} --out-of-range c": {"clip"},
    f"{MATERIALIZE} --min-match-rate cl": set(),
    "explain --table cl": set(),
    "explain cl": set(),
    "sql runs.json --format j": {"json", "jsonl"},
    "schema ": {"manifest", "audit", "report", "timings"},
    "options mos_s": {"mos_scale", "mos_scale_column"},
    "completion ": set(SHELLS),
}


@pytest.mark.sampled
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("line", "expected"), OFFERED.items(), ids=OFFERED)
def test_a_shell_offers(folder: Path, scripts: dict[str, str], shell: str, line: str, expected: set[str]) -> None:
    assert offered(shell, scripts[shell], line, folder) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_offers_every_command(folder: Path, scripts: dict[str, str], shell: str) -> None:
    assert offered(shell, scripts[shell], "", folder) >= {*COMMANDS}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["materialize", "explain"])
def test_a_shell_offers_every_flag(folder: Path, scripts: dict[str, str], shell: str, command: str) -> None:
    flags = offered(shell, scripts[shell], f"{command} --", folder)
    assert flags >= {*FLAGS, "--features", "--labels", "--threads", "--help"}


def test_bash_offers_names_with_spaces_whole(folder: Path, scripts: dict[str, str]) -> None:
    assert offered("bash", scripts["bash"], "verify my", folder) == {"my clips.csv"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_holds_what_the_table_of_commands_has(scripts: dict[str, str], shell: str) -> None:
    """This runs without the shell too."""
    for word in (*COMMANDS, "report-json", "min-match-rate", "jsonl", "per-value"):
        assert word in scripts[shell]
