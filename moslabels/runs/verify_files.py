"""The check of the files that evidence names, by the hashes in it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from typing import Any

from moslabels.base.progress import Progress
from moslabels.base.settings import Settings
from moslabels.evidence.documents import Reach
from moslabels.evidence.provenance import recorded_hashes
from moslabels.evidence.run import Run
from moslabels.files.regular import open_regular, reason
from moslabels.parts.engines import EngineOfRun
from moslabels.runs.checked import Checked


class Files:
    """The files that evidence names. A file that several documents name is hashed once.

    ``reach`` says which may be opened. ``run`` is a dry run, in which tables are labelled again. ``of_run`` labels the
    parts of those of many parts.
    """

    def __init__(self, settings: Settings, reach: Reach, progress: Progress, of_run: EngineOfRun) -> None:
        self.settings = settings
        self.reach = reach
        self.of_run = of_run
        self.run = Run(settings=settings, is_dry=True, progress=progress)
        self._hashes: dict[tuple[int, ...], str] = {}

    def sha256(self, checked: Checked, path: str) -> str | None:
        """Return the sha256 of a file that a document names. Note it and return None if the file cannot be read."""
        try:
            self.reach.check(path)
            with open_regular(path) as stream:
                state = os.fstat(stream.fileno())
                known = self._hashes.get((state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))
                sha256 = known or hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            checked.tell_not(f"{path}: {reason(error)}")
            if isinstance(error, FileNotFoundError) and path not in checked.missing:
                checked.missing.append(path)
            return None
        self._hashes[state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns] = sha256
        self.run.record(path, sha256)  # Labelling again then does not hash it again.
        return sha256

    def record(self, checked: Checked, path: str, *, is_to_hash: bool = True) -> dict[str, Any] | None:
        """Return the record of the file at a path now. Note it and return None if the path must not be opened."""
        if why := self.refusal(path):
            checked.tell_not(f"{path}: {why}")
            return None
        return self.run.record(path, is_to_hash=is_to_hash)

    def refusal(self, path: str) -> str:
        """Return why a path that a document names must not be opened, or an empty text if it may."""
        try:
            self.reach.check(path)
        except OSError as error:
            return reason(error)
        return ""

    def compare_input(self, checked: Checked, what: str, record: Mapping[str, Any]) -> None:
        """Compare the recorded hash of an input with its hash now. If there was no file, there must be none now."""
        path = record["path"]
        if record["sha256"] is not None:
            now = self.sha256(checked, path)
        elif (found := self.record(checked, path)) is not None:
            now = found["sha256"]
        else:
            return
        if now is not None and now != record["sha256"]:
            checked.compare(what, record["sha256"], now)
            checked.changed_inputs.append(path)

    def compare_output(
        self, checked: Checked, path: str, sha256: str | None, size: int | None, names: tuple[str, str]
    ) -> None:
        """Compare a file that was written with its hash and its size. ``names`` are the names of the two members."""
        if sha256 is None or size is None:
            checked.tell_not(f"it does not hold the sha256 and the bytes of {path}")
            return
        now = self.sha256(checked, path)
        if now is not None:
            checked.compare(names[0], sha256, now)
            checked.compare(names[1], size, os.path.getsize(path))

    def compare_inputs_of_foreign_block(self, checked: Checked, block: Any, paths: Collection[str]) -> None:
        """Compare the hashes of these inputs in a block that is the caller's own. Note if it holds none."""
        inputs = block.get("inputs") if isinstance(block, Mapping) else None
        recorded = {
            path: sha256
            for path, sha256 in recorded_hashes(inputs)
            if path in paths and re.fullmatch("[0-9a-f]{64}", sha256)
        }
        for path, sha256 in recorded.items():
            self.compare_input(checked, f"{path}: sha256", {"path": path, "sha256": sha256})
        if not recorded:
            checked.tell_not("its run_provenance is the caller's own and holds no hashes of the inputs")
