"""The check of the report of a batch, by its manifest, its inputs and the audits that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.text import shown
from moslabels.evidence import comparison
from moslabels.evidence.documents import Audit, Report, Unknown, load
from moslabels.evidence.provenance import BY_WORKERS, is_ours, versions
from moslabels.evidence.report import NEVER_SKIPPED, added_up
from moslabels.files.same import is_same_file, working_folder
from moslabels.runs.checked import NOTHING, Checked
from moslabels.runs.verify_again import Again
from moslabels.runs.verify_audit import AuditCheck
from moslabels.runs.verify_block import Manifests, check_block, check_choice, check_outputs, compare_tables
from moslabels.runs.verify_files import Files
from moslabels.spec.manifest import Manifest

_OF_AUDIT = {
    "features": "feature_table",
    "labels": "label_sources",
    "out": "output",
    "config": "config",
    "output_sha256": "output_sha256",
    "feature_key_column": "feature_key_column",
    "mos_stats": "mos_stats",
}
"""The members of a table in a report that are copied from its audit, with their names in the audit."""


_PATHS = ("features", "labels", "out")
"""Those of them that are paths. The audit of a table that was skipped may spell them otherwise."""


class ReportCheck:
    """Checks of reports, and of the audits that they name."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._manifests = Manifests(files)
        self._again = Again(files)
        self.audits = AuditCheck(files, self._manifests)

    def report(self, path: str, report: Report) -> list[Checked]:
        """Check a report. Return its result, then the result of each audit that it names."""
        checked = Checked(path, report.kind)
        if not checked.has_shape(report) or not isinstance(report.block, Mapping):
            return [checked]
        if report.members.get("dry_run"):
            checked.tell_not("it is of a dry run, which wrote no table and no audit")
            return [checked]
        tables = report.members["tables"]
        manifest = self._provenance(checked, report)
        if manifest is not None:
            compare_tables(checked, tables, manifest)
        if all(_says_how_it_ended(table) for table in tables):
            for name, value in added_up(tables).items():
                checked.compare(name, report.members[name], value)
        if (since := report.members.get("comparison")) is not None:  # Of the old report nothing can be checked.
            checked.compare("comparison", comparison.claims(since), comparison.evidence(since, tables))
        files = [checked]
        audits: dict[str, str] = {}
        for index, table in enumerate(tables):
            where = f"tables[{index}]"
            _check_status(checked, where, table, report)
            if table["status"] in ("error", "not-run") or "summary" not in table:
                checked.compare(f"{where}.summary", table.get("summary", NOTHING), NOTHING)
                if "error" in table:
                    specs = manifest.tables if manifest is not None else ()
                    spec = specs[index] if index < len(specs) else None
                    is_same = report.is_ours and report.block["versions"] == versions()
                    self._again.failure(checked, where, table, spec, is_same)
                continue
            beside = table["audit_json"]
            if beside is None:
                checked.tell_not(f"{where}: it has no audit, so its labels are not checked")
            elif beside in audits:
                checked.compare(f"{where}.audit_json", beside, f"that of {audits[beside]}")
            else:
                audits[beside] = where
                files += self._audited(checked, where, table, report, manifest)
        return files

    def _provenance(self, checked: Checked, report: Report) -> Manifest | None:
        """Check the block of a report. Return the manifest of the run, or None if it is not known."""
        document, block = report.members, report.block
        tables = document["tables"]
        if not report.is_ours:
            of_tables = [path for table in tables for path in (table["features"], *table["labels"])]
            self._files.compare_inputs_of_foreign_block(checked, block, of_tables)
            return self._manifests.without_hash(checked, document)
        of_labelled = {table["features"] for table in tables if "summary" in table}
        unhashed = {table["features"] for table in tables} - of_labelled
        check_block(self._files, checked, block, unhashed=unhashed)
        inputs = block["inputs"]
        checked.compare("manifest", document["manifest"], (inputs["manifest"] or {}).get("path"))
        _compare_paths(checked, tables, inputs)
        check_outputs(checked, block, {"out": None, "audit_json": None})
        return check_choice(checked, document, block["args"], self._manifests.of_block(checked, block))

    def _audited(
        self, checked: Checked, where: str, table: Mapping[str, Any], report: Report, manifest: Manifest | None
    ) -> list[Checked]:
        """Check the audit of a table in a report, and compare the two. Return the result of the audit.

        ``manifest`` is that of the run, if it is known to be as it was then.
        """
        beside = table["audit_json"]
        if why := self._files.refusal(beside):
            checked.tell_not(f"{where}.audit_json: {beside} {why}")
            return []
        audit = load(beside)
        if not isinstance(audit, Audit):  # A report is not followed here: it could name itself.
            why = audit.fault if isinstance(audit, Unknown) else "is not an audit"
            checked.tell_not(f"{where}.audit_json: {beside} {why}")
            return []
        found = Checked(beside, audit.kind)
        recorded, block = _recorded_path(audit), report.block
        folder = working_folder(recorded, beside) if table["status"] == "unchanged" and recorded else None
        if folder is not None:
            found.tell_not(f"a run in another folder wrote it; its paths open there: verify it with --root {folder}")
        has_later = manifest is not None and table["status"] == "unchanged" and _is_of_manifest(audit, report, table)
        if (
            found.has_shape(audit)
            if folder is not None
            else self.audits.audit(found, audit, has_later_manifest=has_later)
        ):
            _compare_with_audit(checked, where, table, block, audit)
        else:
            checked.tell_not(f"{where}.audit_json: {beside} is of another shape, so the two are not compared")
        return [found]


def _compare_paths(checked: Checked, tables: Sequence[Mapping[str, Any]], inputs: Mapping[str, Any]) -> None:
    """Compare the paths of the inputs in a block with those of the tables that were run."""
    were_run = [table for table in tables if table["status"] != "not-run"]
    read = {
        "features": [table["features"] for table in were_run],
        "labels": [label for table in were_run for label in table["labels"]],
    }
    for name, paths in read.items():
        records = inputs[name] if isinstance(inputs[name], list) else [inputs[name]]
        recorded = [record and record["path"] for record in records]
        checked.compare(f"run_provenance.inputs.{name}: paths", recorded, list(dict.fromkeys(paths)))


def _compare_with_audit(
    checked: Checked, where: str, table: Mapping[str, Any], block: Mapping[str, Any], audit: Audit
) -> None:
    """Compare the entry of a table in a report with its audit."""
    of_table, recorded = audit.members, _recorded_path(audit)
    for name, of_audit in _OF_AUDIT.items():
        if name not in table:
            checked.tell_not(f"it lacks what this version writes, which is not checked: {shown(f'{where}.{name}')}")
        elif of_audit in of_table and not (
            table["status"] == "unchanged"
            and name in _PATHS
            and _are_same_files(of_table[of_audit], table[name], recorded, table["audit_json"])
        ):
            checked.compare(f"{where}.{name}", table[name], of_table[of_audit])
    summary = {name: of_table.get(name, value) for name, value in table["summary"].items()}
    checked.compare(f"{where}.summary", table["summary"], summary)
    checked.compare(f"{where}.diagnosis", table.get("diagnosis"), of_table.get("diagnosis"))
    said = [one for one in table.get("warnings", ()) if one != NEVER_SKIPPED]
    checked.compare(f"{where}.warnings", said, of_table.get("warnings", said))
    if table["status"] == "ok" and _is_same_run(block, audit.block):
        checked.compare("run_provenance.versions", block["versions"], audit.block["versions"])


def _recorded_path(audit: Audit) -> str | None:
    """Return the path that a run wrote an audit to, or None if its block does not tell."""
    path = audit.block["outputs"].get("audit_json") if audit.is_ours and not audit.block_misfits() else None
    return path if isinstance(path, str) and path and "\0" not in path else None


def _is_of_manifest(audit: Audit, report: Report, table: Mapping[str, Any]) -> bool:
    """Return whether the audit of a table that was skipped names the manifest of the report."""
    recorded = _recorded_path(audit)
    own = (audit.block["inputs"]["manifest"] or {}).get("path") if recorded is not None else None
    return own is not None and _are_same_files(own, report.members["manifest"], recorded, table["audit_json"])


def _are_same_files(paths: Any, now: Any, recorded: str | None, opened: str) -> bool:
    """Return whether the paths of an audit, or one path, lead to the files that a report names."""
    several, several_now = ([one] if isinstance(one, str) else one or [] for one in (paths, now))
    return len(several) == len(several_now) and all(
        is_same_file(path, path_now, recorded, opened) for path, path_now in zip(several, several_now, strict=True)
    )


def _is_same_run(block: Any, other: Any) -> bool:
    """Return whether two blocks seem to be of one run. A table may have been labelled again since."""
    if not is_ours(block) or not is_ours(other):
        return False
    of_block, of_other = (
        {name: value for name, value in one["args"].items() if name not in BY_WORKERS} for one in (block, other)
    )
    return (block["argv"], of_block) == (other["argv"], of_other)


def _says_how_it_ended(table: Mapping[str, Any]) -> bool:
    return "summary" in table or "error" in table or table["status"] == "not-run"


def _check_status(checked: Checked, where: str, table: Mapping[str, Any], report: Report) -> None:
    """Compare the status of a table in a report with the rest of its entry."""
    if not _says_how_it_ended(table):
        checked.tell_not(f"{where}: has neither a summary nor an error")
        return
    fitting = ["ok", "unchanged"] if "summary" in table else ["error"] if "error" in table else ["not-run"]
    may_skip = not report.is_ours or report.block["args"].get("skip_unchanged")
    if "unchanged" in fitting and (table["audit_json"] is None or not may_skip):
        fitting.remove("unchanged")
    if table["status"] not in fitting:
        checked.compare(f"{where}.status", table["status"], " or ".join(fitting))
    elif "summary" in table:
        checked.compare(f"{where}.error", table.get("error", NOTHING), NOTHING)
