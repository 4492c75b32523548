"""Locks of files. The one module that asks for ``fcntl``, which some systems lack."""

from __future__ import annotations

from types import ModuleType

from moslabels.base.errors import TableError

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:
    fcntl = None


def check_locks() -> None:
    """Refuse, with TableError, to work on a system without locks: nothing has been written by then."""
    _locks()


def lock(handle: int) -> None:
    """Lock an open file or folder for as long as its handle lives. Raises OSError where another holds it."""
    locks = _locks()
    locks.flock(handle, locks.LOCK_EX | locks.LOCK_NB)


def lock_records(handle: int) -> None:
    """Lock an open file as DuckDB does to read it. Raises OSError where a program has it open to write."""
    locks = _locks()
    locks.lockf(handle, locks.LOCK_SH | locks.LOCK_NB)


def _locks() -> ModuleType:
    if fcntl is None:
        raise TableError(
            "this system has no locks of files (the module fcntl of Python), which moslabels needs; run it on Linux, "
            "macOS, or the Linux of Windows (WSL)",
            code="file-system",
        )
    return fcntl
