"""Whether reports, audits and labelled tables say what is so: hashes, counts, and labelling again without writing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from moslabels import __version__, audit, evidence, labelled, report
from moslabels.engine import Engine
from moslabels.errors import MosLabelsError
from moslabels.labelling import Run, label_table
from moslabels.manifest import TableSpec, table_spec
from moslabels.options import SOURCE_COLUMN, shown
from moslabels.provenance import versions
from moslabels.settings import DEFAULTS, Settings
from moslabels.tables import FORMATS
from moslabels.workspace import Workspace

_BY_HAND = ("run_provenance", "output_sha256", "output_bytes")


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
            self.differences.append({"what": what, "claimed": _plain(claimed), "found": _plain(found)})

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
        found += _Verifier(settings).file(path)
    order = ("differs", "unknown", "ok")
    status = min((checked.status for checked in found), key=order.index, default="unknown")
    return {"status": status, "files": [checked.document() for checked in found]}


class _Verifier:
    """The checks of one file. Inputs that several tables share are hashed once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.run = Run(settings=settings, is_dry=True)

    def file(self, path: str) -> list[Checked]:
        if FORMATS.get(os.path.splitext(path)[1].lower()) == "parquet":
            return [self._labelled(path)]
        try:
            with open(path, encoding="utf-8-sig") as stream:
                document = json.load(stream)
        except OSError as error:
            return [Checked(path, "unknown", unknown=[f"cannot be read: {error.strerror}"])]
        except (ValueError, RecursionError) as error:
            is_table = FORMATS.get(os.path.splitext(path)[1].lower(), "json") != "json"
            reason = "is a table without evidence in it: name its audit" if is_table else f"is no JSON: {error}"
            return [Checked(path, "unknown", unknown=[reason])]
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
        inputs = block.get("inputs") if isinstance(block, dict) else None
        if document["output"] is None:
            self._records(checked, inputs or {})
            checked.unknown.append("it is of a join in memory: there is no output, and no features to label again")
            return [checked]
        if isinstance(inputs, dict) and "features" in inputs:
            self._records(checked, inputs)
            read = [record["path"] for record in (inputs["features"], *inputs["labels"])]
            of_tables = [document["feature_table"], *document["label_sources"], document["output"]]
            checked.compare("paths in run_provenance", [*read, block["outputs"]["out"]], of_tables)
        else:
            checked.unknown.append("its run_provenance is the caller's own and holds no hashes of the inputs")
        output = document["output"]
        sha256 = self._sha256(output)
        checked.compare("output_sha256", document["output_sha256"], sha256 or "no such file")
        if sha256:
            checked.compare("output_bytes", document["output_bytes"], os.path.getsize(output))
        if "config" not in document:
            checked.unknown.append("it does not hold the options that were given, so nothing is labelled again")
            return [checked]
        spec = _spec(document["feature_table"], document["label_files"], output, document["config"])
        self._recount(checked, spec, document)
        again = self._again(checked, spec)
        if again is not None:
            claimed = {name: value for name, value in document.items() if name not in _BY_HAND}
            found = {name: value for name, value in again.items() if name not in _BY_HAND}
            if (block.get("versions") or {}).get("moslabels") != __version__:
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
            checked.unknown.append(f"cannot be read: {error}")
            return checked
        if entry is None:
            checked.unknown.append("carries no evidence: it was not written by moslabels, or lost its metadata")
            return checked
        records = [entry["features"], *entry["labels"]]
        for record in records:
            self._record(checked, f"sha256 of {record['path']}", record)
        spec = _spec(entry["features"]["path"], entry["labels"], path, entry["config"])
        counts = {**entry["counts"], "match_rate": entry["match_rate"]}
        self._recount(checked, spec, counts)
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
        inputs = document["run_provenance"].get("inputs")
        if isinstance(inputs, dict):
            self._records(checked, inputs)
            manifest = inputs.get("manifest") or {}
            checked.compare("manifest", document["manifest"], manifest.get("path", document["manifest"]))
        for name, value in report.added_up(tables).items():
            checked.compare(name, document[name], value)
        files = [checked]
        for index, table in enumerate(tables):
            where = f"tables[{index}]"
            if table["status"] in ("error", "not-run"):
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
            checked.compare(f"{where}.diagnosis", table.get("diagnosis"), of_table.get("diagnosis"))
        return files

    def _records(self, checked: Checked, inputs: Mapping[str, Any]) -> None:
        for name, value in sorted(inputs.items()):
            for record in value if isinstance(value, list) else [value]:
                if record is not None and record["kind"] not in ("missing", "memory"):
                    self._record(checked, f"{name} {record['path']}: sha256", record)

    def _record(self, checked: Checked, what: str, record: Mapping[str, Any]) -> None:
        now = self._sha256(record["path"])
        checked.compare(what, record["sha256"], now or "no such file")
        if record["sha256"] != now:
            checked.changed_inputs.append(record["path"])

    def _sha256(self, path: str) -> str | None:
        sha256: str | None = self.run.record(path)["sha256"]
        return sha256

    def _recount(self, checked: Checked, spec: TableSpec, claimed: Mapping[str, Any]) -> None:
        """Count rows, statuses, sources and keys in the output itself."""
        try:
            with Workspace(self.settings.temp_dir) as workspace, Engine(self.settings, workspace.folder) as engine:
                named = {"status": spec.options.status_column, "source": SOURCE_COLUMN}
                counts = "verify/output_counts"
                found = engine.row(
                    labelled.statement(engine, workspace, counts, spec.options, spec.features, spec.out, named)
                )
        except MosLabelsError as error:
            checked.compare("output", "a labelled table", str(error))
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
