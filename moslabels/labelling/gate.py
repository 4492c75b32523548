"""Counts and thresholds -> go, or one text that says why not."""

from __future__ import annotations

from moslabels.base.text import shown
from moslabels.labelling.match import Group, Match
from moslabels.spec.options import Options


def problem(match: Match, options: Options, features: str) -> str | None:
    """Where too few distinct keys have a label, or too few rows have a key at all, also in one group; None where not.

    Both rates are exact: a quotient of whole numbers is the double nearest to it, and so is the threshold as written.
    """
    failures = _failures(match, options.min_match_rate)
    for group in match.groups:
        failures += [
            f"{shown(options.match_rate_by)} {shown(group.value)}: {failure}"
            for failure in _failures(group, options.min_match_rate)
        ]
    where = f"the keys are those of {features}, {match.key.shown_rule}"
    return "; ".join([*failures, where]) if failures else None


def _failures(counts: Group, min_match_rate: float) -> list[str]:
    failures = []
    if counts.match_rate < min_match_rate:
        rate, least = apart(counts.match_rate, min_match_rate)
        failures.append(
            f"MOS label match rate {rate} below min_match_rate {least} "
            f"({counts.matched_feature_keys}/{counts.total_feature_keys} keys)"
        )
    if counts.key_rate < min_match_rate:
        rate, least = apart(counts.key_rate, min_match_rate)
        failures.append(
            f"only {rate} of feature rows yield a key, below min_match_rate {least} "
            f"({counts.input_rows - counts.rows_without_key}/{counts.input_rows} rows)"
        )
    return failures


def apart(rate: float, least: float) -> tuple[str, str]:
    """Two rates with three decimals, or as many more as tell them apart where they differ."""
    for digits in range(3, 17):
        texts = f"{rate:.{digits}f}", f"{least:.{digits}f}"
        if texts[0] != texts[1] or rate == least:
            break
    return texts
