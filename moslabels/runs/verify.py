"""Whether reports, audits and labelled tables say what is so: hashes, counts, and labelling again without writing."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from moslabels.base.errors import MosLabelsError, TableError, UsageError
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import listed, shown, visible
from moslabels.base.version import __version__
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence import audit, provenance, report
from moslabels.evidence import embedded as evidence
from moslabels.evidence.documents import Reach
from moslabels.evidence.json_schema import audit_document, entry_document, misfits, provenance_block, report_document
from moslabels.evidence.provenance import plain, recorded_hashes, versions
from moslabels.evidence.run import Run
from moslabels.evidence.strict_json import DocumentError, parse
from moslabels.files.contents import HEAD, not_json, not_parquet
from moslabels.files.locks import LEFT_BESIDE
from moslabels.files.records import file_sha256
from moslabels.files.regular import open_regular, reason
from moslabels.files.workspace import Workspace
from moslabels.labelling import output as labelled
from moslabels.labelling.keys import several
from moslabels.runs.table import beside_warnings, label_table
from moslabels.spec.entry import table_spec
from moslabels.spec.formats import FORMATS
from moslabels.spec.manifest import Manifest, load_manifest
from moslabels.spec.paths import refuse_url
from moslabels.spec.table import TableSpec

_BY_HAND = ("run_provenance", "output_sha256", "output_bytes")
_VERSIONS = ("moslabels", "duckdb", "pyarrow", "python")
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
"""Members of an audit without which nothing of it can be checked. What else it lacks, an older version left out."""
_OF_THE_SYSTEM = (
    "no-file",
    "unreadable",
    "changed",
    "in-use",
    "read-back",
    "file-system",
    "statement",
    "resources",
    "internal",
)
"""Codes of errors that say nothing of the labels: labelling again may end in one, or in another, on the same inputs."""
_MOST_MISFITS = 5


@dataclass
class Checked:
    """What came of one file: what differs from what it says, and what could not be told.

    ``missing`` are the files that it names and that are not there; ``notes`` are told and are no part of what is
    compared; ``apart`` are the places of members that it lacks, or that this version does not know.
    """

    path: str
    kind: str
    differences: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    changed_inputs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    apart: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        return "differs" if self.differences else "unknown" if self.unknown else "ok"

    def compare(self, what: str, claimed: Any, found: Any) -> None:
        """Note a difference; of objects and lists, each member that differs."""
        if isinstance(claimed, Mapping) and isinstance(found, Mapping):
            for name in sorted({*claimed, *found}):
                self.compare(f"{what}.{name}" if what else name, claimed.get(name, _NONE), found.get(name, _NONE))
        elif isinstance(claimed, list) and isinstance(found, list) and len(claimed) == len(found):
            for index, pair in enumerate(zip(claimed, found, strict=True)):
                self.compare(f"{what}[{index}]", *pair)
        elif what in self.apart and (claimed is _NONE or found is _NONE):
            return  # It is told as such.
        elif claimed != found or isinstance(claimed, bool) != isinstance(found, bool):
            difference = {"what": what, "claimed": _plain(claimed), "found": _plain(found)}
            if difference not in self.differences:  # Several things may tell the same.
                self.differences.append(difference)

    def tell_not(self, why: str) -> None:
        """Note once what could not be told."""
        if why not in self.unknown:
            self.unknown.append(why)

    def has_shape(
        self, document: Any, schema: Mapping[str, Any], place: str = "", may_lack: Callable[[str], bool] | None = None
    ) -> bool:
        """Whether a document has the shape that its schema says, so that it can be checked; notes what cannot."""
        found = [one for one in misfits(document, schema, place) if one.kind != "value"]
        self.apart |= {one.place for one in found}
        unknown = [one.place for one in found if one.kind == "unknown"]
        lacking = [one.place for one in found if one.kind == "missing" and may_lack is not None and may_lack(one.place)]
        wrong = [one for one in found if one.place not in (*unknown, *lacking)]
        for one in wrong[:_MOST_MISFITS]:
            self.tell_not(f"its shape is not that of one that moslabels wrote: {visible(one.place) or 'it'} {one.says}")
        if unknown:
            self.tell_not(f"it holds what this version does not know, which is not checked: {listed(unknown)}")
        if lacking:
            self.tell_not(f"it lacks what this version writes, which is not checked: {listed(lacking)}")
        return not wrong

    def document(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "kind": self.kind,
            "status": self.status,
            "differences": self.differences,
            "unknown": self.unknown,
            "changed_inputs": self.changed_inputs,
            "missing": self.missing,
            "notes": self.notes,
        }


_NONE = object()


def _plain(value: Any) -> Any:
    return "nothing" if value is _NONE else value


def verify(paths: Sequence[str], settings: Settings = DEFAULTS, *, only_root: bool = False) -> dict[str, Any]:
    """Check reports, audits and labelled Parquet files against the tables that they are about.

    Relative paths in them open from the working folder. Returns ``{"status": …, "files": […], "outside": […]}``, where
    a status is ``ok``, ``differs`` or ``unknown`` (something could not be told; ``differs`` wins over it); a report's
    audits are among the files. ``outside`` lists the paths in them that lie outside of the working folder, which
    ``only_root`` refuses to open. Nothing is written.
    """
    found: list[Checked] = []
    verifier = _Verifier(settings, Reach(is_only=only_root))
    for path in paths:
        refuse_url("file", path)
        found += verifier.file(path)
    order = ("differs", "unknown", "ok")
    status = min((checked.status for checked in found), key=order.index, default="unknown")
    outside = list(verifier.reach.outside)
    return {"status": status, "files": [checked.document() for checked in found], "outside": outside}


@dataclass(frozen=True)
class _Loaded:
    """What a file holds: ``kind`` is audit, report, labelled table or unknown; ``fault`` says why it is unknown."""

    kind: str
    document: Any = None
    fault: str = ""


def _load(path: str) -> _Loaded:
    """Open a file once, and see by what it holds, and not by its name, what it is."""
    import pyarrow as pa

    head, is_parquet = b"", False
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD)
            is_parquet = head.startswith(b"PAR1")
            stream.seek(0)
            if is_parquet:
                entry = evidence.read(stream)
                fault = "" if entry is not None else "carries no evidence: it was not written by moslabels, or lost it"
                return _Loaded("labelled table", entry, fault)
            document = parse(stream)
    except OSError as error:
        return _Loaded("unknown", fault=reason(error))
    except pa.ArrowException as error:
        return _Loaded("labelled table", fault=f"cannot be read: {error}")
    except DocumentError as error:
        if is_parquet:
            return _Loaded("labelled table", fault=str(error))
        suffix = FORMATS.get(os.path.splitext(path)[1].lower(), "json")
        if suffix == "parquet":
            return _Loaded("unknown", fault=f"cannot be read: it {not_parquet(head) or 'is no Parquet file'}")
        says = str(error) if suffix == "json" else "is a table without evidence in it: name its audit"
        return _Loaded("unknown", fault=not_json(head) or says)
    schema = document.get("schema") if isinstance(document, dict) else None
    kinds = {audit.SCHEMA: "audit", report.SCHEMA: "report"}
    if isinstance(schema, str) and schema in kinds:
        return _Loaded(kinds[schema], document)
    if isinstance(schema, str) and schema.startswith(audit.FAMILY):
        return _Loaded("unknown", fault=f"is of the schema {shown(schema)}, which this version does not know")
    return _Loaded("unknown", fault="is no audit, no report and no labelled Parquet file")


class _Verifier:
    """The checks of the files that are named. A file that several of them name is hashed once."""

    def __init__(self, settings: Settings, reach: Reach) -> None:
        self.settings = settings
        self.reach = reach
        self.run = Run(settings=settings, is_dry=True)
        self.manifests: dict[str, Manifest | str] = {}
        self.hashes: dict[tuple[int, ...], str] = {}

    def file(self, path: str) -> list[Checked]:
        """Check a file that the caller names, and the audits that it names where it is a report."""
        loaded = _load(path)
        if loaded.kind == "report":
            return self._report(path, loaded.document)
        return [self._one(path, loaded)[0]]

    def _one(self, path: str, loaded: _Loaded) -> tuple[Checked, Mapping[str, Any] | None]:
        """What came of an audit or a table, and the document where it is an audit that can be checked."""
        checked = Checked(path, loaded.kind)
        if loaded.fault:
            checked.tell_not(loaded.fault)
        elif loaded.kind == "labelled table":
            self._labelled(checked, loaded.document)
        elif self._audit(checked, loaded.document):
            return checked, loaded.document
        return checked, None

    def _audit(self, checked: Checked, document: Mapping[str, Any]) -> bool:
        """Check an audit; False where it is of another shape."""
        block = document.get("run_provenance")
        is_ours = _is_ours(block)
        has_shape = checked.has_shape(document, audit_document(), may_lack=_may_lack)
        if is_ours:
            has_shape = checked.has_shape(block, provenance_block(), "run_provenance") and has_shape
        if not has_shape or not isinstance(block, Mapping):
            return False
        in_memory = document["output"] is None
        of_table = [document["feature_table"], *document["label_sources"]]
        if is_ours:
            self._block(checked, block, may_be_memory=in_memory)
            inputs = block["inputs"]
            features = inputs["features"] if isinstance(inputs["features"], list) else [inputs["features"]]
            read = [record and record["path"] for record in (*features, *inputs["labels"])]
            checked.compare("paths in run_provenance", read, of_table)
            self._written(checked, block, {"out": document["output"], **self._targets(checked, document, block)})
        elif not self._hashes(checked, block, of_table):
            checked.tell_not("its run_provenance is the caller's own and holds no hashes of the inputs")
        if in_memory:
            checked.tell_not("it is of a join in memory: there is no output, and no features to label again")
            return True
        self._hashed(checked, "output", document["output"], document["output_sha256"], document["output_bytes"])
        left = document.get("unmatched")
        if left is not None:
            self._hashed(checked, "unmatched", left["path"], left["sha256"], left["bytes"])
            if is_ours:
                checked.compare("unmatched.path", left["path"], block["outputs"].get("unmatched"))
        if "config" not in document:
            checked.tell_not("it does not hold the options that were given, so nothing is labelled again")
            return True
        spec = _spec(
            checked,
            document["feature_table"],
            document["label_files"],
            document["output"],
            document["config"],
            left and left["path"],
        )
        if spec is not None:
            self._relabelled(checked, spec, document, block)
        return True

    def _relabelled(
        self, checked: Checked, spec: TableSpec, document: Mapping[str, Any], block: Mapping[str, Any]
    ) -> None:
        """Compare an audit with its output, and with that of labelling its table again."""
        if self._sha256(checked, spec.out) is not None:
            self._recount(checked, spec, several(document["feature_key_column"]), document)
        is_same = block.get("versions") == versions()
        again = self._again(checked, spec, is_same)
        if again is None:
            return
        sha256 = document["output_sha256"]
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
        checked.notes += [warning for path, warning in beside.items() if os.path.lexists(path)]
        checked.compare("", claimed, {name: value for name, value in found.items() if name not in added})
        if is_same:
            checked.compare("output_sha256, labelled again", sha256, again["output_sha256"])
        else:
            checked.tell_not("other versions wrote it: the bytes of the output are not compared")

    def _labelled(self, checked: Checked, entry: Any) -> None:
        """Check a labelled table by the evidence that it carries."""
        if not checked.has_shape(entry, entry_document()):
            return
        if entry["schema"] != evidence.SCHEMA:
            checked.tell_not(
                f"its evidence is of the schema {shown(entry['schema'])}, which this version does not know"
            )
            return
        for record in (entry["features"], *entry["labels"]):
            self._record(checked, f"sha256 of {record['path']}", record)
        spec = _spec(checked, entry["features"]["path"], entry["labels"], checked.path, entry["config"])
        if spec is None:
            return
        counts = {**entry["counts"], "match_rate": entry["match_rate"]}
        self._recount(checked, spec, several(entry["feature_key_column"]), counts)
        is_same = entry["versions"] == versions()
        again = self._again(checked, spec, is_same)
        if again is not None:
            checked.compare("counts", counts, {name: again[name] for name in counts if name in again})
            checked.compare("feature_key_column", entry["feature_key_column"], again["feature_key_column"])
            if is_same:
                checked.compare("sha256, labelled again", file_sha256(checked.path), again["output_sha256"])
            else:
                checked.tell_not("other versions wrote it: its bytes are not compared")

    def _report(self, path: str, document: Mapping[str, Any]) -> list[Checked]:
        checked = Checked(path, "report")
        block = document.get("run_provenance")
        is_ours = _is_ours(block)
        has_shape = checked.has_shape(document, report_document())
        if is_ours:
            has_shape = checked.has_shape(block, provenance_block(), "run_provenance") and has_shape
        if not has_shape or not isinstance(block, Mapping):
            return [checked]
        tables = document["tables"]
        if is_ours:
            of_labelled = {table["features"] for table in tables if "summary" in table}
            self._block(checked, block, unhashed={table["features"] for table in tables} - of_labelled)
            inputs = block["inputs"]
            checked.compare("manifest", document["manifest"], (inputs["manifest"] or {}).get("path"))
            were_run = [table for table in tables if table["status"] != "not-run"]
            read = {
                "features": [table["features"] for table in were_run],
                "labels": [label for table in were_run for label in table["labels"]],
            }
            for name, paths in read.items():
                records = inputs[name] if isinstance(inputs[name], list) else [inputs[name]]
                recorded = [record and record["path"] for record in records]
                checked.compare(f"run_provenance.inputs.{name}: paths", recorded, list(dict.fromkeys(paths)))
            self._written(checked, block, {"out": None, "audit_json": None})
            manifest = self._manifest(checked, block)
        else:
            of_tables = [path for table in tables for path in (table["features"], *table["labels"])]
            if not self._hashes(checked, block, of_tables):
                checked.tell_not("its run_provenance is the caller's own and holds no hashes of the inputs")
            manifest = self._manifest_without_hash(checked, document)
        self._tables(checked, tables, manifest)
        if all(_says_how_it_ended(table) for table in tables):
            for name, value in report.added_up(tables).items():
                checked.compare(name, document[name], value)
        files = [checked]
        audits: dict[str, str] = {}
        for index, table in enumerate(tables):
            where = f"tables[{index}]"
            _status(checked, where, table, block)
            if table["status"] in ("error", "not-run") or "summary" not in table:
                checked.compare(f"{where}.summary", table.get("summary", _NONE), _NONE)
                if "error" in table:
                    specs = manifest.tables if manifest is not None else ()
                    spec = specs[index] if index < len(specs) else None
                    self._failed(checked, where, table, spec, is_ours and block["versions"] == versions())
                continue
            beside = table["audit_json"]
            if beside is None:
                checked.tell_not(f"{where}: it has no audit, so its labels are not checked")
            elif beside in audits:
                checked.compare(f"{where}.audit_json", beside, f"that of {audits[beside]}")
            else:
                audits[beside] = where
                self._audited(checked, where, table, block, files)
        return files

    def _audited(
        self, checked: Checked, where: str, table: Mapping[str, Any], block: Mapping[str, Any], files: list[Checked]
    ) -> None:
        """Check the audit of a table of a report, and compare the two."""
        beside = table["audit_json"]
        try:
            self.reach.check(beside)
        except OSError as error:
            checked.tell_not(f"{where}.audit_json: {beside} {reason(error)}")
            return
        loaded = _load(beside)
        if loaded.kind != "audit":  # A report that names a report would have no end.
            checked.tell_not(f"{where}.audit_json: {beside} {loaded.fault or 'is no audit'}")
            return
        found, of_table = self._one(beside, loaded)
        files.append(found)
        if of_table is None:
            checked.tell_not(f"{where}.audit_json: {beside} is of another shape, so the two are not compared")
            return
        names = {
            "features": "feature_table",
            "labels": "label_sources",
            "out": "output",
            "config": "config",
            "feature_key_column": "feature_key_column",
        }
        for name, of_audit in names.items():
            if name not in table:
                checked.tell_not(f"it lacks what this version writes, which is not checked: {shown(f'{where}.{name}')}")
            elif of_audit in of_table:
                checked.compare(f"{where}.{name}", table[name], of_table[of_audit])
        summary = {name: of_table.get(name, value) for name, value in table["summary"].items()}
        checked.compare(f"{where}.summary", table["summary"], summary)
        checked.compare(f"{where}.diagnosis", table.get("diagnosis"), of_table.get("diagnosis"))
        said = [one for one in table.get("warnings", ()) if one != report.NEVER_SKIPPED]
        checked.compare(f"{where}.warnings", said, of_table.get("warnings", said))
        if table["status"] == "ok" and _is_same_run(block, of_table["run_provenance"]):
            theirs = of_table["run_provenance"]["versions"]
            checked.compare("run_provenance.versions", block["versions"], theirs)

    def _failed(
        self, checked: Checked, where: str, table: Mapping[str, Any], spec: TableSpec | None, is_same: bool
    ) -> None:
        """Compare the error of a table with that of labelling it again."""
        if spec is None:
            # Options of single label files are not in a report: it may end otherwise, which then tells nothing.
            is_same = False
            labels = [{"path": path, "source": path, "config": {}} for path in table["labels"]]
            spec = _spec(checked, table["features"], labels, table["out"], table["config"], table.get("unmatched"))
        if spec is None:
            return
        for _, path in spec.inputs():
            try:
                self.reach.check(path)
            except OSError as error:
                checked.tell_not(f"{where}.error: {path} {reason(error)}")
                return
        claimed = {name: table[name] for name in ("error", "error_code", "diagnosis") if name in table}
        found: dict[str, Any] = {}
        try:
            label_table(replace(spec, audit_json=None), self.run)
        except MosLabelsError as error:
            entry = report.table_entry(spec, None, error)
            found = {name: plain(entry[name]) for name in ("error", "error_code", "diagnosis") if name in entry}
        if "error_code" not in claimed:  # as older versions wrote it
            checked.tell_not(f"it lacks what this version writes, which is not checked: {shown(f'{where}.error_code')}")
            found.pop("error_code", None)
        if claimed == found:
            return
        codes = (claimed.get("error_code"), found.get("error_code"))
        if is_same and not any(code in _OF_THE_SYSTEM for code in codes):
            checked.compare(where, claimed, found)
            return
        says = f"says {shown(table['error'])}, and labelling again {shown(found.get('error', 'no error'))}"
        checked.tell_not(f"{where}.error: {says}")

    def _tables(self, checked: Checked, tables: Sequence[Mapping[str, Any]], manifest: Manifest | None) -> None:
        """Compare what a report says that was to be labelled with its manifest."""
        if manifest is None:
            return
        checked.compare("number of tables", len(tables), len(manifest.tables))
        for index, (table, spec) in enumerate(zip(tables, manifest.tables, strict=False)):
            given = plain(report.table_entry(spec, None, None))
            for name in sorted({*given, "unmatched"} - {"status"}):
                checked.compare(f"tables[{index}].{name}", table.get(name, _NONE), given.get(name, _NONE))

    def _block(
        self,
        checked: Checked,
        block: Mapping[str, Any],
        *,
        may_be_memory: bool = False,
        unhashed: Collection[str] = (),
    ) -> None:
        """Check what moslabels writes into every block of its own, whatever is labelled.

        ``unhashed`` are the features of tables that failed: they may lack a hash.
        """
        checked.compare("run_provenance.schema", block.get("schema", _NONE), provenance.SCHEMA)
        recorded = block["versions"]
        for name in sorted({*_VERSIONS, *recorded}):
            version = recorded.get(name, _NONE)
            if name in _VERSIONS and not version:
                checked.compare(f"run_provenance.versions.{name}", version, "a version")
        entrypoint = provenance.entrypoint()
        if not _is_of_this_version(block):
            checked.unknown.append("another version of moslabels wrote it: its entrypoint.sha256 is not compared")
            entrypoint["sha256"] = block["entrypoint"].get("sha256", _NONE)
        checked.compare("run_provenance.entrypoint", block["entrypoint"], entrypoint)
        inputs = block["inputs"]
        of_manifest = (inputs["manifest"] or {}).get("path")
        checked.compare("run_provenance.inputs.manifest", of_manifest, block["args"].get("manifest"))
        for name, value in sorted(inputs.items()):
            for record in value if isinstance(value, list) else [value]:
                if record is None or (may_be_memory and record["kind"] == "memory" and record["sha256"] is None):
                    continue
                what = f"{name} {record['path']}"
                is_unhashed = name == "features" and record["path"] in unhashed and record.get("kind") == "file"
                if record["sha256"] is not None or not is_unhashed:
                    self._record(checked, f"{what}: sha256", record)
                # Of what was a file then, the hash says whether it still is that.
                was: dict[str, Any] | None = {"exists": True, "kind": "file"}
                if record["sha256"] is None:
                    was = self._kind(checked, record["path"], is_to_hash=not is_unhashed)
                if was is not None:
                    for member in ("exists", "kind"):
                        checked.compare(f"{what}: {member}", record[member], was[member])

    def _hashes(self, checked: Checked, block: Any, paths: Iterable[str]) -> bool:
        """Compare the hashes of these inputs in a caller's own block; False where it holds none."""
        inputs = block.get("inputs") if isinstance(block, Mapping) else None
        recorded = {
            path: sha256
            for path, sha256 in recorded_hashes(inputs)
            if path in {*paths} and re.fullmatch("[0-9a-f]{64}", sha256)
        }
        for path, sha256 in recorded.items():
            self._record(checked, f"{path}: sha256", {"path": path, "sha256": sha256})
        return bool(recorded)

    def _written(self, checked: Checked, block: Mapping[str, Any], written: Mapping[str, Any]) -> None:
        """Compare the outputs of a block with what was written, and with the reports that the arguments name."""
        given = block["args"]
        reports = {name: given.get(name) for name in ("report_json", "report_md")}
        if given.get("report_html"):
            reports["report_html"] = given["report_html"]
        checked.compare("run_provenance.outputs", block["outputs"], {**reports, **written})

    def _targets(self, checked: Checked, document: Mapping[str, Any], block: Mapping[str, Any]) -> dict[str, Any]:
        """The other outputs of a table, by its manifest or by the arguments; as claimed where neither tells."""
        names = ("audit_json", "unmatched")
        if "manifest" not in block["args"]:
            targets = {name: block["args"].get(name) for name in names}
        elif (manifest := self._manifest(checked, block)) is None:
            targets = {name: block["outputs"].get(name) for name in names}
        else:
            specs = [spec for spec in manifest.tables if spec.out == document["output"]]
            if not specs:
                checked.compare("output", document["output"], f"no out of {manifest.path}")
                return {name: block["outputs"].get(name) for name in names}
            given = report.table_entry(specs[0], None, None)
            of_audit = {"features": "feature_table", "labels": "label_sources", "config": "config"}
            for name, of_audit_name in of_audit.items():
                if of_audit_name in document:
                    checked.compare(of_audit_name, document[of_audit_name], plain(given[name]))
            targets = {name: given.get(name) for name in names}
        # Without an unmatched, the outputs have no such member.
        return {name: path for name, path in targets.items() if name == "audit_json" or path}

    def _manifest(self, checked: Checked, block: Mapping[str, Any]) -> Manifest | None:
        """The manifest of a run, loaded again; None where it is another now, or not what was labelled by."""
        record, given = block["inputs"]["manifest"], block["args"]
        if not record or not record["sha256"] or self._sha256(checked, record["path"]) != record["sha256"]:
            return None
        if "manifest_loaded" in given:
            return None
        key = json.dumps([record["path"], given.get("base_dir")])
        if key not in self.manifests:
            try:
                self.manifests[key] = load_manifest(record["path"], given.get("base_dir"))
            except MosLabelsError as error:
                self.manifests[key] = str(error)
        found = self.manifests[key]
        if isinstance(found, Manifest):
            return found
        checked.unknown.append(f"its manifest cannot be loaded again: {found}")
        return None

    def _manifest_without_hash(self, checked: Checked, document: Mapping[str, Any]) -> Manifest | None:
        """The manifest that a report with a block of the caller's own names, if it is of the report's tables."""
        path = document["manifest"]
        if self._sha256(checked, path) is None:
            return None
        try:
            manifest = load_manifest(path)
        except MosLabelsError as error:
            checked.tell_not(f"its manifest cannot be loaded again: {error}")
            return None
        entries = [plain(report.table_entry(spec, None, None)) for spec in manifest.tables]
        kept = ("id", "features", "labels", "out", "audit_json", "config", "unmatched")
        of_manifest, of_report = (
            [{name: table.get(name) for name in kept} for table in tables] for tables in (entries, document["tables"])
        )
        if of_manifest == of_report:
            return manifest
        checked.tell_not(
            f"its run_provenance holds no hash of its manifest, and {path} has other tables, or other paths"
        )
        return None

    def _record(self, checked: Checked, what: str, record: Mapping[str, Any]) -> None:
        """Compare the hash of an input with what it was; where there was no file, with what is there now."""
        path = record["path"]
        if record["sha256"] is not None:
            now = self._sha256(checked, path)
        elif (found := self._kind(checked, path)) is not None:
            now = found["sha256"]
        else:
            return
        if now is not None and now != record["sha256"]:
            checked.compare(what, record["sha256"], now)
            checked.changed_inputs.append(path)

    def _hashed(self, checked: Checked, what: str, path: str, sha256: str | None, size: int | None) -> None:
        """Compare a file that was written with its hash and its size."""
        if sha256 is None or size is None:
            checked.tell_not(f"it does not hold the sha256 and the bytes of {path}")
            return
        now = self._sha256(checked, path)
        if now is not None:
            names = ("output_sha256", "output_bytes") if what == "output" else (f"{what}.sha256", f"{what}.bytes")
            checked.compare(names[0], sha256, now)
            checked.compare(names[1], size, os.path.getsize(path))

    def _sha256(self, checked: Checked, path: str) -> str | None:
        """The sha256 of a file that a document names; None, and a note, where there is none that can be read."""
        try:
            self.reach.check(path)
            with open_regular(path) as stream:
                state = os.fstat(stream.fileno())
                known = self.hashes.get((state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))
                sha256 = known or hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            checked.tell_not(f"{path}: {reason(error)}")
            if isinstance(error, FileNotFoundError) and path not in checked.missing:
                checked.missing.append(path)
            return None
        self.hashes[state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns] = sha256
        self.run.record(path, sha256)  # It need not be hashed again to be labelled again.
        return sha256

    def _kind(self, checked: Checked, path: str, *, is_to_hash: bool = True) -> dict[str, Any] | None:
        """The record of what is at a path now; None, and a note, where it must not be looked at."""
        try:
            self.reach.check(path)
        except OSError as error:
            checked.tell_not(f"{path}: {reason(error)}")
            return None
        return self.run.record(path, is_to_hash=is_to_hash)

    def _recount(self, checked: Checked, spec: TableSpec, key: Sequence[str], claimed: Mapping[str, Any]) -> None:
        """Count rows, statuses, sources and keys in the output itself."""
        try:
            with (
                held(),
                Workspace(self.settings.temp_dir) as workspace,
                Engine(self.settings, workspace.folder) as engine,
                released(),
            ):
                try:
                    features = spec.features if self._sha256(checked, spec.features) is not None else None
                    labelled.read_back(engine, workspace, spec.out, key, spec.options, spec.features, features)
                except TableError as error:
                    if error.code not in ("bad-score", "conflict"):  # Its keys can be counted all the same.
                        raise
                    checked.tell_not(f"its output cannot be read back: {error}")
                found = engine.row(render("output/40_output_counts"))
        except MosLabelsError as error:
            checked.tell_not(f"its output cannot be read back: {error}")
            return
        labels = {label.given for label in spec.labels}
        checked.compare("sources in the output", [], sorted(set(found.pop("sources")) - labels))
        unknown = sorted(set(found.pop("statuses")) - {"ok", "missing-label"})
        checked.compare("other statuses in the output", [], unknown)
        for name, value in found.items():
            if name in claimed:
                checked.compare(f"{name}, counted in the output", claimed[name], value)

    def _again(self, checked: Checked, spec: TableSpec, is_same: bool) -> dict[str, Any] | None:
        """The audit of labelling the table again; None where that cannot be. ``is_same`` says by the same versions."""
        if lacking := [path for _, path in spec.inputs() if self._sha256(checked, path) is None]:
            checked.tell_not(f"nothing is labelled again without {', '.join(lacking)}")
            return None
        try:
            return label_table(replace(spec, audit_json=None), self.run)
        except MosLabelsError as error:
            if is_same and error.code not in _OF_THE_SYSTEM:
                checked.compare("labelling again", "no error", str(error))
            else:
                checked.tell_not(f"labelling again ends in an error: {error}")
            return None


def _is_ours(block: Any) -> bool:
    """Whether moslabels wrote a ``run_provenance`` block, and not the caller. An edit of one mark leaves two others."""
    if not isinstance(block, Mapping):
        return False
    entrypoint, recorded = block.get("entrypoint"), block.get("versions")
    marks = (
        block.get("schema") == provenance.SCHEMA,
        isinstance(entrypoint, Mapping) and entrypoint.get("path") == provenance.ENTRYPOINT,
        isinstance(recorded, Mapping) and {*recorded} == {*_VERSIONS},
    )
    return marks.count(True) > 1


def _is_of_this_version(block: Any) -> bool:
    recorded = block.get("versions") if isinstance(block, Mapping) else None
    return isinstance(recorded, Mapping) and recorded.get("moslabels") == __version__


def _is_same_run(block: Any, other: Any) -> bool:
    """Whether two blocks are of one run, so far as that can be told: a table may have been labelled again since."""
    return _is_ours(block) and _is_ours(other) and [block["argv"], block["args"]] == [other["argv"], other["args"]]


def _may_lack(place: str) -> bool:
    """Whether an audit without this member can still be checked: what is inside of others was always there."""
    return place not in _NEEDED and not any(sign in place for sign in ".[")


def _says_how_it_ended(table: Mapping[str, Any]) -> bool:
    return "summary" in table or "error" in table or table["status"] == "not-run"


def _status(checked: Checked, where: str, table: Mapping[str, Any], block: Any) -> None:
    """Compare the status of a table in a report with what else the report has of it."""
    if not _says_how_it_ended(table):
        checked.tell_not(f"{where}: has neither a summary nor an error")
        return
    fitting = ["ok", "unchanged"] if "summary" in table else ["error"] if "error" in table else ["not-run"]
    may_skip = not _is_ours(block) or block["args"].get("skip_unchanged")
    if "unchanged" in fitting and (table["audit_json"] is None or not may_skip):
        fitting.remove("unchanged")
    if table["status"] not in fitting:
        checked.compare(f"{where}.status", table["status"], " or ".join(fitting))
    elif "summary" in table:
        checked.compare(f"{where}.error", table.get("error", _NONE), _NONE)


def _spec(
    checked: Checked,
    features: str,
    labels: Sequence[Mapping[str, Any]],
    out: str,
    config: Mapping[str, Any],
    unmatched: str | None = None,
) -> TableSpec | None:
    """The spec of a table from what its evidence says of it; None, and a note, where there can be no such table."""
    given = [{"path": label["path"], **label["config"]} for label in labels]
    try:
        spec = table_spec(features, given, out, None, unmatched, config)
    except UsageError as error:
        problems = "; ".join(error.problems)
        checked.tell_not(f"its paths and options are not those of a table of this version: {problems}")
        return None
    sources = tuple(
        replace(label, given=of_label["source"]) for label, of_label in zip(spec.labels, labels, strict=True)
    )
    return replace(spec, labels=sources)


_SHOWN = 12


def text(document: Mapping[str, Any]) -> str:
    """What was found, as people read it: first what was given another content, then each difference."""
    lines = []
    for found in document["files"]:
        says = {"ok": "all of it holds", "differs": "differs", "unknown": "cannot be told"}[found["status"]]
        lines.append(f"{found['path']} ({found['kind']}): {says}{_in_short(found)}")
        differences = found["differences"]
        lines += [
            f"  {one['what'] or 'it'}: says {shown(one['claimed'])}, is {shown(one['found'])}"
            for one in differences[:_SHOWN]
        ]
        if len(differences) > _SHOWN:
            lines.append(f"  and {len(differences) - _SHOWN} more differences; --json has all")
        lines += [f"  not told: {note}" for note in found["unknown"]]
        lines += [f"  beside it: {note}" for note in found["notes"]]
    if document["outside"]:
        lines.append(f"named in them and outside of the folder: {', '.join(document['outside'])}")
    return "\n".join(lines)


def _in_short(found: Mapping[str, Any]) -> str:
    lacking, changed = (", ".join(dict.fromkeys(found[name])) for name in ("missing", "changed_inputs"))
    parts = [f"there is no {lacking}; --root names the folder that relative paths open from"] if lacking else []
    if changed:
        intact = found["kind"] == "audit" and not any(one["what"] == "output_sha256" for one in found["differences"])
        parts.append(f"{changed} changed since{'; the output is as it was written' if intact else ''}")
    return "".join(f": {part}" for part in parts)
