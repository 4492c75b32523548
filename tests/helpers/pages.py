"""Pages of Markdown: their blocks, and whether what a block shows is what its commands print."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from moslabels.cli import main

Block = tuple[str, str]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page: what stands after the fence (nothing for output), and the text."""
    return re.findall(r"^```([^\n`]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def is_shown(block: str, printed: str) -> bool:
    """Whether lines that follow each other were printed as shown: … is the rest of a line, a line of it any lines."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in block.splitlines()
    ]
    return re.search("^" + "".join(lines), printed, re.MULTILINE) is not None


def run_page(page: list[Block], capsys: pytest.CaptureFixture[str]) -> None:
    """Run the blocks of a page one after the other, in the working folder.

    A block of commands (``sh``) or ``python`` runs, and the block of output after it shows what it prints. ``console``
    has both. ``csv NAME`` is a file that the commands read. ``json`` without a name is only looked at.
    """
    printed = ""
    names: dict[str, Any] = {}
    for info, text in page:
        language, _, file = info.partition(" ")
        if language == "sh":
            printed = "".join(run_line(line, capsys) for line in joined_lines(text))
        elif language == "python":
            exec(compile(text, "page", "exec"), names)
            printed = capsys.readouterr().out
        elif language == "console":
            for command, shown in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
                assert_shown(shown, "".join(run_line(line, capsys) for line in joined_lines(command)))
        elif file:
            Path(file).write_text(text, encoding="utf-8")
        elif not language:
            assert_shown(text, printed)
        else:
            assert language == "json", info


def joined_lines(commands: str) -> list[str]:
    return commands.replace("\\\n", "").splitlines()


def assert_shown(text: str, printed: str) -> None:
    assert is_shown(text, printed), f"shown:\n{text}\nprinted:\n{printed}"


def run_line(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a line of a shell, and return what it prints. What ends with ``# exit status 1`` has to have that."""
    line, _, status = line.partition("  # exit status ")
    line, _, file = line.partition(" > ")
    program, *arguments = shlex.split(line)
    if program in SHELL:
        return SHELL[program](*arguments) or ""
    assert program == "moslabels"
    assert main(arguments) == int(status or 0), capsys.readouterr().err
    said = capsys.readouterr()
    if file:
        Path(file).write_text(said.out, encoding="utf-8")
    return ("" if file else said.out) + said.err


def cat(*paths: str) -> str:
    return "".join(Path(path).read_text(encoding="utf-8") for path in paths)


def copy_folder(r: str, source: str, target: str) -> None:
    assert r == "-r"
    shutil.copytree(source, target)


def duckdb_shell(*arguments: str) -> str:
    """Return what the DuckDB shell prints: duckdb -markdown -c SQL -f FILE."""
    markdown, c, sql, f, file = arguments
    assert (markdown, c, f) == ("-markdown", "-c", "-f")
    with duckdb.connect() as connection:
        connection.execute(sql)
        answer = connection.sql(Path(file).read_text(encoding="utf-8"))
        names = answer.columns
        is_number = [str(kind) in ("BIGINT", "HUGEINT", "DOUBLE") for kind in answer.types]
        rows = answer.project("CAST(COLUMNS(*) AS VARCHAR)").fetchall()
    cells = [["NULL" if cell is None else cell for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    rule = ["-" * (width + 1) + (":" if number else "-") for width, number in zip(widths, is_number, strict=True)]
    lines = [
        " | ".join(
            name.rjust((width + len(name)) // 2).ljust(width) for name, width in zip(names, widths, strict=True)
        ),
        *(" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells),
    ]
    header, *body = [f"| {line} |\n" for line in lines]
    return "".join([header, f"|{'|'.join(rule)}|\n", *body])


def bash(c: str, commands: str) -> str:
    assert c == "-c"
    return subprocess.run(["bash", c, commands], check=True, capture_output=True, text=True).stdout


SHELL: dict[str, Callable[..., str | None]] = {
    "bash": bash,
    "cat": cat,
    "cp": copy_folder,
    "duckdb": duckdb_shell,
    "mkdir": lambda path: Path(path).mkdir(),
}
