"""Results that show themselves: in short in a shell, and as a piece of a page in a notebook.

Each is a dict of JSON values, equal to any other dict with these members, and is written by ``json`` like one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from moslabels.base.text import visible
from moslabels.evidence.types import Audit, Report

Rows: TypeAlias = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Look:
    """What is shown of a result. ``mood`` is good, bad or doubtful. ``bars`` are heights up to 100."""

    title: str
    status: str
    mood: str
    tables: Sequence[tuple[str, Sequence[str], Rows]] = ()
    notes: Sequence[str] = ()
    bars: Sequence[int] = ()
    bars_say: str = ""

    def html(self) -> str:
        """Return it as HTML. Every text is escaped."""
        from moslabels.evidence.page_template import render_page  # Few runs show a page.

        tables = [
            {"caption": caption, "columns": columns, "rows": [[_text(cell) for cell in row] for row in rows]}
            for caption, columns, rows in self.tables
            if rows
        ]
        return render_page(
            "result",
            title=self.title,
            status=self.status,
            mood=self.mood,
            notes=list(self.notes),
            tables=tables,
            bars=list(self.bars),
            bars_say=self.bars_say,
        )


class Shown(dict[str, Any]):
    """A result as JSON values."""

    def look(self) -> Look:
        """Return what is shown of it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            look = self.look()
        except (LookupError, TypeError, ValueError, AttributeError):  # Its members were changed.
            return super().__repr__()
        return f"<{visible(look.title)}: {visible(look.status)}>"

    def _repr_html_(self) -> str:
        return self.look().html()


class ShownAudit(Shown):
    """An audit."""

    def look(self) -> Look:
        return audit_look(self)


def shown_audit(audit: Mapping[str, Any]) -> Audit:
    """Return an audit that shows itself. For type checkers it is what its fields say."""
    return cast(Audit, ShownAudit(audit))


def shown_report(report: Mapping[str, Any]) -> Report:
    """Return a report that shows itself. For type checkers it is what its fields say."""
    return cast(Report, ShownReport(report))


def audit_look(audit: Mapping[str, Any], *first: tuple[str, Sequence[str], Rows]) -> Look:
    """Return what is shown of an audit, after the tables that are to come first."""
    counts = audit["mos_histogram"]
    most = max(counts, default=0)
    mean = audit["mos_stats"]["mean"]
    names = ("path", "key_column", "mos_column", "mos_scale", "rows")
    files = [[file[name] for name in names] for file in audit["label_files"]]
    kinds = ("total_feature_keys", "matched_feature_keys", "input_rows", "matched_rows", "rows_without_key")
    return Look(
        f"moslabels audit of {audit['output'] or audit['feature_table']}",
        f"match rate {audit['match_rate']:.3f}, {audit['matched_rows']} of {audit['input_rows']} rows labelled",
        "good" if audit["match_rate"] >= audit["min_match_rate"] else "bad",
        [
            *first,
            ("Counts", [], [[name.replace("_", " "), audit[name]] for name in kinds]),
            ("Label files", [name.replace("_", " ") for name in names], files),
        ],
        audit["warnings"],
        [round(100 * count / most) for count in counts] if most else [],
        f"Labelled rows by mos from 1 to 5, mean {mean:.2f}" if most else "",
    )


class ShownReport(Shown):
    """A report."""

    def look(self) -> Look:
        summary = self["summary"]
        rows = [
            [
                table["id"],
                table["status"],
                f"{table['summary']['match_rate']:.3f}" if "summary" in table else "–",
                table["summary"]["matched_rows"] if "summary" in table else "–",
                table["summary"]["input_rows"] if "summary" in table else "–",
                table.get("error", "; ".join(table.get("warnings", ()))),
            ]
            for table in sorted(self["tables"], key=lambda table: table["status"] != "error")
        ]
        failed = summary["failed_tables"]
        columns = ["table", "status", "match rate", "matched rows", "rows", "error or warnings"]
        return Look(
            f"moslabels report of {self['manifest']}",
            f"{failed} of {summary['tables']} tables failed" if failed else f"{self['status']}, {len(rows)} tables",
            "good" if self["status"] == "ok" else "bad",
            [("Tables", columns, rows)],
        )


class ShownSuggestions(Shown):
    """Rules that were found."""

    def look(self) -> Look:
        from moslabels.suggestions.text import example_texts, rule_text  # Few runs search for rules.

        found = self["suggestions"]
        rows = [
            [
                number,
                f"{one['match_rate']:.3f}",
                f"{one['matched_feature_keys']} of {one['total_feature_keys']}",
                one["conflicts"],
                rule_text(one),
                "; ".join(example_texts(one)),
                "; ".join(one["confirm"]),
            ]
            for number, one in enumerate(found, start=1)
        ]
        columns = ["", "match rate", "keys", "conflicts", "rule", "examples", "to confirm"]
        best = f"; the first matches {found[0]['match_rate']:.3f} of the keys" if found else ""
        return Look(
            f"moslabels rules for {self['features']} and {', '.join(self['labels'])}",
            f"{len(found)} found{best}",
            "good" if found else "bad",
            [("Rules, the best first; none is applied", columns, rows)],
            [note for score in self["scores"] for note in score["confirm"]],
        )


class ShownExplanation(Shown):
    """How a value becomes a key, and the label that it meets."""

    def look(self) -> Look:
        names = ("column", "value", "text", "trimmed", "normalised", "extracted", "fault")
        label = self["label"]
        met = f"meets row {label['row']} of {label['file']}, mos {label['mos']:.6g}" if label else "meets no label"
        near = [[row["key"], row["file"], row["row"]] for row in self["nearest"]]
        return Look(
            f"moslabels key of {', '.join(step['value'] for step in self['steps'])}",
            f"{self['key']} {met}" if self["key"] else "no key",
            "good" if label else "bad",
            [
                ("Steps", names, [[step[name] for name in names] for step in self["steps"]]),
                ("Nearest labels", ["key", "file", "row"], near),
            ],
        )


class ShownVerification(Shown):
    """What was checked of evidence."""

    def look(self) -> Look:
        says = {"ok": "all of it holds", "differs": "something differs", "unknown": "cannot be told"}
        files = [[file["path"], file["kind"], says[file["status"]]] for file in self["files"]]
        wrong = [
            [file["path"], one["what"], one["claimed"], one["found"]]
            for file in self["files"]
            for one in file["differences"]
        ]
        return Look(
            f"moslabels check of {len(files)} {'file' if len(files) == 1 else 'files'}",
            says[self["status"]],
            {"ok": "good", "differs": "bad", "unknown": "doubtful"}[self["status"]],
            [
                ("Files", ["file", "kind", "status"], files),
                ("Differences", ["file", "what", "it says", "it is"], wrong),
            ],
            [f"{file['path']}: {note}" for file in self["files"] for note in (*file["unknown"], *file["notes"])],
        )


class ShownDifference(Shown):
    """What changed between two runs."""

    def look(self) -> Look:
        kinds = ("added", "removed", "changed")
        rows = [
            [
                table["id"] or table["new"],
                *(table[kind]["count"] for kind in ("gained", "lost", "changed")),
                table["same"],
                ", ".join(one["what"] for kind in ("rule", "inputs") for one in table[kind]),
            ]
            for table in self["tables"]
        ]
        columns = ["table", "gained", "lost", "with another MOS", "as before", "rule and inputs that changed"]
        of_parts = [(table["id"] or table["new"], table["parts"]) for table in self["tables"] if table["parts"]]
        parts = [
            [name, part["old"] or "one file", part["new"] or "one file", *(part[kind]["count"] for kind in kinds)]
            for name, part in of_parts
        ]
        part_columns = ["table", "parts before", "parts now", *kinds]
        return Look(
            "moslabels comparison",
            "nothing changed" if self["same"] else "something changed",
            "good" if self["same"] else "doubtful",
            [("Clips", columns, rows), ("Parts that changed", part_columns, parts)],
            [f"{name}: only in the {side} report" for side in ("old", "new") for name in self[f"only_{side}"]],
        )


def _text(value: Any) -> str:
    """Return a cell as text: a text as it is, everything else as JSON, and nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
