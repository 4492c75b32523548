"""The batch report for machines that build and test: JUnit XML, and the annotations of GitHub Actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from moslabels.base.text import visible


def junit(report: Mapping[str, Any]) -> str:
    """Return the report as JUnit XML: a test case for each table, with its error and its warnings.

    If tables were chosen, a property tells how many the manifest has. A table that was not run is a skipped case.
    Times are left out, so that equal reports give equal text.
    """
    tables = report["tables"]
    not_run = sum(table["status"] == "not-run" for table in tables)
    counts = {
        "tests": str(len(tables)),
        "failures": str(report["summary"]["failed_tables"]),
        "errors": "0",
        "skipped": str(not_run),
    }
    root = ElementTree.Element("testsuites", {"name": "moslabels", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _xml_text(report["manifest"]), **counts})
    if "manifest_tables" in report:
        properties = ElementTree.SubElement(suite, "properties")
        told = {"name": "manifest_tables", "value": str(report["manifest_tables"])}
        ElementTree.SubElement(properties, "property", told)
    for table in tables:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": _xml_text(report["manifest"]), "name": _xml_text(table["id"])}
        )
        if table["status"] == "error":
            first = table["error"].partition("\n")[0]
            told = {"type": table["error_code"], "message": _xml_text(first)}
            ElementTree.SubElement(case, "failure", told).text = _xml_text(table["error"])
        elif table["status"] == "not-run":
            ElementTree.SubElement(case, "skipped", {"message": "a table before it failed"})
        if warnings := table.get("warnings"):
            said = "\n".join(f"warning: {warning}" for warning in warnings)
            ElementTree.SubElement(case, "system-out").text = _xml_text(said)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def github_annotations(report: Mapping[str, Any]) -> str:
    """Return the errors and warnings of a report as workflow commands of GitHub Actions, one line each."""
    lines = []
    for table in report["tables"]:
        where = {"file": report["manifest"], "title": table["id"]}
        if table["status"] == "error":
            lines.append(
                _command("error", {**where, "title": f"{table['id']} ({table['error_code']})"}, table["error"])
            )
        lines += [_command("warning", where, warning) for warning in table.get("warnings", ())]
    return "".join(f"{line}\n" for line in lines)


def _command(name: str, properties: Mapping[str, str], text: str) -> str:
    """Return a workflow command. Whatever a text holds, it stays in its place and on its line."""
    given = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items()
    )
    return f"::{name} {given}::{_escaped(text)}"


def _escaped(text: str) -> str:
    lines = "\n".join(map(visible, text.split("\n")))
    return lines.replace("%", "%25").replace("\n", "%0A")


def _xml_text(text: str) -> str:
    """Return a text as XML can hold it: without control characters, halves of characters and noncharacters."""
    lines = "\n".join(map(visible, text.split("\n")))
    return re.sub("[\ud800-\udfff\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", lines)
