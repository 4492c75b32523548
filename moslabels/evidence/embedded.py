"""The evidence inside a labelled Parquet file, so that a file that lost its audit can still be traced."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from moslabels.evidence.audit import given_options
from moslabels.evidence.provenance import plain, versions
from moslabels.evidence.strict_json import DocumentError, parse
from moslabels.labelling.keys import Key, one_or_list
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import Match, PartCounts
from moslabels.spec.table import TableSpec

ENTRY = "moslabels"
"""The key of the entry in the metadata of the file."""
SCHEMA = "moslabels-labelled-table-v1"


def build(
    spec: TableSpec, labels: Labels, match: Match, features_sha256: str, label_records: Sequence[Mapping[str, Any]]
) -> str:
    """Return the entry as JSON text: where features and labels came from, the rule of the join, and the counts."""
    return text(outline(spec, labels, match.key, label_records), spec.features, features_sha256, match)


def outline(spec: TableSpec, labels: Labels, key: Key, label_records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the entries of all parts of a table share: where the labels came from, and the rule of the join."""
    return {
        "schema": SCHEMA,
        "labels": [
            {"path": label.path, "source": label.given, "sha256": record["sha256"], "config": given_options(label)}
            for label, record in zip(spec.labels, label_records, strict=True)
        ],
        "config": plain(spec.config),
        "feature_key_column": one_or_list(key.columns),
        "label_columns": labels.column_names(spec.options.status_column),
        "labels_loaded": labels.count,
        "versions": versions(),
    }


def text(outline: Mapping[str, Any], path: str, features_sha256: str, counts: Match | PartCounts) -> str:
    """Return the entry of a file as JSON text. ``path`` is that of its features, ``counts`` are those of its rows.

    The entry of one part of many says so: the gate and the label columns are those of all parts.
    """
    shared = dict(outline)
    labels_loaded = shared.pop("labels_loaded")
    document = {
        **shared,
        "features": {"path": path, "sha256": features_sha256},
        "counts": {
            "input_rows": counts.input_rows,
            "rows_without_key": counts.rows_without_key,
            "total_feature_keys": counts.total_feature_keys,
            "matched_feature_keys": counts.matched_feature_keys,
            "matched_rows": counts.matched_rows,
            "missing_rows": counts.input_rows - counts.matched_rows,
            "labels_loaded": labels_loaded,
        },
        "match_rate": counts.match_rate,
        **({"is_part": True} if isinstance(counts, PartCounts) else {}),
    }
    return json.dumps(document, sort_keys=True, ensure_ascii=False)


def read(stream: BinaryIO) -> Any:
    """Return the entry of a Parquet file, or None if it has none.

    Raise OSError, ArrowException or DocumentError if it cannot be read.
    """
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(stream).metadata.metadata or {}
    if ENTRY.encode() not in metadata:
        return None
    try:
        return parse(io.BytesIO(metadata[ENTRY.encode()]))
    except DocumentError as error:
        raise DocumentError(f"its evidence {error}") from error
