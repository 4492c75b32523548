"""What proves the counts of an audit without reading a row: the evidence inside its output, and its other counts.

Any output can be compared with the audit itself. Only Parquet holds evidence of its own.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import ceil, floor
from operator import mul
from typing import Any

from moslabels.evidence.audit import of_options
from moslabels.evidence.documents import Entry, load
from moslabels.evidence.provenance import plain
from moslabels.files.watched import file_size
from moslabels.labelling.match import rate
from moslabels.labelling.scores import EDGES, QUARTERS
from moslabels.runs.checked import Checked
from moslabels.sources.opening import reader_of
from moslabels.spec.table import TableSpec

_SUMS = {"rows": "input_rows", "rows_without_key": "rows_without_key", "matched_rows": "matched_rows"}
"""The counts of a part, with the members of the audit that are their sums, and of the evidence in the part."""
_KEYS = ("total_feature_keys", "matched_feature_keys")
_MOST_OF_A_SAMPLE = 20
_ROUNDED = 1e-9


def compare_sums(checked: Checked, document: Mapping[str, Any]) -> None:
    """Compare bytes and counts of a table of many parts with the sums over its parts."""
    for name, of_table in {"bytes": "output_bytes", **_SUMS}.items():
        total = sum(part[name] or 0 for part in document["parts"])
        checked.compare(f"{of_table}, of its parts", document.get(of_table, total), total)


def compare_with_output(checked: Checked, document: Mapping[str, Any], spec: TableSpec) -> None:
    """Compare an audit of this version with its output, which has the hashes that the audit says, and with itself.

    Raise OverflowError if it has counts that no table has.
    """
    _compare_options(checked, document, spec)
    _compare_counts(checked, document)
    for suffix in ("", "_by_key"):
        _compare_scores(checked, document, suffix)
    if spec.unmatched is not None:
        checked.compare("unmatched.bytes", document["unmatched"]["bytes"], file_size(spec.unmatched))
    if spec.parts is not None:
        _compare_parts(checked, document, spec.out)
        return
    checked.compare("output_bytes", document["output_bytes"], file_size(spec.out))
    if reader_of(spec.out).holds_evidence and (entry := _entry(checked, spec.out)) is not None:
        claimed = {name: document[name] for name in entry.counts}
        _compare_entry(checked, document, entry, spec.out, claimed, entry.counts)
        sha256 = document["run_provenance"]["inputs"]["features"]["sha256"]
        checked.compare(f"sha256 of the features, in {spec.out}", sha256, entry.members["features"]["sha256"])


def _compare_options(checked: Checked, document: Mapping[str, Any], spec: TableSpec) -> None:
    first, files = document["label_files"][0], document["label_files"]
    for name, value in {
        **of_options(spec.options),
        "label_key_column": first["key_column"],
        "label_mos_column": first["mos_column"],
        "label_sources": [file["path"] for file in files],
    }.items():
        checked.compare(name, document.get(name), plain(value))


def _compare_counts(checked: Checked, document: Mapping[str, Any]) -> None:
    """Compare counts of an audit with those that follow from others. Each was counted twice before it was written."""
    files, rows = document["label_files"], document["input_rows"]
    total, matched, labels = (document[name] for name in (*_KEYS, "labels_loaded"))
    keyed_labels = labels + document["duplicate_labels"] + document["missing_mos_rows"]
    samples = {name: document[name] for name in ("unmatched_feature_keys", "unused_label_keys", "key_collisions")}
    for name, found in {
        "output_rows": rows,
        "missing_rows": rows - document["matched_rows"],
        "match_rate": rate(matched, total),
        "label_rows_without_key": sum(file["rows_without_key"] for file in files),
    }.items():
        checked.compare(name, document[name], found)
    checked.compare("labels_loaded", samples["unused_label_keys"]["count"] + matched, labels)
    checked.compare("total_feature_keys", samples["unmatched_feature_keys"]["count"] + matched, total)
    checked.compare("rows of label_files", sum(file["rows"] - file["rows_without_key"] for file in files), keyed_labels)
    for name, sample in samples.items():
        checked.compare(f"keys in {name}.sample", len(sample["sample"]), min(sample["count"], _MOST_OF_A_SAMPLE))
    if document["match_rate_by"] is not None:
        groups = document["match_rate_by"]["groups"]
        for name in ("input_rows", "rows_without_key"):
            checked.compare(f"{name} of match_rate_by", sum(group[name] for group in groups), document[name])
        rates = [rate(group["matched_feature_keys"], group["total_feature_keys"]) for group in groups]
        checked.compare("match_rate of match_rate_by", [group["match_rate"] for group in groups], rates)


def _compare_scores(checked: Checked, document: Mapping[str, Any], suffix: str) -> None:
    """Compare statistics of scores with their histogram, and this with the number of the scores."""
    name, histogram = f"mos_histogram{suffix}", document.get(f"mos_histogram{suffix}", ())
    count = document["matched_feature_keys" if suffix else "matched_rows"]
    checked.compare(f"sum of {name}", sum(histogram), count)
    for part in (f"clipped_histogram{suffix}", *([name] if suffix else [])):
        whole = histogram if part != name else document["mos_histogram"]
        claimed = document.get(part, ())
        checked.compare(part, list(claimed), [min(pair) for pair in zip(claimed, whole, strict=False)])
    statistics = document.get(f"mos_stats{suffix}", {})
    if not any(histogram):
        checked.compare(f"mos_stats{suffix}", [*statistics.values()], [None] * len(statistics))
    elif sum(histogram) == count:
        for statistic, (low, high) in _ranges(histogram).items():
            _compare_range(checked, f"mos_stats{suffix}.{statistic}", statistics.get(statistic), low, high)


def _ranges(histogram: Sequence[int]) -> dict[str, tuple[float, float]]:
    """Return between which scores the statistics of a histogram are, by its bins."""
    edges, upto, count = [*EDGES, 5.0], list(accumulate(histogram)), sum(histogram)

    def range_at(place: float) -> tuple[float, float]:
        """Return the range of a score between two of them, as its place is between theirs."""
        below, above = (bisect_right(upto, whole) for whole in (floor(place), ceil(place)))
        share = place - floor(place)
        low, high = ((1 - share) * edges[below + end] + share * edges[above + end] for end in (0, 1))
        return low, high

    found = {name: range_at((count - 1) * quarter / 4) for name, quarter in QUARTERS.items()}
    lowest, highest = (sum(map(mul, ends, histogram)) / count for ends in (edges[:-1], edges[1:]))
    return {**found, "mean": (lowest, highest)}


def _compare_parts(checked: Checked, document: Mapping[str, Any], out: str) -> None:
    """Compare a table of many parts with the evidence in each, and with the sums over all."""
    parts = document["parts"]
    compare_sums(checked, document)
    keys: list[list[int]] = []
    for part in parts:
        path = os.path.join(out, part["path"])
        checked.compare(f"bytes of {path}", part["bytes"], file_size(path))
        if (entry := _entry(checked, path)) is None:
            continue
        counts, features = entry.counts, entry.members["features"]
        claimed = {of_table: part[name] for name, of_table in _SUMS.items()}
        claimed["labels_loaded"] = document["labels_loaded"]
        _compare_entry(checked, document, entry, path, claimed, {name: counts[name] for name in claimed})
        checked.compare(f"sha256 of the features, in {path}", part["features_sha256"], features["sha256"])
        keys.append([counts[name] for name in _KEYS])
    for name, of_parts in zip(_KEYS, zip(*keys, strict=True), strict=False):
        _compare_range(checked, name, document[name], max(of_parts), sum(of_parts))


def _entry(checked: Checked, path: str) -> Entry | None:
    """Return the evidence inside an output. Note it and return None if there is none of this version."""
    entry = load(path)
    if isinstance(entry, Entry) and entry.fits() and not entry.schema_fault:
        return entry
    checked.compare(path, "the evidence of a labelled table", "a table without it")
    return None


def _compare_entry(
    checked: Checked,
    document: Mapping[str, Any],
    entry: Entry,
    path: str,
    claimed: Mapping[str, Any],
    counts: Mapping[str, Any],
) -> None:
    """Compare an audit with the evidence inside a labelled file. ``claimed`` are its counts by the audit."""
    for name, value in counts.items():
        checked.compare(f"{name}, in {path}", claimed[name], value)
    name = "feature_key_column"
    checked.compare(f"{name}, in {path}", document[name], entry.members[name])
    labels = [record["sha256"] for record in document["run_provenance"]["inputs"]["labels"]]
    checked.compare(f"sha256 of the labels, in {path}", labels, [label["sha256"] for label in entry.members["labels"]])


def _compare_range(checked: Checked, what: str, claimed: Any, low: float, high: float) -> None:
    if claimed is None or not low - _ROUNDED <= claimed <= high + _ROUNDED:
        checked.compare(what, claimed, f"from {low:g} to {high:g}")
