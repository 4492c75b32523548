"""An audit as an in-toto statement (v1): which bytes came of which bytes, for a tool that signs or checks it."""

from __future__ import annotations

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
    written = [(audit["output"], audit["output_sha256"])]
    if audit.get("unmatched") is not None:
        written.append((audit["unmatched"]["path"], audit["unmatched"]["sha256"]))
    inputs = [{**_resource(record["path"], record["sha256"]), "role": role} for role, record in read_files(audit)]
    return {
        "_type": STATEMENT,
        "subject": [_resource(*file) for file in written],
        "predicateType": PREDICATE,
        "predicate": {"inputs": inputs, "audit": dict(audit)},
    }


def read_files(audit: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the role and the record of each file that the run read: its features, its labels, its manifest."""
    inputs = audit["run_provenance"]["inputs"]
    for role in ("features", "labels", "manifest"):
        found = inputs[role]
        for record in found if isinstance(found, list) else [found]:
            if record is not None:
                yield role, record


def _resource(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}
