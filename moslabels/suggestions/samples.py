"""The columns that may be keys, the ways to make keys of them, and the keys that two sides share, on samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moslabels.base.errors import TableError
from moslabels.engine.statements import render
from moslabels.sources.parquet_parts import PartsSource
from moslabels.sources.source import Source
from moslabels.suggestions.likeness import key_places, pair_cost
from moslabels.suggestions.many_parts import unfit_columns
from moslabels.suggestions.model import FEATURES, SAMPLE_TEXTS, Candidate, Inputs, Part
from moslabels.suggestions.scores import Score, find_score
from moslabels.suggestions.ways import Ways, plain_ways, ways

_HEAD_ROWS = 1_000
_SAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class Samples:
    """The candidates of all files, by number, and the score column of each label file.

    ``unfit`` says why columns of features of many parts cannot be read.
    """

    candidates: tuple[Candidate, ...]
    scores: tuple[Score, ...]
    unfit: Mapping[str, TableError]


def sample(inputs: Inputs) -> Samples:
    """Read a sample of each file, and derive the candidates. Raises TableError if a label file has no score column."""
    for name in ("10_suggest_values", "11_suggest_keys"):
        inputs.engine.run(render(f"suggest/{name}"))
    of_features = _Columns(inputs.compared(FEATURES))
    _load_values(inputs, FEATURES, of_features, _column_heads(inputs, of_features), None)
    scores = []
    for file, source in enumerate(inputs.labels):
        columns = _Columns(source)
        head = _column_heads(inputs, columns)
        scores.append(find_score(inputs.engine, source, head))
        _load_values(inputs, file, columns, head, scores[-1])
    return Samples(tuple(_derived(inputs)), tuple(scores), of_features.unfit)


def _column_heads(inputs: Inputs, readable: _Columns) -> list[dict[str, Any]]:
    """Return what the first rows of a file hold, a row per column that can be a key or a score."""
    source = readable.source
    columns = [(place, column) for place, column in enumerate(source.columns) if not column.is_nested]
    texts = [place for place, column in columns if column.type in ("VARCHAR", "BLOB")]
    bad = {*texts} - {*readable.fit(texts)}
    flat = [place for place, _ in columns if place not in bad]
    if not flat:
        return []
    cells = source.cells({f"cell{place}": source.columns[place] for place in flat})
    found = source.query(inputs.engine, "suggest/20_column_heads", cells, {"most": _HEAD_ROWS})
    return [{**row, "place": flat[row["place"]]} for row in found]


class _Columns:
    """The columns of a table that can be read as keys, as far as is known without their values.

    Of a table of many parts, ``unfit`` says why others cannot.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.unfit: dict[str, TableError] = {}

    def fit(self, places: Sequence[int]) -> list[int]:
        """Return those of some columns that can be read, by their places."""
        columns = self.source.columns
        if isinstance(self.source, PartsSource):
            self.unfit |= unfit_columns(self.source, [columns[place] for place in places])
        readable = [place for place in places if columns[place].name not in self.unfit]
        return [place for place in readable if self.source.may_be(columns[place], "key")]


def _load_values(
    inputs: Inputs, file: int, readable: _Columns, head: Sequence[Mapping[str, Any]], score: Score | None
) -> None:
    """Load a sample of the values of the columns of a file that may be keys, all but its scores."""
    source = readable.source
    places = readable.fit(key_places(source, head, score.column if score else None))
    if places:
        cells = source.cells({f"cell{place}": source.columns[place] for place in places})
        values = {"file": file, "places": places, "most": _SAMPLE_ROWS}
        source.run(inputs.engine, "suggest/22_suggest_values_of_file", cells, values)


def _derived(inputs: Inputs) -> list[Candidate]:
    """Return the candidates of every column, and load their keys in the sample."""
    candidates: list[Candidate] = []
    for row in inputs.engine.rows(render("suggest/30_column_counts")):
        file, place = row["file"], row["place"]
        varies = row["different"] > 1 or row["rows"] == 1
        if row["faults"] or not varies or row["filled"] < row["rows"] / 2 or row["fractional"] > 0.5:
            continue
        column = inputs.source(file).columns[place]
        if row["whole"] == 1:
            found = plain_ways()
        else:
            values = {"file": file, "place": place, "most": SAMPLE_TEXTS}
            found = ways([text["text"] for text in inputs.engine.rows(render("suggest/31_column_texts", values))])
        for same in found:
            number = len(candidates)
            candidates.append(Candidate(number, file, place, column, same))
            way = min(same, key=lambda way: way.cost)
            values = {"candidate": number, "normalize": way.normalize, "regex": way.regex, "folds": inputs.folds}
            inputs.engine.run(render("suggest/32_suggest_keys_of_candidate", {**values, "file": file, "place": place}))
    for row in inputs.engine.rows(render("suggest/33_candidate_counts")):
        number = row.pop("candidate")
        candidates[number] = replace(candidates[number], **row)
    return candidates


def overlaps(inputs: Inputs, samples: Samples) -> list[tuple[Part, float]]:
    """Return the pairs that have keys in common, each for all label files, with the match rate of the samples."""
    found: dict[int, dict[int, list[tuple[float, Candidate]]]] = {}
    for row in inputs.engine.rows(render("suggest/34_overlaps")):
        feature, label = samples.candidates[row["feature"]], samples.candidates[row["label"]]
        share = min(1.0, _SAMPLE_ROWS / max(1, samples.scores[label.file].numbers["rows"]))
        rate = min(1.0, row["keys"] / max(1.0, feature.keys * share))
        found.setdefault(feature.number, {}).setdefault(label.file, []).append((rate, label))
    pairs = []
    for number, of_file in found.items():
        feature = samples.candidates[number]
        for labels in _label_sides(samples, feature, of_file):
            rates = [
                next((rate for rate, other in of_file.get(label.file, ()) if other is label), 0.0) for label in labels
            ]
            pairs.append((Part(feature, labels), min(1.0, sum(rates))))
    return pairs


def _label_sides(
    samples: Samples, feature: Candidate, of_file: Mapping[int, list[tuple[float, Candidate]]]
) -> Iterator[tuple[Candidate, ...]]:
    """Yield a candidate of each label file: all pairs of one file; of several, the same column or the best of each."""
    if len(samples.scores) == 1:
        yield from ((label,) for _, label in of_file[0])
        return
    by_name: dict[tuple[str, Ways], dict[int, Candidate]] = {}
    for candidate in samples.candidates:
        if candidate.file != FEATURES:
            by_name.setdefault((candidate.column.name, candidate.ways), {})[candidate.file] = candidate
    matched = {label.number for labels in of_file.values() for _, label in labels}
    seen = set()
    for same in by_name.values():
        if len(same) == len(samples.scores) and any(label.number in matched for label in same.values()):
            side = tuple(same[file] for file in range(len(samples.scores)))
            seen.add(side)
            yield side
    if len(of_file) == len(samples.scores):
        best = tuple(
            min(of_file[file], key=lambda found: (-found[0], pair_cost(feature, found[1])))[1]
            for file in range(len(samples.scores))
        )
        if best not in seen:
            yield best
