"""The batch report: the sums over its tables, and its Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.errors import GateError, MosLabelsError
from moslabels.base.text import visible
from moslabels.evidence.changes import rows, sentence
from moslabels.evidence.provenance import plain
from moslabels.labelling.diagnosis import lines as diagnosis_lines
from moslabels.spec.table import TableSpec

SCHEMA = "mos-label-materializer-batch-v1"
NEVER_SKIPPED = "has no audit_json, so it is never skipped; set one"
"""The warning of a table that --skip-unchanged cannot judge. The audit of the table does not have it."""
DRY = "Dry run: no table was written"
"""The mark of the report of a dry run, for people."""
SUMMED = ("input_rows", "output_rows", "matched_rows", "missing_rows")
"""The fields of an audit that a report adds up."""
SUMMARY = (*SUMMED, "match_rate", "labels_loaded")
"""The fields of an audit that a report repeats for each table."""


def table_entry(
    spec: TableSpec,
    audit: Mapping[str, Any] | None,
    error: MosLabelsError | None,
    *,
    unchanged: bool = False,
) -> dict[str, Any]:
    """Return the entry of one table: with its summary, with its error, or with neither if the table was not run.

    ``unchanged`` says that the audit was there before the run.
    """
    entry: dict[str, Any] = {
        "id": spec.id,
        "features": spec.features,
        "labels": [label.path for label in spec.labels],
        "out": spec.out,
        "audit_json": spec.audit_json,
        "config": dict(spec.config),
        "status": "not-run",
    }
    if spec.unmatched is not None:
        entry["unmatched"] = spec.unmatched
    if audit is not None:
        entry["status"] = "unchanged" if unchanged else "ok"
        entry["feature_key_column"] = audit["feature_key_column"]
        entry["summary"] = {key: audit[key] for key in SUMMARY}
        entry["output_sha256"] = audit["output_sha256"]
        entry["mos_stats"] = audit["mos_stats"]
        if audit["warnings"]:
            entry["warnings"] = list(audit["warnings"])
        if audit["diagnosis"] is not None:
            entry["diagnosis"] = audit["diagnosis"]
    elif error is not None:
        entry["status"] = "error"
        entry["error"] = str(error)
        entry["error_code"] = error.code
        if error.found:
            entry["found"] = plain(error.found)
        if spec.open_questions:
            entry["warnings"] = spec.open_questions
        if isinstance(error, GateError):
            entry["diagnosis"] = error.diagnosis
    return entry


def build(
    manifest: str,
    tables: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
    *,
    is_dry: bool = False,
    comparison: Mapping[str, Any] | None = None,
    chosen_of: int | None = None,
) -> dict[str, Any]:
    """Return the report of a batch as a dict of JSON values, marked if it is of a dry run.

    ``comparison`` is what changed since an older report. ``chosen_of`` is how many tables the manifest has, if some of
    them were chosen.
    """
    return {
        "schema": SCHEMA,
        "manifest": manifest,
        **added_up(tables),
        "tables": list(tables),
        "run_provenance": dict(provenance),
        **({"dry_run": True} if is_dry else {}),
        **({"comparison": dict(comparison)} if comparison is not None else {}),
        **({"manifest_tables": chosen_of} if chosen_of is not None else {}),
    }


def left_out(report: Mapping[str, Any]) -> int:
    """Return how many tables of the manifest a report does not list, because others were chosen."""
    listed = len(report["tables"])
    found: int = report.get("manifest_tables", listed) - listed
    return found


def choice(report: Mapping[str, Any]) -> str:
    """Return the words for a report of chosen tables, or an empty text if it is of all."""
    if "manifest_tables" not in report:
        return ""
    return f"Chosen tables: {len(report['tables'])} of the {report['manifest_tables']} in the manifest"


def added_up(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the status and the summary of a report's tables. Counts are sums over the tables that were labelled."""
    failed = sum(table["status"] == "error" for table in tables)
    is_done = all(table["status"] in ("ok", "unchanged") for table in tables)
    return {
        "status": "ok" if is_done else "failed",
        "summary": {
            "tables": len(tables),
            "failed_tables": failed,
            **{key: sum(table.get("summary", {}).get(key, 0) for table in tables) for key in SUMMED},
        },
    }


def markdown(report: Mapping[str, Any]) -> str:
    """Return the report as a Markdown table, with errors, warnings and unmatched keys below it."""
    marks = ([DRY] if report.get("dry_run") else []) + ([choice(report)] if choice(report) else [])
    lines = [line for mark in marks for line in (f"{mark}.", "")]
    lines += [
        "| Table | Status | Match rate | Matched rows | Missing rows | Output |",
        "|---|---|---|---|---|---|",
    ]
    for table in report["tables"]:
        summary = table.get("summary")
        counts = (
            [f"{summary['match_rate']:.3f}", str(summary["matched_rows"]), str(summary["missing_rows"])]
            if summary
            else ["", "", ""]
        )
        cells = [markdown_text(table["id"]), table["status"], *counts, markdown_code(table["out"])]
        lines.append(f"| {' | '.join(cells)} |")
    if (since := report.get("comparison")) is not None:
        lines += ["", f"## Since {markdown_code(since['report'])}", "", f"{sentence(since)}."]
        if changes := rows(since):
            lines += ["", "| Table | What | Was | Is |", "|---|---|---|---|"]
            lines += [f"| {' | '.join(map(markdown_text, change))} |" for change in changes]
    for heading, said in (("Errors", _errors), ("Warnings", _warnings), ("Keys without a label", _unmatched)):
        items = [item for table in report["tables"] for item in said(table)]
        if items:
            lines += ["", f"## {heading}", "", *items]
    return "\n".join(lines) + "\n"


def _errors(table: Mapping[str, Any]) -> list[str]:
    if table["status"] != "error":
        return []
    first, *more = table["error"].split("\n")
    return [_item(table, first), *(f"  - {markdown_text(line)}" for line in more)]


def _warnings(table: Mapping[str, Any]) -> list[str]:
    return [_item(table, warning) for warning in table.get("warnings", ())]


def _unmatched(table: Mapping[str, Any]) -> list[str]:
    if "summary" not in table or "diagnosis" not in table:
        return []
    first, *more = diagnosis_lines(table["diagnosis"])
    return [_item(table, first), *(f"  - {markdown_text(line)}" for line in more)]


def _item(table: Mapping[str, Any], text: str) -> str:
    return f"- {markdown_text(table['id'])}: {markdown_text(text)}"


def markdown_text(text: str) -> str:
    """Return text escaped for Markdown: on one line, with no cell, link, tag, code, emphasis or formula of its own."""
    text = re.sub(r"([\\`*|<>\[\]&~$@#]|:(?=//)|(?<=www)\.|^[-+]|(?<=^[0-9])[.)])", r"\\\1", _one_line(text).strip())
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)


def markdown_code(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    text = _one_line(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _one_line(text: str) -> str:
    return visible(re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text))
