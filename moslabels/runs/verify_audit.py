"""The check of an audit, or of the evidence in a labelled table, by its files and by labelling the table again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from moslabels.base.text import listed, shown
from moslabels.evidence.documents import Audit, Entry
from moslabels.evidence.provenance import plain, versions
from moslabels.evidence.report import table_entry
from moslabels.files.locks import LEFT_BESIDE
from moslabels.files.records import file_sha256
from moslabels.labelling.keys import several
from moslabels.runs.checked import Checked
from moslabels.runs.verify_again import Again, spec_of
from moslabels.runs.verify_block import Manifests, check_block, check_outputs
from moslabels.runs.verify_files import Files
from moslabels.runs.verify_parts import (
    PartsCheck,
    compare_parts,
    have_paths,
    parts_spec,
    paths_of_features,
    spec_with_parts,
)
from moslabels.spec.table import TableSpec
from moslabels.writers.write import beside_warnings

_BY_HAND = ("run_provenance", "output_sha256", "output_bytes", "parts")
"""The members of an audit that have a check of their own, and are not compared with those of labelling again."""
_NEEDED = (
    "schema",
    "feature_table",
    "feature_key_column",
    "output",
    "label_sources",
    "label_files",
    "output_sha256",
    "output_bytes",
    "run_provenance",
)
"""The members that every audit must have to be checked. Older versions may have left out the others."""


class AuditCheck:
    """Checks of audits, and of the evidence in labelled tables."""

    def __init__(self, files: Files, manifests: Manifests) -> None:
        self._files = files
        self._manifests = manifests
        self._again = Again(files)

    def audit(self, checked: Checked, audit: Audit, *, has_later_manifest: bool = False) -> bool:
        """Check an audit. Return whether it has the right shape.

        ``has_later_manifest`` says that the report of a later run has its table as unchanged, and fits the manifest.
        """
        document, block = audit.members, audit.block
        if not checked.has_shape(audit, _may_lack) or not isinstance(block, Mapping):
            return False
        in_memory = document["output"] is None
        of_table = [document["feature_table"], *document["label_sources"]]
        if audit.is_ours:
            check_block(self._files, checked, block, may_be_memory=in_memory, has_later_manifest=has_later_manifest)
            inputs = block["inputs"]
            features = inputs["features"] if isinstance(inputs["features"], list) else [inputs["features"]]
            read = [record and record["path"] for record in (*features, *inputs["labels"])]
            checked.compare("paths in run_provenance", read, of_table)
            check_outputs(checked, block, {"out": document["output"], **self._targets(checked, document, block)})
        else:
            self._files.compare_inputs_of_foreign_block(checked, block, of_table)
        if "parts" in document or "features" in document:
            self._table_of_parts(checked, audit)
            return True
        if in_memory:
            checked.tell_not("it is of a join in memory: there is no output, and no features to label again")
            return True
        sha256, size = document["output_sha256"], document["output_bytes"]
        self._files.compare_output(checked, document["output"], sha256, size, ("output_sha256", "output_bytes"))
        self._unmatched(checked, audit)
        spec = self._spec(checked, document, document["feature_table"])
        if spec is not None:
            if self._files.sha256(checked, spec.out) is not None:
                self._again.recount(checked, spec, several(document["feature_key_column"]), document)
            self._relabelled(checked, spec, document, block)
        return True

    def _table_of_parts(self, checked: Checked, audit: Audit) -> None:
        """Check an audit of a table of many parts: part by part, and by labelling the table again."""
        document, block = audit.members, audit.block
        if document["output"] is None or not {"parts", "features"} <= {*document}:
            checked.tell_not("it is of many parts, and lacks its output, its parts or what named them")
            return
        if not have_paths(checked, document["parts"]):
            return
        check = PartsCheck(self._files, checked, document)
        may_search = check.written()
        self._unmatched(checked, audit)
        parts = parts_spec(self._files, checked, document, block, is_ours=audit.is_ours)
        if not check.features(parts) or parts is None:
            checked.tell_not(
                "nothing is labelled again, because its features are not the same parts, or cannot be told"
            )
            return
        spec = self._spec(checked, document, paths_of_features(document))
        if spec is not None and may_search:
            if block.get("versions") != versions():
                checked.tell_not("other versions wrote it, and the rows in its parts are not counted")
            self._relabelled(checked, spec_with_parts(spec, document, parts), document, block)

    def _spec(self, checked: Checked, document: Mapping[str, Any], features: str | list[str]) -> TableSpec | None:
        """Return the spec of the table of an audit. Note it and return None if it is not known, or wrong now."""
        if "config" not in document:
            checked.tell_not("it does not hold the options that were given, so nothing is labelled again")
            return None
        left = document.get("unmatched")
        return spec_of(
            checked, features, document["label_files"], document["output"], document["config"], left and left["path"]
        )

    def _unmatched(self, checked: Checked, audit: Audit) -> None:
        """Compare the file of unmatched keys with its hash."""
        left = audit.members.get("unmatched")
        if left is not None:
            names = ("unmatched.sha256", "unmatched.bytes")
            self._files.compare_output(checked, left["path"], left["sha256"], left["bytes"], names)
            if audit.is_ours:
                checked.compare("unmatched.path", left["path"], audit.block["outputs"].get("unmatched"))

    def _targets(self, checked: Checked, document: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
        """Return the other outputs of a table from its manifest or its arguments, or as claimed if both are unknown."""
        names = ("audit_json", "unmatched")
        if "manifest" not in block["args"]:
            targets = {name: block["args"].get(name) for name in names}
        elif (manifest := self._manifests.of_block(checked, block)) is None:
            targets = {name: block["outputs"].get(name) for name in names}
        else:
            specs = [spec for spec in manifest.tables if spec.out == document["output"]]
            if not specs:
                checked.compare("output", document["output"], f"no out of {manifest.path}")
                return {name: block["outputs"].get(name) for name in names}
            chosen = block["args"].get("tables", [specs[0].id])
            if not isinstance(chosen, list) or specs[0].id not in chosen:
                checked.compare("run_provenance.args.tables", chosen, f"a choice with {specs[0].id}")
            given = table_entry(specs[0], None, None)
            of_audit = {"features": "feature_table", "labels": "label_sources", "config": "config"}
            for name, of_audit_name in of_audit.items():
                if of_audit_name in document:
                    checked.compare(of_audit_name, document[of_audit_name], plain(given[name]))
            targets = {name: given.get(name) for name in names}
        # If there is no unmatched, the outputs lack this member.
        return {name: path for name, path in targets.items() if name == "audit_json" or path}

    def _relabelled(
        self, checked: Checked, spec: TableSpec, document: Mapping[str, Any], block: Mapping[str, Any]
    ) -> None:
        """Compare an audit with the audit of labelling its table again."""
        is_same = block.get("versions") == versions()
        again = self._again.audit(checked, spec, is_same)
        if again is None:
            return
        claimed = {name: value for name, value in document.items() if name not in _BY_HAND}
        found = {name: value for name, value in again.items() if name not in _BY_HAND}
        if added := sorted({*found} - {*claimed} - checked.apart):
            checked.tell_not(f"it lacks what this version writes, which is not checked: {listed(added)}")
        beside = beside_warnings(spec.out)
        for one in (claimed, found):
            if "warnings" in one:
                one["warnings"] = [
                    warning
                    for warning in one["warnings"]
                    if warning not in beside.values() and LEFT_BESIDE not in warning
                ]
        if not is_same:
            _leave_out_words(checked, claimed, found)
        checked.notes += [warning for path, warning in beside.items() if os.path.lexists(path)]
        checked.compare("", claimed, {name: value for name, value in found.items() if name not in added})
        if spec.parts is not None:
            compare_parts(checked, document["parts"], again["parts"], is_same=is_same)
        if is_same:
            checked.compare("output_sha256, labelled again", document["output_sha256"], again["output_sha256"])
        else:
            checked.tell_not("other versions wrote it: the bytes of the output are not compared")

    def entry(self, checked: Checked, carried: Entry) -> None:
        """Check a labelled table by the evidence inside it."""
        entry = carried.members
        if not checked.has_shape(carried):
            return
        if fault := carried.schema_fault:
            checked.tell_not(fault)
            return
        for record in (entry["features"], *entry["labels"]):
            self._files.compare_input(checked, f"sha256 of {record['path']}", record)
        if "is_part" in entry:
            checked.tell_not("it is one part of a table of many: verify the audit of the table, which has all parts")
            return
        spec = spec_of(checked, entry["features"]["path"], entry["labels"], checked.path, entry["config"])
        if spec is None:
            return
        counts = carried.counts
        self._again.recount(checked, spec, carried.key, counts)
        is_same = entry["versions"] == versions()
        again = self._again.audit(checked, spec, is_same)
        if again is not None:
            checked.compare("counts", counts, {name: again[name] for name in counts if name in again})
            checked.compare("feature_key_column", entry["feature_key_column"], again["feature_key_column"])
            if is_same:
                checked.compare("sha256, labelled again", file_sha256(checked.path), again["output_sha256"])
            else:
                checked.tell_not("other versions wrote it: its bytes are not compared")


def _may_lack(place: str) -> bool:
    """Return whether an older audit may lack this member. Members inside of others were always there."""
    return place not in _NEEDED and not any(sign in place for sign in ".[")


def _leave_out_words(checked: Checked, claimed: dict[str, Any], found: dict[str, Any]) -> None:
    """Leave out what another version words otherwise or did not say: new warnings, and why keys have no label."""
    if of_now := [warning for warning in found["warnings"] if warning not in claimed.get("warnings", ())]:
        checked.tell_not(f"it lacks warnings of this version, which are not checked: {'; '.join(of_now)}")
        found["warnings"] = [warning for warning in found["warnings"] if warning not in of_now]
    said, now = claimed.get("diagnosis"), found["diagnosis"]
    if not isinstance(said, Mapping) or now is None:
        return
    for name in ("near_misses", "in_common"):
        if said.get(name) != now.get(name):
            checked.tell_not(f"this version finds other things in {shown(f'diagnosis.{name}')}, which is not compared")
            said, now = ({key: one[key] for key in one if key != name} for one in (said, now))
    claimed["diagnosis"], found["diagnosis"] = said, now
