"""The forms of the report of a batch. ``moslabels.evidence.reports`` has the function that makes each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReportForm:
    """A form of the report: the keyword of ``run_batch`` that names its file, and the help of the flag.

    If ``is_always_named``, ``run_provenance`` names it even if it is not written. Newer forms are named only if they
    are written, so that the evidence of other runs does not change.
    """

    name: str
    help: str
    is_always_named: bool = False

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


REPORT_FORMS = (
    ReportForm("report_json", "write the report as JSON; default: to standard output", is_always_named=True),
    ReportForm("report_md", "write the report as a Markdown table", is_always_named=True),
    ReportForm("report_html", "write the report as an HTML page, one file"),
    ReportForm("report_junit", "write the report as JUnit XML, a test case per table"),
)


def named_reports(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the paths of reports for the evidence: those that are written, and those that are always named."""
    paths = {form: given.get(form.name) for form in REPORT_FORMS}
    return {form.name: path for form, path in paths.items() if path or form.is_always_named}
