"""The published schemas as validators."""

from __future__ import annotations

from functools import cache

import jsonschema

from moslabels.evidence.json_schema import SCHEMAS


@cache
def schema_of(kind: str) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind]())
    return jsonschema.Draft202012Validator(SCHEMAS[kind]())
