"""The test whether a table still fits its audit, so that labelling it again would write the same rows.

Files count, and not how paths to them are written. Evidence is left as it was: an audit, the entry in a Parquet file
and the file of unmatched keys spell paths as the run that wrote them did. But ``mos_label_source`` is a column of the
rows, and holds the paths of labels as they were given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from moslabels.base.errors import TableError
from moslabels.evidence.audit import PartRecord, given_options, sha256_of_parts
from moslabels.evidence.documents import Audit, load
from moslabels.evidence.provenance import plain, versions
from moslabels.evidence.run import Run
from moslabels.files.listing import files_below, list_parts
from moslabels.files.records import file_record
from moslabels.files.same import is_same_file
from moslabels.runs.agreement import compare_with_output
from moslabels.runs.checked import Checked, told
from moslabels.spec.features import PartsSpec
from moslabels.spec.formats import compression_of, known_format
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
    if spec.parts is None and inputs["features"]["sha256"] != run.record(spec.features)["sha256"]:
        return None
    if labels != [run.record(label.path)["sha256"] for label in spec.labels]:
        return None
    written = []
    if spec.parts is None:
        written.append((spec.out, document["output_sha256"]))
    elif not _same_parts(document, spec.parts, spec.out, run):
        return None
    if spec.unmatched is not None:
        written.append((spec.unmatched, document["unmatched"]["sha256"]))
    if any(file_record(path)["sha256"] != sha256 for path, sha256 in written):
        return None
    return document if _is_believed(document, spec, run) else None


def _is_believed(document: Mapping[str, Any], spec: TableSpec, run: Run) -> bool:
    """Return whether the counts of an audit are those of its output, as far as this can be told. Note why not."""
    checked = Checked(str(spec.audit_json), Audit.kind)
    try:
        compare_with_output(checked, document, spec)
    except OverflowError:
        checked.compare("a count", "more than fits in a number", "less")
    if checked.differences:
        run.progress.note(f"labelled again, because {checked.path} is not believed: {told(checked.differences[0])}")
    return not checked.differences


def _same_parts(document: Mapping[str, Any], parts: PartsSpec, out: str, run: Run) -> bool:
    """Return whether the parts of features and output are those of an audit, and no others."""
    try:
        files = list_parts(parts.items, parts.root, out)
    except TableError:  # Labelling the table finds and tells it too.
        return False
    records = [PartRecord(**part) for part in document["parts"]]
    if [file.relative for file in files] != [record.path for record in records]:
        return False
    if document["output_sha256"] != sha256_of_parts(records):
        return False
    written = {os.path.join(out, record.path): record for record in records}
    found = list(files_below(out))
    if sorted(found) != sorted(written) or any(map(os.path.islink, found)):
        return False
    run.progress.step("comparing with the audit", len(records), "parts")
    for number, (file, record) in enumerate(zip(files, records, strict=True), start=1):
        if run.record(file.path)["sha256"] != record.features_sha256:
            return False
        if run.record(os.path.join(out, record.path))["sha256"] != record.sha256:
            return False
        run.progress.advance(number)
    return True


def _same_job(document: Mapping[str, Any], spec: TableSpec) -> bool:
    """Return whether an audit names the same files, options and versions."""
    block = document["run_provenance"]
    features, labels = block["inputs"]["features"], block["inputs"]["labels"]
    return bool(
        ("parts" in document) == (spec.parts is not None)
        and document["config"] == plain(spec.config)
        and [(file["source"], file["config"]) for file in document["label_files"]]
        == [(label.given, given_options(label)) for label in spec.labels]
        and block["versions"] == versions()
        and document["output_sha256"] is not None
        and isinstance(features, Mapping)
        and (spec.parts is not None or features["sha256"] is not None)
        and all(record["sha256"] is not None for record in labels)
        and _same_files(document, spec)
    )


def _same_files(document: Mapping[str, Any], spec: TableSpec) -> bool:
    """Return whether the paths of an audit and of a table lead to the same files, and to the same formats."""
    outputs, left = document["run_provenance"]["outputs"], document.get("unmatched")
    unmatched = left and left["path"]
    if outputs.get("unmatched") != unmatched or (unmatched is None) != (spec.unmatched is None):
        return False
    if spec.options.partitions and document["feature_table"] != spec.features:
        return False  # Their values are in the path.
    pairs = [(document["feature_table"], spec.features), (document["output"], spec.out), (unmatched, spec.unmatched)]
    pairs += [(file["path"], label.path) for file, label in zip(document["label_files"], spec.labels, strict=True)]
    return all(
        (known_format(path), compression_of(path)) == (known_format(now), compression_of(now))
        and is_same_file(path, now, outputs["audit_json"], str(spec.audit_json))
        for path, now in pairs
        if path is not None and now is not None
    )
