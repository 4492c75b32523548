"""Counts and thresholds -> go, or one text that says why not."""

from __future__ import annotations

from moslabels.features import Group, Match
from moslabels.options import Options, shown


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
    where = f"the keys are those of {features}, {match.key.shown_columns}"
    return "; ".join([*failures, where]) if failures else None


def _failures(counts: Group, min_match_rate: float) -> list[str]:
    failures = []
    if counts.match_rate < min_match_rate:
        failures.append(
            f"MOS label match rate {counts.match_rate:.3f} below min_match_rate {min_match_rate:.3f} "
            f"({counts.matched_feature_keys}/{counts.total_feature_keys} keys)"
        )
    if counts.key_rate < min_match_rate:
        failures.append(
            f"only {counts.key_rate:.3f} of feature rows yield a key, below min_match_rate {min_match_rate:.3f} "
            f"({counts.input_rows - counts.rows_without_key}/{counts.input_rows} rows)"
        )
    return failures
