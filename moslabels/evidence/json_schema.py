"""JSON Schemas (draft 2020-12) of the manifest, the audit and the report; options come from their one definition.

Audits and reports may gain members under one name of their schema, and so their schemas take members that they do not
know; a member that is new is none of the required ones. One that is removed, or means something else, brings another
name.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from moslabels.base.errors import CODES
from moslabels.evidence import audit, provenance, report
from moslabels.evidence import embedded as evidence
from moslabels.evidence.meanings import with_meanings
from moslabels.spec.options import FIELDS, LABEL_FIELDS
from moslabels.spec.reports import REPORT_FORMS, named_reports

DRAFT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_PATH: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_RATE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_NUMBER: Schema = {"type": "number"}
_SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def _or_null(schema: Mapping[str, Any]) -> Schema:
    return {"anyOf": [dict(schema), {"type": "null"}]}


def _list(items: Mapping[str, Any], **more: Any) -> Schema:
    return {"type": "array", "items": dict(items), **more}


def _object(properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None, **more: Any) -> Schema:
    """An object of these members and no others; all but the optional ones are there."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def _options(fields: Mapping[str, dataclasses.Field[Any]]) -> Schema:
    """The options as members of an object. ``null`` is right where it is the default."""
    found: Schema = {}
    for name, field in fields.items():
        schema = dict(field.metadata["kind"].schema)
        if field.default is None:
            schema = _or_null(schema)
        if field.default is not dataclasses.MISSING and field.default is not None:
            schema["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
        found[name] = {**schema, "description": field.metadata["help"]}
    return found


def manifest() -> Schema:
    """The schema of a manifest."""
    label = _object({"path": _PATH}, _options(LABEL_FIELDS))
    files = {"audit_json": "where the audit is written", "unmatched": "where the keys that did not meet are written"}
    table = _object(
        {
            "id": {"type": "string", "minLength": 1, "description": "unique in the manifest"},
            "features": {**_PATH, "description": "feature table: .parquet .pq .jsonl .ndjson .json .csv .tsv"},
            "labels": {
                **_list({"anyOf": [_PATH, label]}, minItems=1),
                "description": "label tables, read in order: a label that contradicts an earlier one is an error; an "
                "object has options of its own",
            },
            "out": {**_PATH, "description": "labelled table to write"},
        },
        {**{name: {**_or_null(_PATH), "description": says} for name, says in files.items()}, **_options(FIELDS)},
    )
    return {
        "$schema": DRAFT,
        "title": "moslabels manifest",
        **_object(
            {"tables": _list(table, minItems=1)},
            {
                "defaults": {
                    "type": "object",
                    "properties": _options(FIELDS),
                    "additionalProperties": False,
                    "description": "options of all tables; a table's own win",
                },
                "$schema": _TEXT,
            },
        ),
        "patternProperties": {"^_": {"description": "a comment"}},
    }


_ONE_OR_LIST: Schema = {"anyOf": [_TEXT, _list(_TEXT, minItems=2)]}
_SAMPLE = _object({"count": _COUNT, "sample": _list(_TEXT, maxItems=20)})
_ROW = _object(
    {"key": _TEXT, "raw_value": _or_null(_TEXT), "file": _PATH, "row": {"type": "integer", "minimum": 1}},
)
_DIAGNOSIS = _object(
    {
        "input_rows": _COUNT,
        "rows_without_key": _COUNT,
        "total_feature_keys": _COUNT,
        "matched_feature_keys": _COUNT,
        "labels_loaded": _COUNT,
        "unmatched_feature_keys": _object({"count": _COUNT, "sample": _list(_ROW, maxItems=20)}),
        "unused_label_keys": _object({"count": _COUNT, "sample": _list(_ROW, maxItems=20)}),
        "values_without_key": _list(
            _object({"raw_value": _or_null(_TEXT), "file": _PATH, "row": _COUNT, "rows": _COUNT}), maxItems=20
        ),
        "near_misses": _list(
            _object(
                {
                    "difference": _TEXT,
                    "keys": _COUNT,
                    "ambiguous": _COUNT,
                    "feature_extension": _or_null(_TEXT),
                    "label_extension": _or_null(_TEXT),
                    "examples": _list(_object({"key": _TEXT, "label_key": _TEXT}), maxItems=2),
                    "advice": _TEXT,
                }
            )
        ),
    }
)
_GROUPS = _object(
    {
        "column": _TEXT,
        "groups": _list(
            _object(
                {
                    "value": _or_null(_TEXT),
                    "input_rows": _COUNT,
                    "rows_without_key": _COUNT,
                    "total_feature_keys": _COUNT,
                    "matched_feature_keys": _COUNT,
                    "match_rate": _RATE,
                }
            )
        ),
    }
)
_FILE = _object(
    {
        "path": _PATH,
        "exists": {"type": "boolean"},
        "kind": {"enum": ["file", "memory", "directory", "other", "missing"]},
        "sha256": _or_null(_SHA256),
    }
)
# A caller may hand in a block of its own, of which nothing is known.
_OUR_PROVENANCE = _object(
    {
        "schema": {"const": provenance.SCHEMA},
        "entrypoint": _FILE,
        "argv": _list(_TEXT),
        "args": {"type": "object"},
        "inputs": _object(
            {
                "manifest": _or_null(_FILE),
                "features": {"anyOf": [_FILE, _list(_FILE), {"type": "null"}]},
                "labels": _list(_FILE),
            }
        ),
        "outputs": _object(
            {name: _or_null(_TEXT) for name in ("out", "audit_json", *named_reports({}))},
            {
                "unmatched": _TEXT,
                **{form.name: _TEXT for form in REPORT_FORMS if not form.is_always_named},
            },
        ),
        "versions": _object(dict.fromkeys(("moslabels", "duckdb", "pyarrow", "python"), _TEXT)),
    }
)
_PROVENANCE: Schema = {
    "type": "object",
    "if": {"properties": {"schema": {"const": provenance.SCHEMA}}, "required": ["schema", "versions"]},
    "then": _OUR_PROVENANCE,
}


def _open(schema: Any) -> Any:
    """A schema that takes members which it does not know, at every level."""
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


def provenance_block() -> Schema:
    """The schema of a ``run_provenance`` block that moslabels wrote, and not the caller."""
    found: Schema = _open(_OUR_PROVENANCE)
    return found


def audit_document() -> Schema:
    """The schema of an audit."""
    options = _options(FIELDS)
    label_file = _object(
        {
            "path": _PATH,
            "key_column": _ONE_OR_LIST,
            "mos_column": _TEXT,
            "key_normalize": _ONE_OR_LIST,
            "key_regex": _ONE_OR_LIST,
            "mos_scale": options["mos_scale"],
            "rows": _COUNT,
            "rows_without_key": _COUNT,
            "config": {"type": "object", "properties": _options(LABEL_FIELDS), "additionalProperties": False},
            "source": _PATH,
        },
        {"mos_raw_column": _TEXT},
    )
    counts = (
        "input_rows output_rows rows_without_key total_feature_keys matched_feature_keys matched_rows missing_rows "
        "labels_loaded label_rows_without_key duplicate_labels missing_mos_rows clipped_mos_rows nulled_numbers"
    ).split()
    statistics = ("min", "max", "mean", "q1", "median", "q3")
    return _document(
        "moslabels audit",
        _object(
            {
                "schema": {"const": audit.SCHEMA},
                "feature_table": _PATH,
                "output": _or_null(_PATH),
                "feature_key_column": _ONE_OR_LIST,
                "label_key_column": _ONE_OR_LIST,
                "label_mos_column": _TEXT,
                "key_normalize": options["key_normalize"],
                "feature_key_regex": _ONE_OR_LIST,
                "label_key_regex": _ONE_OR_LIST,
                "min_match_rate": _RATE,
                "match_rate": _RATE,
                "config": {"type": "object", "properties": options, "additionalProperties": False},
                **dict.fromkeys(counts, _COUNT),
                "label_sources": _list(_PATH, minItems=1),
                "label_files": _list(label_file, minItems=1),
                **dict.fromkeys(("unmatched_feature_keys", "unused_label_keys", "key_collisions"), _SAMPLE),
                "diagnosis": _or_null(_DIAGNOSIS),
                "match_rate_by": _or_null(_GROUPS),
                "mos_stats": _object(dict.fromkeys(statistics, _or_null(_NUMBER))),
                "mos_histogram": {
                    **_list(_COUNT, minItems=20, maxItems=20),
                    "description": "labelled rows by mos in 20 bins of 0.2 from 1 to 5, each with its lower edge, the "
                    "last with 5 too; on 0-100 a bin is 5 wide",
                },
                "output_sha256": _or_null(_SHA256),
                "output_bytes": _or_null(_COUNT),
                "warnings": _list(_TEXT),
                "run_provenance": _PROVENANCE,
            },
            {
                "unmatched": {
                    **_or_null(_object({"path": _PATH, "sha256": _SHA256, "bytes": _COUNT})),
                    "description": "the file of the keys that did not meet",
                },
            },
        ),
    )


def report_document() -> Schema:
    """The schema of a report."""
    summed = ("input_rows", "output_rows", "matched_rows", "missing_rows")
    summary = _object({**dict.fromkeys((*summed, "labels_loaded"), _COUNT), "match_rate": _RATE})
    table = _object(
        {
            "id": _TEXT,
            "features": _PATH,
            "labels": _list(_PATH, minItems=1),
            "out": _PATH,
            "audit_json": _or_null(_PATH),
            "config": {"type": "object", "properties": _options(FIELDS), "additionalProperties": False},
            "status": {"enum": ["ok", "unchanged", "error", "not-run"]},
        },
        {
            "summary": summary,
            "feature_key_column": _ONE_OR_LIST,
            "error": _TEXT,
            "error_code": {"type": "string", "examples": list(CODES)},
            "diagnosis": _DIAGNOSIS,
            "unmatched": _PATH,
            "warnings": _list(_TEXT),
        },
        allOf=[
            {
                "if": {"properties": {"status": {"enum": statuses}}},
                "then": {"required": [member]},
                "else": {"not": {"required": [member]}},
            }
            for statuses, member in ((["ok", "unchanged"], "summary"), (["error"], "error"))
        ],
    )
    return _document(
        "moslabels batch report",
        _object(
            {
                "schema": {"const": report.SCHEMA},
                "status": {"enum": ["ok", "failed"]},
                "manifest": _PATH,
                "summary": _object(dict.fromkeys(("tables", "failed_tables", *summed), _COUNT)),
                "tables": _list(table, minItems=1),
                "run_provenance": _PROVENANCE,
            }
        ),
    )


def entry_document() -> Schema:
    """The schema of the entry that a labelled Parquet file carries."""
    config = {"type": "object", "properties": _options(FIELDS), "additionalProperties": False}
    of_label = {**config, "properties": _options(LABEL_FIELDS)}
    counts = (
        "input_rows rows_without_key total_feature_keys matched_feature_keys matched_rows missing_rows labels_loaded"
    ).split()
    return _document(
        "moslabels entry of a labelled Parquet file",
        _object(
            {
                "schema": {"const": evidence.SCHEMA},
                "features": _object({"path": _PATH, "sha256": _SHA256}),
                "labels": _list(
                    _object({"path": _PATH, "source": _PATH, "sha256": _SHA256, "config": of_label}), minItems=1
                ),
                "config": config,
                "feature_key_column": _ONE_OR_LIST,
                "label_columns": _list(_TEXT),
                "counts": _object(dict.fromkeys(counts, _COUNT)),
                "match_rate": _RATE,
                "versions": _object(dict.fromkeys(("moslabels", "duckdb", "pyarrow", "python"), _TEXT)),
            }
        ),
    )


SCHEMAS = {"manifest": manifest, "audit": audit_document, "report": report_document}


def schema_text(kind: str) -> str:
    """The schema of a ``manifest``, an ``audit`` or a ``report`` as the text of a file."""
    return json.dumps(SCHEMAS[kind](), indent=2, ensure_ascii=False) + "\n"
