"""Faults at calls of the operating system, and what they leave behind."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from moslabels.files.abilities import Abilities
from moslabels.files.platform import System, use

WRITING = (
    "close",
    "copy",
    "copy_link",
    "link",
    "make_folder",
    "open",
    "open_folder",
    "remove",
    "remove_folder",
    "replace",
    "set_mode",
    "sync",
    "write_at",
)
"""The calls of the system that change files, or open what they do it by."""

OF_FOLDERS = ("exchange", "move")
"""The calls that only tables of many parts make."""

WINDOWS = ("locks", "positions", "folder_handles", "folder_sync", "no_follow", "modes", "users", "moves_open_files")
"""The abilities that Windows lacks."""

NEVER = 1_000_000
"""The number of a call that no run comes to."""


class Faults(System):
    """A system in which the call that writes of a given number meets a fault, before it or after it.

    With ``forever`` each call from that one on meets it: nothing more is done, as in a process that was killed. What
    the system ends itself is done: files are closed.
    """

    def __init__(
        self,
        number: int,
        fault: Callable[[], None],
        after: bool = False,
        abilities: Abilities | None = None,
        forever: bool = False,
    ) -> None:
        super().__init__(abilities or Abilities.found())
        self.number, self.fault, self.after, self.forever = number, fault, after, forever
        self.seen: list[str] = []
        self.met = ""
        self._lock = threading.Lock()

    def _step(self, name: str, real: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        with self._lock:
            self.seen.append(name)
            number = len(self.seen)
        if self.forever and self.met:
            if name == "close":
                return real(*arguments, **keywords)
            self.fault()
        if number != self.number:
            return real(*arguments, **keywords)
        self.met = name
        if not self.after and name != "close":  # A close that fails has closed the file.
            self.fault()
        result = real(*arguments, **keywords)
        if self.after and name in ("open", "open_folder"):  # Nobody would know what to close.
            if self.forever:
                self.close(result if isinstance(result, int) else result.handle)
            else:
                return result
        self.fault()
        return result


class KilledAt(System):
    """A system in which the process is killed at the call of a name that has this number, before it or after it."""

    def __init__(self, name: str, number: int, after: bool) -> None:
        super().__init__(Abilities.found())
        real, seen = getattr(self, name), count(1)

        def call(*arguments: Any, **keywords: Any) -> Any:
            is_it = next(seen) == number
            if is_it and not after:
                killed()
            result = real(*arguments, **keywords)
            if is_it:
                killed()
            return result

        setattr(self, name, call)


def _counted(name: str) -> Callable[..., Any]:
    def call(self: Faults, *arguments: Any, **keywords: Any) -> Any:
        return self._step(name, getattr(super(Faults, self), name), *arguments, **keywords)

    return call


for _name in (*WRITING, *OF_FOLDERS):
    setattr(Faults, _name, _counted(_name))


def calls_of(run: Callable[[], None], abilities: Abilities | None = None) -> list[str]:
    """The names of the calls that write while something runs, in order."""
    faults = Faults(0, stopped, abilities=abilities)
    with use(faults):
        run()
    assert len(faults.seen) > 25, "the calls that write are no longer seen"
    return faults.seen


def some(names: Sequence[str], turn: int = 0, turns: int = 1) -> list[int]:
    """The numbers of the first and the last call of each name, of which each turn takes its share; and none at last."""
    places = {name: [number for number, other in enumerate(names, 1) if other == name] for name in names}
    numbers = sorted({number for found in places.values() for number in (found[0], found[-1])})
    return [*numbers[turn::turns], NEVER]


class Killed(BaseException):
    """Stands for SIGKILL: no code handles it."""


def stopped() -> None:
    raise Killed


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


def shown(found: dict[str, bytes]) -> dict[str, bytes]:
    """What stands under a name that is not hidden: no staged file, no lock."""
    return {name: data for name, data in found.items() if not name.startswith(".")}


def empty(folder: Path) -> None:
    """Remove all that is in a folder, where there is one."""
    for path in folder.iterdir() if folder.exists() else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


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
