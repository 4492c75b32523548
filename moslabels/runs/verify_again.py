"""The check of a table by counting its output and by labelling it again without writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from moslabels.base.errors import MosLabelsError, TableError, UsageError
from moslabels.base.signals import held, released
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.evidence.provenance import plain
from moslabels.evidence.report import table_entry
from moslabels.files.workspace import Workspace
from moslabels.labelling.output import read_back
from moslabels.runs.checked import Checked
from moslabels.runs.table import label_table
from moslabels.runs.verify_files import Files
from moslabels.spec.entry import table_spec
from moslabels.spec.table import TableSpec

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
"""The codes of errors that do not depend on the labels. With the same inputs, labelling again may end differently."""

_OF_ERROR = ("error", "error_code", "found", "diagnosis")
"""The members of a table in a report that tell why it failed."""


def spec_of(
    checked: Checked,
    features: str | Sequence[str],
    labels: Sequence[Mapping[str, Any]],
    out: str,
    config: Mapping[str, Any],
    unmatched: str | None = None,
) -> TableSpec | None:
    """Return the spec of a table from its evidence. Note it and return None if this version refuses such a spec."""
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


class Again:
    """Checks that count the outputs of tables, and label the tables again."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def recount(self, checked: Checked, spec: TableSpec, key: Sequence[str], claimed: Mapping[str, Any]) -> None:
        """Count rows, statuses, sources and keys in the output itself, and compare them with the claims."""
        settings, progress = self._files.settings, self._files.run.progress
        progress.step("counting the output")
        try:
            with (
                held(),
                Workspace(settings.temp_dir) as workspace,
                Engine(settings, workspace.folder, progress=progress) as engine,
                released(),
            ):
                try:
                    features = spec.features if self._files.sha256(checked, spec.features) is not None else None
                    read_back(engine, workspace, spec.out, key, spec.options, spec.features, features)
                except TableError as error:
                    if error.code not in (
                        "bad-score",
                        "conflict",
                    ):  # After these the keys can be counted.
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

    def audit(self, checked: Checked, spec: TableSpec, is_same: bool) -> dict[str, Any] | None:
        """Return the audit of labelling a table again. Note it and return None if that fails.

        ``is_same`` says that the same versions wrote the evidence.
        """
        # The parts of a table of many were hashed before.
        paths = [path for key, path in spec.inputs() if spec.parts is None or key != "features"]
        if lacking := [path for path in paths if self._files.sha256(checked, path) is None]:
            checked.tell_not(f"nothing is labelled again without {', '.join(lacking)}")
            return None
        try:
            return self._labelled(checked, replace(spec, audit_json=None))
        except MosLabelsError as error:
            if is_same and error.code not in _OF_THE_SYSTEM:
                checked.compare("labelling again", "no error", str(error))
            else:
                checked.tell_not(f"labelling again ends in an error: {error}")
            return None

    def _labelled(self, checked: Checked, spec: TableSpec) -> dict[str, Any]:
        """Return the audit of labelling a table. If older versions let it clip more labels, do the same and note it."""
        try:
            return self._document(spec)
        except TableError as error:
            as_before = _without_limit(spec)
            if error.code != "out-of-range" or as_before is None:
                raise
            document = self._document(as_before)
            checked.tell_not(f"it names no max_clipped, without which this version refuses the table: {error}")
            return document

    def _document(self, spec: TableSpec) -> dict[str, Any]:
        return label_table(spec, self._files.run, self._files.of_run)

    def failure(
        self, checked: Checked, where: str, table: Mapping[str, Any], spec: TableSpec | None, is_same: bool
    ) -> None:
        """Compare the error of a table in a report with the error of labelling the table again."""
        if spec is None:
            # A report lacks the options of single label files, so another result proves nothing.
            is_same = False
            labels = [{"path": path, "source": path, "config": {}} for path in table["labels"]]
            spec = spec_of(checked, table["features"], labels, table["out"], table["config"], table.get("unmatched"))
        if spec is None:
            return
        for _, path in spec.inputs():
            if why := self._files.refusal(path):
                checked.tell_not(f"{where}.error: {path} {why}")
                return
        claimed = {name: table[name] for name in _OF_ERROR if name in table}
        found: dict[str, Any] = {}
        try:
            self._document(replace(spec, audit_json=None))
        except MosLabelsError as error:
            entry = table_entry(spec, None, error)
            found = {name: plain(entry[name]) for name in _OF_ERROR if name in entry}
        for name in ("error_code", "found"):
            if name not in claimed and (name == "error_code" or name in found):  # Older versions did not write it.
                checked.tell_not(f"it lacks what this version writes, which is not checked: {shown(f'{where}.{name}')}")
                found.pop(name, None)
        if claimed == found:
            return
        codes = (claimed.get("error_code"), found.get("error_code"))
        if is_same and not any(code in _OF_THE_SYSTEM for code in codes):
            checked.compare(where, claimed, found)
            return
        says = f"says {shown(table['error'])}, and labelling again {shown(found.get('error', 'no error'))}"
        checked.tell_not(f"{where}.error: {says}")


def _without_limit(spec: TableSpec) -> TableSpec | None:
    """Return a spec that may clip all labels of files without a max_clipped, or None if the spec stays the same."""
    labels = tuple(
        replace(label, options=replace(label.options, max_clipped=1))
        if label.options.out_of_range == "clip" and "max_clipped" not in {**spec.config, **label.config}
        else label
        for label in spec.labels
    )
    return replace(spec, labels=labels) if labels != spec.labels else None
