"""The score column of a label file and the scale of its scores, as far as names and numbers can tell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import listed, shown
from moslabels.engine.connection import Engine
from moslabels.sources.columns import Column
from moslabels.sources.source import Source
from moslabels.spec.names import MOS_NAMES
from moslabels.spec.options import Options

_NO_SCORE = 9
_NO_NUMBERS = 'a number has a decimal point, and no comma; if the file has no header, give label_csv {"header": false}'
_NO_SCORE_WORDS = re.compile(
    r"(?i)std|stdev|deviation|^sos|_sos|var|conf|ci95|_ci|^ci|^n_|num|count|subject|vote|id$|index"
)
_MOS_WORDS = re.compile(r"(?i)mos")
_SCORE_WORDS = re.compile(r"(?i)score|opinion|quality|rating")
_WHOLE_WORDS = re.compile(r"(?i)full|mean|avg|average|overall|total")


@dataclass(frozen=True)
class Score:
    """The score column of a label file, with the numbers that it was chosen by and the options that it needs."""

    column: Column
    numbers: Mapping[str, Any]
    options: Mapping[str, Any]
    worst: float
    best: float
    notes: tuple[str, ...]

    def document(self, path: str) -> dict[str, Any]:
        numbers = {name: value for name, value in self.numbers.items() if name != "place"}
        return {
            "path": path,
            "column": self.column.name,
            **numbers,
            "options": dict(self.options),
            "confirm": [*self.notes],
        }


def is_nameable(source: Source, place: int) -> bool:
    """Return whether an option can name a column: it has a name that no other column has."""
    column = source.columns[place]
    return bool(column.name and column.ident) and "\0" not in column.ident and source.names.count(column.name) == 1


def find_score(engine: Engine, source: Source, head: Sequence[Mapping[str, Any]]) -> Score:
    """Return the score column of a label file, told by its name, then by its numbers. Raises TableError if none is.

    ``head`` is what ``sql/suggest/20_column_heads.sql`` returns of the file.
    """
    likely = sorted((_score_rank(source.columns[row["place"]].name, row), row["place"]) for row in head)
    places = [place for (rank, *_), place in likely if rank < _NO_SCORE and is_nameable(source, place)][:4]
    if not places:
        raise TableError(
            f"{source.path}: no score column found: no column of it holds numbers that vary: {listed(source.names)}; "
            f"{source.split_advice() or _NO_NUMBERS}",
            code="no-column",
            file=source.path,
        )
    cells = source.cells({f"cell{place}": source.columns[place] for place in places})
    found = source.query(engine, "suggest/21_score_columns", cells)
    rows = [{**row, "place": places[row["place"]], "filled": row["numbers"] + row["bad"]} for row in found]
    chosen = min(rows, key=lambda row: (_score_rank(source.columns[row["place"]].name, row), row["place"]))
    least = max(2, _score_rank(source.columns[chosen["place"]].name, chosen)[0])
    others = [
        name
        for row in rows
        if row is not chosen and _score_rank(name := source.columns[row["place"]].name, row)[0] <= least
    ]
    return score_options(source.columns[chosen["place"]], chosen, others)


def _score_rank(name: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return how likely a column holds the scores, the likeliest first: by its name, then by its numbers."""
    if row["numbers"] < max(1, row["filled"] / 2) or row["different"] < 2 <= row["filled"]:
        return (_NO_SCORE,)
    lower = name.lower()
    if lower in MOS_NAMES:
        return (0, MOS_NAMES.index(lower))
    if _NO_SCORE_WORDS.search(name):
        return (_NO_SCORE,)
    missing = row.get("missing", 0) + row.get("bad", 0)
    details = (not _WHOLE_WORDS.search(name), bool(re.search("[0-9]", name)), missing, len(name))
    for place, words in enumerate((_MOS_WORDS, _SCORE_WORDS), start=1):
        if words.search(name):
            return (place, *details)
    if not row["fractions"]:
        return (_NO_SCORE,)
    low, high = row["low"], row["high"]
    spread = 3 if low >= 1 and high <= 5 else 4 if low >= 0 and 5 < high <= 100 else 5
    return (spread, -row["different"])


def score_options(column: Column, row: Mapping[str, Any], others: Sequence[str]) -> Score:
    """Return the options that the scores of a file need, and what must be confirmed because numbers cannot tell it."""
    low, high, name = row["low"], row["high"], column.name
    options: dict[str, Any] = {}
    notes = []
    if _score_rank(name, row)[0] >= 3:
        notes.append(f"no column is named like a score: {shown(name)} was chosen by its numbers")
    elif others:
        notes.append(f"other columns might be the scores: {listed(others)}")
    if row["missing"] or row["bad"]:
        options["missing_mos"] = "skip"
        notes.append(f"{row['missing'] + row['bad']} rows have no score and are left out")
    if row["bad"]:
        options["missing_values"] = list(row["bad_texts"])
    worst, best = 1.0, 5.0
    between = f"the scores lie between {low:g} and {high:g}"
    if "dmos" in name.lower() or low < 0:
        top = 100.0 if high > 10 else 5.0 if high <= 5 else 10.0
        worst, best = top, 0.0
        notes.append(
            f"{between}: differential scores (DMOS), it seems; they cannot tell the direction, nor the bounds: "
            "confirm which end is worst"
        )
    elif low >= 1 and high <= 5:
        options["mos_scale"] = "1-5"
    elif high <= 5:
        worst, best = 0.0, 1.0 if high <= 1 else 5.0
        notes.append(f"{between}: confirm the bounds of the scale")
    elif high > 10 and high <= 100:
        worst, best = 0.0, 100.0
        options["mos_scale"] = "0-100"
        if row["at_most_5"]:
            notes.append(
                f"{row['at_most_5']} of {row['numbers']} scores are at most 5: taken as bad ones out of 100; "
                "confirm that none is on 1-5"
            )
    else:
        worst, best = 1.0 if low >= 1 else 0.0, 10.0 if high <= 10 else float(math.ceil(high))
        notes.append(f"{between}: confirm the bounds of the scale")
    if "mos_scale" not in options:
        options["mos_scale"] = {"worst": _plain(worst), "best": _plain(best)}
        if low < min(worst, best) or high > max(worst, best):
            share = row["beyond"] / row["numbers"]  # Such a scale begins at 0, and ends at 100 if a score is above it.
            options["out_of_range"] = "clip"
            notes.append(f"{row['beyond']} of {row['numbers']} scores are beyond the bounds and are clipped")
            if share > Options.max_clipped:
                options["max_clipped"] = math.ceil(share * 100) / 100
    return Score(column, row, options, worst, best, tuple(notes))


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number
