"""The forms in which others read evidence, and what each needs of the user.

``moslabels.evidence.exports`` has the function that makes each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from moslabels.base.text import shown


@dataclass(frozen=True)
class Export:
    """A form: what it must be given and may be given, besides the audit. ``table`` is the labelled table."""

    says: str
    needs: Sequence[str] = ()
    may_have: Sequence[str] = ()


EXPORTS: Mapping[str, Export] = {
    "croissant": Export(
        "Croissant 1.0, which describes a data set for those who look for it and load it",
        ("table", "url", "license", "date"),
        ("name", "description", "creator", "version", "citation", "content_url"),
    ),
    "openlineage": Export(
        "an event of OpenLineage, for a catalogue of runs and tables",
        ("run_id", "date", "namespace"),
        ("table",),
    ),
    "in-toto": Export("an in-toto statement (v1), to sign"),
}

GIVEN: Mapping[str, str] = {
    "table": "the labelled table, to read its columns",
    "url": "address of the data set",
    "license": "its licence, by address or SPDX name",
    "date": "day of its publication, or time at which the run ended",
    "name": "its name; default: that of the table",
    "description": "what it is; default: a sentence with the counts",
    "creator": "who made it",
    "version": "its version",
    "citation": "how it is to be cited",
    "content_url": "where the table is; default: beside the Croissant file",
    "run_id": "UUID of the run",
    "namespace": "namespace of the tables and of the job",
}
"""What the user may give, with its meaning."""


def given_problems(form: str, given: Mapping[str, str]) -> list[str]:
    """Return what is wrong with what the user gives for a form."""
    export = EXPORTS[form]
    lacking = [f"{form} needs {name}: {GIVEN[name]}" for name in export.needs if name not in given]
    unused = [f"{form} takes no {name}" for name in given if name not in (*export.needs, *export.may_have)]
    wrong = [
        f"{name}: must be {_CHECKS[name][0]}, not {shown(value)}"
        for name, value in given.items()
        if name in _CHECKS and not _holds(_CHECKS[name][1], value)
    ]
    if "date" in given and not wrong and "date" in export.needs:
        check, example = (_is_day, "2024-05-01") if form == "croissant" else (_is_moment, "2024-05-01T12:00:00Z")
        if not _holds(check, given["date"]):
            wrong = [f"date: must be like {example} for {form}, not {shown(given['date'])}"]
    empty = [f"{name}: is empty" for name, value in given.items() if not value.strip()]
    return [*lacking, *unused, *(empty or wrong)]


def _holds(check: Callable[[str], bool], value: str) -> bool:
    try:
        return check(value)
    except ValueError:
        return False


def _is_day(value: str) -> bool:
    return date.fromisoformat(value).isoformat() == value


def _is_moment(value: str) -> bool:
    return "T" in value and datetime.fromisoformat(value).tzinfo is not None


def _is_uuid(value: str) -> bool:
    from uuid import UUID  # Every command loads this module, and few take a UUID.

    return str(UUID(value)) == value.lower()


def _is_address(value: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value, re.IGNORECASE) is not None


_CHECKS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "url": ("an address such as https://example.org/mine", _is_address),
    "run_id": ("a UUID such as 01890f5e-2f0c-7cc2-9d8a-0242ac120002", _is_uuid),
}
