"""What the page shows of one table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.evidence.histogram import Histogram, histograms, place, statistics_rows
from moslabels.evidence.joined import examples, joined, text_of
from moslabels.evidence.links import Links
from moslabels.evidence.part_strip import strip
from moslabels.labelling import diagnosis as why
from moslabels.labelling.match import rate
from moslabels.spec.options import FIELDS

_COMMAND = re.compile(r"(.*: )(moslabels [a-z]+ -.*)", re.DOTALL)


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


def card(
    number: int,
    entry: Mapping[str, Any],
    audit: Mapping[str, Any] | None,
    hashes: Mapping[str, str],
    links: Links,
    *,
    is_dry: bool,
) -> dict[str, Any]:
    """Return what the page shows of one table."""
    diagnosis = entry.get("diagnosis")
    least = entry["config"].get("min_match_rate", FIELDS["min_match_rate"].default)
    counts = audit or diagnosis
    error = entry.get("error", "").split("\n")
    drawn = histograms(audit) if audit is not None else []
    statistics = statistics_rows(audit, [one.unit for one in drawn]) if audit is not None else []
    return {
        "number": number,
        "id": entry["id"],
        "status": entry["status"],
        "error": error[0],
        "error_code": entry.get("error_code", ""),
        "first_sentence": first_sentence(error[0]),
        "reasons": _reasons(error[1:], diagnosis),
        "conflicts": _conflicts(entry.get("found", [])),
        "mixed": [Histogram.of_mixed(found) for found in entry.get("found", []) if "histogram" in found],
        "warnings": entry.get("warnings", []),
        "match_rate": _match_rate(counts, least) if counts is not None else None,
        "key_rate": _key_rate(counts, least) if counts is not None else None,
        "rows": entry.get("summary"),
        "parts": strip(audit),
        "joined": joined(audit) if audit is not None else [],
        "examples": examples(audit.get("joined_sample", [])) if audit is not None else [],
        "mean": statistics[0][2][3] if statistics else None,
        "counts": _counts(audit) if audit is not None else [],
        "histograms": drawn,
        "statistics": statistics,
        "groups": _groups(audit, least),
        "findings": why.causes(diagnosis) if audit is not None and diagnosis is not None else [],
        "samples": _samples(audit, diagnosis),
        "options": [(name, text_of(value)) for name, value in sorted(entry["config"].items())],
        "files": _files(entry, audit, hashes, links, is_dry),
    }


def first_sentence(message: str) -> str:
    """Return a message up to its first ``; `` that is not within double quotes."""
    found = re.match(r'(?:"(?:[^"\\]|\\.)*"|(?!; ).)*', message, re.DOTALL)
    return found[0] if found is not None else message


def _reasons(lines: Sequence[str], diagnosis: Mapping[str, Any] | None) -> list[tuple[str, list[str]]]:
    """Return the lines of an error that no table below it shows, each as a text and the words of a command."""
    shown = why.samples(diagnosis) if diagnosis is not None else []
    reasons = []
    for line in lines:
        if (text := line.strip()) in shown:
            continue
        command = _COMMAND.fullmatch(text)
        words = words_of(command[2]) if command is not None else []
        reasons.append((command[1], words) if command is not None and words else (text, []))
    return reasons


def words_of(command: str) -> list[str]:
    """Return the words of a command as they are written, or nothing if it is not one: a quote is open."""
    try:
        return [shlex.quote(word) for word in shlex.split(command)]
    except ValueError:
        return []


def _conflicts(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the labels that contradict the first label of their key, with both places."""
    return [
        {
            "key": row["key"],
            "places": [
                (row[f"{which}file"], row[f"{which}row"], row[f"{which}mos_text"], f"{row[f'{which}mos']:.6g}")
                for which in ("first_", "")
            ],
            "columns": ", ".join(row["columns"]),
        }
        for row in found
        if "first_file" in row
    ]


def _match_rate(counts: Mapping[str, Any], least: float) -> Rate:
    matched, total = counts["matched_feature_keys"], counts["total_feature_keys"]
    return Rate("match rate", rate(matched, total), f"{matched:,} of {total:,} keys", least)


def _key_rate(counts: Mapping[str, Any], least: float) -> Rate:
    rows, total = counts["input_rows"] - counts["rows_without_key"], counts["input_rows"]
    return Rate("rows with a key", rate(rows, total), f"{rows:,} of {total:,} rows", least)


def _counts(audit: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return named counts, by what they count."""
    rows = [
        ("in", audit["input_rows"]),
        ("out", audit["output_rows"]),
        ("matched", audit["matched_rows"]),
        ("missing a label", audit["missing_rows"]),
        ("without a key", audit["rows_without_key"]),
        ("numbers written as null", audit["nulled_numbers"]),
    ]
    keys = [
        ("distinct", audit["total_feature_keys"]),
        ("with a label", audit["matched_feature_keys"]),
        ("without a label", audit["unmatched_feature_keys"]["count"]),
        ("of several values (collisions)", audit["key_collisions"]["count"]),
    ]
    labels = [
        ("loaded", audit["labels_loaded"]),
        ("used by no feature", audit["unused_label_keys"]["count"]),
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


def _files(
    entry: Mapping[str, Any], audit: Mapping[str, Any] | None, hashes: Mapping[str, str], links: Links, is_dry: bool
) -> list[tuple[str, str, str | None, str]]:
    """Return (role, path, link, what is known) of each file of a table. What is not there has no link."""
    read = [("features", entry["features"]), *(("labels", path) for path in entry["labels"])]
    files: list[tuple[str, str, str | None, str]] = [
        (role, path, links.to(path) if path in hashes else None, f"sha256 {hashes[path]}" if path in hashes else "")
        for role, path in read
    ]
    known = "not written by this run"
    if audit is not None:
        known = f"sha256 {audit['output_sha256']}, {audit['output_bytes']:,} bytes"
    is_labelled = audit is not None and (not is_dry or entry["status"] == "unchanged")
    written = [
        ("output", entry["out"], known, is_labelled),
        ("audit", entry["audit_json"], "", is_labelled),
        # They are written also if the gate stops the table.
        ("keys that did not meet", entry.get("unmatched"), "", is_labelled or ("diagnosis" in entry and not is_dry)),
    ]
    files += [
        (role, path, links.to(path) if is_there else None, says) for role, path, says, is_there in written if path
    ]
    return files
