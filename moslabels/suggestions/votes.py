"""Votes in the place of scores: one row or one column for each person, or counts of votes. Means are made elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import listed, shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.sources.columns import Column, is_number_type
from moslabels.sources.source import Source
from moslabels.spec.formats import split_suffix
from moslabels.spec.names import KEY_NAMES
from moslabels.suggestions.score_names import MEAN, is_one_person, says

_LEAST_COLUMNS = 4  # of votes: fewer may be several scores
_VOTE_COLUMN = re.compile(
    r"(?i)((?:s|p|u|v|o|r|subj|sub|obs|subject|observer|rater|user|worker|participant|viewer|annotator|judge|assessor|"
    r"listener|vote|votes|score|rating)[ _-]?)[0-9]+"
)
_LIST_TYPE = re.compile(r"(.*)\[[0-9]*\]")
_MOST_TEXTS = 8
_MOST_VOTES = 11  # different ones, as on a scale of 0 to 10
_JOINS = "moslabels joins one score for each clip"


def refuse_votes(
    engine: Engine,
    source: Source,
    head: Sequence[Mapping[str, Any]],
    score: str | None,
    row: Mapping[str, Any] | None,
) -> None:
    """Refuse, with TableError, a label file of votes, and say how to make means of them.

    ``score`` names the column that would be the scores, and ``row`` holds its numbers.
    """
    _refuse_vote_rows(engine, source, head, score)
    if score is not None and says(score) <= MEAN and not _VOTE_COLUMN.fullmatch(score):
        return
    _refuse_vote_columns(source, head)
    if row is None or (score is not None and says(score) > MEAN):
        _refuse_vote_lists(engine, source, head)


def _refuse_vote_rows(engine: Engine, source: Source, head: Sequence[Mapping[str, Any]], score: str | None) -> None:
    """Refuse a file with a row for each clip and person."""
    rows = {row["place"]: row for row in head}
    names = {place: source.columns[place].name for place in rows}
    people = [place for place, name in names.items() if is_one_person(name)]
    score = score or _likely_votes(head, names, people)
    if score is None or not people:
        return
    clips = [place for place, name in names.items() if place not in people and name != score]
    clips = [place for place in clips if _is_clip(names[place], rows[place])]
    if not clips:
        return
    clip = min(clips, key=lambda place: (names[place].lower() not in KEY_NAMES, -rows[place]["different"], place))
    cells = source.cells({"clip": source.columns[clip], "person": source.columns[people[0]]})
    (found,) = source.query(engine, "suggest/24_votes", cells)
    if found["people"] < 2 or found["clips"] > 0.7 * found["rows"] or found["pairs"] < 0.9 * found["rows"]:
        return
    columns = {"clip": names[clip], "score": score}
    raise _refusal(
        source,
        f"{shown(score)} holds votes, a row for each {shown(names[clip])} and {shown(names[people[0]])}: "
        f"{found['rows']} rows of {found['clips']} clips",
        "80_means_of_votes",
        columns,
    )


def _likely_votes(head: Sequence[Mapping[str, Any]], names: Mapping[int, str], people: Sequence[int]) -> str | None:
    """Return the one column of few whole numbers that could be votes, whatever its name is. None if it is not one."""
    found = [
        names[row["place"]]
        for row in head
        if row["place"] not in people
        and row["numbers"] == row["filled"] > 0
        and not row["fractions"]
        and 2 <= row["different"] <= _MOST_VOTES
        and row["low"] >= 0
    ]
    return found[0] if len(found) == 1 else None


def _is_clip(name: str, row: Mapping[str, Any]) -> bool:
    return name.lower() in KEY_NAMES or row["numbers"] < row["filled"] / 2 or bool(re.search("(?i)id|clip|video", name))


def _refuse_vote_columns(source: Source, head: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a file with a column for each person."""
    groups: dict[str, list[str]] = {}
    for row in head:
        name = source.columns[row["place"]].name
        found = _VOTE_COLUMN.fullmatch(name)
        if found and row["numbers"] >= max(1, row["filled"] / 2) and row["fractions"] <= row["numbers"] / 2:
            groups.setdefault(found[1], []).append(name)
    for prefix, columns in groups.items():
        if len(columns) >= _LEAST_COLUMNS:
            pattern = f"^{re.sub(r'([^A-Za-z0-9_ -])', '', prefix)}[0-9]+$"
            raise _refusal(
                source,
                f"{listed(columns, 3)} are the votes of a person each",
                "81_means_of_vote_columns",
                {"pattern": pattern},
            )


def _refuse_vote_lists(engine: Engine, source: Source, head: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a file whose only numbers are lists: how many voted 1, how many 2, and so on."""
    for column in source.columns:
        if (numbers := _LIST_TYPE.fullmatch(column.type)) and is_number_type(numbers[1]):
            raise _list_refusal(source, column, "lists of numbers")
    texts = [source.columns[row["place"]] for row in head if row["numbers"] < row["filled"] / 2][:_MOST_TEXTS]
    if not texts:
        return
    cells = source.cells({f"text{index}": text for index, text in enumerate(texts)})
    for found in source.query(engine, "suggest/25_vote_lists", cells):
        if found["lists"] and found["lists"] == found["filled"] and found["shortest"] == found["longest"]:
            raise _list_refusal(source, texts[found["place"]], f"lists of {found['longest']} numbers")


def _list_refusal(source: Source, column: Column, what: str) -> TableError:
    return _refusal(
        source,
        f"{shown(column.name)} holds {what}, which seem to count votes: the first number those of 1, the next those of "
        "2, and so on; confirm that",
        "82_means_of_vote_lists",
        {"score": column.name},
    )


def _refusal(source: Source, found: str, name: str, columns: Mapping[str, Any]) -> TableError:
    stem, _ = split_suffix(source.path)
    function = source.format.table_function
    if function is None:
        return TableError(
            f"{source.path}: no score column found: {found}. {_JOINS}; make means first",
            code="no-column",
            file=source.path,
        )
    context = {"table_function": function, "path": source.path, "out": f"{stem}_mos.csv"}
    lines = render(f"suggest/{name}", None, **context, **columns).sql.splitlines()
    sql = " ".join(line.strip() for line in lines if not line.startswith("--"))
    in_shell = re.sub(r'([\\"$`])', r"\\\1", sql)
    return TableError(
        f'{source.path}: no score column found: {found}. {_JOINS}. This makes means: duckdb -c "{in_shell}"',
        code="no-column",
        file=source.path,
    )
