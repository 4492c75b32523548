"""The gate: whether enough keys and rows get a label, and the words if not."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from moslabels.base.text import apart, shown
from moslabels.labelling.diagnosis import lines
from moslabels.labelling.doubts import gate_doubts
from moslabels.labelling.labels import Labels
from moslabels.labelling.match import Group, Match
from moslabels.spec.features import named
from moslabels.spec.options import Options
from moslabels.spec.table import TableSpec


def problem(match: Match, options: Options, features: str) -> str | None:
    """Return which rates are too low, over all rows or in one group, or None if all pass.

    The rates are that of distinct keys with a label, and that of rows with a key. Both are exact: a quotient of whole
    numbers is the double nearest to it, and so is the threshold as written.
    """
    failures = _all_below(match, options, "min_match_rate")
    where = f"the keys are those of {features}, {match.key.shown_rule}"
    return "; ".join([*failures, where]) if failures else None


def rate_doubts(match: Match, options: Options) -> list[str]:
    """Return a warning for each rate of a table that passes the gate, if it is below ``warn_match_rate``."""
    return [] if options.warn_match_rate is None else _all_below(match, options, "warn_match_rate")


def _all_below(match: Match, options: Options, name: str) -> list[str]:
    """Return which rates are below the option of a name, over all rows and in each group."""
    failures = _below(match, options, name)
    for group in match.groups:
        failures += [
            f"{shown(options.match_rate_by)} {shown(group.value)}: {failure}"
            for failure in _below(group, options, name)
        ]
    return failures


def _below(counts: Group, options: Options, name: str) -> list[str]:
    threshold: float = getattr(options, name)
    failures = []
    if counts.match_rate < threshold:
        rate, least = apart(counts.match_rate, threshold)
        failures.append(
            f"MOS label match rate {rate} below {name} {least} "
            f"({counts.matched_feature_keys}/{counts.total_feature_keys} keys)"
        )
    if counts.key_rate < threshold:
        rate, least = apart(counts.key_rate, threshold)
        failures.append(
            f"only {rate} of feature rows yield a key, below {name} {least} "
            f"({counts.input_rows - counts.rows_without_key}/{counts.input_rows} rows)"
        )
    return failures


def refusal(problem: str, diagnosis: Mapping[str, Any], spec: TableSpec, labels: Labels, match: Match) -> str:
    """Return the message of a table that the gate stops: the problem, its diagnosis, and where to look for a rule."""
    inferred = [file.inferred for file in labels.files if file.inferred and file.key.columns != match.key.columns]
    told = [*lines(diagnosis), *gate_doubts(labels, match), *inferred, *_how_to_set(diagnosis, spec)]
    return "\n  ".join([problem, *told, _where_to_look(spec)])


_VALUE_TO_SET = re.compile(r'\b(key_normalize|key_case|feature_key_regex) (?:to )?("(?:[^"\\]|\\.)*")')


def _how_to_set(diagnosis: Mapping[str, Any], spec: TableSpec) -> list[str]:
    """Return where an option that the diagnosis advises is set, if it advises one with its value."""
    advice = "\n".join(row["advice"] for row in diagnosis["near_misses"] if row["keys"])
    if (found := _VALUE_TO_SET.search(advice)) is None:
        return []
    name, value = found.groups()
    keyword = f"{name}={json.loads(value)!r}"
    if spec.tables:
        return [f"to set an option, give it as a keyword: {keyword}"]
    if spec.id is not None:
        return [f'to set an option, add it to the table in the manifest: "{name}": {value}']
    flag = f"--{name.replace('_', '-')} {shlex.quote(json.loads(value))}"
    return [f"to set an option, add its flag: {flag} (in Python: {keyword})"]


def _where_to_look(spec: TableSpec) -> str:
    if spec.tables:
        return "to look for a rule: write the tables to files and run moslabels suggest"
    labels = " ".join(f"--labels {shlex.quote(label.path)}" for label in spec.labels)
    features = spec.features if spec.parts is None else named(spec.parts.items)
    return f"to look for a rule: moslabels suggest --features {shlex.quote(features)} {labels}"
