"""What changed since the batch before: the comparison of two reports, table by table.

The old report may be of anyone and of an older version. It is read strictly, and no file that it names is opened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.text import listed, shown, visible
from moslabels.evidence.documents import Report, Unknown, load
from moslabels.labelling.match import rate

Tables = Sequence[Mapping[str, Any]]


def old_tables(path: str, ids: Collection[str], *, is_choice: bool) -> Tables:
    """Return the tables of an old report to compare with those of these ids. Raise UsageError if it cannot be compared.

    ``is_choice`` says that the new report lists chosen tables. Of the old one, then, only these are compared.
    """
    document = load(path)
    if isinstance(document, Unknown):
        raise UsageError(f"{path}: {document.fault}; the report of a batch is wanted (--report-json)")
    if not isinstance(document, Report):
        raise UsageError(f"{path}: is the evidence of one table; the report of a batch is wanted (--report-json)")
    # Newer versions may have added members, and have other options, which are not compared.
    wrong = [one for one in document.misfits() if one.kind != "unknown" and ".config." not in one.place]
    if wrong:
        raise UsageError(f"{path}: its report is not valid: {visible(wrong[0].place)} {wrong[0].says}")
    tables: Tables = document.members["tables"]
    twice = [name for name, count in Counter(table["id"] for table in tables).items() if count > 1]
    if twice:
        raise UsageError(f"{path}: its report is not valid: two tables have the id {shown(twice[0])}")
    before = {table["id"] for table in tables}
    if "manifest_tables" in document.members and (lacking := [name for name in ids if name not in before]):
        raise UsageError(
            f"{path}: is the report of chosen tables, without {listed(lacking, 3)}; compare with a report that has them"
        )
    return [table for table in tables if table["id"] in ids] if is_choice else tables


def compared(path: str, old: Tables, new: Tables) -> dict[str, Any]:
    """Return what changed from an old report at ``path`` to a new one, as JSON values.

    A table is ``added``, ``gone``, ``changed`` or ``same``. What either report does not tell is not compared.
    """
    before = {table["id"]: table for table in old}
    after = {table["id"]: table for table in new}
    tables: list[dict[str, Any]] = []
    for name, table in after.items():
        if name not in before:
            tables.append({"id": name, "change": "added", "status": table["status"], "changes": []})
            continue
        changes = _changes(_facts(before[name]), _facts(table))
        change = "changed" if changes else "same"
        tables.append({"id": name, "change": change, "status": table["status"], "changes": changes})
    tables += [
        {"id": name, "change": "gone", "status": table["status"], "changes": []}
        for name, table in before.items()
        if name not in after
    ]
    # Older reports have no hashes.
    unknown = [
        name
        for name, table in after.items()
        if "output_sha256" in table and "summary" in before.get(name, {}) and "output_sha256" not in before[name]
    ]
    return {"report": path, "tables": tables, "outputs_not_compared": unknown}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"what": name, "old": before[name], "new": after[name]}
        for name in after
        if name in before and before[name] != after[name]
    ]


def claims(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a comparison says of the new report: the status of each table, and what is new."""
    return {
        table["id"]: {
            "status": _settled(table["status"]),
            **{change["what"]: change["new"] for change in table["changes"]},
        }
        for table in comparison["tables"]
        if table["change"] != "gone"
    }


def evidence(comparison: Mapping[str, Any], new: Tables) -> dict[str, Any]:
    """Return what the new report itself says of that."""
    told = claims(comparison)
    found = {table["id"]: _facts(table) for table in new}
    return {
        name: {what: value for what, value in facts.items() if what in told.get(name, ("status",))}
        for name, facts in found.items()
    }


def _facts(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a table that are compared, by name: those that it has."""
    summary, diagnosis = table.get("summary"), table.get("diagnosis")
    counts = summary or diagnosis or {}
    match_rate = counts.get("match_rate")
    if match_rate is None and "matched_feature_keys" in counts:
        match_rate = rate(counts["matched_feature_keys"], counts["total_feature_keys"])
    facts: dict[str, Any] = {
        "status": _settled(table["status"]),
        "error": table.get("error", "").split("\n")[0],
        "match_rate": match_rate,
        **{name: counts.get(name) for name in ("input_rows", "matched_rows", "missing_rows")},
        "warnings": list(table.get("warnings", [])),
    }
    facts["output_sha256"] = table.get("output_sha256")
    return {name: value for name, value in facts.items() if value is not None}


def _settled(status: str) -> str:
    """Return a status; a table that is ``unchanged`` is as good as one that was labelled again."""
    return "ok" if status == "unchanged" else status
