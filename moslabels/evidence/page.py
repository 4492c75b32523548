"""The batch report as one HTML page. It loads nothing from outside itself, and can be read without scripts.

This module computes what the template ``pages/report.html`` shows of the batch; ``cards`` what it shows of each table.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.evidence.cards import card
from moslabels.evidence.changes import rows, sentence
from moslabels.evidence.histogram import STATISTICS
from moslabels.evidence.joined import text_of
from moslabels.evidence.links import Links
from moslabels.evidence.page_template import render_page
from moslabels.evidence.provenance import recorded_hashes
from moslabels.evidence.report import DRY, choice

_ALL_OPEN = 10  # Up to so many tables begin unfolded. If there are more, only those that failed do.
_FIRST = ("error", "not-run", "ok", "unchanged")
"""The statuses in the order in which they need a person."""


def page(report: Mapping[str, Any], audits: Sequence[Mapping[str, Any] | None], path: str | None = None) -> str:
    """Return the report as HTML. ``audits`` has the audit of each table of the report, or None if it has none.

    ``path`` is where the page will be, which its links to other files start from; without it there are none. The same
    report, audits and path give the same text.
    """
    block = report["run_provenance"]
    hashes = dict(recorded_hashes(block.get("inputs")))
    links = Links(path)
    is_dry = bool(report.get("dry_run"))
    cards = [
        card(number, entry, audit, hashes, links, is_dry=is_dry)
        for number, (entry, audit) in enumerate(zip(report["tables"], audits, strict=True), start=1)
    ]
    cards.sort(key=lambda one: min(_FIRST.index(one["status"]), 2))  # Of the others, the manifest gives the order.
    summary = report["summary"]
    total = summary["tables"]
    failed = summary["failed_tables"]
    says = f"{failed} of {total} tables failed" if failed else f"{total} of {total} tables labelled"
    marks = ([DRY] if is_dry else []) + ([choice(report)] if choice(report) else [])
    manifest = report["manifest"]
    return render_page(
        "report",
        manifest=manifest,
        manifest_link=links.to(manifest) if manifest in hashes else None,
        status=report["status"],
        says=". ".join([*marks, says]),
        summary=_summary(report),
        since=_since(report.get("comparison"), cards),
        ranks={status: rank for rank, status in enumerate(_FIRST)},
        tables=cards,
        statistics=list(STATISTICS.values()),
        is_open=len(cards) <= _ALL_OPEN,
        run=_run(manifest, block, hashes),
    )


def _summary(report: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return named counts of the batch. Those of rows are of the tables that are labelled, because others have none."""
    summary = report["summary"]
    statuses = [entry["status"] for entry in report["tables"]]
    labelled = sum("summary" in entry for entry in report["tables"])
    which = "" if labelled == summary["tables"] else f" of the {labelled} labelled tables"
    return [
        ("tables", summary["tables"]),
        ("failed", summary["failed_tables"]),
        *((name, statuses.count(name)) for name in ("unchanged", "not-run") if name in statuses),
        ("tables with warnings", sum(bool(entry.get("warnings")) for entry in report["tables"])),
        (f"rows{which}", summary["input_rows"]),
        ("rows with a label", summary["matched_rows"]),
        ("rows without a label", summary["missing_rows"]),
    ]


def _since(comparison: Mapping[str, Any] | None, cards: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what changed since an older report, each change with the number of its table, or None if it is gone."""
    if comparison is None:
        return None
    numbers = {one["id"]: one["number"] for one in cards}
    changes = [(numbers.get(name), name, what, was, now) for name, what, was, now in rows(comparison)]
    return {"report": comparison["report"], "says": sentence(comparison), "changes": changes}


def _run(manifest: str, block: Mapping[str, Any], hashes: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return the provenance of the run, each value as words. Its inputs are shown with their tables, but the manifest.

    A command has several words, because it may be broken only between them.
    """
    shown = {name: value for name, value in block.items() if name != "inputs"}
    if manifest in hashes:
        shown["manifest"] = f"{manifest}, sha256 {hashes[manifest]}"
    found = {name: [text_of(value)] for name, value in shown.items()}
    if isinstance(shown.get("argv"), list) and shown["argv"]:
        found["argv"] = [shlex.quote(word) for word in ("moslabels", *map(str, shown["argv"]))]
    return sorted(found.items())
