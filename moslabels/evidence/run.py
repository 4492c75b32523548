"""A run: the command or call that started it, for the evidence of its tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.text import counted
from moslabels.evidence.provenance import BY_WORKERS, run_provenance, versions
from moslabels.files.records import file_record
from moslabels.files.watched import file_state


class DoneParts(TypedDict):
    """How many parts of a table were labelled, and how many were not, because they were labelled already.

    Those that were ``resumed`` were finished by a run that was ended. Those that were ``linked`` are in the old output.
    """

    labelled: int
    resumed: int
    linked: int


def kept_parts(parts: DoneParts | None) -> str:
    """Return, in brackets after a space, how many parts were labelled already; an empty text if none were."""
    if parts is None or not parts["resumed"] + parts["linked"]:
        return ""
    resumed = [f"{parts['resumed']} kept from a run that was ended"] if parts["resumed"] else []
    linked = [f"{parts['linked']} kept by hard links"] if parts["linked"] else []
    total = counted(parts["labelled"] + parts["resumed"] + parts["linked"], "part", "parts")
    told = [*resumed, *linked, f"{parts['labelled']} labelled"]
    return f" ({total}: {', '.join(told)})"


@dataclass(frozen=True)
class Run:
    """The command or call that started this run: its arguments, its manifest's record, its reports by name.

    ``block`` is a ``run_provenance`` block of the caller's own, which evidence holds as it is. A dry run does
    everything but write. ``hashes`` holds the sha256 of files by path and state, so that a file is hashed once.
    ``progress`` receives the events. ``hosts`` are the machines of an engine that labelled parts. ``parts`` holds what
    became of the parts of tables, by the path of the output; no evidence depends on it.
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
    parts: dict[str, DoneParts] = field(default_factory=dict)

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
