"""How much of the machine a run may use. Settings hold for all tables of a batch, and never change a result."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import shown
from moslabels.base.urls import url_problem

_SIZE = re.compile(r"(?=[0.]*[1-9])[0-9]+(\.[0-9]+)? ?([KMGT]i?B|%)", re.IGNORECASE)


def bytes_of(size: str) -> float:
    """Return the number of bytes of a size such as 4GB or, as DuckDB writes it, 953.6 MiB or 512 bytes."""
    number, unit = re.findall(r"[0-9.]+|[a-z]+", size.lower())
    power = 0 if unit == "bytes" else 1 + "kmgtp".index(unit[0])
    return float(number) * float((1024 if unit.endswith("ib") else 1000) ** power)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Memory, threads and the folder for temporary files.

    ``None`` means a thread per core, the system's folder for temporary files, and as little memory as DuckDB needs:
    what takes more than 160 MiB is spilled if it can be, and gets up to 80 % of the memory if not. ``temp_dir`` holds
    data that does not fit in ``memory_limit``, and copies of text that DuckDB cannot read as it is. ``workers`` are the
    processes that label the parts of a table of many parts; by default one per core, if the table is large. A wrong
    value raises UsageError, which lists every problem.
    """

    memory_limit: str | None = None
    threads: int | None = None
    temp_dir: str | os.PathLike[str] | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        problems = []
        memory, threads, folder = self.memory_limit, self.threads, self.temp_dir
        if memory is not None and not (
            isinstance(memory, str) and _SIZE.fullmatch(memory) and re.search("[1-9]", memory)
        ):
            problems.append(f'memory_limit: must be a size such as "4GB", "512MiB" or "50%", not {shown(memory)}')
        for name, number in (("threads", threads), ("workers", self.workers)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                problems.append(f"{name}: must be a whole number from 1 on, not {shown(number)}")
        if folder is not None and not isinstance(folder, str | os.PathLike):
            problems.append(f"temp_dir: must be a folder, not {shown(folder)}")
        elif folder is not None and (problem := url_problem(os.fsdecode(folder))):
            problems.append(f"temp_dir: {shown(os.fsdecode(folder))} {problem}")
        elif folder is not None and not _is_folder(folder):
            problems.append(f"temp_dir: {shown(os.fspath(folder))} is not a folder; make it, or name another")
        if problems:
            raise UsageError("the settings are wrong:", problems)

    @property
    def memory(self) -> int | None:
        """The bytes of ``memory_limit``; None without one, or if it is a share of a machine."""
        if self.memory_limit is None or self.memory_limit.endswith("%"):
            return None
        return int(bytes_of(self.memory_limit))

    def given(self) -> dict[str, Any]:
        """Return the settings that were given, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def _is_folder(path: str | os.PathLike[str]) -> bool:
    try:
        return os.path.isdir(path)
    except ValueError:  # A path with a NUL character.
        return False


DEFAULTS = Settings()
