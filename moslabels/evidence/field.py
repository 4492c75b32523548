"""A field of an audit or of a table in a report: its JSON Schema, its columns in a view, and its meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moslabels.evidence.schema_parts import STATISTICS_SAY, Schema, object_of


@dataclass(frozen=True)
class Column:
    """A column of a view: its SQL type, and where its value is in the audit or the entry, such as ``$.output``."""

    name: str
    type: str
    place: str
    says: str
    json_type: str = "OBJECT"
    """What a value of type JSON is. Any other is NULL in the view."""


@dataclass(frozen=True)
class Field:
    """A member of an audit, or of a table in a report. ``says`` is its meaning in one phrase.

    ``type`` is the type of the column with its value. It is empty if the field has other ``columns`` or no column.
    ``is_required`` is false for members that are newer than the name of the schema, or are not always there.
    """

    name: str
    schema: Schema
    says: str
    type: str = ""
    columns: Sequence[Column] = ()
    is_required: bool = True

    @property
    def view_columns(self) -> Sequence[Column]:
        """Return the columns of this field in the view."""
        if not self.type:
            return self.columns
        json_type = "ARRAY" if self.schema.get("type") == "array" else "OBJECT"
        return [Column(self.name, self.type, f"$.{self.name}", self.says, json_type)]


STATISTICS_COLUMNS = [
    Column(f"mos_{name}", "DOUBLE", f"$.mos_stats.{name}", says) for name, says in STATISTICS_SAY.items()
]


def members(fields: Sequence[Field]) -> Schema:
    """Return the JSON Schema of an object of these fields."""
    return object_of(
        {field.name: field.schema for field in fields if field.is_required},
        {field.name: field.schema for field in fields if not field.is_required},
    )
