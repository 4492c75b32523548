"""The check of reports, audits and labelled tables, by hashes, counts and labelling again without writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.engine.databases import kept
from moslabels.evidence.documents import Audit, Entry, Reach, Report, load
from moslabels.parts.engines import EngineOfRun
from moslabels.runs.checked import Checked, told
from moslabels.runs.verify_files import Files
from moslabels.runs.verify_report import ReportCheck
from moslabels.spec.paths import refuse_url


@kept()
def verify(
    paths: Sequence[str],
    settings: Settings = DEFAULTS,
    *,
    only_root: bool = False,
    progress: Progress = SILENT,
    of_run: EngineOfRun | None = None,
) -> dict[str, Any]:
    """Check reports, audits and labelled Parquet files against the tables that they are about.

    Relative paths in them open from the working folder. Nothing is written. ``of_run`` labels the parts of tables of
    many parts again, by default processes of this machine.

    Return ``{"status": …, "files": […], "outside": […]}``. The files include the audits that a report names. A status
    is ``ok``, ``differs`` or ``unknown``: the last if something could not be checked and nothing differs. ``outside``
    lists the paths in them that lie outside of the working folder; ``only_root`` refuses to open these.
    """
    found: list[Checked] = []
    reach = Reach(is_only=only_root)
    of_run = of_run or EngineOfRun()
    check = ReportCheck(Files(settings, reach, progress, of_run))
    for number, path in enumerate(paths, start=1):
        refuse_url("file", path)
        progress.table(path, number, len(paths))
        progress.step("checking")
        found += _checked(check, path)
    if of_run.told and not of_run.is_needed:
        note = f"{next(iter(of_run.told))}: was not needed: no table of many parts was labelled again"
        for checked in found:
            checked.notes.append(note)
    order = ("differs", "unknown", "ok")
    status = min((checked.status for checked in found), key=order.index, default="unknown")
    return {"status": status, "files": [checked.members() for checked in found], "outside": list(reach.outside)}


def _checked(check: ReportCheck, path: str) -> list[Checked]:
    """Check a file that the caller names, and the audits that it names if it is a report."""
    document = load(path)
    if isinstance(document, Report):
        return check.report(path, document)
    checked = Checked(path, document.kind)
    if isinstance(document, Audit):
        check.audits.audit(checked, document)
    elif isinstance(document, Entry):
        check.audits.entry(checked, document)
    else:
        checked.tell_not(document.fault)
    return [checked]


_SHOWN = 12


def verify_text(document: Mapping[str, Any]) -> str:
    """Return the results as text for people: the files that changed or are missing first, then each difference."""
    lines = []
    for found in document["files"]:
        says = {"ok": "all of it holds", "differs": "differs", "unknown": "cannot be told"}[found["status"]]
        lines.append(f"{found['path']} ({found['kind']}): {says}{_in_short(found)}")
        differences = found["differences"]
        lines += [f"  {told(one)}" for one in differences[:_SHOWN]]
        if len(differences) > _SHOWN:
            lines.append(f"  and {len(differences) - _SHOWN} more differences; --json has all")
        lines += [f"  not told: {note}" for note in found["unknown"]]
        lines += [f"  beside it: {note}" for note in found["notes"]]
    if document["outside"]:
        lines.append(f"named in them and outside of the folder: {', '.join(document['outside'])}")
    return "\n".join(lines)


def _in_short(found: Mapping[str, Any]) -> str:
    lacking, changed = (", ".join(dict.fromkeys(found[name])) for name in ("missing", "changed_inputs"))
    parts = [f"there is no {lacking}; --root names the folder that relative paths open from"] if lacking else []
    if changed:
        intact = found["kind"] == "audit" and not any(
            one["what"] == "output_sha256" or one["what"].startswith("output_sha256 of ")
            for one in found["differences"]
        )
        parts.append(f"{changed} changed since{'; the output is as it was written' if intact else ''}")
    return "".join(f": {part}" for part in parts)
