"""One value on its way to a key and a label, step by step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.engine import Engine
from moslabels.errors import UsageError
from moslabels.keys import Key, find_key
from moslabels.labels import load_labels
from moslabels.manifest import TableSpec
from moslabels.options import shown
from moslabels.render import render
from moslabels.settings import Settings
from moslabels.tables import open_table
from moslabels.workspace import Workspace


def explain(spec: TableSpec, values: Sequence[str], settings: Settings) -> list[dict[str, Any]]:
    """What becomes of values of the feature key column, by the rules of a table: JSON values, one object per value.

    Of a key of several columns, a value is a JSON list of texts. Raises what labelling the table would raise before the
    features are joined, and UsageError where a value does not fit the key.
    """
    with Workspace(settings.temp_dir) as workspace, Engine(settings, workspace.folder) as engine:
        source = open_table(engine, workspace, spec.features, "feature", spec.options.feature_csv)
        key = find_key(source, spec.options, "feature")
        parts = [_parts(value, key) for value in values]
        load_labels(engine, workspace, spec)
        return [_explained(engine, spec, key, value) for value in parts]


def _parts(value: str, key: Key) -> list[str]:
    if len(key.cells) == 1:
        return [value]
    try:
        parts = json.loads(value)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or len(parts) != len(key.cells) or not all(isinstance(part, str) for part in parts):
        example = json.dumps(["…"] * len(key.cells), ensure_ascii=False)
        raise UsageError(f"{shown(value)} must be a JSON list of texts, {example}: the key is {key.shown_columns}")
    return parts


def _explained(engine: Engine, spec: TableSpec, key: Key, parts: Sequence[str]) -> dict[str, Any]:
    # Of text files any value is text; a Parquet column has one type.
    types = [cell.column.type if cell.reader == "parquet" else "VARCHAR" for cell in key.cells]
    values = {"values": list(parts), "types": types, **key.parameters()}
    steps = engine.rows(render("checks/key_steps", values, keys=key.cells))
    found = steps[0]["key"]
    labels = engine.rows(render("checks/label_of_key", {"key": found}))
    nearest = engine.rows(render("checks/nearest_labels", {"key": found})) if found and not labels else []
    for row in (*labels, *nearest):
        row["file"] = spec.labels[row["file"]].path
    return {
        "features": spec.features,
        "steps": [
            {
                "column": cell.column.name,
                "value": part,
                "key_normalize": normalize,
                "regex": regex,
                **{name: step[name] for name in ("fault", "text", "trimmed", "normalised", "extracted")},
            }
            for cell, part, normalize, regex, step in zip(
                key.cells, parts, key.normalize, key.regexes, steps, strict=True
            )
        ],
        "key": found,
        "label": labels[0] if labels else None,
        "nearest": nearest,
    }


def text(explained: Mapping[str, Any]) -> str:
    """The explanation of one value as people read it."""
    lines = []
    for step in explained["steps"]:
        lines.append(f"{shown(step['value'])} in column {shown(step['column'])} of {explained['features']}")
        if step["fault"]:
            lines.append(f"  cannot be a key: {step['fault']}")
            continue
        lines.append(f"  as text     {shown(step['text'])}")
        lines.append(f"  trimmed     {shown(step['trimmed'])}")
        lines.append(f"  normalised  {shown(step['normalised'])}  (key_normalize {step['key_normalize']})")
        if step["regex"] is not None:
            lines.append(f"  extracted   {shown(step['extracted'])}  (feature_key_regex {step['regex']})")
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
