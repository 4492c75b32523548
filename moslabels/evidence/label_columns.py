"""The label columns of a labelled table, as its audit knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moslabels.spec.names import LABEL_COLUMNS, SOURCE_COLUMN
from moslabels.spec.options import FIELDS

LABEL_MEANINGS: Mapping[str, str] = {
    "mos": "Mean opinion score on 1 (worst) to 5 (best); no value if no label has the key.",
    "mos_raw_0_100": "The same score on 0 (worst) to 100 (best).",
    "status": "ok, or missing-label if no label has the key.",
    "source": "The label file that the score is from.",
    "extra": "A column of the label files, carried over.",
}
"""What each kind of label column holds."""


def label_columns(audit: Mapping[str, Any], of_kind: Mapping[str, str]) -> dict[str, str]:
    """Return the names of the label columns in order, each with what ``of_kind`` has for its kind."""
    status = audit["config"].get("status_column", FIELDS["status_column"].default)
    kinds = {**{name: name for name in LABEL_COLUMNS}, status: "status", SOURCE_COLUMN: "source"}
    extras = sorted({extra["output"] for extra in audit.get("extra_columns", ())})
    return {name: of_kind[kind] for name, kind in {**kinds, **dict.fromkeys(extras, "extra")}.items()}
