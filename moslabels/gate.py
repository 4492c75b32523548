"""Counts and thresholds -> go, or one error that says why not."""

from __future__ import annotations

from moslabels.errors import GateError
from moslabels.features import Match


def check(match: Match, min_match_rate: float, features: str) -> None:
    """Raise GateError where too few distinct keys have a label, or too few rows have a key at all.

    Both rates are exact: a quotient of whole numbers is the double nearest to it, and so is the threshold as written.
    """
    failures = []
    if match.match_rate < min_match_rate:
        failures.append(
            f"MOS label match rate {match.match_rate:.3f} below min_match_rate {min_match_rate:.3f} "
            f"({match.matched_feature_keys}/{match.total_feature_keys} keys)"
        )
    if match.key_rate < min_match_rate:
        failures.append(
            f"only {match.key_rate:.3f} of feature rows yield a key, below min_match_rate {min_match_rate:.3f} "
            f"({match.input_rows - match.rows_without_key}/{match.input_rows} rows)"
        )
    if failures:
        where = f"the keys are those of {features}, {match.key.shown_columns}"
        raise GateError("; ".join([*failures, where]), file=features, column=match.key.columns[0])
