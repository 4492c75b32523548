"""The likely contents of a column of labels by the words of its name: spread, votes, or another score."""

from __future__ import annotations

import re
from collections.abc import Iterable

SPREAD, VOTES, SCORE = "spread", "votes", "score"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")

_DEVIATIONS = [
    frozenset(core.split())
    for core in ("std", "sd", "stddev", "stdev", "std dev", "st dev", "std deviation", "standard deviation", "sos")
]
"""The words for a standard deviation; "sos" is that of opinion scores."""
_OTHER_SPREADS = frozenset("ci confidence var variance sem stderr sigma iqr".split())
_COUNTS = frozenset("n num no nr nb nof number count counts total x".split())
_VOTES = frozenset("votes subjects raters voters observers".split())
_COUNTED = _VOTES | frozenset("vote rating ratings subject rater observer judges participants annotators".split())
_COUNTED |= frozenset("annotations assessors listeners viewers opinions".split())
_TOTALS = [frozenset({"c", "total"})]
_SCORES = frozenset("mos dmos score scores rating ratings quality overall ovr sig bak mean".split())
_SCORES |= frozenset("technical aesthetic aesthetics jod elo".split())
_OF_ANY_SCORE = frozenset("mos dmos score scores rating ratings opinion opinions of the mean".split())
_OF_THE_SCORE = frozenset("full overall quality".split())
"""Words that say whose spread or votes a column has if no other column of the file is named by them."""


def words(name: str) -> frozenset[str]:
    """Return the words of a name in lower case. The words of ``stdFull`` are std and full."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def looks_like(name: str) -> str | None:
    """Return the likely contents of a column by its name: ``SPREAD``, ``VOTES``, ``SCORE`` or None."""
    found = words(name)
    if _OTHER_SPREADS & found or any(core <= found for core in _DEVIATIONS):
        return SPREAD
    if found in _TOTALS or _VOTES & found or (_COUNTED & found and _COUNTS & found):
        return VOTES
    return SCORE if _SCORES & found else None


def is_of_score(name: str, kind: str, score: str, others: Iterable[str]) -> bool:
    """Return whether a column is the standard deviation (``SPREAD``) or number (``VOTES``) of the votes behind a score.

    ``score`` is the name of the score's column, ``others`` are the names of the other columns. A confidence interval,
    or the spread of another score, looks alike but is not meant.
    """
    found = words(name)
    cores = [core for core in _DEVIATIONS if core <= found] if kind == SPREAD else _vote_words(found)
    if looks_like(name) != kind or not cores or (kind == SPREAD and _OTHER_SPREADS & found):
        return False
    of_whom = found - max(cores, key=len) - _OF_ANY_SCORE - words(score)
    if not of_whom:
        return True
    # "stdFull" is the spread of "MOSFull", if that is there, and not of "MOSChunk".
    scores = [other for other in others if looks_like(other) == SCORE and other != score]
    return of_whom <= _OF_THE_SCORE and not any(of_whom & words(other) for other in scores)


def _vote_words(found: frozenset[str]) -> list[frozenset[str]]:
    """Return the sets of words in a name that say that it counts votes; none if it does not."""
    if found in _TOTALS:
        return [found]
    counted = found & _COUNTED
    return [found & (_COUNTED | _COUNTS)] if counted & _VOTES or (counted and found & _COUNTS) else []
