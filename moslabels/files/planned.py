"""Files that others finish by a plan, on any machine, and that a new version of a folder takes over in the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from moslabels.base.errors import ignored
from moslabels.files import platform
from moslabels.files.records import file_sha256
from moslabels.files.staged_folder import PLAN, StagedFolder


class PlannedFiles:
    """The files of a plan. They wait in a folder of its own: who comes late must not write into a new version."""

    def __init__(self, staged: StagedFolder, plan: str) -> None:
        self._staged = staged
        self._name = PLAN + plan

    def begin(self) -> str:
        """Make the folder in which the files are finished, and return its path. There is one plan at a time."""
        system, hidden = platform.system, self._staged.folder
        for name in system.names(hidden):
            if name.startswith(PLAN) and name != self._name:
                system.remove_tree(hidden, name)
        with suppress(FileExistsError):
            system.make_folder(hidden, self._name, 0o700)
        return os.path.abspath(os.path.join(hidden.path, self._name))

    def adopt(self, name: str, relative: str, note: Mapping[str, Any]) -> bool:
        """Let the new version take over a finished file, as ``StagedFolder.accept`` does. Return whether it was there.

        A run that was killed may have taken it over, or have put it into the version that is there. ``note`` has its
        ``sha256``.
        """
        staged = self._staged
        staged.plans.add(self._name)
        if not self._take(name, relative):
            if staged.journal.get(relative) == note and os.path.exists(staged.kept_path(relative)):
                return True
            if not self._take_copy(name, relative, note["sha256"]):
                return False
        staged.note(relative, note)
        staged.journal[relative] = dict(note)
        return True

    def _take(self, name: str, relative: str) -> bool:
        system = platform.system
        try:
            folder = system.open_folder(self._name, self._staged.folder, follow=False)
        except FileNotFoundError:
            return False
        try:
            if system.find(folder, name) is None:
                return False
            self._staged.take(folder, name, relative)
        finally:
            system.release(folder)
        return True

    def _take_copy(self, name: str, relative: str, sha256: str) -> bool:
        """Take over a copy of the file that is in the version that is there, if it has this hash."""
        path, run = os.path.join(self._staged.target, *relative.split("/")), self._staged.run
        found = None
        with ignored(OSError):
            found = file_sha256(path)
        if found != sha256:
            return False
        shutil.copyfile(path, os.path.join(run.path, name))
        handle = platform.system.open(run, name, os.O_RDWR)
        try:
            platform.system.sync(handle)
        finally:
            platform.system.release(handle)
        self._staged.take(run, name, relative)
        return True
