"""The functions that make each form of the report of a batch. ``moslabels.spec.reports`` lists the forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moslabels.evidence.audit import json_text
from moslabels.evidence.ci import junit
from moslabels.evidence.page import page
from moslabels.evidence.report import markdown

Maker = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any] | None], str], str]
"""A function that makes the text of a form from a report, the audits of its tables (or None each) and its path."""

MAKERS: dict[str, Maker] = {
    "report_json": lambda report, _audits, _path: json_text(dict(report)),
    "report_md": lambda report, _audits, _path: markdown(report),
    "report_html": page,
    "report_junit": lambda report, _audits, _path: junit(report),
}
