"""The scale of the scores of a file, as far as names and numbers can tell, and what is to be confirmed of it.

Bounds are never made up from the data: only scales that are in use are proposed. Of any other, the options have none,
so that labelling stops until somebody says what the bounds are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moslabels.spec.options import Options
from moslabels.suggestions.score_names import is_dmos, is_mos

_SLACK = 0.1  # of the width of a scale: scores beyond it by no more are normalised scores of that scale
_DIRECTIONS = {
    0: 'that the least score is the best one; if it is the worst, write mos_scale "0-100"',
    5: 'that the greatest score is the best one; if it is the worst, write mos_scale {"worst": 5, "best": 1}',
}
"""What to confirm of differential scores, by the best one of the scale that is proposed."""
_MAY_BE_DIFFERENCES = (
    "scores below 0 may be differences to a reference (DMOS), of which the least is the best one: if so, the scale is "
    'mos_scale {"worst": 100, "best": 0}'
)


@dataclass(frozen=True)
class Scale:
    """What is proposed: options, none of them ``mos_scale`` if there is no usual one; what to confirm; and the ends."""

    options: Mapping[str, Any]
    notes: tuple[str, ...]
    worst: float
    best: float


def find_scale(name: str, file: str, row: Mapping[str, Any], *, has_low_references: bool = False) -> Scale:
    """Return the scale of scores by the name of their column, that of their file and their numbers.

    ``row`` is one of ``sql/suggest/21_score_columns.sql``; ``has_low_references`` says that references, the best clips,
    hold the least score.
    """
    notes: list[str] = []
    is_turned = is_dmos(name) or (is_dmos(file) and not is_mos(name))
    scale = _turned(row) if is_turned else _upright(row)
    if is_turned:
        where = "column" if is_dmos(name) else "file"
        found = (
            f"the name of the {where} says differential scores (DMOS), and numbers cannot tell the direction: confirm "
        )
        notes.append(found + (_DIRECTIONS[int(scale.best)] if scale.options else "which end is the worst"))
    elif has_low_references:
        notes.append(
            f"clips named like references hold the least score, {row['low']:g}: confirm the direction; if it is the "
            "best score, swap worst and best in mos_scale"
        )
    elif is_dmos(file):
        notes.append("the name of the file says differential scores (DMOS): confirm that a high score is a good one")
    elif scale.options.get("mos_scale") not in (None, "1-5") and not is_mos(name) and "quality" not in name.lower():
        notes.append(
            "the name of the column does not say which end is best: confirm that a high score is a good one; if not, "
            "swap worst and best in mos_scale"
        )
    return Scale(scale.options, (*scale.notes, *notes), scale.worst, scale.best)


def _upright(row: Mapping[str, Any]) -> Scale:
    """Return the scale of scores of which a high one is good."""
    low, high = row["low"], row["high"]
    between = f"the scores lie between {low:g} and {high:g}"
    if low >= 1 and high <= 5:
        return Scale({"mos_scale": "1-5"}, (), 1, 5)
    if low >= 0 and high <= 1:
        return Scale({"mos_scale": {"worst": 0, "best": 1}}, (f"{between}: confirm the bounds of the scale",), 0, 1)
    if _is_around_0(row):
        end = next((end for end in (3, 5, 10, 50, 100) if max(-low, high) <= end), _above(max(-low, high)))
        return _unknown(
            row,
            f"{between}, around 0: they seem to be z-scores or differences. No scale is proposed. Map them with "
            f'mos_scale, such as {{"worst": -{end}, "best": {end}}}: then -{end} becomes 1, 0 becomes 3, and {end} '
            "becomes 5; swap the two if a low score is a good one",
        )
    for worst, best, outside in ((1, 5, row["below_1"] + row["above_5"]), (0, 100, row["below_0"] + row["above_100"])):
        slack = _SLACK * (best - worst)
        if low < worst - slack or high > best + slack or (best == 100 and high <= 10):
            continue
        return _within(row, worst, best, outside)
    if low >= 0 and high <= 5:
        return Scale({"mos_scale": {"worst": 0, "best": 5}}, (f"{between}: confirm the bounds of the scale",), 0, 5)
    return _unknown(
        row,
        f"{between}, which no usual scale has. No scale is proposed: write the bounds that the scores can have, "
        f'such as mos_scale {{"worst": {0 if low >= 0 else round(low - 1)}, "best": {_above(high)}}}, and not those '
        "that they happen to have",
    )


def _within(row: Mapping[str, Any], worst: int, best: int, outside: int) -> Scale:
    """Return 1-5 or 0-100 for scores that are on it, or beyond it by little."""
    name = f"{worst}-{best}"
    numbers = row["numbers"]
    if outside > Options.max_clipped * numbers:
        return _too_many(row, outside, worst, best)
    options: dict[str, Any] = {"mos_scale": name}
    notes = []
    if outside:
        options["out_of_range"] = "clip"
        notes.append(
            f"scores beyond {name}: {outside} of {numbers}, all being from {row['low']:g} to {row['high']:g}; confirm "
            f"that the scale is {name}: they are clipped to its ends"
        )
    if best == 100 and row["below_0"]:
        notes.append(_MAY_BE_DIFFERENCES)
    if best == 100 and row["at_most_5"]:
        notes.append(
            f"{row['at_most_5']} of {numbers} scores are at most 5: taken as bad ones out of 100; confirm that none "
            "is on 1-5"
        )
    if best == 100 and row["high"] <= 50:
        notes.append(f"the greatest score is {row['high']:g}: confirm that the scale is 0-100")
    return Scale(options, tuple(notes), worst, best)


def _turned(row: Mapping[str, Any]) -> Scale:
    """Return the scale of differential scores, of which a low one is good if it is the usual kind."""
    low, high, numbers = row["low"], row["high"], row["numbers"]
    if low >= 1 and high <= 5:
        return Scale({"mos_scale": "1-5"}, (), 1, 5)
    outside = row["below_0"] + row["above_100"]
    is_0_to_100 = high > 10 and low >= -10 and high <= 110
    if is_0_to_100 and outside > Options.max_clipped * numbers:
        return _too_many(row, outside, 100, 0)
    if not is_0_to_100:
        return _unknown(
            row,
            f"the scores lie between {low:g} and {high:g}. No scale is proposed: write the bounds that the scores can "
            f'have, such as mos_scale {{"worst": {_above(high)}, "best": 0}}',
        )
    options: dict[str, Any] = {"mos_scale": {"worst": 100, "best": 0}}
    notes = [f"the scores lie between {low:g} and {high:g}: they cannot tell the bounds; confirm 0 to 100"]
    if outside:
        options["out_of_range"] = "clip"
        notes.append(f"scores beyond 0-100: {outside} of {numbers}; they are clipped to its ends")
    return Scale(options, tuple(notes), 100, 0)


def _too_many(row: Mapping[str, Any], outside: int, worst: int, best: int) -> Scale:
    """Return no scale for scores of which more are beyond the likely one than may be clipped."""
    share = math.ceil(100 * outside / row["numbers"]) / 100
    return _unknown(
        row,
        f"the scores lie between {row['low']:g} and {row['high']:g}: {outside} of {row['numbers']} are a little beyond "
        f"{min(worst, best)}-{max(worst, best)}, more than max_clipped {Options.max_clipped:g} allows. No scale is "
        f'proposed: write wider bounds, or mos_scale {{"worst": {worst}, "best": {best}}}, out_of_range "clip" and '
        f"max_clipped {share:g}{f'; {_MAY_BE_DIFFERENCES}' if (worst, best) == (0, 100) and row['below_0'] else ''}",
    )


def _unknown(row: Mapping[str, Any], note: str) -> Scale:
    """Return no scale. The ends are those of the numbers, to measure with: nobody sees them."""
    low, high = row["low"], row["high"]
    return Scale({}, (note,), low, high if high > low else low + 1)


def _is_around_0(row: Mapping[str, Any]) -> bool:
    """Return whether numbers lie on both sides of 0, and on neither much further or much more often."""
    low, high = -row["low"], row["high"]
    if min(low, high) <= 0 or max(low, high) > 4 * min(low, high):
        return False
    return bool(0.2 * row["numbers"] <= row["below_0"] <= 0.8 * row["numbers"] or (low > 0.5 and high <= 5))


def _above(high: float) -> int:
    """Return a round number above the greatest score, as an example."""
    return next((top for top in (5, 10, 100, 1000, 2000, 10_000) if high <= top), round(high * 2))
