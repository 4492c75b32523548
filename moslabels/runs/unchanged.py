"""The test whether a table still fits its audit, so that labelling it again would write the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moslabels.evidence.audit import given_options
from moslabels.evidence.documents import Audit, load
from moslabels.evidence.provenance import plain, versions
from moslabels.evidence.run import Run
from moslabels.files.records import file_record
from moslabels.spec.table import TableSpec


def audit_of_unchanged(spec: TableSpec, run: Run) -> dict[str, Any] | None:
    """Return the audit of a table if it still holds for inputs, options, versions and output, else None."""
    audit = load(spec.audit_json) if spec.audit_json is not None else None
    # If its shape is not that of this version, the table is labelled again.
    if not isinstance(audit, Audit) or not audit.is_ours or not audit.fits():
        return None
    document = dict(audit.members)
    if not _same_job(document, spec):
        return None
    run.progress.step("comparing with the audit")
    inputs = document["run_provenance"]["inputs"]
    labels = [record["sha256"] for record in inputs["labels"]]
    if inputs["features"]["sha256"] != run.record(spec.features)["sha256"]:
        return None
    if labels != [run.record(label.path)["sha256"] for label in spec.labels]:
        return None
    written = [(spec.out, document["output_sha256"])]
    if spec.unmatched is not None:
        written.append((spec.unmatched, document["unmatched"]["sha256"]))
    if any(file_record(path)["sha256"] != sha256 for path, sha256 in written):
        return None
    return document


def _same_job(document: Mapping[str, Any], spec: TableSpec) -> bool:
    """Return whether an audit names the same files, options and versions."""
    block, left = document["run_provenance"], document.get("unmatched")
    features, labels = block["inputs"]["features"], block["inputs"]["labels"]
    return bool(
        document["feature_table"] == spec.features
        and document["output"] == spec.out
        and document["config"] == plain(spec.config)
        and [(file["path"], file["config"]) for file in document["label_files"]]
        == [(label.path, given_options(label)) for label in spec.labels]
        and block["versions"] == versions()
        and block["outputs"].get("unmatched") == spec.unmatched
        and (left and left["path"]) == spec.unmatched
        and document["output_sha256"] is not None
        and isinstance(features, Mapping)
        and all(record["sha256"] is not None for record in (features, *labels))
    )
