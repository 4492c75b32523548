"""The audit of one table, and JSON as moslabels writes it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.text import visible_json
from moslabels.evidence.provenance import plain
from moslabels.labelling.keys import one_or_list
from moslabels.labelling.labels import LabelFile, Labels
from moslabels.labelling.match import Match, PartCounts, Sample
from moslabels.labelling.scores import Scores
from moslabels.spec.key_rules import key_regexes
from moslabels.spec.options import Options
from moslabels.spec.table import LabelSpec, TableSpec

FAMILY = "mos-label-materializer-"
"""The start of the names of the schemas of audits and reports in all versions."""
SCHEMA = f"{FAMILY}audit-v1"


@dataclass(frozen=True)
class Output:
    """A file that was written. ``nulled`` of its numbers became null because the format has no text for them."""

    path: str
    sha256: str
    bytes: int
    nulled: int = 0


@dataclass(frozen=True)
class PartRecord:
    """One part of a table of many parts: its path below the folder, its counts, and the hashes before and after.

    ``sha256`` and ``bytes`` are None if no part is written.
    """

    path: str
    rows: int
    rows_without_key: int
    matched_rows: int
    features_sha256: str
    sha256: str | None
    bytes: int | None

    @classmethod
    def of(
        cls, path: str, counts: PartCounts, features_sha256: str, sha256: str | None = None, size: int | None = None
    ) -> PartRecord:
        """Return the record of a part by its counts. Without an output it has no hash and size of one."""
        rows = (counts.input_rows, counts.rows_without_key, counts.matched_rows)
        return cls(path, *rows, features_sha256, sha256, size)


def sha256_of_parts(parts: Sequence[PartRecord]) -> str:
    """Return the sha256 of what ``sha256sum`` prints of all parts, sorted as bytes, so that a shell can check it."""
    lines = sorted(_sha256sum_line(part).encode("utf-8", "surrogateescape") for part in parts)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _sha256sum_line(part: PartRecord) -> str:
    escaped = part.path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == part.path else chr(92)}{part.sha256}  {escaped}\n"


def build(
    *,
    spec: TableSpec,
    labels: Labels,
    match: Match,
    diagnosis: Mapping[str, Any] | None,
    output: Output | None,
    parts: Sequence[PartRecord] = (),
    unmatched: Output | None = None,
    warnings: Sequence[str],
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """Return the audit as a dict of JSON values.

    Fields that have room for one label file tell about the first. Without an output, the fields about it are None.
    """
    options = spec.options
    first = labels.files[0]
    return {
        "schema": SCHEMA,
        "feature_table": spec.features,
        **({"features": plain(spec.parts.given)} if spec.parts is not None else {}),
        **({"parts": [dataclasses.asdict(part) for part in parts]} if spec.parts is not None else {}),
        "output": output and output.path,
        "feature_key_column": one_or_list(match.key.columns),
        "label_key_column": one_or_list(first.key.columns),
        "label_mos_column": first.mos_column,
        **of_options(options),
        "config": plain(spec.config),
        "input_rows": match.input_rows,
        "output_rows": match.input_rows,
        "rows_without_key": match.rows_without_key,
        "total_feature_keys": match.total_feature_keys,
        "matched_feature_keys": match.matched_feature_keys,
        "match_rate": match.match_rate,
        "matched_rows": match.matched_rows,
        "missing_rows": match.input_rows - match.matched_rows,
        **_of_labels(spec, labels),
        "nulled_numbers": output.nulled if output else 0,
        "unmatched_feature_keys": _sample(match.unmatched_feature_keys),
        "unused_label_keys": _sample(match.unused_label_keys),
        "key_collisions": _sample(match.key_collisions),
        "diagnosis": diagnosis,
        "match_rate_by": _groups(match, options.match_rate_by) if options.match_rate_by is not None else None,
        **_of_scores(match.scores),
        "joined_sample": [_joined(row, spec, labels) for row in match.scores.examples],
        "output_sha256": output and output.sha256,
        "output_bytes": output and output.bytes,
        "unmatched": unmatched and {"path": unmatched.path, "sha256": unmatched.sha256, "bytes": unmatched.bytes},
        "warnings": list(warnings),
        "run_provenance": provenance,
    }


def of_options(options: Options) -> dict[str, Any]:
    """Return the fields that tell options, whatever the files are."""
    return {
        **({"feature_key_template": options.feature_key_template} if options.feature_key_template is not None else {}),
        "key_normalize": options.key_normalize,
        **{
            f"{side}_key_regex": one_or_list([regex or "" for regex in key_regexes(options, side)])
            for side in ("feature", "label")
        },
        "key_case": options.key_case,
        "min_match_rate": options.min_match_rate,
    }


def _of_labels(spec: TableSpec, labels: Labels) -> dict[str, Any]:
    """Return the fields about the labels, whatever the features are."""
    return {
        "labels_loaded": labels.count,
        "label_sources": [label.path for label in spec.labels],
        "label_files": [_label_file(file, label) for file, label in zip(labels.files, spec.labels, strict=True)],
        "extra_columns": labels.extra_columns,
        "columns_left_out": labels.columns_left_out,
        "label_rows_without_key": sum(file.rows_without_key for file in labels.files),
        "duplicate_labels": labels.duplicates,
        "missing_mos_rows": sum(file.missing_mos_rows for file in labels.files),
        "clipped_mos_rows": labels.clipped,
    }


def _of_scores(scores: Scores) -> dict[str, Any]:
    """Return the fields about the scores that the features got."""
    return {
        "mos_stats": scores.mos_stats,
        "mos_stats_by_key": scores.mos_stats_by_key,
        "mos_histogram": scores.mos_histogram,
        "mos_histogram_by_key": scores.mos_histogram_by_key,
        "clipped_histogram": scores.clipped_histogram,
        "clipped_histogram_by_key": scores.clipped_histogram_by_key,
    }


def _joined(row: Mapping[str, Any], spec: TableSpec, labels: Labels) -> dict[str, Any]:
    """Return a joined example. The file of its features is told if there are several."""
    told = {name: value for name, value in row.items() if name != "file"}
    part = {"feature_file": row["file"]} if spec.parts is not None else {}
    return {**told, **part, "label_file": labels.files[row["label_file"]].path}


def _label_file(file: LabelFile, label: LabelSpec) -> dict[str, Any]:
    return {
        "path": file.path,
        "key_column": one_or_list(file.key.columns),
        "mos_column": file.mos_column,
        **({"mos_raw_column": file.mos_raw_column} if file.mos_raw_column is not None else {}),
        "key_normalize": one_or_list(file.key.normalize),
        **({"key_template": file.key.template} if file.key.template is not None else {}),
        **({"key_constants": file.key.constant_texts} if file.key.constants else {}),
        "key_regex": one_or_list([regex or "" for regex in file.key.regexes]),
        "mos_scale": file.mos_scale,
        **({"mos_scale_column": file.mos_scale_column} if file.mos_scale_column is not None else {}),
        "rows": file.rows,
        "rows_without_key": file.rows_without_key,
        "config": given_options(label),
        "source": label.given,
    }


def given_options(label: LabelSpec) -> dict[str, Any]:
    """Return the options that belong to one label file, as JSON values."""
    return {name: plain(value) for name, value in label.config.items()}


def _groups(match: Match, column: str) -> dict[str, Any]:
    groups = [{**dataclasses.asdict(group), "match_rate": group.match_rate} for group in match.groups]
    return {"column": column, "groups": groups}


def _sample(sample: Sample) -> dict[str, Any]:
    return {"count": sample.count, "sample": sample.keys}


def json_text(document: dict[str, Any]) -> str:
    """Return a document as the text of its file: sorted keys, two spaces, a final newline, nothing invisible."""
    return visible_json(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)) + "\n"
