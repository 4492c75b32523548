"""The fields of a table in a report, each listed once: JSON Schema, columns in the view ``report_tables``, and meaning.

See :mod:`moslabels.evidence.audit_fields`. Tests hold :func:`moslabels.evidence.report.table_entry` against them.
"""

from __future__ import annotations

from collections.abc import Sequence

from moslabels.base.errors import CODES
from moslabels.evidence import report
from moslabels.evidence.audit_fields import AUDIT_FIELDS
from moslabels.evidence.field import STATISTICS_COLUMNS, Column, Field, members
from moslabels.evidence.schema_parts import (
    CONFIG,
    DIAGNOSIS,
    ONE_OR_LIST,
    PATH,
    SHA256,
    STATISTICS,
    TEXT,
    list_of,
    or_null,
)


def _of_audit(names: Sequence[str]) -> Sequence[Field]:
    found = {field.name: field for field in AUDIT_FIELDS}
    return [found[name] for name in names]


_SUMMARY = _of_audit(report.SUMMARY)
TABLE_FIELDS: Sequence[Field] = (
    Field("id", TEXT, "id of the table", "VARCHAR"),
    Field(
        "status",
        {"enum": ["ok", "unchanged", "error", "not-run"]},
        "what became of it",
        columns=[Column("status", "VARCHAR", "$.status", "ok, unchanged, error or not-run")],
    ),
    Field("error", TEXT, "why it failed", "VARCHAR", is_required=False),
    Field(
        "error_code",
        {"type": "string", "examples": list(CODES)},
        "what the error is about, for programs, such as match-rate",
        "VARCHAR",
        is_required=False,
    ),
    Field(
        "found",
        list_of({"type": "object"}),
        "the first rows that the check which refused it found, as values by name; of a mixed scale a histogram",
        "JSON",
        is_required=False,
    ),
    Field("features", PATH, "path of its features", "VARCHAR"),
    Field("labels", list_of(PATH, minItems=1), "paths of its label files", "VARCHAR[]"),
    Field("out", PATH, "path of its labelled table: the output of its audit", "VARCHAR"),
    Field("audit_json", or_null(PATH), "path of its audit; null for none", "VARCHAR"),
    Field("output_sha256", SHA256, "sha256 of its labelled table, if it is labelled", "VARCHAR", is_required=False),
    Field(
        "summary",
        members(_SUMMARY),
        "its counts, if it is labelled",
        columns=[Column(field.name, field.type, f"$.summary.{field.name}", field.says) for field in _SUMMARY],
        is_required=False,
    ),
    Field(
        "mos_stats",
        STATISTICS,
        "scores of its labelled rows, on 1-5, if it is labelled",
        columns=STATISTICS_COLUMNS,
        is_required=False,
    ),
    Field("warnings", list_of(TEXT), "what was said and stopped nothing", "VARCHAR[]", is_required=False),
    Field(
        "config",
        CONFIG,
        "the options that were given, with their values",
        "JSON",
    ),
    Field("diagnosis", DIAGNOSIS, "why keys did not meet: samples and near misses", "JSON", is_required=False),
    Field(
        "feature_key_column",
        ONE_OR_LIST,
        "key column of the features; a list if several are the key together",
        is_required=False,
    ),
    Field("unmatched", PATH, "path of the file of its keys that did not meet", is_required=False),
)
