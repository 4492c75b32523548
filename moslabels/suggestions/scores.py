"""The score column of a label file, as far as names and numbers can tell, and the options that its scores need."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import counted, listed, shown
from moslabels.engine.connection import Engine
from moslabels.sources.columns import Column
from moslabels.sources.csv_cells import is_unnamed
from moslabels.sources.source import Source
from moslabels.spec.names import MOS_NAMES
from moslabels.suggestions.scales import find_scale
from moslabels.suggestions.score_names import MEAN, NEVER, NOTHING, SCORE, USUAL, details, says
from moslabels.suggestions.votes import refuse_votes

_JUDGED = 16  # columns of one file whose numbers are looked at in all rows
_OTHER_COLUMNS = 8  # of texts, which may tell what a row is about
_WHOLE = 4  # how much less likely whole numbers are, beside means
_MANY = 20  # whole numbers of which means would have had fractions
_NO_NUMBERS = (
    'if numbers have a decimal comma, give label_csv {"decimal": ","}; if the file has no header, give label_csv '
    '{"header": false}'
)


@dataclass(frozen=True)
class Score:
    """The score column of a label file, with the numbers that it was chosen by and the options that it needs.

    ``worst`` and ``best`` are the ends of the scale; if the options have no scale, those of the numbers.
    """

    column: Column
    numbers: Mapping[str, Any]
    options: Mapping[str, Any]
    worst: float
    best: float
    notes: tuple[str, ...]

    @property
    def has_scale(self) -> bool:
        return "mos_scale" in self.options

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
    rows = _judged(engine, source, head)
    names = {row["place"]: source.columns[row["place"]].name for row in rows}
    ranks = {row["place"]: _rank(names[row["place"]], row, rows, names) for row in rows}
    usable = sorted((row for row in rows if ranks[row["place"]][0] < NEVER), key=lambda row: ranks[row["place"]])
    surest = ranks[usable[0]["place"]][0] if usable else NEVER
    refuse_votes(engine, source, head, names[usable[0]["place"]] if usable else None, usable[0] if usable else None)
    if surest >= NOTHING:
        _refuse_without_scores(source, rows, names)
    if not usable:
        raise TableError(
            f"{source.path}: no score column found: no column of it holds numbers that could be means: "
            f"{listed(source.names)}; {source.split_advice() or _NO_NUMBERS}",
            code="no-column",
            file=source.path,
        )
    chosen, *rest = usable
    # A name like a score has rivals among such names; any other, among all columns of numbers.
    rivals = [row for row in rest if surest >= MEAN or says(names[row["place"]]) <= MEAN]
    others = [f"{shown(names[row['place']])} ({_range(row)})" for row in rivals]
    column = source.columns[chosen["place"]]
    has_references = _has_low_references(engine, source, column, head, chosen)
    return score_options(
        column,
        chosen,
        others,
        file=os.path.basename(source.path),
        has_low_references=has_references,
        row_scales=_row_scales(engine, source, column, head),
    )


def _row_scales(
    engine: Engine, source: Source, column: Column, head: Sequence[Mapping[str, Any]]
) -> tuple[str, Sequence[str]] | None:
    """Return the column that says the scale of each row, by its name and by all of its texts, and some of these."""
    wanted = (f"{column.name}_scale".lower(), "mos_scale", "scale")
    for row in head:
        other = source.columns[row["place"]]
        if other.name.lower() in wanted and is_nameable(source, row["place"]):
            (found,) = source.query(engine, "suggest/26_row_scales", source.cells({"scale": other}))
            if found["filled"] and found["scales"] == found["filled"]:
                return other.name, found["texts"]
    return None


def _judged(engine: Engine, source: Source, head: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what all rows hold of the columns that may be scores, by their names and the first rows."""
    likely = []
    for row in head:
        name = source.columns[row["place"]].name
        kind = says(name)
        if is_nameable(source, row["place"]) and (kind < NOTHING or (kind == NOTHING and _holds_numbers(row))):
            likely.append((kind, not row["fractions"], row["place"]))
    places = [place for _, _, place in sorted(likely)[:_JUDGED]]
    if not places:
        return []
    cells = source.cells({f"cell{place}": source.columns[place] for place in places})
    found = source.query(engine, "suggest/21_score_columns", cells)
    return [{**row, "place": places[row["place"]], "filled": row["numbers"] + row["bad"]} for row in found]


def _holds_numbers(row: Mapping[str, Any]) -> bool:
    return bool(row["numbers"] >= max(1, row["filled"] / 2) and not row["different"] < 2 <= row["filled"])


def _rank(
    name: str, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]
) -> tuple[Any, ...]:
    """Return how likely a column holds the scores, the likeliest first: by its name, then by its numbers."""
    if not _holds_numbers(row):
        return (NEVER,)
    kind = says(name)
    if kind < NOTHING:
        # Whole numbers beside a column of means are the votes of one person, or rounded.
        beside = any(
            other is not row and other["fractions"] and says(names[other["place"]]) <= MEAN and _is_within(other, row)
            for other in rows
        )
        missing = row["missing"] + row["bad"]
        usual = MOS_NAMES.index(name.lower()) if kind == USUAL else 0
        return (kind + _WHOLE * (not row["fractions"] and beside), usual, *details(name), missing, len(name))
    low, high = row["low"], row["high"]
    if not row["fractions"]:
        # Without names, whole numbers may be the scores; with names, they are counts.
        is_counter = row["different"] == row["numbers"] == high - low + 1
        return (NEVER - 1 if is_unnamed(name) and low >= 0 and high <= 100 and not is_counter else NEVER, 0)
    if row["rates"] > 0.95 * row["numbers"]:
        return (NEVER - 1, 1)
    is_1_to_5 = low >= 1 and 3 <= high <= 5 and high - low >= 1
    is_0_to_100 = low >= -10 and 5 < high <= 110
    return (NOTHING if is_1_to_5 else NOTHING + 1 if is_0_to_100 else NOTHING + 2, low - high, -row["different"])


def _is_within(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether the numbers of a column could be means of those of another."""
    return bool(other["low"] is not None and other["low"] <= row["low"] and row["high"] <= other["high"])


def _range(row: Mapping[str, Any]) -> str:
    return f"{row['low']:g} to {row['high']:g}"


def _refuse_without_scores(source: Source, rows: Sequence[Mapping[str, Any]], names: Mapping[int, str]) -> None:
    """Refuse a file whose score column, by its name, has no scores, rather than take another. Raises TableError."""
    for row in rows:
        name = names[row["place"]]
        if says(name) > SCORE:
            continue
        if not row["filled"]:
            found = f"is empty in all {row['rows']} rows"
        elif row["different"] == 1 and row["numbers"] > 1:
            found = f"holds {row['low']:g} in all {row['numbers']} rows that have a number, which is a placeholder"
        elif row["numbers"] < row["filled"] / 2:
            texts = listed(row["bad_texts"], 3)
            raise TableError(
                f"{source.path}: column {shown(name)} is named like the scores, and {row['bad']} of {row['rows']} "
                f"cells are not numbers, such as {texts}; {_NO_NUMBERS}",
                code="no-column",
                file=source.path,
                column=name,
            )
        else:
            continue
        raise TableError(
            f"{source.path}: column {shown(name)} is named like the scores, and {found}: is it a test split whose "
            "scores are kept back? Join the file that has them",
            code="no-column",
            file=source.path,
            column=name,
        )


def _has_low_references(
    engine: Engine, source: Source, column: Column, head: Sequence[Mapping[str, Any]], row: Mapping[str, Any]
) -> bool:
    """Return whether clips that are named like references hold the least score, and hardly any other clip does."""
    texts = [source.columns[found["place"]] for found in head if found["numbers"] < found["filled"] / 2]
    texts = [text for text in texts if text is not column and text.ident][:_OTHER_COLUMNS]
    if not texts:
        return False
    cells = source.cells({"mos": column, **{f"text{index}": text for index, text in enumerate(texts)}})
    (found,) = source.query(engine, "suggest/23_reference_scores", cells, {"low": row["low"]})
    return bool(
        found["low_references"] > 0.5 * found["low_rows"] and found["other_references"] <= 0.2 * found["other_rows"]
    )


def score_options(
    column: Column,
    row: Mapping[str, Any],
    others: Sequence[str] = (),
    *,
    file: str = "",
    has_low_references: bool = False,
    row_scales: tuple[str, Sequence[str]] | None = None,
) -> Score:
    """Return the options that the scores of a file need, and what must be confirmed because numbers cannot tell it.

    ``row`` is one of ``sql/suggest/21_score_columns.sql``, ``others`` says which other columns could be the scores, and
    ``row_scales`` which column has the scale of each row, with some of its texts.
    """
    name = column.name
    options: dict[str, Any] = {}
    notes = []
    if says(name) >= MEAN:
        notes.append(f"no column is named like a score: {shown(name)} ({_range(row)}) was chosen by its numbers")
    elif not row["fractions"] and (others or (row["different"] <= 10 and row["numbers"] >= _MANY)):
        notes.append(f"{shown(name)} holds whole numbers only: confirm that they are means and not votes")
    if others:
        notes.append(f"other columns could be the scores: {', '.join(others)}")
    row, placeholders = _without_placeholder(name, row)
    if row["missing"] or row["bad"]:
        options["missing_mos"] = "skip"
        notes.append(f"{counted(row['missing'] + row['bad'], 'row has', 'rows have')} no score and are left out")
    if placeholders:
        notes.append(
            f"{listed(placeholders)} seems to stand for no score, and is listed in missing_values: confirm that it is "
            "not a score"
        )
    if row["bad"] or placeholders:
        options["missing_values"] = [*row["bad_texts"], *placeholders]
    if row_scales is not None:
        scale_column, texts = row_scales
        options["mos_scale_column"] = scale_column
        notes.append(f"{shown(scale_column)} says the scale of each row, such as {listed(texts)}: confirm that")
        return Score(column, row, options, row["low"], max(row["high"], row["low"] + 1), tuple(notes))
    scale = find_scale(name, file, row, has_low_references=has_low_references)
    return Score(column, row, {**options, **scale.options}, scale.worst, scale.best, (*notes, *scale.notes))


def _without_placeholder(name: str, row: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return the counts without a least number that means no score, such as -1, and how it is written."""
    low, second, high = row["low"], row["second_low"], row["high"]
    if second is None or says(name) >= MEAN:
        return row, []
    is_1_to_5 = second >= 1 and high <= 5 and low < 0.6
    is_0_to_100 = low < 0 <= second and 10 < high <= 100 and low == int(low)
    is_usual = low in (-1, 0, 0.001, -9, -99, -999, -9999)
    if not (is_1_to_5 or is_0_to_100) or not is_usual or len(row["low_texts"]) > 2:
        return row, []
    without = row["at_low"]
    counts = {name: row[name] - without for name in ("numbers", "at_most_5", "below_1")}
    below_0 = row["below_0"] - (without if low < 0 else 0)
    found = {**row, **counts, "below_0": below_0, "missing": row["missing"] + without, "low": second}
    return {**found, "different": row["different"] - 1}, list(row["low_texts"])
