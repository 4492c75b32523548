"""The batch report as one HTML page. It refers to nothing outside itself, and can be read without scripts.

This module computes what the template ``pages/report.html`` shows: texts, counts, and the places of what it draws.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.evidence.histogram import STATISTICS, Histogram, place
from moslabels.evidence.page_template import render_page
from moslabels.evidence.provenance import recorded_hashes
from moslabels.evidence.report import DRY
from moslabels.labelling.diagnosis import lines as diagnosis_lines
from moslabels.spec.options import FIELDS

_ALL_OPEN = 10  # Up to so many tables begin unfolded. If there are more, only those that failed do.


def page(report: Mapping[str, Any], audits: Sequence[Mapping[str, Any] | None]) -> str:
    """Return the report as HTML. ``audits`` has the audit of each table of the report, or None if it has none.

    The same report and audits give the same text.
    """
    block = report["run_provenance"]
    hashes = dict(recorded_hashes(block.get("inputs")))
    tables = [
        _table(number, entry, audit, hashes)
        for number, (entry, audit) in enumerate(zip(report["tables"], audits, strict=True), start=1)
    ]
    summary = report["summary"]
    statuses = [entry["status"] for entry in report["tables"]]
    total = summary["tables"]
    failed = summary["failed_tables"]
    says = f"{failed} of {total} tables failed" if failed else f"{total} of {total} tables labelled"
    return render_page(
        "report",
        manifest=report["manifest"],
        status=report["status"],
        says=f"{DRY}. {says}" if report.get("dry_run") else says,
        summary=[
            ("tables", total),
            ("failed", failed),
            *((name, statuses.count(name)) for name in ("unchanged", "not-run") if name in statuses),
            ("rows in", summary["input_rows"]),
            ("rows out", summary["output_rows"]),
            ("matched rows", summary["matched_rows"]),
            ("missing rows", summary["missing_rows"]),
        ],
        tables=tables,
        statistics=STATISTICS,
        is_open=len(tables) <= _ALL_OPEN,
        run=_run(report["manifest"], block, hashes),
    )


@dataclass(frozen=True)
class Rate:
    """A share of a whole, and the least that it must be."""

    name: str
    value: float
    says: str
    least: float

    @property
    def text(self) -> str:
        return f"{self.value:.3f}"

    @property
    def width(self) -> str:
        return place(100 * self.value)

    @property
    def mark(self) -> str:
        return place(100 * self.least)

    @property
    def least_text(self) -> str:
        return f"{self.least:.3f}"

    @property
    def sign(self) -> str:
        return "<" if self.is_low else "≥"

    @property
    def judged(self) -> str:
        return f"{'below' if self.is_low else 'at least'} {self.least_text}"

    @property
    def is_low(self) -> bool:
        return self.value < self.least


def _table(
    number: int, entry: Mapping[str, Any], audit: Mapping[str, Any] | None, hashes: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the page shows of one table."""
    diagnosis = entry.get("diagnosis")
    least = entry["config"].get("min_match_rate", FIELDS["min_match_rate"].default)
    counts = audit or diagnosis
    histogram = Histogram.of(audit) if audit is not None and audit["matched_rows"] else None
    error = entry.get("error", "").split("\n")
    return {
        "number": number,
        "id": entry["id"],
        "status": entry["status"],
        "error": error[0],
        "reasons": [line.strip() for line in error[1:]],
        "warnings": entry.get("warnings", []),
        "match_rate": _match_rate(counts, least) if counts is not None else None,
        "key_rate": _key_rate(counts, least) if counts is not None else None,
        "rows": entry.get("summary"),
        "mean": f"{histogram.statistics['mean']:.2f}" if histogram is not None else None,
        "counts": _counts(audit, diagnosis),
        "histogram": histogram,
        "groups": _groups(audit, least),
        "findings": diagnosis_lines(diagnosis) if audit is not None and diagnosis is not None else [],
        "samples": _samples(audit, diagnosis),
        "rule": _rule(entry, audit),
        "label_files": [_label_file(file) for file in audit["label_files"]] if audit is not None else [],
        "files": _files(entry, audit, hashes),
    }


def _match_rate(counts: Mapping[str, Any], least: float) -> Rate:
    matched, total = counts["matched_feature_keys"], counts["total_feature_keys"]
    return Rate("match rate", matched / total if total else 0.0, f"{matched:,} of {total:,} keys", least)


def _key_rate(counts: Mapping[str, Any], least: float) -> Rate:
    rows, total = counts["input_rows"] - counts["rows_without_key"], counts["input_rows"]
    return Rate("rows with a key", rows / total if total else 0.0, f"{rows:,} of {total:,} rows", least)


def _counts(
    audit: Mapping[str, Any] | None, diagnosis: Mapping[str, Any] | None
) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return named counts, by what they count. If the gate failed, they come from its diagnosis."""
    found = audit or diagnosis
    if found is None:
        return []
    keys = [
        ("distinct", found["total_feature_keys"]),
        ("with a label", found["matched_feature_keys"]),
        ("without a label", found["unmatched_feature_keys"]["count"]),
    ]
    labels = [("loaded", found["labels_loaded"]), ("used by no feature", found["unused_label_keys"]["count"])]
    if audit is None:
        return [("Feature keys", keys), ("Labels", labels)]
    rows = [
        ("in", audit["input_rows"]),
        ("out", audit["output_rows"]),
        ("matched", audit["matched_rows"]),
        ("missing a label", audit["missing_rows"]),
        ("without a key", audit["rows_without_key"]),
        ("numbers written as null", audit["nulled_numbers"]),
    ]
    keys.append(("of several values (collisions)", audit["key_collisions"]["count"]))
    labels += [
        ("duplicates", audit["duplicate_labels"]),
        ("rows without a key", audit["label_rows_without_key"]),
        ("rows without a score", audit["missing_mos_rows"]),
        ("scores clipped to the scale", audit["clipped_mos_rows"]),
    ]
    return [("Feature rows", rows), ("Feature keys", keys), ("Labels", labels)]


def _groups(audit: Mapping[str, Any] | None, least: float) -> dict[str, Any] | None:
    if audit is None or audit["match_rate_by"] is None:
        return None
    rows = [
        {
            "value": group["value"],
            "input_rows": group["input_rows"],
            "match_rate": _match_rate(group, least),
            "key_rate": _key_rate(group, least),
        }
        for group in audit["match_rate_by"]["groups"]
    ]
    return {"column": audit["match_rate_by"]["column"], "rows": rows}


def _samples(audit: Mapping[str, Any] | None, diagnosis: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the keys without a partner, with their places if the diagnosis has them.

    Without a diagnosis, every key of the features has a label.
    """
    if diagnosis is not None:
        sides = {name: diagnosis[name] for name in ("unmatched_feature_keys", "unused_label_keys")}
        without_key = diagnosis["values_without_key"]
    elif audit is not None:
        unused = audit["unused_label_keys"]
        sides = {"unused_label_keys": {**unused, "sample": [{"key": key} for key in unused["sample"]]}}
        without_key = []
    else:
        return []
    titles = {
        "unmatched_feature_keys": "Feature keys without a label",
        "unused_label_keys": "Labels that no feature uses",
    }
    samples = []
    for name, side in sides.items():
        shown = f"the first {len(side['sample'])} of " if side["count"] > len(side["sample"]) else ""
        samples.append(_sample(titles[name], f"{shown}{side['count']:,}", side["sample"]))
    samples.append(_sample("Feature values that yield no key", "examples", without_key))
    return [sample for sample in samples if sample["rows"]]


def _sample(title: str, says: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a table of keys or values. If all of them are in one file, the file is named once."""
    files = {row["file"] for row in rows if "file" in row}
    columns = [name for name in ("key", "raw_value", "file", "row", "rows") if rows and name in rows[0]]
    file = files.pop() if len(files) == 1 else ""
    if file:
        columns.remove("file")
    return {"title": title, "says": says, "file": file, "columns": columns, "rows": rows}


def _rule(entry: Mapping[str, Any], audit: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return the options that were given, and the values that were found for those that were not."""
    settled = ("feature_key_column", "key_normalize", "feature_key_regex", "min_match_rate")
    found = {name: audit[name] for name in settled} if audit is not None else {}
    return [(name, _text(value)) for name, value in sorted({**found, **entry["config"]}.items())]


def _label_file(file: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("key_column", "key_normalize", "key_regex", "mos_column", "mos_scale")
    texts = {name: _text(file[name]) for name in shown}
    if "mos_raw_column" in file:
        texts["mos_column"] += f", {file['mos_raw_column']}"
    return {"path": file["path"], "texts": list(texts.values()), "rows": file["rows"]}


def _files(
    entry: Mapping[str, Any], audit: Mapping[str, Any] | None, hashes: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Return the (role, path, what is known of it) of each file of a table."""
    read = [("features", entry["features"]), *(("labels", path) for path in entry["labels"])]
    files = [(role, path, f"sha256 {hashes[path]}" if path in hashes else "") for role, path in read]
    written = "not written by this run"
    if audit is not None:
        written = f"sha256 {audit['output_sha256']}, {audit['output_bytes']:,} bytes"
    files.append(("output", entry["out"], written))
    others = (("audit", entry["audit_json"]), ("keys that did not meet", entry.get("unmatched")))
    return [*files, *((role, path, "") for role, path in others if path is not None)]


def _run(manifest: str, block: Mapping[str, Any], hashes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the provenance of the run. Its inputs are shown with their tables, except for the manifest."""
    shown = {name: value for name, value in block.items() if name != "inputs"}
    if manifest in hashes:
        shown["manifest"] = f"{manifest}, sha256 {hashes[manifest]}"
    if isinstance(shown.get("argv"), list) and shown["argv"]:
        shown["argv"] = shlex.join(["moslabels", *map(str, shown["argv"])])
    return [(name, _text(value)) for name, value in sorted(shown.items())]


def _text(value: Any) -> str:
    """Return a value of a document as text: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
