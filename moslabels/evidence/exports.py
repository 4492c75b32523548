"""The functions that make each form in which others read evidence. ``moslabels.spec.exports`` lists the forms."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from moslabels.base.text import shown
from moslabels.evidence.croissant import croissant
from moslabels.evidence.in_toto import in_toto, read_files, written_files
from moslabels.evidence.openlineage import openlineage
from moslabels.files.listing import is_path_of_part

Maker = Callable[[Mapping[str, Any], Any, Mapping[str, str]], dict[str, Any]]
"""A function that makes a document from an audit, the columns of its table (or None) and what the user gives."""

MAKERS: Mapping[str, Maker] = {
    "croissant": croissant,
    "openlineage": openlineage,
    "in-toto": lambda audit, _columns, _given: in_toto(audit),
}


def audit_problems(audit: Mapping[str, Any], *, names_inputs: bool) -> list[str]:
    """Return what an audit lacks to be told to others: the bytes of its output, and those of its inputs."""
    if audit["output"] is None:
        return ["it is about a table in memory, so there is no file to tell of"]
    parts = [part["path"] for part in audit.get("parts") or []]
    if not parts and not os.path.basename(audit["output"]):
        return [f"its output {shown(audit['output'])} is not the name of a file"]
    if strange := [path for path in parts if not is_path_of_part(path)]:
        return [f"its part {shown(strange[0])} has not the path of a Parquet file below a folder"]
    records: list[tuple[str, Mapping[str, Any]]] = [
        ("output", {"path": audit["output"], "sha256": audit["output_sha256"]})
    ]
    if names_inputs:
        records = [*written_files(audit), *read_files(audit)]
    return [
        f"it has no sha256 of the {role} {shown(record['path'])}"
        for role, record in records
        if not isinstance(record["sha256"], str) or not re.fullmatch("[0-9a-f]{64}", record["sha256"])
    ]
