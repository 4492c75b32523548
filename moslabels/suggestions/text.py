"""What was found, in words for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moslabels.base.text import listed, short, shown, visible
from moslabels.suggestions.model import LEAST_RATE


def suggestion_text(document: Mapping[str, Any]) -> str:
    """Return a document of ``suggest`` as a table for people."""
    lines = []
    for read in document["read"]:
        lines += [*read_texts(read), *(f"  confirm: {note}" for note in read["confirm"])]
    for score in document["scores"]:
        lines.append(score_text(score))
        lines += [f"  confirm: {note}" for note in score["confirm"]]
    lines += left_out_texts(document)
    lines.append("")
    suggestions = document["suggestions"]
    if not suggestions:
        return "\n".join([*lines, nothing_found_text(document)]) + "\n"
    rows = [("", "match", "keys", "rows with key", "collisions", "conflicts", "values", "rule")]
    for number, found in enumerate(suggestions, start=1):
        rows.append(
            (
                str(number),
                f"{found['match_rate']:.3f}",
                f"{found['matched_feature_keys']}/{found['total_feature_keys']}",
                f"{found['key_rate']:.3f}",
                f"{found['key_collisions']}+{found['label_key_collisions']}",
                str(found["conflicts"]),
                f"{found['matched_values']}, {found['bits']:.0f} bits",
                rule_text(found),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.append(table[0])
    for line, found in zip(table[1:], suggestions, strict=True):
        lines.append(line)
        lines += [f"     {text}" for text in example_texts(found)]
        lines += [f"     confirm: {note}" for note in found["confirm"]]
    lines += [
        "",
        "collisions: keys of several feature values + of several label values; conflicts: keys whose scores differ.",
    ]
    lines += ["Nothing was applied. The first as an entry of a manifest:", ""]
    return "\n".join([*lines, readable_json(suggestions[0]["manifest"])]) + "\n"


def readable_json(document: Any) -> str:
    """Return JSON for people to read and edit. It is pure ASCII only if it holds invisible characters."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return json.dumps(document, indent=2) if any(visible(line) != line for line in text.split("\n")) else text


def read_texts(read: Mapping[str, Any]) -> list[str]:
    """Return how a CSV file is read and what speaks for it, as one text; none if there is nothing to say."""
    said = [*(f"{name} {shown(value)}" for name, value in read["options"].items()), *read["evidence"]]
    return [f"{short(read['path'])}: {'; '.join(said)}"] if said else []


def left_out_texts(document: Mapping[str, Any]) -> list[str]:
    """Return which label files are left out, one text each."""
    features = short(document["features"])
    return [f"{short(path)}: is left out: no rule joins it with {features}" for path in document["left_out"]]


def score_text(score: Mapping[str, Any]) -> str:
    """Return what was found of the scores of a label file."""
    found = (
        f"{short(score['path'])}: {score['rows']} rows; scores: column {shown(score['column'])}, "
        f"{score['numbers']} numbers from {score['low']:g} to {score['high']:g}, {score['at_most_5']} at most 5, "
        f"{score['missing']} missing, {score['bad']} that are not numbers"
    )
    return "; ".join([found, *filter(None, [_options_text(score["options"])])])


def nothing_found_text(document: Mapping[str, Any]) -> str:
    """Return what was tried if no rule was found."""
    tried = document["tried"]
    of_files = "; ".join(
        f"{listed(columns)} of {short(path)}"
        for path, columns in zip(document["labels"], tried["label_columns"], strict=True)
    )
    return (
        f"no join rule found: {listed(tried['feature_columns'])} of {short(document['features'])} with {of_files}; "
        f"{tried['pairs']} pairs of keys have a value in common, no rule labels {LEAST_RATE:.0%} of the clips. "
        "Is it the right label table, and is it read right (label_csv, feature_csv)?"
    )


def example_texts(found: Mapping[str, Any]) -> list[str]:
    """Return the examples of a rule, one text each."""
    return [
        f"{shown(example['feature'])} = {shown(example['label'])}"
        + (f" by {shown(example['key'])}" if example["key"] not in (example["feature"], example["label"]) else "")
        for example in found["examples"]
    ]


def _options_text(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in options.items())


def rule_text(found: Mapping[str, Any]) -> str:
    """Return the columns and patterns of a rule."""
    options = found["options"]
    feature = _side_text(options.get("feature_key_column"), options.get("feature_key_regex"))
    labels = []
    for label in found["labels"]:
        own = {**options, **(label if isinstance(label, Mapping) else {})}
        labels.append(_side_text(own["label_key_column"], own.get("label_key_regex")))
    case = ", without regard to case" if options.get("key_case") == "fold" else ""
    return f"{feature} = {' | '.join(dict.fromkeys(labels))}, {options['key_normalize']}{case}"


def _side_text(columns: Any, regexes: Any) -> str:
    names = columns if isinstance(columns, list) else [columns]
    patterns = regexes if isinstance(regexes, list) else [regexes] * len(names)
    return " + ".join(
        shown(name) + (f" by {shown(regex)}" if regex else "") for name, regex in zip(names, patterns, strict=True)
    )
