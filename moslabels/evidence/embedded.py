"""The evidence inside a labelled Parquet file, so that a file that lost its audit can still be traced."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from moslabels.evidence.audit import given_options
from moslabels.evidence.provenance import plain, versions
from moslabels.evidence.strict_json import DocumentError, parse
from moslabels.labelling.keys import one_or_list
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import Match
from moslabels.spec.table import TableSpec

ENTRY = "moslabels"
"""The key of the entry in the metadata of the file."""
SCHEMA = "moslabels-labelled-table-v1"


def build(
    spec: TableSpec, labels: Labels, match: Match, features_sha256: str, label_records: Sequence[Mapping[str, Any]]
) -> str:
    """Return the entry as JSON text: where features and labels came from, the rule of the join, and the counts."""
    document = {
        "schema": SCHEMA,
        "features": {"path": spec.features, "sha256": features_sha256},
        "labels": [
            {"path": label.path, "source": label.given, "sha256": record["sha256"], "config": given_options(label)}
            for label, record in zip(spec.labels, label_records, strict=True)
        ],
        "config": plain(spec.config),
        "feature_key_column": one_or_list(match.key.columns),
        "label_columns": labels.column_names(spec.options.status_column),
        "counts": {
            "input_rows": match.input_rows,
            "rows_without_key": match.rows_without_key,
            "total_feature_keys": match.total_feature_keys,
            "matched_feature_keys": match.matched_feature_keys,
            "matched_rows": match.matched_rows,
            "missing_rows": match.input_rows - match.matched_rows,
            "labels_loaded": labels.count,
        },
        "match_rate": match.match_rate,
        "versions": versions(),
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
