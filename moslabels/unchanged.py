"""Whether a table is what its audit says, so that labelling it again would write the same bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from moslabels.audit import given_options
from moslabels.errors import is_from_outside
from moslabels.labelling import Run
from moslabels.manifest import TableSpec
from moslabels.provenance import file_record, plain, versions
from moslabels.schema import audit_document, fits


def audit_of_unchanged(spec: TableSpec, run: Run) -> dict[str, Any] | None:
    """The audit of a table whose inputs, options, versions and output are what it says; None where one is not."""
    document = _read(spec.audit_json)
    if document is None or not fits(document, audit_document()) or not _same_job(document, spec):
        return None
    run.progress.step("comparing with the audit")
    inputs = document["run_provenance"]["inputs"]
    labels = [record["sha256"] for record in inputs["labels"]]
    if inputs["features"]["sha256"] != run.record(spec.features)["sha256"]:
        return None
    if labels != [run.record(label.path)["sha256"] for label in spec.labels]:
        return None
    if file_record(spec.out)["sha256"] != document["output_sha256"]:
        return None
    return document


def _read(path: str | None) -> dict[str, Any] | None:
    try:
        with open(path or "", encoding="utf-8") as stream:
            document = json.load(stream)
    except (OSError, ValueError, RecursionError) as error:
        if is_from_outside(error):
            raise
        return None
    return document if isinstance(document, dict) else None


def _same_job(document: Mapping[str, Any], spec: TableSpec) -> bool:
    """Whether an audit is that of the same files, options and versions. One that was edited out of shape is not."""
    try:
        block = document["run_provenance"]
        hashed = [block["inputs"]["features"], *block["inputs"]["labels"]]
        return bool(
            document["feature_table"] == spec.features
            and document["output"] == spec.out
            and document["config"] == plain(spec.config)
            and [(file["path"], file["config"]) for file in document["label_files"]]
            == [(label.path, given_options(label)) for label in spec.labels]
            and block["versions"] == versions()
            and block["outputs"].get("unmatched") == spec.unmatched
            and (spec.unmatched is None or os.path.exists(spec.unmatched))
            and isinstance(document["output_sha256"], str)
            and all(isinstance(record["sha256"], str) for record in hashed)
        )
    except (KeyError, TypeError, AttributeError):
        return False
