"""The parts of the output that is there, for those that need not be labelled again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from moslabels.evidence.audit import PartRecord, sha256_of_parts
from moslabels.evidence.documents import Audit, load
from moslabels.evidence.run import Run
from moslabels.files.paths import absolute
from moslabels.files.watched import file_state, size_and_time
from moslabels.parts.kept import KnownPart
from moslabels.sources.parquet_parts import PartFacts
from moslabels.sources.part import Part
from moslabels.spec.table import TableSpec


class OldParts:
    """The parts of the output that is there, as its audit says. Call it with a part that is to be labelled."""

    def __init__(self, spec: TableSpec, run: Run) -> None:
        self._out = spec.out
        self._hashes = run.hashes
        self._records = _records(spec)

    def __call__(self, part: Part, fact: PartFacts) -> KnownPart | None:
        """Return the old part in the place of a part, if its features may be those of now."""
        record = self._records.get(part.relative)
        if record is None or record.sha256 is None:
            return None
        path = os.path.join(self._out, record.path)
        state = file_state(path)
        features, own = self._hashes.get((part.path, fact.state)), self._hashes.get((path, state))
        if features not in (None, record.features_sha256) or own not in (None, record.sha256):
            return None
        known = KnownPart(absolute(path), record.features_sha256, record.sha256)
        hashed_at = size_and_time(state) if own is not None else None
        return replace(known, hashed_at=hashed_at, are_features_hashed=features is not None)


def _records(spec: TableSpec) -> Mapping[str, PartRecord]:
    """Return the parts in the audit of a table by their paths, if that audit is of this version and this output."""
    audit = load(spec.audit_json) if spec.audit_json is not None else None
    if not isinstance(audit, Audit) or not audit.is_ours or not audit.fits():
        return {}
    document = audit.members
    records = [PartRecord(**part) for part in document.get("parts", ())]
    if document["output"] != spec.out or document["output_sha256"] != sha256_of_parts(records):
        return {}
    return {record.path: record for record in records}
