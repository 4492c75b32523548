"""The steps from a value to its key and its label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.errors import UsageError
from moslabels.base.settings import Settings
from moslabels.base.signals import held, released
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.workspace import Workspace
from moslabels.labelling.key_values import Form, KeyValues, NotHeldError
from moslabels.labelling.keys import Key
from moslabels.labelling.pipeline import read_features, read_labels
from moslabels.sources.source import Source
from moslabels.spec.key_rules import several_values, value_parts
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
        known = KeyValues(engine, features)
        forms = [_forms(known, source, value) for value in parts]
        read_labels(engine, workspace, spec)
        return [
            _explained(engine, spec, key, of_parts, form, known.steps(form)) | _wanted(spec, value)
            for value, of_parts, ways in zip(values, parts, forms, strict=True)
            for form in ways
        ]


def _parts(value: str, key: Key) -> list[str]:
    parts = value_parts(value, key.columns)
    if parts is None:
        wanted = several_values(len(dict.fromkeys(key.columns)))
        raise UsageError(f"{shown(value)} {wanted}: the key is {key.shown_columns}")
    return parts


def _forms(known: KeyValues, source: Source, parts: Sequence[str]) -> list[tuple[Form, ...]]:
    try:
        return known.forms(parts)
    except NotHeldError as error:
        name, kind = shown(error.cell.column.name), error.cell.column.type
        message = f"{shown(error.value)} is not a value of column {name} of {source.path}, which is {kind}"
        raise UsageError(message) from error


def _wanted(spec: TableSpec, value: str) -> dict[str, Any]:
    """Return the key that a value must give, if it is one of the examples of the table."""
    examples = spec.options.examples
    if value not in examples:
        return {}
    wanted = examples[value]
    return {"wanted": list(wanted) if isinstance(wanted, tuple) else wanted}


def _explained(
    engine: Engine,
    spec: TableSpec,
    key: Key,
    parts: Sequence[str],
    forms: Sequence[Form],
    steps: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
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
    if "wanted" in explained:
        wanted = explained["wanted"]
        lines.append(f"  example     must give {shown(wanted) if wanted is not None else 'no key'}")
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
