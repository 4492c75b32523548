"""The module of types of audits and reports that is made from the list of their fields. ``make pages`` writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
HEAD = '''"""Types of audits and reports for type checkers. Made from the list of fields by `make pages`."""

from typing import Any, Literal, NotRequired, TypedDict
'''
MEANINGS = {
    "Audit": "The audit of one labelled table.",
    "Report": "The report of a batch.",
    "TableEntry": "A table in a report.",
}
SINGULARS = {
    "label_files": "label_file",
    "extra_columns": "extra_column",
    "columns_left_out": "column_left_out",
    "groups": "group",
    "values_without_key": "value_without_key",
    "near_misses": "near_miss",
    "examples": "example",
    "parts": "part",
    "unmatched_feature_keys": "keys",
}
"""Names of classes that are not those of their members."""
OPEN = ("config", "run_provenance")
"""Members of which only the caller knows what they hold: options, and a block that may be the caller's own."""


class Types:
    """The classes that were made so far, each with its schema. Equal schemas share one class."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def class_of(self, name: str, schema: Schema, parent: str = "", member: str = "") -> str:
        """Make the class of an object, after those of its members. Return its name."""
        bare = json.dumps(without_meanings(schema), sort_keys=True)
        if bare in self._names:
            return self._names[bare]
        if name in self.texts:
            name = parent + name
        required = schema.get("required", ())
        lines = []
        for member, of_member in schema["properties"].items():
            kind = "dict[str, Any]" if member in OPEN else self.type_of(name, member, of_member)
            lines.append(f"    {member}: {kind if member in required else f'NotRequired[{kind}]'}\n")
        says = MEANINGS.get(name, f"What ``{member}`` holds, or an item of it.")
        self.texts[name] = f'\n\nclass {name}(TypedDict):\n    """{says}"""\n\n{"".join(lines)}'
        self._names[bare] = name
        return name

    def type_of(self, parent: str, member: str, schema: Schema) -> str:
        """Return the type of a value."""
        if "anyOf" in schema:
            return " | ".join(dict.fromkeys(self.type_of(parent, member, one) for one in schema["anyOf"]))
        if "const" in schema or "enum" in schema:
            values = schema["enum"] if "enum" in schema else [schema["const"]]
            return f"Literal[{', '.join(json.dumps(value) for value in values)}]"
        match schema.get("type"):
            case "array":
                return f"list[{self.type_of(parent, member, schema['items'])}]"
            case "object" if schema.get("properties") and schema.get("required"):
                name = "".join(part.capitalize() for part in SINGULARS.get(member, member).split("_"))
                return self.class_of(name, schema, parent, member)
            case "object" if isinstance(schema.get("additionalProperties"), Mapping):
                return f"dict[str, {self.type_of(parent, member, schema['additionalProperties'])}]"
            case "object":
                return "dict[str, Any]"
            case kind:
                return {"integer": "int", "number": "float", "boolean": "bool", "null": "None", "string": "str"}[kind]


def without_meanings(value: Any) -> Any:
    """Return a schema without what does not change the type."""
    if isinstance(value, list):
        return [without_meanings(item) for item in value]
    if isinstance(value, Mapping):
        return {name: without_meanings(item) for name, item in value.items() if name != "description"}
    return value


def types_module(audit: Schema, report: Schema) -> str:
    """Return the text of the module. The arguments are the published schemas."""
    types = Types()
    types.class_of("Audit", audit)
    types.class_of("TableEntry", report["properties"]["tables"]["items"])
    types.class_of("Report", report)
    return HEAD + "".join(types.texts.values())
