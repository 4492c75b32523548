"""What the name of a column says of its numbers: a score, a spread, a count of votes, a measurement, or nothing."""

from __future__ import annotations

import re

from moslabels.spec.likeness import words
from moslabels.spec.names import MOS_NAMES

USUAL, MOS, SCORE, MEAN, NOTHING, NEVER = 0, 1, 2, 3, 4, 9
"""How surely a name is that of the scores: one that is found without an option, down to one that says otherwise."""

_SPREAD = set(
    "std stdev stddev sd sos var variance ci conf confidence sem se sigma deviation dev stderr err iqr mad".split()
)
_COUNTS = set("n nb num number count counts votes subjects raters observers total nratings nvotes".split())
_PEOPLE = set("subject observer rater user worker participant viewer annotator judge assessor listener session".split())
_IDS = set("id ids index idx row uuid unnamed scale".split())
_METRICS = set("psnr ssim msssim vmaf niqe brisque piqe lpips fsim vif".split())
_MEDIA = set(
    "width height fps framerate frame frames rate bitrate kbps mbps duration length seconds sec secs second ms time "
    "timestamp size bytes bits resolution depth crf qp year date si ti iso exposure level order rank age".split()
)
_SCORES = set("score scores opinion quality rating ratings".split())
_MEANS = set("mean avg average overall ovr ovrl ovrall".split())


def says(name: str) -> int:
    """Return how surely a name is that of the scores."""
    found = _words(name)
    if name.lower() in MOS_NAMES:
        return USUAL
    if found & (_SPREAD | _METRICS | _IDS) or (
        found & _COUNTS and not found & _MEANS and not found & _SCORES - {"ratings"}
    ):
        return NEVER
    if is_mos(name) or is_dmos(name):
        return MOS
    if found & _SCORES:
        return SCORE
    if found & (_MEDIA | _PEOPLE):
        return NEVER
    return MEAN if found and found <= _MEANS | {"vote", "votes", "value"} and found & _MEANS else NOTHING


def is_mos(name: str) -> bool:
    """Return whether a name says that a high number is a good one."""
    return bool(re.search(r"(?i)mos(?!aic)", name)) and not is_dmos(name)


def is_dmos(name: str) -> bool:
    """Return whether the name of a column or a file says differential scores."""
    return bool(re.search(r"(?i)(?<![a-z])d[-_ ]?mos(?!aic)|dmos", name))


def is_one_person(name: str) -> bool:
    """Return whether a name is that of a column which says who voted."""
    found = _words(name)
    return bool(found & _PEOPLE) and not found & (_COUNTS | _SCORES | _SPREAD) and not is_mos(name)


def details(name: str) -> tuple[bool, bool]:
    """Return what makes one of several names like scores less likely, the likeliest first."""
    return not re.search(r"(?i)full|mean|avg|average|overall|total", name), bool(re.search("[0-9]", name))


def _words(name: str) -> set[str]:
    return {word for word in words(name) if word.isascii()}
