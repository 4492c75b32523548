"""The check of a ``run_provenance`` block that moslabels wrote, and of the manifest that it names."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from moslabels.base.errors import MosLabelsError, UsageError
from moslabels.base.version import __version__
from moslabels.evidence import provenance
from moslabels.evidence.provenance import plain
from moslabels.evidence.report import table_entry
from moslabels.runs.checked import NOTHING, Checked
from moslabels.runs.verify_files import Files
from moslabels.spec.manifest import Manifest, load_manifest
from moslabels.spec.reports import named_reports


def check_block(
    files: Files,
    checked: Checked,
    block: Mapping[str, Any],
    *,
    may_be_memory: bool = False,
    unhashed: Collection[str] = (),
    has_later_manifest: bool = False,
) -> None:
    """Check the members that moslabels writes into every block, whatever is labelled.

    ``unhashed`` are the features of tables that failed. These may lack a hash. ``has_later_manifest`` says that a later
    run found its table unchanged in the manifest, so this may have changed around the table.
    """
    checked.compare("run_provenance.schema", block.get("schema", NOTHING), provenance.SCHEMA)
    recorded = block["versions"]
    for name in sorted({*provenance.VERSIONS, *recorded}):
        version = recorded.get(name, NOTHING)
        if name in provenance.VERSIONS and not version:
            checked.compare(f"run_provenance.versions.{name}", version, "a version")
    entrypoint = provenance.entrypoint()
    if recorded.get("moslabels") != __version__:
        checked.unknown.append("another version of moslabels wrote it: its entrypoint.sha256 is not compared")
        entrypoint["sha256"] = block["entrypoint"].get("sha256", NOTHING)
    checked.compare("run_provenance.entrypoint", block["entrypoint"], entrypoint)
    inputs = block["inputs"]
    of_manifest = (inputs["manifest"] or {}).get("path")
    checked.compare("run_provenance.inputs.manifest", of_manifest, block["args"].get("manifest"))
    for name, value in sorted(inputs.items()):
        for record in value if isinstance(value, list) else [value]:
            if record is None or (may_be_memory and record["kind"] == "memory" and record["sha256"] is None):
                continue
            if name == "manifest" and has_later_manifest:
                _note_later_manifest(files, checked, record)
                continue
            is_unhashed = name == "features" and record["path"] in unhashed and record.get("kind") == "file"
            _check_input(files, checked, f"{name} {record['path']}", record, is_unhashed)


def _note_later_manifest(files: Files, checked: Checked, record: Mapping[str, Any]) -> None:
    if files.sha256(checked, record["path"]) not in (record["sha256"], None):
        checked.notes.append(f"{record['path']} changed since it was written, and has the same table")


def _check_input(files: Files, checked: Checked, what: str, record: Mapping[str, Any], is_unhashed: bool) -> None:
    if record["sha256"] is not None or not is_unhashed:
        files.compare_input(checked, f"{what}: sha256", record)
    # If it was a file then, the hash proves that it still is one.
    was: dict[str, Any] | None = {"exists": True, "kind": "file"}
    if record["sha256"] is None:
        was = files.record(checked, record["path"], is_to_hash=not is_unhashed)
    if was is not None:
        for member in ("exists", "kind"):
            checked.compare(f"{what}: {member}", record[member], was[member])


def check_outputs(checked: Checked, block: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """Compare the outputs of a block with what was written, and with the reports that the arguments name."""
    checked.compare("run_provenance.outputs", block["outputs"], {**named_reports(block["args"]), **written})


class Manifests:
    """The manifests that blocks and reports name. Each is loaded once, if tables were labelled by it as it is now."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._loaded: dict[str, Manifest | str] = {}

    def of_block(self, checked: Checked, block: Mapping[str, Any]) -> Manifest | None:
        """Return the manifest of a run, or None if it has changed, or if the run may have had other tables."""
        record, given = block["inputs"]["manifest"], block["args"]
        if not record or not record["sha256"] or self._files.sha256(checked, record["path"]) != record["sha256"]:
            return None
        if "manifest_loaded" in given:
            return None
        key = json.dumps([record["path"], given.get("base_dir")])
        if key not in self._loaded:
            try:
                self._loaded[key] = load_manifest(record["path"], given.get("base_dir"))
            except MosLabelsError as error:
                self._loaded[key] = str(error)
        found = self._loaded[key]
        if isinstance(found, Manifest):
            return found
        checked.unknown.append(f"its manifest cannot be loaded again: {found}")
        return None

    def without_hash(self, checked: Checked, document: Mapping[str, Any]) -> Manifest | None:
        """Return the manifest that a report with a foreign block names, or None if it does not have the same tables."""
        path = document["manifest"]
        if self._files.sha256(checked, path) is None:
            return None
        try:
            manifest = load_manifest(path)
        except MosLabelsError as error:
            checked.tell_not(f"its manifest cannot be loaded again: {error}")
            return None
        total = document.get("manifest_tables", len(manifest.tables))
        ids = [table["id"] for table in document["tables"]] if "manifest_tables" in document else None
        specs = [spec for spec in manifest.tables if ids is None or spec.id in ids]
        entries = [plain(table_entry(spec, None, None)) for spec in specs]
        kept = ("id", "features", "labels", "out", "audit_json", "config", "unmatched")
        of_manifest, of_report = (
            [{name: table.get(name) for name in kept} for table in tables] for tables in (entries, document["tables"])
        )
        if of_manifest == of_report and total == len(manifest.tables):
            return replace(manifest, tables=tuple(specs))
        checked.tell_not(
            f"its run_provenance holds no hash of its manifest, and {path} has other tables, or other paths"
        )
        return None


def check_choice(
    checked: Checked, document: Mapping[str, Any], args: Mapping[str, Any], manifest: Manifest | None
) -> Manifest | None:
    """Check that a report lists the tables that were chosen, if some were, and says of how many.

    Return the manifest with these tables alone, or None if it is not known or has others.
    """
    chosen, total = args.get("tables"), document.get("manifest_tables", NOTHING)
    if chosen is None:
        checked.compare("manifest_tables", total, NOTHING)
        return manifest
    listed = [table["id"] for table in document["tables"]]
    if not isinstance(chosen, list) or sorted(map(str, chosen)) != sorted(listed):
        checked.compare("run_provenance.args.tables", chosen, listed)
        return None
    if manifest is None:
        if total is NOTHING or total < len(listed):
            checked.compare("manifest_tables", total, f"{len(listed)} or more")
        return None
    checked.compare("manifest_tables", total, len(manifest.tables))
    try:
        return manifest.only(chosen)
    except UsageError as error:
        checked.compare("run_provenance.args.tables", chosen, "; ".join(error.problems))
        return None


def compare_tables(checked: Checked, tables: Sequence[Mapping[str, Any]], manifest: Manifest) -> None:
    """Compare the tables of a report with those of its manifest."""
    checked.compare("number of tables", len(tables), len(manifest.tables))
    for index, (table, spec) in enumerate(zip(tables, manifest.tables, strict=False)):
        given = plain(table_entry(spec, None, None))
        for name in sorted({*given, "unmatched"} - {"status"}):
            checked.compare(f"tables[{index}].{name}", table.get(name, NOTHING), given.get(name, NOTHING))
