"""The folder of a plan: the tasks of tables of many parts as files, by shards, and what became of each."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from moslabels.base.errors import TableError, UsageError
from moslabels.base.text import shown
from moslabels.evidence.provenance import version_differences, versions
from moslabels.files import platform
from moslabels.files.places import Place
from moslabels.files.platform import Folder
from moslabels.files.publish import write_whole
from moslabels.files.reserve import reserved
from moslabels.files.staged_folder import PLAN
from moslabels.files.users import is_private, owner_name

SCHEMA = "moslabels-plan-v1"
_PLAN, _TASKS, _RESULTS, _COMMITTED = "plan.json", "tasks", "results", "committed"


@dataclass(frozen=True)
class PlannedTask:
    """A task in a file of this name. ``parts`` are the numbers of its parts in the table, ``bytes`` their size."""

    name: str
    shard: int
    parts: Sequence[int]
    bytes: int


@dataclass(frozen=True)
class PlannedTable:
    """One table of a plan.

    ``plan`` is a hash of all that its bytes and its tasks depend on. ``folder`` is where its parts are finished.
    ``digests`` are those of all parts by their paths, in order, and ``outline`` is what they share.
    """

    id: str | None
    out: str
    plan: str
    folder: str
    digests: Mapping[str, str]
    outline: Mapping[str, Any]
    tasks: Sequence[PlannedTask]


@dataclass(frozen=True)
class Plan:
    """What :func:`moslabels.runs.shards.plan` wrote. Paths in it open from the folder ``base``."""

    base: str
    manifest: str
    base_dir: str | None
    shards: int
    versions: Mapping[str, str]
    tables: Sequence[PlannedTable]

    @property
    def tasks(self) -> list[tuple[PlannedTable, PlannedTask]]:
        return [(table, task) for table in self.tables for task in table.tasks]

    def of_shard(self, shard: int) -> list[tuple[PlannedTable, PlannedTask]]:
        """Return the tasks of a shard. Raise UsageError if there is no such shard."""
        if not 0 <= shard < self.shards:
            last = self.shards - 1
            raise UsageError(
                f"--shard must be a number from 0 to {last}, which #SBATCH --array=0-{last} gives, not {shard}"
            )
        return [(table, task) for table, task in self.tasks if task.shard == shard]


class PlanFolder:
    """A folder that belongs to this user alone, because who may write to it decides what is written where."""

    def __init__(self, path: str, folder: Folder) -> None:
        self.path = path
        self._folder = folder

    def read(self) -> Plan:
        """Return the plan. Raise UsageError if it is not there, or if other versions wrote it."""
        try:
            found = json.loads(self._bytes(self._folder, _PLAN))
            if found.pop("schema") != SCHEMA:
                raise ValueError("it is of another version")
            tables = [
                PlannedTable(**{**table, "tasks": [PlannedTask(**task) for task in table["tasks"]]})
                for table in found.pop("tables")
            ]
            plan = Plan(**found, tables=tables)
            _check_names(plan)
        except FileNotFoundError:
            raise UsageError(f"{self.path}: holds no plan; run moslabels plan MANIFEST --plan {self.path}") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(f"{self.path}: its plan cannot be read: {error}; run moslabels plan again") from error
        _check_versions(self.path, plan.versions)
        return plan

    def write(self, plan: Plan) -> None:
        """Put a plan in the place of the one that was there, after its tasks. Remove what was of the old one alone."""
        text = json.dumps({"schema": SCHEMA, **asdict(plan)}, sort_keys=True, ensure_ascii=False)
        write_whole(self._place(self._folder, _PLAN), text)
        names = {task.name for _, task in plan.tasks}
        for name in (_TASKS, _RESULTS):
            with self._below(name) as folder:
                for found in platform.system.names(folder):
                    if found not in names:
                        platform.system.remove(folder, found)

        with suppress(FileNotFoundError):
            platform.system.remove(self._folder, _COMMITTED)

    @property
    def is_committed(self) -> bool:
        return platform.system.find(self._folder, _COMMITTED) is not None

    def mark_committed(self) -> None:
        """Note that all is at its place, so that a shard that is run again has nothing to do."""
        write_whole(self._place(self._folder, _COMMITTED), "")

    def write_task(self, name: str, task: bytes) -> None:
        with self._below(_TASKS) as folder:
            write_whole(self._place(folder, name), _hashed(task))

    def task(self, name: str) -> bytes:
        """Return what is to be done. Raise UsageError if it is damaged: it says which label each key has."""
        with self._below(_TASKS) as folder:
            task = _undamaged(self._bytes(folder, name))
        if task is None:
            path = os.path.join(self.path, _TASKS, name)
            raise UsageError(f"{path}: is not what was planned; run moslabels plan again")
        return task

    def write_result(self, name: str, result: bytes) -> None:
        """Write what became of a task. Several attempts at it may write, and write the same."""
        with self._below(_RESULTS) as folder:
            write_whole(self._place(folder, name), _hashed(result))

    def result(self, name: str) -> bytes | None:
        """Return what became of a task; None if it is not done, or if what was written is damaged."""
        with self._below(_RESULTS) as folder, suppress(FileNotFoundError):
            return _undamaged(self._bytes(folder, name))
        return None

    def _bytes(self, folder: Folder, name: str) -> bytes:
        with _named(os.path.join(folder.path, name)):
            handle = platform.system.open(folder, name, os.O_RDONLY)
        with os.fdopen(handle, "rb") as stream:
            return stream.read()

    def _place(self, folder: Folder, name: str) -> Place:
        return Place(os.path.join(folder.path, name), folder, name, attempt=os.urandom(8).hex())

    @contextmanager
    def _below(self, name: str) -> Iterator[Folder]:
        with suppress(FileExistsError):
            platform.system.make_folder(self._folder, name, 0o700)
        with _named(os.path.join(self.path, name)):
            folder = platform.system.open_folder(name, self._folder, follow=False)
        try:
            yield folder
        finally:
            platform.system.release(folder)


def _hashed(content: bytes) -> bytes:
    return sha256(content).digest() + content


def _undamaged(written: bytes) -> bytes | None:
    content = written[sha256().digest_size :]
    return content if _hashed(content) == written else None


@contextmanager
def plan_folder(path: str, *, is_new: bool = False) -> Iterator[PlanFolder]:
    """Open the folder of a plan; with ``is_new`` make it if it is missing, and let one run alone write to it.

    Raise UsageError if it is not a folder of this user alone, or if a new one would stand among other files.
    """
    if is_new:
        with suppress(FileExistsError):
            os.makedirs(path, 0o700)
    try:
        found = os.lstat(path)
    except OSError as error:
        raise UsageError(f"{path}: is not the folder of a plan: {error.strerror}") from error
    if not is_private(found):
        raise UsageError(
            f"{path}: is not a folder to which only you may write: it belongs to {owner_name(found.st_uid)}, has the "
            f"mode {found.st_mode & 0o7777:o}, or is a link or a file; make a plan in a folder of your own (chmod 700)"
        )
    folder = platform.system.open_folder(path, follow=False)
    try:
        if is_new and (others := _others(platform.system.names(folder))):
            raise UsageError(f"{path}: holds {shown(others[0])}, which is not of a plan; name a new folder as --plan")
        with reserved([os.path.join(path, _PLAN)] if is_new else []):
            yield PlanFolder(path, folder)
    finally:
        platform.system.release(folder)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Let errors of the system name the path, and not only the name in the folder."""
    try:
        yield
    except OSError as error:
        error.filename = path
        raise


def _check_names(plan: Plan) -> None:
    """Raise ValueError if names in a plan are not those that ``plan`` gives: they say what is opened and written."""
    for table in plan.tables:
        if not re.fullmatch("[0-9a-f]{32}", table.plan) or os.path.basename(table.folder) != PLAN + table.plan:
            raise ValueError(f"{shown(table.folder)} is not a folder of a plan")
        for task in table.tasks:
            if not re.fullmatch(rf"{table.plan}-[0-9]+", task.name):
                raise ValueError(f"{shown(task.name)} is not the name of a task")


def _others(names: Iterable[str]) -> list[str]:
    return sorted(
        name for name in names if name not in (_PLAN, _TASKS, _RESULTS, _COMMITTED) and not name.startswith(".")
    )


def _check_versions(path: str, planned: Mapping[str, str]) -> None:
    own = versions()
    if planned != own:
        raise TableError(
            f"{path}: {socket.gethostname()} has {version_differences(own, planned)}, with which the plan was made: "
            "the bytes of the parts would depend on who labels them; install the same versions there, or run moslabels "
            "plan again",
            code="resources",
        )
