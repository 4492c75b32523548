"""A measured rule as a document: options, label files, counts, what to confirm, and an entry of a manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.labelling.examples import keys_given
from moslabels.labelling.keys import find_key, one_or_list
from moslabels.labelling.match import Features
from moslabels.spec.formats import split_suffix
from moslabels.spec.options import Options, settled
from moslabels.suggestions.many_parts import name_of, out_folder
from moslabels.suggestions.measurements import Measurements
from moslabels.suggestions.model import Inputs, Measured
from moslabels.suggestions.partition_rules import partitions_of_rule
from moslabels.suggestions.scores import Score

_EXAMPLES = 3


def suggestion(
    inputs: Inputs, scores: Sequence[Score], measured: Measured, measurements: Measurements
) -> dict[str, Any]:
    """Return the document of a rule, as ``suggestions`` holds it."""
    counts = measured.counts
    options, labels = _options(inputs, scores, measured)
    by = partitions_of_rule(inputs, measured, measurements)
    options |= by.options
    confirm = [*_confirm(inputs, measured), *by.confirm]
    examples = _examples(inputs, options, measurements.example_values(measured.rule))
    dialects = (inputs.feature_dialect, *inputs.label_dialects)
    of_files = [
        (source.path, note)
        for source, dialect in zip((inputs.features, *inputs.labels), dialects, strict=True)
        for note in (dialect.confirm if dialect else ())
    ]
    of_files += [
        (source.path, note) for source, score in zip(inputs.labels, scores, strict=True) for note in score.notes
    ]
    of_files[:0] = [(inputs.features.path, note) for note in (inputs.parts.confirm if inputs.parts else ())]
    notes = [f"{path}: {note}" if len(scores) > 1 else note for path, note in of_files]
    return {
        "options": options,
        "labels": labels,
        "match_rate": measured.match_rate,
        "key_rate": measured.key_rate,
        "matched_feature_keys": counts["matched_keys"],
        "total_feature_keys": counts["feature_keys"],
        "input_rows": counts["feature_rows"],
        "labels_loaded": counts["label_keys"],
        "label_rows_used": counts["scores_used"],
        "label_rows_with_score": counts["scores"],
        "key_collisions": counts["key_collisions"],
        "label_key_collisions": counts["label_key_collisions"],
        "conflicts": counts["conflicts"],
        "contradictions_of_files": counts["contradicted_keys"],
        "duplicate_labels": counts["duplicate_labels"],
        "matched_values": measured.kind,
        "bits": round(measured.bits, 1),
        "examples": [
            {
                "feature": one_or_list(row["feature"]),
                "label": one_or_list(row["label"]),
                "key": one_or_list(row["key"]),
            }
            for row in measured.examples
        ],
        "confirm": confirm,
        "manifest": {
            **_files(inputs, labels),
            **options,
            **({"examples": examples} if examples else {}),
            **({"confirm": [*confirm, *notes]} if confirm or notes else {}),
        },
    }


def _examples(inputs: Inputs, options: Mapping[str, Any], values: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return values with the keys that they give when the table is labelled. What would be refused is left out."""
    key = find_key(inputs.engine, inputs.features, Options(**settled(options)), "feature")
    texts = [parts[0] if len(parts) == 1 else json.dumps(list(parts), ensure_ascii=False) for parts in values]
    given = keys_given(inputs.engine, Features(inputs.features, key), texts)
    told = [(text, one.key) for text, one in zip(texts, given, strict=True) if one.problem is None]
    return dict(told[:_EXAMPLES])


def _options(inputs: Inputs, scores: Sequence[Score], measured: Measured) -> tuple[dict[str, Any], list[Any]]:
    """Return the options of the table, and its labels: objects where the files need options of their own."""
    rule = measured.rule
    options: dict[str, Any] = {
        "feature_key_column": one_or_list([part.feature.column.name for part in rule.parts]),
        "key_normalize": rule.normalize,
    }
    if inputs.folds:
        options["key_case"] = "fold"
    if any(rule.feature_regexes):
        options["feature_key_regex"] = one_or_list(rule.feature_regexes)
    if inputs.feature_dialect and inputs.feature_dialect.options:
        options["feature_csv"] = dict(inputs.feature_dialect.options)
    of_files = []
    for file, (score, dialect) in enumerate(zip(scores, inputs.label_dialects, strict=True)):
        own: dict[str, Any] = {
            "label_key_column": one_or_list([part.labels[file].column.name for part in rule.parts]),
            "label_mos_column": score.column.name,
            **score.options,
        }
        if any(rule.label_regexes[file]):
            own["label_key_regex"] = one_or_list(rule.label_regexes[file])
        if rule.label_normalizes[file] != rule.normalize:
            own["key_normalize"] = rule.label_normalizes[file]
        if dialect and dialect.options:
            own["label_csv"] = dict(dialect.options)
        of_files.append(own)
    common = {
        name: value
        for name, value in of_files[0].items()
        if all(name in own and own[name] == value for own in of_files) and name != "key_normalize"
    }
    labels: list[Any] = []
    for source, own in zip(inputs.labels, of_files, strict=True):
        rest = {name: value for name, value in own.items() if name not in common}
        labels.append({"path": source.path, **rest} if rest else source.path)
    if measured.tolerance is not None:
        common["mos_tolerance"] = measured.tolerance
    return {**options, **common}, labels


def _files(inputs: Inputs, labels: Sequence[Any]) -> dict[str, Any]:
    """Return the members of an entry that name files."""
    features: Any = inputs.features.path
    if inputs.parts is not None:
        name = name_of(features)
        path, suffix, features = out_folder(features, name).removesuffix("_mos"), "", inputs.parts.spec.given
    else:
        path, suffix = split_suffix(features)
        name = os.path.basename(path)
    return {
        "id": name,
        "features": features,
        "labels": list(labels),
        "out": f"{path}_mos{suffix}",
        "audit_json": f"{path}_mos.audit.json",
    }


def _confirm(inputs: Inputs, measured: Measured) -> list[str]:
    """Return what the numbers cannot know, and what materialize will refuse."""
    counts, notes = measured.counts, []
    if measured.kind in ("number", "category"):
        what = "counters, measurements or other numbers" if measured.kind == "number" else "categories"
        notes.append(f"the matched values are {what}: they overlap whatever they stand for")
    if measured.kind == "numbered name":
        notes.append("the matched values count from one row to the next: look at the examples")
    if counts["contradicted_keys"] > counts["shared_keys"] / 2:
        notes.append(
            f"{' and '.join(source.path for source in inputs.labels)} score the same clips differently: "
            f"{counts['contradicted_keys']} of the {counts['shared_keys']} keys that several of them have. They are "
            "not parts of one set of labels: keep one of them, or make a table of each"
        )
    if counts["conflicts"]:
        notes.append(f"{counts['conflicts']} keys have scores that differ: materialize will refuse them")
    if counts["own_conflicts"] > counts["label_keys"] / 2:
        notes.append(
            "most keys have several scores in one file: if each is the vote of a person, make means of them first"
        )
    if len(measured.rule.parts) > 1 and measured.use < 0.5:
        notes.append(
            f"{counts['scores_used']} of {counts['scores']} scores are used: confirm that the columns of the key are "
            "the right ones"
        )
    if counts["key_collisions"]:
        notes.append(f"{counts['key_collisions']} keys come of several feature values each: are they one clip?")
    if counts["label_key_collisions"]:
        notes.append(f"{counts['label_key_collisions']} keys come of several label values each: are they one clip?")
    if min(measured.match_rate, measured.key_rate) < 0.95:
        notes.append("below the default min_match_rate 0.95: materialize will refuse it until that is lowered")
    if measured.tolerance is not None:
        notes.append(f"scores of one key differ by rounding, by at most {measured.tolerance:g}: see mos_tolerance")
    return notes
