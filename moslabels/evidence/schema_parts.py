"""The parts from which the JSON Schemas of moslabels are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from moslabels.evidence import provenance
from moslabels.spec.options import FIELDS, LABEL_FIELDS
from moslabels.spec.reports import REPORT_FORMS, named_reports

Schema = dict[str, Any]


TEXT: Schema = {"type": "string"}


PATH: Schema = {"type": "string", "minLength": 1}


COUNT: Schema = {"type": "integer", "minimum": 0}


RATE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


NUMBER: Schema = {"type": "number"}


NOT_NEGATIVE: Schema = {"type": "number", "minimum": 0}


SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def or_null(schema: Mapping[str, Any]) -> Schema:
    return {"anyOf": [dict(schema), {"type": "null"}]}


def list_of(items: Mapping[str, Any], **more: Any) -> Schema:
    return {"type": "array", "items": dict(items), **more}


def object_of(properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None, **more: Any) -> Schema:
    """Return the schema of an object with these members and no others. All but the optional ones are required."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def options_of(fields: Mapping[str, dataclasses.Field[Any]]) -> Schema:
    """Return the schemas of the options, as members of an object. ``null`` is allowed if it is the default."""
    found: Schema = {}
    for name, field in fields.items():
        schema = dict(field.metadata["kind"].schema)
        if field.default is None:
            schema = or_null(schema)
        if field.default is not dataclasses.MISSING and field.default is not None:
            schema["default"] = list(field.default) if isinstance(field.default, tuple) else field.default
        found[name] = {**schema, "description": field.metadata["help"]}
    return found


CONFIG: Schema = {"type": "object", "properties": options_of(FIELDS), "additionalProperties": False}
LABEL_CONFIG: Schema = {**CONFIG, "properties": options_of(LABEL_FIELDS)}


_FEATURE: Schema = {"anyOf": [PATH, object_of({"glob": PATH})]}
FEATURES: Schema = {"anyOf": [PATH, object_of({"glob": PATH}), list_of(_FEATURE, minItems=1)]}


ONE_OR_LIST: Schema = {"anyOf": [TEXT, list_of(TEXT, minItems=2)]}


SAMPLE = object_of({"count": COUNT, "sample": list_of(TEXT, maxItems=20)})


ROW = object_of(
    {"key": TEXT, "raw_value": or_null(TEXT), "file": PATH, "row": {"type": "integer", "minimum": 1}},
)


LABEL_FILE = object_of(
    {
        "path": PATH,
        "key_column": ONE_OR_LIST,
        "mos_column": TEXT,
        "key_normalize": ONE_OR_LIST,
        "key_regex": ONE_OR_LIST,
        "mos_scale": {"anyOf": [{"const": "per-row"}, options_of(FIELDS)["mos_scale"]]},
        "rows": COUNT,
        "rows_without_key": COUNT,
        "config": LABEL_CONFIG,
        "source": PATH,
    },
    {
        "mos_raw_column": TEXT,
        "mos_scale_column": TEXT,
        "key_template": TEXT,
        "key_constants": options_of(FIELDS)["key_constants"],
    },
)


JOINED = object_of(
    {
        "row": {"type": "integer", "minimum": 1},
        "raw_value": or_null(TEXT),
        "key": TEXT,
        "label_file": PATH,
        "label_row": {"type": "integer", "minimum": 1},
        "label_value": or_null(TEXT),
        "mos_text": TEXT,
        "mos": NUMBER,
        "mos_raw_0_100": NUMBER,
    },
    {"feature_file": PATH},
)


DIAGNOSIS = object_of(
    {
        "input_rows": COUNT,
        "rows_without_key": COUNT,
        "total_feature_keys": COUNT,
        "matched_feature_keys": COUNT,
        "labels_loaded": COUNT,
        "unmatched_feature_keys": object_of({"count": COUNT, "sample": list_of(ROW, maxItems=20)}),
        "unused_label_keys": object_of({"count": COUNT, "sample": list_of(ROW, maxItems=20)}),
        "values_without_key": list_of(
            object_of({"raw_value": or_null(TEXT), "file": PATH, "row": COUNT, "rows": COUNT}), maxItems=20
        ),
        "near_misses": list_of(
            object_of(
                {
                    "difference": TEXT,
                    "keys": COUNT,
                    "ambiguous": COUNT,
                    "feature_extension": or_null(TEXT),
                    "label_extension": or_null(TEXT),
                    "examples": list_of(object_of({"key": TEXT, "label_key": TEXT}), maxItems=2),
                    "advice": TEXT,
                },
                {
                    "colliding": object_of(
                        {"count": COUNT, "keys": list_of(TEXT, minItems=2, maxItems=2), "label_key": TEXT}
                    )
                },
            )
        ),
    },
    {
        "in_common": object_of(
            {
                "parts": list_of(
                    object_of(
                        {
                            "side": {"enum": ["feature", "label"]},
                            "place": {"enum": ["begin", "end"]},
                            "part": TEXT,
                            "keys": COUNT,
                            "total": COUNT,
                        }
                    ),
                    maxItems=4,
                ),
                "would_meet": COUNT,
                "options": object_of({}, {"feature_key_regex": TEXT, "label_key_regex": TEXT}),
            }
        )
    },
)


_FACT: Schema = {"anyOf": [TEXT, NUMBER, list_of(TEXT)]}
COMPARISON = object_of(
    {
        "report": PATH,
        "tables": list_of(
            object_of(
                {
                    "id": TEXT,
                    "change": {"enum": ["added", "gone", "changed", "same"]},
                    "status": TEXT,
                    "changes": list_of(object_of({"what": TEXT, "old": _FACT, "new": _FACT})),
                }
            )
        ),
        "outputs_not_compared": list_of(TEXT),
    }
)


GROUPS = object_of(
    {
        "column": TEXT,
        "groups": list_of(
            object_of(
                {
                    "value": or_null(TEXT),
                    "input_rows": COUNT,
                    "rows_without_key": COUNT,
                    "total_feature_keys": COUNT,
                    "matched_feature_keys": COUNT,
                    "match_rate": RATE,
                }
            )
        ),
    }
)


FILE = object_of(
    {
        "path": PATH,
        "exists": {"type": "boolean"},
        "kind": {"enum": ["file", "memory", "directory", "other", "missing"]},
        "sha256": or_null(SHA256),
    }
)


VERSIONS = object_of(dict.fromkeys(provenance.VERSIONS, TEXT))


# A caller may hand in a block of its own, of which nothing is known.
OUR_PROVENANCE = object_of(
    {
        "schema": {"const": provenance.SCHEMA},
        "entrypoint": FILE,
        "argv": list_of(TEXT),
        "args": {"type": "object"},
        "inputs": object_of(
            {
                "manifest": or_null(FILE),
                "features": {"anyOf": [FILE, list_of(FILE), {"type": "null"}]},
                "labels": list_of(FILE),
            }
        ),
        "outputs": object_of(
            {name: or_null(TEXT) for name in ("out", "audit_json", *named_reports({}))},
            {
                "unmatched": TEXT,
                **{form.name: TEXT for form in REPORT_FORMS if not form.is_always_named},
            },
        ),
        "versions": VERSIONS,
    }
)


PROVENANCE: Schema = {
    "type": "object",
    "if": {"properties": {"schema": {"const": provenance.SCHEMA}}, "required": ["schema", "versions"]},
    "then": OUR_PROVENANCE,
}

STATISTICS_SAY: Mapping[str, str] = {
    "min": "least score, on 1-5",
    "q1": "first quartile",
    "median": "median",
    "q3": "third quartile",
    "max": "greatest",
    "mean": "mean",
}
STATISTICS = object_of({name: {**or_null(NUMBER), "description": says} for name, says in STATISTICS_SAY.items()})
