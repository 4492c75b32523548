"""Faults at calls of the operating system, and what they leave behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITING = ("close", "fchmod", "fsync", "link", "mkdir", "open", "pwrite", "replace", "rmdir", "unlink")


class Faults:
    """Stands for the module ``os``: the call that writes of a given number meets a fault, before it or after it."""

    def __init__(self, number: int, fault: Callable[[], None], after: bool = False) -> None:
        self.number, self.fault, self.after = number, fault, after
        self.calls = 0
        self.met = ""

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in WRITING:
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            if self.calls != self.number:
                return real(*arguments, **keywords)
            self.met = name
            if not self.after and name != "close":  # A close that fails has closed the file.
                self.fault()
            result = real(*arguments, **keywords)
            if self.after and name == "open":  # Nobody would know what to close.
                return result
            self.fault()
            return result

        return call


def fails_with(code: int) -> Callable[[], None]:
    def fault() -> None:
        raise OSError(code, os.strerror(code))

    return fault


def interrupted() -> None:
    raise KeyboardInterrupt


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def in_a_process_of_its_own(run: Callable[[], None]) -> int:
    """Run something in a fork; its exit status, negative where a signal ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            run()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
