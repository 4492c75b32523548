"""Run the command: in this process, or in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from helpers.made import working_in
from moslabels.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def python(*arguments: str | bytes, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def process(*arguments: str | bytes, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: half a second more than in this one."""
    return python("-m", "moslabels", *arguments, cwd=cwd)


def moslabels(*arguments: str | bytes, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, with pipes for streams."""
    err = stream_of_bytes()
    status, out = told_to(err, *arguments, cwd=cwd)
    return subprocess.CompletedProcess(arguments, status, out, text_of(err))


def told_to(err: TextIO, *arguments: str | bytes, cwd: Path) -> tuple[int, str]:
    """Run the command in this process, and let it talk to a stream. Return its status and what it printed."""
    out = stream_of_bytes()
    with working_in(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([os.fsdecode(argument) for argument in arguments])
        except SystemExit as end:  # The help ends so.
            status = int(end.code or 0)
    return status, text_of(out)


def stream_of_bytes() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)


def text_of(stream: io.TextIOWrapper) -> str:
    text: str = stream.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    return text.replace("\r\n", "\n")  # So does a process whose output is read as text.
