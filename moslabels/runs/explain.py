"""The steps from a value to its key and its label."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.settings import Settings
from moslabels.base.signals import held, released
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.workspace import Workspace
from moslabels.labelling.keys import Key
from moslabels.labelling.pipeline import read_features, read_labels
from moslabels.sources.columns import FLOAT_TYPES, Cell, is_number_type
from moslabels.sources.source import Cells, Source
from moslabels.spec.table import TableSpec


def explain(spec: TableSpec, values: Sequence[str], settings: Settings) -> list[dict[str, Any]]:
    """Return what the rules of a table make of values of the feature key column: JSON values, one object per value.

    If the key has several columns, a value is a JSON list of texts. A value is read as its column holds it. In a column
    of numbers it is a number, so 12.0 is 12. In a column of text it is a text. If a JSON column holds both, each of the
    two readings gets an object. Raise what labelling the table would raise before the features are joined. Raise
    UsageError if a value does not fit the key, or if its column cannot hold it.
    """
    with held(), Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine, released():
        features = read_features(engine, workspace, spec)
        source, key = features.source, features.key
        parts = [_parts(value, key) for value in values]
        kinds = [source.format.types_of(engine, source, cell) for cell in key.cells]
        forms = [
            [_forms(engine, source, *of_part) for of_part in zip(key.cells, kinds, value, strict=True)]
            for value in parts
        ]
        read_labels(engine, workspace, spec)
        return [
            _explained(engine, spec, key, value, form)
            for value, of_parts in zip(parts, forms, strict=True)
            for form in itertools.product(*of_parts)
        ]


def _parts(value: str, key: Key) -> list[str]:
    names = list(dict.fromkeys(key.columns))  # One value of a column is there for all parts that it makes.
    if len(names) == 1:
        return [value] * len(key.cells)
    try:
        parts = json.loads(value)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != len(names) or not all(isinstance(part, str) for part in parts):
        example = json.dumps(["…"] * len(names), ensure_ascii=False)
        raise UsageError(f"{shown(value)} must be a JSON list of texts, {example}: the key is {key.shown_columns}")
    return [parts[names.index(column)] for column in key.columns]


@dataclass(frozen=True)
class _Form:
    """A value as its column may hold it: the text that its key is made of, and its type."""

    text: str
    type: str


def _forms(engine: Engine, source: Source, cell: Cell, kinds: Sequence[str], value: str) -> list[_Form]:
    """Return the forms in which a column may hold a value: two if a JSON column has numbers and texts, else one."""
    if source.format.cells is Cells.TEXT:
        return [_Form(value, "VARCHAR")]
    if source.format.cells is Cells.TYPED:
        (kind,) = kinds
        if not is_number_type(kind):
            return [_Form(value, kind)]
        is_exact = kind not in FLOAT_TYPES
        rows = engine.rows(render("explain/10_typed_value", {"value": value}, cell=cell, is_exact=is_exact))
        if not rows:
            raise UsageError(
                f"{shown(value)} is not a value of column {shown(cell.column.name)} of {source.path}, which is {kind}"
            )
        return [_Form(rows[0]["text"], kind)]
    found = engine.row(render("explain/11_json_value", {"value": value}, cell=cell))
    is_number = found["type"] is not None and is_number_type(found["type"])
    has_such = any(map(is_number_type, kinds)) if is_number else found["type"] in kinds
    forms = [_Form(found["text"], found["type"])] if has_such and found["type"] != "VARCHAR" else []
    return [*forms, _Form(value, "VARCHAR")] if "VARCHAR" in kinds or not forms else forms


def _explained(
    engine: Engine, spec: TableSpec, key: Key, parts: Sequence[str], forms: Sequence[_Form]
) -> dict[str, Any]:
    values = {"values": [form.text for form in forms], "types": [form.type for form in forms], **key.parameters()}
    steps = engine.rows(render("explain/20_key_steps", values, key=key))
    found = None if any(step["fault"] for step in steps) else steps[0]["key"]
    labels = engine.rows(render("explain/30_label", {"key": found}))
    nearest = engine.rows(render("explain/31_nearest_labels", {"key": found})) if found and not labels else []
    for row in (*labels, *nearest):
        row["file"] = spec.labels[row["file"]].path
    names = ["fault", "text", "trimmed", "normalised", "extracted"]
    names += [*(["joined"] if key.template is not None else []), *(["folded"] if key.folds else [])]
    # The one part that a template makes is that of each column.
    of_parts = [one * len(key.cells) if key.template is not None else one for one in (key.normalize, key.regexes)]
    return {
        "features": spec.features,
        **({"template": key.template} if key.template is not None else {}),
        "steps": [
            {
                "column": cell.column.name,
                "value": part,
                "type": form.type,
                "key_normalize": normalize,
                "regex": regex,
                **{name: step[name] for name in names},
            }
            for cell, part, form, normalize, regex, step in zip(key.cells, parts, forms, *of_parts, steps, strict=True)
        ],
        "key": found,
        "label": labels[0] if labels else None,
        "nearest": nearest,
    }


def explanation_text(explained: Mapping[str, Any]) -> str:
    """Return the explanation of one value as text for people."""
    lines = []
    for number, step in enumerate(explained["steps"], start=1):
        kind = "" if step["type"] == "VARCHAR" else f", {step['type']}"
        lines.append(f"{shown(step['value'])} in column {shown(step['column'])}{kind} of {explained['features']}")
        if step["fault"]:
            lines.append(f"  cannot be a key: {step['fault']}")
            continue
        lines.append(f"  as text     {shown(step['text'])}")
        lines.append(f"  trimmed     {shown(step['trimmed'])}")
        if "joined" in step:
            if number < len(explained["steps"]):
                continue
            joined = shown(step["joined"]) if step["joined"] is not None else "nothing: a part is missing"
            lines.append(f"by the template {explained['template']}")
            lines.append(f"  joined      {joined}")
        lines.append(f"  normalised  {shown(step['normalised'])}  (key_normalize {step['key_normalize']})")
        if step["regex"] is not None:
            lines.append(f"  extracted   {shown(step['extracted'])}  (feature_key_regex {step['regex']})")
        if "folded" in step:
            lines.append(f"  folded      {shown(step['folded'])}  (key_case fold)")
    lines.append(f"  key         {shown(explained['key']) if explained['key'] else 'none: the row gets no label'}")
    label = explained["label"]
    if label:
        lines.append(
            f"  label       {label['file']} row {label['row']}, from {shown(label['raw_value'])}: score "
            f"{shown(label['mos_text'])}, mos {label['mos']:.6g}, mos_raw_0_100 {label['mos_raw_0_100']:.6g}"
        )
    elif explained["key"]:
        lines.append("  label       none has this key; nearest:")
        lines += [
            f"    {shown(row['key'])} in {row['file']} row {row['row']}, from {shown(row['raw_value'])}"
            for row in explained["nearest"]
        ]
    return "\n".join(lines)
