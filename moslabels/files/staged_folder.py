"""A new version of a folder of files: gathered in a hidden folder beside it, then exchanged with it as a whole.

If a run is killed, the files that it finished stay there for the next run, with a journal that says what each is. That
the journal is right is for the reader to check: a file counts only with the hash that the journal has of it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from typing import Any

from moslabels.base.errors import TableError, ignored, is_from_outside
from moslabels.files import platform
from moslabels.files.places import Place, named
from moslabels.files.platform import NO_EXCHANGE, Folder
from moslabels.files.users import is_private, owner_name

_TABLE, _PREVIOUS, _JOURNAL, _RUN = "table", "previous", "journal.jsonl", "run-"
PLAN = "plan-"
"""The start of the names of folders in which others finish files, see :mod:`moslabels.files.planned`."""


class StagedFolder:
    """The hidden folder in which the files of a new version are gathered, as a context manager.

    The place of the target is locked. ``run_folder`` is the path of a folder that belongs to this run alone: files are
    finished there, and :meth:`accept` takes them over. ``journal`` has what an earlier run noted, by file. ``plans``
    are names of folders in it that go when the new version is in its place. Leaving the context without :meth:`commit`
    keeps what was accepted, for the next run, if there is anything.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._cleanup = ExitStack()
        self.plans: set[str] = set()
        self._hidden = place.hidden("parts")
        with named(place.given):
            self.folder = self._open_own()
            self._recover()
            self._table = self._subfolder(_TABLE)
            for name in platform.system.names(self.folder):
                if name.startswith(_RUN):
                    platform.system.remove_tree(self.folder, name)
            self.run = self._new_run_folder()
        self.journal = self._read_journal()

    @property
    def path(self) -> str:
        """The path of the hidden folder, for messages."""
        return self._place.full(self._hidden)

    @property
    def target(self) -> str:
        """The path of the new version, for messages."""
        return self._place.given

    @property
    def run_folder(self) -> str:
        return os.path.abspath(self.run.path)

    def kept_path(self, relative: str) -> str:
        """Return the path of a file that an earlier run finished, if it did."""
        return os.path.join(os.path.abspath(self._table.path), *relative.split("/"))

    def accept(self, name: str, relative: str, note: Mapping[str, Any]) -> None:
        """Take a finished file of the run folder over, and note what it is for a run after this."""
        self.take(self.run, name, relative)
        self.note(relative, note)

    def take(self, taken_from: Folder, name: str, relative: str) -> None:
        """Move a finished file from a folder on the same disk to its path in the new version."""
        with named(self._place.given), ExitStack() as opened:
            folder = self._table
            *folders, own = relative.split("/")
            for part in folders:
                with suppress(FileExistsError):
                    platform.system.make_folder(folder, part)
                folder = platform.system.open_folder(part, folder, follow=False)
                opened.callback(platform.system.release, folder)
            platform.system.move(taken_from, name, folder, own)

    def note(self, relative: str, note: Mapping[str, Any]) -> None:
        line = json.dumps({"file": relative, **note}, sort_keys=True) + "\n"
        handle = platform.system.open(self.folder, _JOURNAL, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            platform.system.write_at(handle, line.encode("utf-8"), os.fstat(handle).st_size)
        finally:
            platform.system.release(handle)

    def commit(self, files: Iterable[str]) -> None:
        """Put the new version in the place of the old one. It must hold these files and no others.

        All of it is on the disk before, and the change is one step where the file system can exchange folders.
        """
        system = platform.system
        with named(self._place.given):
            if missing := _keep_only(files, self._table):
                raise TableError(
                    f"{self._place.given}: {min(missing)} is missing among the finished parts in {self.path}; run "
                    "again where no other program removes files",
                    code="read-back",
                    file=self._place.given,
                )
            old = self._place.find(self._place.name)
            if old is not None and stat.S_ISDIR(old.st_mode):
                self._keep_mode(old)
            with suppress(FileNotFoundError):
                system.remove(self.folder, _JOURNAL)
            if old is None:
                system.move(self.folder, _TABLE, self._place.folder, self._place.name)
            else:
                self._exchange()
            system.sync_folder(self._place.folder)
            for plan in self.plans:
                system.remove_tree(self.folder, plan)

    def _exchange(self) -> None:
        system, place = platform.system, self._place
        try:
            system.exchange(place.folder, place.name, self.folder, _TABLE)
        except OSError as error:
            if error.errno not in NO_EXCHANGE:
                raise
            # In between nothing stands at the target. The next run puts the old folder back if this one is killed.
            system.move(place.folder, place.name, self.folder, _PREVIOUS)
            try:
                system.move(self.folder, _TABLE, place.folder, place.name)
            except BaseException:
                system.move(self.folder, _PREVIOUS, place.folder, place.name)
                raise

    def _keep_mode(self, old: os.stat_result) -> None:
        with ignored(OSError):
            os.chmod(self._table.path if self._table.handle is None else self._table.handle, stat.S_IMODE(old.st_mode))

    def _open_own(self) -> Folder:
        """Make the hidden folder, or open the one that a run of this user left."""
        system, place = platform.system, self._place
        with suppress(FileExistsError):
            system.make_folder(place.folder, self._hidden, 0o700)
        found = place.find(self._hidden)
        if not is_private(found):
            owner = owner_name(found.st_uid) if found is not None else "nobody"
            raise TableError(
                f"{place.given}: {self.path}, of {owner}, stands where the parts of a run are gathered, and others may "
                "write to it; remove it",
                code="file-system",
                file=place.given,
            )
        folder = system.open_folder(self._hidden, place.folder, follow=False)
        self._cleanup.callback(system.release, folder)
        return folder

    def _recover(self) -> None:
        """Put the old version back if a run was killed between two renames."""
        system, place = platform.system, self._place
        if system.find(self.folder, _PREVIOUS) is None:
            return
        if place.find(place.name) is None:
            system.move(self.folder, _PREVIOUS, place.folder, place.name)
        else:
            system.remove_tree(self.folder, _PREVIOUS)

    def _subfolder(self, name: str, mode: int = 0o777) -> Folder:
        with suppress(FileExistsError):
            platform.system.make_folder(self.folder, name, mode)
        folder = platform.system.open_folder(name, self.folder, follow=False)
        self._cleanup.callback(platform.system.release, folder)
        return folder

    def _new_run_folder(self) -> Folder:
        # Unique for each run: a worker of a killed run may still write, and must not meet the files of this one.
        name = f"{_RUN}{os.getpid()}-{os.urandom(8).hex()}"
        return self._subfolder(name, 0o700)

    def _read_journal(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        try:
            handle = platform.system.open(self.folder, _JOURNAL, os.O_RDONLY)
        except OSError as error:
            if is_from_outside(error):
                raise
            return found
        with os.fdopen(handle, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                with suppress(ValueError, TypeError, KeyError):
                    note = json.loads(line)
                    found[note.pop("file")] = note
        return found

    def __enter__(self) -> StagedFolder:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with ignored(OSError):
                platform.system.remove_tree(self.folder, os.path.basename(self.run.path))
                if platform.system.find(self.folder, _JOURNAL) is None:
                    platform.system.remove_tree(self.folder, _TABLE)
                    if not any(name.startswith(PLAN) for name in platform.system.names(self.folder)):
                        platform.system.remove_tree(self._place.folder, self._hidden)
        finally:
            self._cleanup.close()


def _keep_only(files: Iterable[str], folder: Folder) -> list[str]:
    """Remove what is not one of these files from a folder, and sync it. Return the files that are missing.

    ``files`` are paths below the folder.
    """
    system = platform.system
    own: set[str] = set()
    of_folder: dict[str, list[str]] = {}
    for file in files:
        name, slash, rest = file.partition("/")
        if slash:
            of_folder.setdefault(name, []).append(rest)
        else:
            own.add(name)
    missing: list[str] = []
    for name in system.names(folder):
        found = system.find(folder, name)
        is_folder = found is not None and stat.S_ISDIR(found.st_mode)
        if is_folder and name in of_folder:
            inner = system.open_folder(name, folder, follow=False)
            try:
                missing += [f"{name}/{file}" for file in _keep_only(of_folder.pop(name), inner)]
            finally:
                system.release(inner)
        elif is_folder:
            system.remove_tree(folder, name)
        elif found is not None and stat.S_ISREG(found.st_mode) and name in own:
            own.discard(name)
        else:
            system.remove(folder, name)
    system.sync_folder(folder)
    return [*missing, *own, *(f"{name}/{file}" for name, rest in of_folder.items() for file in rest)]
