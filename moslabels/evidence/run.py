"""A run: the command or call that started it, for the evidence of its tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Any

from moslabels.base.dataclass import dataclass
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.evidence.provenance import BY_WORKERS, run_provenance, versions
from moslabels.files.records import file_record
from moslabels.files.watched import file_state


@dataclass(frozen=True)
class Run:
    """The command or call that started this run: its arguments, its manifest's record, its reports by name.

    ``block`` is a ``run_provenance`` block of the caller's own, which evidence holds as it is. A dry run does
    everything but write. ``hashes`` holds the sha256 of files by path and state, so that a file is hashed once.
    ``progress`` receives the events. ``hosts`` are the machines of an engine that labelled parts.
    """

    argv: Sequence[str] = ()
    args: Mapping[str, Any] = field(default_factory=dict)
    manifest: Mapping[str, Any] | None = None
    reports: Mapping[str, str] = field(default_factory=dict)
    block: Mapping[str, Any] | None = None
    settings: Settings = DEFAULTS
    is_dry: bool = False
    hashes: dict[tuple[str, tuple[int, ...] | None], str] = field(default_factory=dict)
    progress: Progress = SILENT
    hosts: set[str] = field(default_factory=set)

    def record(self, path: str, sha256: str | None = None, *, is_to_hash: bool = True) -> dict[str, Any]:
        """Return the file record of an input. ``sha256`` is its hash if the caller has it."""
        known = (path, file_state(path))
        record = file_record(path, sha256 or self.hashes.get(known), is_to_hash=is_to_hash)
        if record["sha256"]:
            self.hashes[known] = record["sha256"]
        return record

    def provenance(
        self, inputs: Mapping[str, Any], outputs: Mapping[str, str | None], hosts: Collection[str] = ()
    ) -> dict[str, Any]:
        """Return the ``run_provenance`` block. ``inputs`` are file records by name, ``outputs`` paths by name.

        ``hosts`` are the machines of an engine that did the work. Its workers have the versions of this process.
        """
        if self.block is not None:
            return dict(self.block)
        by_workers = dict(zip(BY_WORKERS, (sorted(hosts), versions()), strict=True)) if hosts else {}
        args, outputs = {**self.args, **by_workers}, {**self.reports, **outputs}
        return run_provenance(self.argv, args, {"manifest": self.manifest, **inputs}, outputs)
