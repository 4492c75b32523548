"""What the page shows of how a table was joined: the rule of each key, score columns, scales, and examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.labelling.keys import several

_NORMALIZED = {
    "raw": "as it is",
    "basename": "base name",
    "stem": "base name without extension",
    "auto": "base name if the column is named like a path",
}
_SCALES = {
    "1-5": "1 worst, 5 best",
    "0-100": "0 worst, 100 best",
    "per-value": "1 worst, 5 best; above 5: 0 worst, 100 best",
    "per-row": "that of each row, by a column",
}


def joined(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how the features and each label file were read: the rule of the key, the score column, the scale."""
    features = {
        "path": audit["feature_table"],
        "key": _key_rule(
            audit["feature_key_column"],
            audit["key_normalize"],
            audit["feature_key_regex"],
            audit.get("feature_key_template"),
            {},
        ),
        "score": None,
        "scale": None,
        "rows": audit["input_rows"],
    }
    if audit.get("key_case") == "fold":
        features["key"].append(("without regard to case", ""))
    return [
        features,
        *(
            {
                "path": file["path"],
                "key": _key_rule(
                    file["key_column"],
                    file["key_normalize"],
                    file["key_regex"],
                    file.get("key_template"),
                    file.get("key_constants", {}),
                ),
                "score": ", ".join(
                    [file["mos_column"], *([file["mos_raw_column"]] if "mos_raw_column" in file else [])]
                ),
                "scale": _scale(file["mos_scale"], file.get("mos_scale_column")),
                "rows": file["rows"],
            }
            for file in audit["label_files"]
        ),
    ]


def _key_rule(
    columns: Any, normalize: Any, regex: Any, template: str | None, constants: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return the rule of a key as (words, code) pairs, of which either may be empty."""
    names = several(columns)
    ways = several(normalize)
    rules = [
        ("column" if len(names) == 1 else f"part {part}: column", name) for part, name in enumerate(names, start=1)
    ]
    if template is not None:
        rules.append(("by the template", template))
    rules += [(_NORMALIZED.get(way, way), "") for way in dict.fromkeys(ways) if template is None]
    rules += [("by the pattern", pattern) for pattern in dict.fromkeys(several(regex)) if pattern]
    return [*rules, *((f"{name} is", text_of(value)) for name, value in constants.items())]


def _scale(scale: Any, column: str | None) -> str:
    if isinstance(scale, Mapping):
        return f"{scale['worst']:g} worst, {scale['best']:g} best"
    return f"that of each row, by column {column}" if column is not None else _SCALES.get(scale, scale)


def examples(sample: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of features with their label beside them, as texts."""
    return [
        {
            **{name: row[name] for name in ("raw_value", "row", "key", "label_value", "label_row", "mos_text")},
            "label_file": row["label_file"],
            "mos": f"{row['mos']:.6g}",
            "mos_raw_0_100": f"{row['mos_raw_0_100']:.6g}",
        }
        for row in sample
    ]


def text_of(value: Any) -> str:
    """Return a value of a document as text: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
