"""An audit as an in-toto statement (v1): which bytes came of which bytes, for a tool that signs or checks it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from moslabels.evidence.audit import SCHEMA

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = SCHEMA.replace("-audit-", ":audit-")
"""The type of the predicate: the schema of audits, named by a URI with a scheme of its own. It is not an address."""


def in_toto(audit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statement. Its subjects are the files that were written; its predicate names those that were read.

    The predicate also holds the audit itself.
    """
    inputs = [{**_resource(record), "role": role} for role, record in read_files(audit)]
    return {
        "_type": STATEMENT,
        "subject": [_resource(record) for _, record in written_files(audit)],
        "predicateType": PREDICATE,
        "predicate": {"inputs": inputs, "audit": dict(audit)},
    }


def written_files(audit: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the role and the record of each file that the run wrote: its output, or each part of it, and the others."""
    output = {"path": audit["output"], "sha256": audit["output_sha256"]}
    for record in _parts(audit, audit["output"], "sha256") or [output]:
        yield "output", record
    if audit.get("unmatched") is not None:
        yield "unmatched", audit["unmatched"]


def read_files(audit: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the role and the record of each file that the run read: its features, its labels, its manifest."""
    inputs = audit["run_provenance"]["inputs"]
    for role in ("features", "labels", "manifest"):
        found = inputs[role]
        if role == "features":
            found = _parts(audit, audit["feature_table"], "features_sha256") or found
        for record in found if isinstance(found, list) else [found]:
            if record is not None:
                yield role, record


def _parts(audit: Mapping[str, Any], folder: str, digest: str) -> list[dict[str, Any]]:
    """Return the records of the parts of a table of many, below a folder. That of the folder itself is of no file."""
    return [{"path": os.path.join(folder, part["path"]), "sha256": part[digest]} for part in audit.get("parts") or []]


def _resource(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": record["path"], "digest": {"sha256": record["sha256"]}}
