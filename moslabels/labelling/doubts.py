"""What is doubtful about how features and labels meet, and stops nothing: a warning each."""

from __future__ import annotations

from moslabels.labelling.labels import LabelFile, Labels, collision_examples
from moslabels.labelling.match import Match

_LEAST_USED = 0.5


def match_doubts(labels: Labels, match: Match) -> list[str]:
    """Return what is doubtful about the keys of a table that passes the gate."""
    return [*_key_columns(labels), *_hardly_used(labels, match), *_collisions(match)]


def gate_doubts(labels: Labels, match: Match) -> list[str]:
    """Return what may be the cause if the gate stops a table, and its counts over all label files do not say."""
    return [*(_hardly_used(labels, match) if len(labels.files) > 1 else []), *_collisions(match)]


def _key_columns(labels: Labels) -> list[str]:
    """Return a warning if label files have different key columns, and one of these is a guess."""
    firsts: dict[tuple[str, ...], LabelFile] = {}
    for file in labels.files:
        firsts.setdefault(tuple(name.lower() for name in file.key.columns), file)
    if len(firsts) == 1 or not any(file.inferred for file in labels.files):
        return []
    keys = [
        f"{file.key.shown_columns} of {file.path}" + (" (inferred)" if file.inferred else "")
        for file in firsts.values()
    ]
    return [
        f"the label files have different key columns: {', '.join(keys)}; name the key of each in its entry of labels: "
        '{"path": …, "label_key_column": …}'
    ]


def _hardly_used(labels: Labels, match: Match) -> list[str]:
    """Return a warning for each label file of which no label is used or, if there are several files, few.

    A single file may hold the labels of all splits of a corpus: few of them in use are nothing to warn of.
    """
    if not match.total_feature_keys:
        return []
    said = []
    for file, (count, used) in zip(labels.files, match.used_labels, strict=True):
        if not count:
            said.append(f"{file.path}: it holds no label: none of its {file.rows} rows has a key and a score")
        elif not used:
            said.append(
                f"{file.path}: no feature uses a label of it, of {count}: leave it out if it is of other clips, or "
                f"make its key ({file.key.shown_rule}) that of the features"
            )
        elif len(labels.files) > 1 and used / count < _LEAST_USED:
            said.append(
                f"{file.path}: features use {used} of its {count} labels: where all of its clips should be among the "
                f"features, its key ({file.key.shown_rule}) may be another id that happens to be the same"
            )
    return said


def _collisions(match: Match) -> list[str]:
    """Return a warning, with two examples, if different values became one key."""
    collisions = match.key_collisions
    if not collisions.count:
        return []
    return [
        f"{collisions.count} feature keys come from several different values each: "
        f"{collision_examples(collisions.rows[:2])}; where these are different clips, make the key tell them apart"
    ]
