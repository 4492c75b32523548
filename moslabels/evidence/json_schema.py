"""JSON Schemas (draft 2020-12) of the manifest, the audit, the report and the timings.

Options come from their one definition. What is written may gain members without a new name of its schema, so those
schemas allow unknown members, and a new member is never required. If a member is removed or changes its meaning, the
schema gets a new name.

The schema of a document is built once, because each document that is read is compared with it. Do not change what is
returned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from moslabels.evidence import embedded, report, timing_types
from moslabels.evidence.audit_fields import AUDIT_FIELDS
from moslabels.evidence.field import members
from moslabels.evidence.meanings import with_meanings
from moslabels.evidence.run import DoneParts
from moslabels.evidence.schema_parts import (
    COMPARISON,
    CONFIG,
    COUNT,
    FEATURES,
    LABEL_CONFIG,
    NOT_NEGATIVE,
    ONE_OR_LIST,
    OUR_PROVENANCE,
    PATH,
    PROVENANCE,
    RATE,
    SHA256,
    TEXT,
    VERSIONS,
    Schema,
    list_of,
    object_of,
    options_of,
    or_null,
)
from moslabels.evidence.table_fields import TABLE_FIELDS
from moslabels.spec.options import FIELDS, LABEL_FIELDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def manifest() -> Schema:
    """Return the schema of a manifest."""
    label = object_of({"path": PATH}, options_of(LABEL_FIELDS))
    files = {"audit_json": "where the audit is written", "unmatched": "where the keys that did not meet are written"}
    table = object_of(
        {
            "id": {"type": "string", "minLength": 1, "description": "unique in the manifest"},
            "features": {
                **FEATURES,
                "description": "feature table: .parquet .pq .jsonl .ndjson .json .csv .tsv, and text as .gz or .zst; "
                "or many Parquet files that are one table: a folder, a pattern, or a list; out is then a folder",
            },
            "labels": {
                **list_of({"anyOf": [PATH, label]}, minItems=1),
                "description": "label tables, read in order: a label that contradicts an earlier one is an error; an "
                "object has options of its own",
            },
            "out": {**PATH, "description": "labelled table to write"},
        },
        {**{name: {**or_null(PATH), "description": says} for name, says in files.items()}, **options_of(FIELDS)},
    )
    return {
        "$schema": DRAFT,
        "title": "moslabels manifest",
        **object_of(
            {"tables": list_of(table, minItems=1)},
            {
                "defaults": {
                    "type": "object",
                    "properties": options_of(FIELDS),
                    "additionalProperties": False,
                    "description": "options of all tables; a table's own win",
                },
                "$schema": TEXT,
            },
        ),
        "patternProperties": {"^_": {"description": "a comment"}},
    }


def _open(schema: Any) -> Any:
    """Return a schema that allows unknown members, at every level."""
    if isinstance(schema, list):
        return [_open(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    is_closed = schema.get("additionalProperties") is False
    return {name: _open(value) for name, value in schema.items()} | (
        {"additionalProperties": True} if is_closed else {}
    )


def _document(title: str, schema: Mapping[str, Any]) -> Schema:
    says = (
        "Later versions may add members under this name, so readers pass over those that they do not know. A member "
        "that is removed, or means something else, brings another name."
    )
    return {"$schema": DRAFT, "title": title, "description": says, **with_meanings(_open(schema))}


@cache
def provenance_block() -> Schema:
    """Return the schema of a ``run_provenance`` block that moslabels wrote, and not the caller."""
    found: Schema = _open(OUR_PROVENANCE)
    return found


@cache
def audit_document() -> Schema:
    """Return the schema of an audit."""
    return _document("moslabels audit", members(AUDIT_FIELDS))


@cache
def report_document() -> Schema:
    """Return the schema of a report."""
    table = {
        **members(TABLE_FIELDS),
        "allOf": [
            {
                "if": {"properties": {"status": {"enum": statuses}}},
                "then": {"required": [member]},
                "else": {"not": {"required": [member]}},
            }
            for statuses, member in ((["ok", "unchanged"], "summary"), (["error"], "error"))
        ],
    }
    return _document(
        "moslabels batch report",
        object_of(
            {
                "schema": {"const": report.SCHEMA},
                "status": {"enum": ["ok", "failed"]},
                "manifest": PATH,
                "summary": object_of(dict.fromkeys(("tables", "failed_tables", *report.SUMMED), COUNT)),
                "tables": list_of(table, minItems=1),
                "run_provenance": PROVENANCE,
            },
            {"dry_run": {"type": "boolean"}, "comparison": COMPARISON, "manifest_tables": COUNT},
        ),
    )


@cache
def entry_document() -> Schema:
    """Return the schema of the entry inside a labelled Parquet file."""
    counts = (
        "input_rows rows_without_key total_feature_keys matched_feature_keys matched_rows missing_rows labels_loaded"
    ).split()
    return _document(
        "moslabels entry of a labelled Parquet file",
        object_of(
            {
                "schema": {"const": embedded.SCHEMA},
                "features": object_of({"path": PATH, "sha256": SHA256}),
                "labels": list_of(
                    object_of({"path": PATH, "source": PATH, "sha256": SHA256, "config": LABEL_CONFIG}), minItems=1
                ),
                "config": CONFIG,
                "feature_key_column": ONE_OR_LIST,
                "label_columns": list_of(TEXT),
                "counts": object_of(dict.fromkeys(counts, COUNT)),
                "match_rate": RATE,
                "versions": VERSIONS,
            },
            {"is_part": {"const": True}},
        ),
    )


@cache
def timings_document() -> Schema:
    """Return the schema of a file of timings."""
    step = object_of({"step": TEXT, "seconds": NOT_NEGATIVE})
    table = object_of(
        {
            "id": {**or_null(TEXT), "description": "id of the table; null if there was no manifest"},
            "features": PATH,
            "out": PATH,
            "status": {"enum": ["ok", "unchanged", "error"]},
            "seconds": NOT_NEGATIVE,
            "steps": list_of(step),
            **dict.fromkeys(("rows", "bytes"), or_null(COUNT)),
            **dict.fromkeys(("rows_per_second", "bytes_per_second"), or_null(NOT_NEGATIVE)),
            "parts": or_null(object_of(dict.fromkeys(DoneParts.__annotations__, COUNT))),
        }
    )
    return _document(
        "moslabels timings",
        object_of(
            {
                "schema": {"const": timing_types.SCHEMA},
                "seconds": NOT_NEGATIVE,
                "tables": list_of(table),
                "versions": VERSIONS,
            }
        ),
    )


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "manifest": manifest,
    "audit": audit_document,
    "report": report_document,
    "timings": timings_document,
}


def schema_text(kind: str) -> str:
    """Return the schema of a kind of file as text: of a ``manifest``, an ``audit``, a ``report`` or ``timings``."""
    return json.dumps(SCHEMAS[kind](), indent=2, ensure_ascii=False) + "\n"
