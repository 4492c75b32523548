"""The forms that the report of a batch is written in. ``moslabels.evidence.reports`` has what makes each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReportForm:
    """A form of the report: the keyword of ``run_batch`` that names its file, and what the flag's help says.

    ``is_always_named`` says that ``run_provenance`` names it also if it is not written: later forms are only named if
    they are, so that the evidence of other runs stays as it was.
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
)


def named_reports(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the paths of reports as evidence names them: those that are written, and those that it always names."""
    paths = {form: given.get(form.name) for form in REPORT_FORMS}
    return {form.name: path for form, path in paths.items() if path or form.is_always_named}
