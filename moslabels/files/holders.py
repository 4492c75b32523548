"""Who holds a lock: what a lock file says about the process that made it."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime

from moslabels.base.errors import ignored
from moslabels.files import platform

_SIGNED = re.compile(
    r"(process (\d+) on [\w.-]+)\nsince ([\dT:Z-]+)\n(without locks of files\n(?:machine ([\w.-]+)\n)?)?"
)


@dataclass(frozen=True)
class Holder:
    """A process that holds an output or a temporary folder.

    ``has_locks`` says whether the file system holds a lock for the process. If not, the lock file itself is the lock,
    and ``machine`` is where the process runs (:func:`this_machine`), or None if that is unknown.
    """

    name: str = "another process"
    since: str = "a time unknown"
    has_locks: bool = True
    process: int | None = None
    machine: str | None = None

    def has_ended(self) -> bool:
        """Return whether the process has surely ended; False if that is unknown."""
        if self.process is None or self.machine is None or self.machine != this_machine():
            return False
        return not platform.system.is_running(self.process)


def signature(has_locks: bool) -> bytes:
    """Return the bytes that this process writes into a lock file to say that it holds the lock."""
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"process {os.getpid()} on {socket.gethostname()}\nsince {since}\n"
    if not has_locks:
        machine = this_machine()
        text += "without locks of files\n" + (f"machine {machine}\n" if machine else "")
    return text.encode()


def holder_of(handle: int) -> Holder:
    """Return the holder that an open lock file names; one without a process if the file names none."""
    signed = _SIGNED.match(platform.system.read_at(handle, 400, 0).decode("utf-8", "replace"))
    if signed is None:
        return Holder()
    name, process, since, without_locks, machine = signed.groups()
    return Holder(name, since, not without_locks, int(process), machine)


def this_machine() -> str | None:
    """Return an identifier of this machine since its last start; None if the system has none.

    A container with process numbers of its own counts as a machine. The name of the host would not do, because several
    containers may share it.
    """
    with ignored(OSError, ValueError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return f"{stream.read().strip()}-{os.stat('/proc/self/ns/pid').st_ino}"
    return None
