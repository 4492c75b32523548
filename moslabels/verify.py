"""Whether reports, audits and labelled tables say what is so: hashes, counts, and labelling again without writing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from moslabels import __version__, audit, evidence, labelled, provenance, report
from moslabels.contents import absence_advice, other_content, other_than_parquet
from moslabels.engine import Engine
from moslabels.errors import MosLabelsError
from moslabels.keys import several
from moslabels.labelling import Run, label_table
from moslabels.manifest import Manifest, TableSpec, load_manifest, refuse_url, table_spec
from moslabels.options import shown
from moslabels.provenance import plain, recorded_hashes, versions
from moslabels.render import render
from moslabels.settings import DEFAULTS, Settings
from moslabels.tables import FORMATS
from moslabels.workspace import Workspace

_BY_HAND = ("run_provenance", "output_sha256", "output_bytes")
_VERSIONS = ("moslabels", "duckdb", "pyarrow", "python")


@dataclass
class Checked:
    """What came of one file: what differs from what it says, and what could not be told."""

    path: str
    kind: str
    differences: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    changed_inputs: list[str] = field(default_factory=list)

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
        elif claimed != found or isinstance(claimed, bool) != isinstance(found, bool):
            difference = {"what": what, "claimed": _plain(claimed), "found": _plain(found)}
            if difference not in self.differences:  # Several things may tell the same.
                self.differences.append(difference)

    def document(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "kind": self.kind,
            "status": self.status,
            "differences": self.differences,
            "unknown": self.unknown,
            "changed_inputs": self.changed_inputs,
        }


_NONE = object()


def _plain(value: Any) -> Any:
    return "nothing" if value is _NONE else value


def verify(paths: Sequence[str], settings: Settings = DEFAULTS) -> dict[str, Any]:
    """Check reports, audits and labelled Parquet files against the tables that they are about.

    Relative paths in them open from the working folder. Returns ``{"status": …, "files": […]}``, where a status is
    ``ok``, ``differs`` or ``unknown`` (something could not be told); a report's audits are among the files. Nothing is
    written.
    """
    found: list[Checked] = []
    for path in paths:
        refuse_url("file", path)
    for path in paths:
        found += _Verifier(settings).file(path)
    order = ("differs", "unknown", "ok")
    status = min((checked.status for checked in found), key=order.index, default="unknown")
    return {"status": status, "files": [checked.document() for checked in found]}


class _Verifier:
    """The checks of one file. Inputs that several tables share are hashed once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.run = Run(settings=settings, is_dry=True)
        self.manifests: dict[str, Manifest | str] = {}

    def file(self, path: str) -> list[Checked]:
        if FORMATS.get(os.path.splitext(path)[1].lower()) == "parquet":
            return [self._labelled(path)]
        try:
            with open(path, encoding="utf-8-sig") as stream:
                document = json.load(stream)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}{absence_advice(path)}"
            return [Checked(path, "unknown", unknown=[reason])]
        except (ValueError, RecursionError) as error:
            is_table = FORMATS.get(os.path.splitext(path)[1].lower(), "json") != "json"
            reason = "is a table without evidence in it: name its audit" if is_table else f"is no JSON: {error}"
            return [Checked(path, "unknown", unknown=[other_content(path) or reason])]
        schema = document.get("schema") if isinstance(document, dict) else None
        checks = {audit.SCHEMA: self._audit, report.SCHEMA: self._report}
        if schema not in checks:
            return [Checked(path, "unknown", unknown=["is no audit, no report and no labelled Parquet file"])]
        kind = "audit" if schema == audit.SCHEMA else "report"
        try:
            return checks[schema](path, document)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            problem = {"what": str(error), "claimed": "a member of the right type", "found": "none"}
            return [Checked(path, kind, differences=[problem])]

    def _audit(self, path: str, document: Mapping[str, Any]) -> list[Checked]:
        checked = Checked(path, "audit")
        block = document["run_provenance"]
        in_memory = document["output"] is None
        of_table = [document["feature_table"], *document["label_sources"]]
        if _is_ours(block):
            self._block(checked, block, may_be_memory=in_memory)
            inputs = block["inputs"]
            read = [record["path"] for record in (inputs["features"], *inputs["labels"])]
            checked.compare("paths in run_provenance", read, of_table)
            self._written(checked, block, {"out": document["output"], **self._targets(checked, document, block)})
        elif not self._hashes(checked, block, of_table):
            checked.unknown.append("its run_provenance is the caller's own and holds no hashes of the inputs")
        if in_memory:
            checked.unknown.append("it is of a join in memory: there is no output, and no features to label again")
            return [checked]
        output = document["output"]
        sha256 = self._sha256(output)
        checked.compare("output_sha256", document["output_sha256"], sha256 or "no such file")
        if sha256:
            checked.compare("output_bytes", document["output_bytes"], os.path.getsize(output))
        if "config" not in document:
            checked.unknown.append("it does not hold the options that were given, so nothing is labelled again")
            return [checked]
        spec = _spec(document["feature_table"], document["label_files"], output, document["config"])
        self._recount(checked, spec, several(document["feature_key_column"]), document)
        again = self._again(checked, spec)
        if again is not None:
            claimed = {name: value for name, value in document.items() if name not in _BY_HAND}
            found = {name: value for name, value in again.items() if name not in _BY_HAND}
            if not _is_of_this_version(block):
                for name in sorted({*found} - {*claimed}):
                    checked.unknown.append(f"another version of moslabels wrote it, without {name}")
                    del found[name]
            checked.compare("", claimed, found)
            if block.get("versions") == versions():
                checked.compare("output_sha256, labelled again", document["output_sha256"], again["output_sha256"])
            else:
                checked.unknown.append("other versions wrote it: the bytes of the output are not compared")
        return [checked]

    def _labelled(self, path: str) -> Checked:
        import pyarrow as pa

        checked = Checked(path, "labelled table")
        try:
            entry = evidence.read(path)
        except (OSError, pa.ArrowException) as error:
            other = other_than_parquet(path) if os.path.isfile(path) else None
            checked.unknown.append(f"cannot be read: {f'it {other}' if other else error}")
            return checked
        if entry is None:
            checked.unknown.append("carries no evidence: it was not written by moslabels, or lost its metadata")
            return checked
        records = [entry["features"], *entry["labels"]]
        for record in records:
            self._record(checked, f"sha256 of {record['path']}", record)
        spec = _spec(entry["features"]["path"], entry["labels"], path, entry["config"])
        counts = {**entry["counts"], "match_rate": entry["match_rate"]}
        self._recount(checked, spec, several(entry["feature_key_column"]), counts)
        again = self._again(checked, spec)
        if again is not None:
            checked.compare("counts", counts, {name: again[name] for name in counts})
            if entry["versions"] == versions():
                checked.compare("sha256, labelled again", self._sha256(path), again["output_sha256"])
            else:
                checked.unknown.append("other versions wrote it: its bytes are not compared")
        return checked

    def _report(self, path: str, document: Mapping[str, Any]) -> list[Checked]:
        checked = Checked(path, "report")
        tables = document["tables"]
        block = document["run_provenance"]
        if _is_ours(block):
            labelled = {table["features"] for table in tables if "summary" in table}
            self._block(checked, block, unhashed={table["features"] for table in tables} - labelled)
            inputs = block["inputs"]
            checked.compare("manifest", document["manifest"], (inputs["manifest"] or {}).get("path"))
            were_run = [table for table in tables if table["status"] != "not-run"]
            read = {
                "features": [table["features"] for table in were_run],
                "labels": [label for table in were_run for label in table["labels"]],
            }
            for name, paths in read.items():
                recorded = [record["path"] for record in inputs[name]]
                checked.compare(f"run_provenance.inputs.{name}: paths", recorded, list(dict.fromkeys(paths)))
            self._written(checked, block, {"out": None, "audit_json": None})
            self._tables(checked, tables, self._manifest(checked, block))
        else:
            self._hashes(checked, block, [path for table in tables for path in (table["features"], *table["labels"])])
        for name, value in report.added_up(tables).items():
            checked.compare(name, document[name], value)
        files = [checked]
        for index, table in enumerate(tables):
            where = f"tables[{index}]"
            _status(checked, f"{where}.status", table, block)
            if table["status"] in ("error", "not-run") or "summary" not in table:
                checked.compare(f"{where}.summary", table.get("summary", _NONE), _NONE)
                continue
            if table["audit_json"] is None:
                checked.unknown.append(f"{where}: it has no audit, so its labels are not checked")
                continue
            found = self.file(table["audit_json"])
            files += found
            if found[0].kind != "audit":
                checked.compare(f"{where}.audit_json", "an audit", "none")
                continue
            with open(table["audit_json"], encoding="utf-8") as stream:
                of_table = json.load(stream)
            names = {"features": "feature_table", "labels": "label_sources", "out": "output", "config": "config"}
            for name, of_audit in names.items():
                checked.compare(f"{where}.{name}", table[name], of_table.get(of_audit, table[name]))
            checked.compare(f"{where}.summary", table["summary"], {name: of_table[name] for name in table["summary"]})
            if "feature_key_column" in table:
                key = of_table["feature_key_column"]
                checked.compare(f"{where}.feature_key_column", table["feature_key_column"], key)
            checked.compare(f"{where}.diagnosis", table.get("diagnosis"), of_table.get("diagnosis"))
            if table["status"] == "ok" and _is_same_run(block, of_table["run_provenance"]):
                theirs = of_table["run_provenance"]["versions"]
                checked.compare("run_provenance.versions", block["versions"], theirs)
        return files

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
            if name not in _VERSIONS or not isinstance(version, str) or not version:
                checked.compare(f"run_provenance.versions.{name}", version, "a version" if name in _VERSIONS else _NONE)
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
                was = {"exists": True, "kind": "file"}
                if record["sha256"] is None:
                    was = self.run.record(record["path"], is_to_hash=not is_unhashed)
                for member in ("exists", "kind"):
                    checked.compare(f"{what}: {member}", record.get(member, _NONE), was[member])

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
        if not record or not record["sha256"] or self._sha256(record["path"]) != record["sha256"]:
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

    def _record(self, checked: Checked, what: str, record: Mapping[str, Any]) -> None:
        now = self._sha256(record["path"])
        if record["sha256"] != now:
            checked.compare(what, record["sha256"], now or "no such file")
            checked.changed_inputs.append(record["path"])

    def _sha256(self, path: str) -> str | None:
        sha256: str | None = self.run.record(path)["sha256"]
        return sha256

    def _recount(self, checked: Checked, spec: TableSpec, key: Sequence[str], claimed: Mapping[str, Any]) -> None:
        """Count rows, statuses, sources and keys in the output itself."""
        try:
            with Workspace(self.settings.temp_dir) as workspace, Engine(self.settings, workspace.folder) as engine:
                labelled.read_back(engine, workspace, spec.out, key, spec.options, spec.features)
                found = engine.row(render("verify/output_counts"))
        except MosLabelsError as error:
            checked.unknown.append(f"its output cannot be read back: {error}")
            return
        labels = {label.given for label in spec.labels}
        checked.compare("sources in the output", [], sorted(set(found.pop("sources")) - labels))
        unknown = sorted(set(found.pop("statuses")) - {"ok", "missing-label"})
        checked.compare("other statuses in the output", [], unknown)
        for name, value in found.items():
            if name in claimed:
                checked.compare(f"{name}, counted in the output", claimed[name], value)

    def _again(self, checked: Checked, spec: TableSpec) -> dict[str, Any] | None:
        """The audit of labelling the table again; None where that cannot be."""
        missing = [path for _, path in spec.inputs() if not os.path.exists(path)]
        if missing:
            checked.unknown.append(f"nothing is labelled again without {', '.join(missing)}")
            return None
        try:
            return label_table(replace(spec, unmatched=None, audit_json=None), self.run)
        except MosLabelsError as error:
            checked.compare("labelling again", "no error", str(error))
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


def _status(checked: Checked, what: str, table: Mapping[str, Any], block: Any) -> None:
    """Compare the status of a table in a report with what else the report has of it."""
    fitting = ["ok", "unchanged"] if "summary" in table else ["error"] if "error" in table else ["not-run"]
    may_skip = not _is_ours(block) or block["args"].get("skip_unchanged")
    if "unchanged" in fitting and (table["audit_json"] is None or not may_skip):
        fitting.remove("unchanged")
    if table["status"] not in fitting:
        checked.compare(what, table["status"], " or ".join(fitting))


def _spec(features: str, labels: Sequence[Mapping[str, Any]], out: str, config: Mapping[str, Any]) -> TableSpec:
    """The spec of a table from what its evidence says of it."""
    given = [{"path": label["path"], **label["config"]} for label in labels]
    spec = table_spec(features, given, out, None, None, config)
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
    return "\n".join(lines)


def _in_short(found: Mapping[str, Any]) -> str:
    if not found["changed_inputs"]:
        return ""
    changed = ", ".join(dict.fromkeys(found["changed_inputs"]))
    of_inputs = [one for one in found["differences"] if "sha256" in one["what"] and one["found"] == "no such file"]
    if len(of_inputs) >= len(found["changed_inputs"]):
        return f": there is no {changed}; --root names the folder that relative paths open from"
    intact = found["kind"] == "audit" and not any(one["what"] == "output_sha256" for one in found["differences"])
    return f": {changed} changed since{'; the output is as it was written' if intact else ''}"
