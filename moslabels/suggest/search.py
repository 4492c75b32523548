"""Join rules found from the values of a feature table and its label tables. Nothing is applied: a rule is only told.

A rule is what a manifest can say: a key column on each side, a normalisation for both, a pattern for each. It is found
in three steps:

1. Columns. A column that is constant, mostly empty or holds fractional numbers is no key. Likely names come first, then
   text, then whole numbers. The score column is told by its name, then by its numbers (``scores.py``).
2. Screening, on samples. Some ways to make a key of each column are derived from its values (``patterns.py``), each
   side by itself; the distinct keys of each are made once, and all pairs are counted in one join.
3. Measuring, on all rows. The most promising rules are run by the macros that ``materialize`` runs. Where no pair of
   columns tells the clips apart, a second and a third pair join it: a key of several columns.

Rules are ranked by, in this order:

- what the matched values say. ``identifier``: text with letters that is more than a number with a name around it, or
  whole numbers of five digits and more, so sparse that a made-up one would meet a label less than once in 64 times.
  ``numbered name``: a constant text and a number that counts (``clip_17``). ``number``: counters and measurements,
  which overlap however little they mean. ``category``: most of its keys have several scores. Identifiers that label
  less than half of the values rank with the numbered names.
- the share of the feature values that get a label which nothing speaks against, less the share of those that get one
  where a key collides or conflicts: a rule that maps two clips to one key is worse than one that misses both.
- how few collisions and conflicts there are.
- the bits by which the matched values are rarer than chance, in steps of 4 up to 16.
- simplicity: likely names, the same name on both sides, no pattern, no normalisation, one column.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from moslabels.base.errors import UsageError, os_error
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import listed, short, shown, visible
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.workspace import Workspace
from moslabels.labelling.keys import one_or_list
from moslabels.sources.columns import Column
from moslabels.sources.opening import open_table
from moslabels.sources.source import Source
from moslabels.spec.formats import format_problem
from moslabels.spec.names import KEY_NAMES
from moslabels.spec.options import option_problem
from moslabels.spec.paths import path_problem
from moslabels.suggest.scores import Score, find_score, is_nameable
from moslabels.suggest.ways import Way, Ways, common_prefix, common_suffix, plain_ways, ways

SCHEMA = "mos-label-suggestions-v1"

_SHOWN = 5
_HEAD_ROWS = 1_000
_SAMPLE_ROWS = 20_000
_TEXTS = 600  # values of a column from which patterns are derived
_COLUMNS = 24  # of one file that may be keys
_MEASURED = 12  # rules of one pair of columns per label file that are measured on all rows
_PER_PAIR = 3  # of them, with the same columns
_COMPOSITE = 8  # rules of several columns that are measured, per round
_LEAST_RATE = 0.05
_FEATURES = -1

_KEY_WORDS = re.compile(
    r"(?i)id\b|_id|id_|ids\b|key|name|file|path|video|clip|vid\b|src|source|hash|md5|sha|uuid|url|stimul|pvs"
)
_NUMBER_WORDS = re.compile(
    r"(?i)width|height|frame|fps|rate|duration|length|count|num|^n_|^nb_|size|bits|bytes|depth|^x_|index|^row|unnamed|rank|"
    r"order|year|date|time|score|mos|std|seconds|_ms$|subjects|votes|resolution|crf|qp$"
)
KINDS = ("number", "numbered name", "identifier")
"""What matched values can be, the least telling first; a ``category`` tells as little as a number."""


@dataclass(frozen=True)
class Candidate:
    """A column and the ways that make the same keys of it, and what the screening found of these keys."""

    number: int
    file: int
    place: int
    column: Column
    ways: Ways
    keys: int = 0
    texts: int = 0
    rows: int = 0
    whole: float = 0.0
    low: float | None = None
    high: float | None = None
    length: float = 0.0

    @property
    def is_numeric(self) -> bool:
        return self.whole > 1 - _LEAST_RATE

    @property
    def is_counter(self) -> bool:
        """Whether every row has another number, with hardly a gap between them."""
        return self.is_numeric and self.keys >= 0.9 * self.rows and self.span <= 4 * self.rows

    @property
    def span(self) -> float:
        return (self.high or 0) - (self.low or 0) + 1


@dataclass(frozen=True)
class Part:
    """A candidate of the features and one of each label file: one part of a key."""

    feature: Candidate
    labels: tuple[Candidate, ...]

    @property
    def columns(self) -> tuple[Any, ...]:
        return self.feature.place, *((label.file, label.place) for label in self.labels)


@dataclass(frozen=True)
class Rule:
    """The parts of a key, and the way that each side makes them: a normalisation per file, a pattern per part."""

    parts: tuple[Part, ...]
    normalize: str
    feature_regexes: tuple[str | None, ...]
    label_normalizes: tuple[str, ...]
    label_regexes: tuple[tuple[str | None, ...], ...]
    cost: int


@dataclass(frozen=True)
class Measured:
    """A rule and what it does over all rows."""

    rule: Rule
    counts: Mapping[str, Any]
    kind: str
    bits: float
    tolerance: float | None
    examples: tuple[Mapping[str, Any], ...]

    @property
    def match_rate(self) -> float:
        return _rate(self.counts["matched_keys"], self.counts["feature_keys"])

    @property
    def key_rate(self) -> float:
        return _rate(self.counts["rows_with_key"], self.counts["feature_rows"])

    @property
    def worth(self) -> float:
        return _rate(self.counts["clean"] - self.counts["bad"], self.counts["feature_values"])

    @property
    def spoiled(self) -> int:
        counts = self.counts
        return int(counts["key_collisions"] + counts["label_key_collisions"] + counts["conflicts"])

    @property
    def rank(self) -> tuple[Any, ...]:
        says = KINDS.index(self.kind) if self.kind in KINDS else 0
        if self.worth < 0.5:  # Identifiers of few clips tell no more than names that count.
            says = min(says, 1)
        return (-says, -round(self.worth, 6), self.spoiled, -min(int(self.bits) // 4, 4), self.rule.cost)


def suggest(
    features: str | os.PathLike[str],
    labels: Sequence[str | os.PathLike[str]],
    *,
    settings: Settings = DEFAULTS,
    feature_csv: Mapping[str, Any] | None = None,
    label_csv: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The best join rules, as a document: ``suggestions`` (the best first), ``scores`` and what was ``tried``.

    Each suggestion holds the manifest's ``options``, its ``labels`` (paths, or objects with options of their own), the
    counts that it was ranked by, and a whole ``manifest`` entry. Raises UsageError or TableError.
    """
    paths = [os.fspath(path) for path in labels]
    given: dict[str, Any] = {"feature_csv": feature_csv or {}, "label_csv": label_csv or {}}
    _check_arguments(os.fspath(features), paths, given)
    try:
        with (
            held(),
            Workspace(settings.temp_dir) as workspace,
            Engine(settings, workspace.folder) as engine,
            released(),
        ):
            source = open_table(engine, workspace, os.fspath(features), "feature", given["feature_csv"])
            label_sources = [open_table(engine, workspace, path, "label", given["label_csv"]) for path in paths]
            return _Search(engine, source, label_sources, given).document()
    except OSError as error:
        raise os_error(error) from error


def _check_arguments(features: str, labels: Sequence[str], given: Mapping[str, Any]) -> None:
    problems = [f"{name}: {problem}" for name, value in given.items() if (problem := option_problem(name, value))]
    for name, path, role in (("features", features, "features"), *(("labels", path, "labels") for path in labels)):
        if problem := path_problem(path) or format_problem(path, role):
            problems.append(f"{name}: {shown(path)} {problem}")
    if not labels:
        problems.append("labels: must name one label table at least")
    if problems:
        raise UsageError("the arguments are wrong:", problems)


def _rate(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


class _Search:
    """One search for rules: the files, what was found in them, and the statements of ``sql/suggest/``."""

    def __init__(
        self, engine: Engine, features: Source, labels: Sequence[Source], given: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.engine = engine
        self.features = features
        self.labels = labels
        self.given = given
        self.scores: list[Score] = []
        self.candidates: list[Candidate] = []
        self.loaded: dict[tuple[int, ...], int] = {}
        self.measured: list[Measured] = []

    def document(self) -> dict[str, Any]:
        self._sample()
        pairs = self._overlaps()
        self._load_tables()
        rules = self._single_rules(pairs)
        self._load_features([rule.parts[0].feature for rule in rules])
        for rule in rules:
            self._measure(rule)
        self._measure_composites(pairs)
        best = self._best()
        return {
            "schema": SCHEMA,
            "features": self.features.path,
            "labels": [source.path for source in self.labels],
            "scores": [score.document(source.path) for source, score in zip(self.labels, self.scores, strict=True)],
            "tried": self._tried(len(pairs)),
            "suggestions": [self._suggestion(measured) for measured in best],
        }

    # Columns and samples

    def _sample(self) -> None:
        for name in ("10_suggest_values", "11_suggest_keys"):
            self.engine.run(render(f"suggest/{name}"))
        for file, source in enumerate([self.features, *self.labels], start=_FEATURES):
            flat = [
                place
                for place, column in enumerate(source.columns)
                if not column.is_nested and (column.type not in ("VARCHAR", "BLOB") or source.may_be_key(column))
            ]
            cells = source.cells({f"cell{place}": source.columns[place] for place in flat})
            values = {**source.values(cells), "most": _HEAD_ROWS}
            with source.reading():
                found = (
                    self.engine.rows(render("suggest/20_column_heads", values, source=source, cells=cells))
                    if flat
                    else []
                )
            head = [{**row, "place": flat[row["place"]]} for row in found]
            used = None
            if file != _FEATURES:
                self.scores.append(find_score(self.engine, source, head))
                used = self.scores[-1].column
            places = _key_places(source, head, used)
            places = [place for place in places if source.may_be_key(source.columns[place])]
            if places:
                cells = source.cells({f"cell{place}": source.columns[place] for place in places})
                values = {**source.values(cells), "file": file, "places": places, "most": _SAMPLE_ROWS}
                with source.reading():
                    self.engine.run(render("suggest/22_suggest_values_of_file", values, source=source, cells=cells))
        self._derive()

    def _derive(self) -> None:
        """The candidates of every column, and their keys in the sample."""
        for row in self.engine.rows(render("suggest/30_column_counts")):
            file, place = row["file"], row["place"]
            varies = row["different"] > 1 or row["rows"] == 1
            if row["faults"] or not varies or row["filled"] < row["rows"] / 2 or row["fractional"] > 0.5:
                continue
            column = self._source(file).columns[place]
            if row["whole"] == 1:
                found = plain_ways()
            else:
                values = {"file": file, "place": place, "most": _TEXTS}
                found = ways([text["text"] for text in self.engine.rows(render("suggest/31_column_texts", values))])
            for same in found:
                number = len(self.candidates)
                self.candidates.append(Candidate(number, file, place, column, same))
                way = min(same, key=lambda way: way.cost)
                values = {"candidate": number, "normalize": way.normalize, "regex": way.regex}
                self.engine.run(
                    render("suggest/32_suggest_keys_of_candidate", {**values, "file": file, "place": place})
                )
        for row in self.engine.rows(render("suggest/33_candidate_counts")):
            number = row.pop("candidate")
            self.candidates[number] = replace(self.candidates[number], **row)

    def _source(self, file: int) -> Source:
        return self.features if file == _FEATURES else self.labels[file]

    # Rules of one part

    def _overlaps(self) -> list[tuple[Part, float]]:
        """Pairs that have keys in common, each for all label files, with the match rate of the samples."""
        found: dict[int, dict[int, list[tuple[float, Candidate]]]] = {}
        for row in self.engine.rows(render("suggest/34_overlaps")):
            feature, label = self.candidates[row["feature"]], self.candidates[row["label"]]
            share = min(1.0, _SAMPLE_ROWS / max(1, self.scores[label.file].numbers["rows"]))
            rate = min(1.0, row["keys"] / max(1.0, feature.keys * share))
            found.setdefault(feature.number, {}).setdefault(label.file, []).append((rate, label))
        pairs = []
        for number, of_file in found.items():
            feature = self.candidates[number]
            for labels in self._label_sides(feature, of_file):
                rates = [
                    next((rate for rate, other in of_file.get(label.file, ()) if other is label), 0.0)
                    for label in labels
                ]
                pairs.append((Part(feature, labels), min(1.0, sum(rates))))
        return pairs

    def _label_sides(
        self, feature: Candidate, of_file: Mapping[int, list[tuple[float, Candidate]]]
    ) -> Iterator[tuple[Candidate, ...]]:
        """A candidate of each label file: all pairs of one file; of several, the same column or the best of each."""
        if len(self.labels) == 1:
            yield from ((label,) for _, label in of_file[0])
            return
        by_name: dict[tuple[str, Ways], dict[int, Candidate]] = {}
        for candidate in self.candidates:
            if candidate.file != _FEATURES:
                by_name.setdefault((candidate.column.name, candidate.ways), {})[candidate.file] = candidate
        matched = {label.number for labels in of_file.values() for _, label in labels}
        seen = set()
        for same in by_name.values():
            if len(same) == len(self.labels) and any(label.number in matched for label in same.values()):
                side = tuple(same[file] for file in range(len(self.labels)))
                seen.add(side)
                yield side
        if len(of_file) == len(self.labels):
            best = tuple(
                min(of_file[file], key=lambda found: (-found[0], _pair_cost(feature, found[1])))[1]
                for file in range(len(self.labels))
            )
            if best not in seen:
                yield best

    def _screened(self, part: Part, rate: float) -> tuple[Any, ...]:
        """How promising a pair looks in the samples: as the rank of a measured rule, the best first."""
        feature = part.feature
        unique = min(_rate(label.keys, label.rows) for label in part.labels)
        says = KINDS.index("identifier")
        numeric = feature.is_numeric or any(label.is_numeric for label in part.labels)
        if numeric:
            rows = max(score.numbers["rows"] for score in self.scores)
            span = min(feature.span if feature.is_numeric else math.inf, *(label.span for label in part.labels))
            length = min(feature.length, *(label.length for label in part.labels))
            says = KINDS.index(_number_kind(part, _bits(span, rows), length))
        # Keys that many label rows share: only together with another column can they tell clips apart.
        repeats = unique < 0.5
        if repeats:
            says = 0
        worth = rate * _rate(feature.keys, feature.texts) * unique
        cost = sum(_pair_cost(feature, label) for label in part.labels)
        return (-says, repeats and not numeric, -round(worth, 2), cost)

    def _single_rules(self, pairs: Sequence[tuple[Part, float]]) -> list[Rule]:
        """The rules that are measured: the most promising, a few per pair of columns and of each kind some."""
        ranked = sorted(
            ((self._screened(part, rate), number) for number, (part, rate) in enumerate(pairs) if rate >= _LEAST_RATE)
        )
        per_columns: dict[tuple[Any, ...], int] = {}
        per_kind: dict[tuple[Any, ...], int] = {}
        rules = []
        for (says, repeats, *_), number in ranked:
            part = pairs[number][0]
            kind = says, repeats
            if per_columns.get(part.columns, 0) >= _PER_PAIR:
                continue
            most = _MEASURED if says else _MEASURED // 4
            if per_kind.get(kind, 0) >= most or (rule := _spelled((part,))) is None:
                continue
            per_columns[part.columns] = per_columns.get(part.columns, 0) + 1
            per_kind[kind] = per_kind.get(kind, 0) + 1
            rules.append(rule)
        return rules

    # Measuring on all rows

    def _load_tables(self) -> None:
        for name in ("40_suggest_features", "41_suggest_labels"):
            self.engine.run(render(f"suggest/{name}"))

    def _load_features(self, candidates: Sequence[Candidate]) -> None:
        """Load the values of feature columns in one pass over the file."""
        columns = {candidate.place: candidate.column for candidate in candidates}
        if not columns:
            return
        numbers = list(range(len(columns)))
        self.loaded.update({(_FEATURES, place): number for place, number in zip(columns, numbers, strict=True)})
        source = self.features
        cells = source.cells({f"cell{place}": column for place, column in columns.items()})
        values = {**source.values(cells), "numbers": numbers}
        with source.reading():
            self.engine.run(render("suggest/50_suggest_features_of_columns", values, source=source, cells=cells))

    def _columns_number(self, file: int, columns: Sequence[Candidate]) -> int:
        """The number under which the values of some columns of a file are loaded: of all rows, once."""
        places = (file, *(candidate.place for candidate in columns))
        if places in self.loaded:
            return self.loaded[places]
        number = self.loaded[places] = len(self.loaded)
        source = self._source(file)
        keys = {f"key{index}": candidate.column for index, candidate in enumerate(columns)}
        values: dict[str, Any] = {"columns_number": number}
        if file == _FEATURES:
            cells = source.cells(keys)
            name = "51_suggest_features_of_key"
        else:
            score = self.scores[file]
            cells = source.cells({"mos": score.column, **keys})
            name = "52_suggest_labels_of_key"
            values |= {
                "file": file,
                "missing_values": list(score.options.get("missing_values", ())),
                "worst": float(score.worst),
                "best": float(score.best),
            }
        with source.reading():
            self.engine.run(render(f"suggest/{name}", {**source.values(cells), **values}, source=source, cells=cells))
        return number

    def _measure(self, rule: Rule) -> Measured | None:
        """Run a rule over all rows. None where a value of its columns can be no key."""
        features = self._columns_number(_FEATURES, [part.feature for part in rule.parts])
        labels = [
            self._columns_number(file, [part.labels[file] for part in rule.parts]) for file in range(len(self.labels))
        ]
        parts = list(range(1, len(rule.parts) + 1))
        values: dict[str, Any] = {
            "columns_number": features,
            "normalize": rule.normalize,
            "regexes": list(rule.feature_regexes),
        }
        self.engine.run(render("suggest/60_rule_features", values, parts=parts))
        self.engine.run(render("suggest/61_rule_labels"))
        for file, number in enumerate(labels):
            values = {
                "columns_number": number,
                "file": file,
                "normalize": rule.label_normalizes[file],
                "regexes": list(rule.label_regexes[file]),
            }
            self.engine.run(render("suggest/62_rule_labels_of_file", values, parts=parts))
        tolerance = None
        counts = self._count(1e-6)
        if counts["conflicts"] and counts["largest_difference"] <= 1e-3:
            # Scores that were rounded: one power of ten covers them all.
            tolerance = float(f"1e{math.ceil(math.log10(counts['largest_difference']))}")
            counts = self._count(tolerance)
        if counts["faults"] or not counts["matched_keys"]:
            return None
        kind, bits = self._says(rule, counts)
        examples = tuple(self.engine.rows(render("suggest/73_examples", {"most": 2})))
        measured = Measured(rule, counts, kind, bits, tolerance, examples)
        self.measured.append(measured)
        return measured

    def _count(self, tolerance: float) -> dict[str, Any]:
        self.engine.run(render("suggest/70_rule_keys", {"tolerance": tolerance}))
        return self.engine.row(render("suggest/71_rule_counts"))

    def _says(self, rule: Rule, counts: Mapping[str, Any]) -> tuple[str, float]:
        """What the matched keys are, and by how many bits they are rarer than chance."""
        keys = [row["key"] for row in self.engine.rows(render("suggest/72_matched_keys", {"most": _TEXTS}))]
        found = []
        for index, part in enumerate(rule.parts):
            texts = sorted({key[index] for key in keys})
            if index == 0 and counts["whole"] > 1 - _LEAST_RATE:
                span, length = counts["high"] - counts["low"] + 1, counts["length"]
                bits = _bits(span, counts["matched_keys"])
                kind = _number_kind(part, bits, length)
            else:
                kind, bits = _text_kind(part, texts, counts["matched_keys"])
            found.append((KINDS.index(kind), bits))
        says, bits = max(says for says, _ in found), sum(bits for _, bits in found)
        if counts["matched_conflicts"] > counts["matched_keys"] / 2:
            return "category", bits
        return KINDS[says], bits

    # Rules of several parts

    def _measure_composites(self, pairs: Sequence[tuple[Part, float]]) -> None:
        """Where one pair of columns does not tell the clips apart, measure it together with others."""
        others = sorted(
            (
                (-round(rate, 2), sum(_pair_cost(part.feature, label) for label in part.labels), number)
                for number, (part, rate) in enumerate(pairs)
                if rate >= 0.9 and not part.feature.is_counter and not any(label.is_counter for label in part.labels)
            )
        )
        bases = list(self.measured)
        for _ in range(2):
            if not bases or any(m.worth >= 0.95 and m.kind in KINDS[1:] for m in self.measured):
                return
            # A base that matches: its conflicts are what a further column may resolve.
            bases = sorted(
                (m for m in bases if m.match_rate >= 0.5 and m.counts["conflicts"] and m.kind != "number"),
                key=lambda m: (-round(m.match_rate, 2), -m.counts["matched_keys"], m.rule.cost),
            )
            found: list[Measured] = []
            seen: set[frozenset[Any]] = {frozenset(part.columns for part in m.rule.parts) for m in self.measured}
            for base in bases[:4]:
                for _, _, number in others:
                    part = pairs[number][0]
                    columns = frozenset((*(p.columns for p in base.rule.parts), part.columns))
                    if len(found) >= _COMPOSITE or columns in seen or _shares_column(base.rule, part):
                        continue
                    rule = _spelled((*base.rule.parts, part))
                    if rule is None:
                        continue
                    seen.add(columns)
                    if measured := self._measure(rule):
                        found.append(measured)
            bases = found

    # The result

    def _best(self) -> list[Measured]:
        best: list[Measured] = []
        per_columns: dict[Any, int] = {}
        is_good = any(measured.worth > 0 for measured in self.measured)
        for measured in sorted(self.measured, key=lambda measured: measured.rank):
            columns = tuple(part.columns for part in measured.rule.parts)
            if (
                measured.match_rate < _LEAST_RATE
                or (is_good and measured.worth <= 0)
                or per_columns.get(columns, 0) >= 2
            ):
                continue
            per_columns[columns] = per_columns.get(columns, 0) + 1
            best.append(measured)
        return best[:_SHOWN]

    def _tried(self, pairs: int) -> dict[str, Any]:
        def columns(file: int) -> list[str]:
            return list(dict.fromkeys(c.column.name for c in self.candidates if c.file == file))

        return {
            "feature_columns": columns(_FEATURES),
            "label_columns": [columns(file) for file in range(len(self.labels))],
            "pairs": pairs,
            "rules_measured": len(self.measured),
        }

    def _suggestion(self, measured: Measured) -> dict[str, Any]:
        counts = measured.counts
        options, labels = self._options(measured)
        return {
            "options": options,
            "labels": labels,
            "match_rate": measured.match_rate,
            "key_rate": measured.key_rate,
            "matched_feature_keys": counts["matched_keys"],
            "total_feature_keys": counts["feature_keys"],
            "input_rows": counts["feature_rows"],
            "labels_loaded": counts["label_keys"],
            "key_collisions": counts["key_collisions"],
            "label_key_collisions": counts["label_key_collisions"],
            "conflicts": counts["conflicts"],
            "duplicate_labels": counts["duplicate_labels"],
            "matched_values": measured.kind,
            "bits": round(measured.bits, 1),
            "examples": [
                {
                    "feature": one_or_list(row["feature"]),
                    "label": one_or_list(row["label"]),
                    "key": one_or_list(row["key"]),
                }
                for row in measured.examples
            ],
            "confirm": self._confirm(measured),
            "manifest": self._manifest(options, labels),
        }

    def _options(self, measured: Measured) -> tuple[dict[str, Any], list[Any]]:
        """The options of the table, and its labels: objects where the files need options of their own."""
        rule = measured.rule
        options: dict[str, Any] = {
            "feature_key_column": one_or_list([part.feature.column.name for part in rule.parts]),
            "key_normalize": rule.normalize,
        }
        if any(rule.feature_regexes):
            options["feature_key_regex"] = one_or_list(rule.feature_regexes)
        of_files = []
        for file, score in enumerate(self.scores):
            own: dict[str, Any] = {
                "label_key_column": one_or_list([part.labels[file].column.name for part in rule.parts]),
                "label_mos_column": score.column.name,
                **score.options,
            }
            if any(rule.label_regexes[file]):
                own["label_key_regex"] = one_or_list(rule.label_regexes[file])
            if rule.label_normalizes[file] != rule.normalize:
                own["key_normalize"] = rule.label_normalizes[file]
            of_files.append(own)
        common = {
            name: value
            for name, value in of_files[0].items()
            if all(name in own and own[name] == value for own in of_files) and name != "key_normalize"
        }
        labels: list[Any] = []
        for source, own in zip(self.labels, of_files, strict=True):
            rest = {name: value for name, value in own.items() if name not in common}
            labels.append({"path": source.path, **rest} if rest else source.path)
        if measured.tolerance is not None:
            common["mos_tolerance"] = measured.tolerance
        return {**options, **common, **{name: value for name, value in self.given.items() if value}}, labels

    def _manifest(self, options: Mapping[str, Any], labels: Sequence[Any]) -> dict[str, Any]:
        path, suffix = os.path.splitext(self.features.path)
        return {
            "id": os.path.basename(path),
            "features": self.features.path,
            "labels": list(labels),
            "out": f"{path}_mos{suffix}",
            "audit_json": f"{path}_mos.audit.json",
            **options,
        }

    def _confirm(self, measured: Measured) -> list[str]:
        """What the numbers cannot know, and what materialize will refuse."""
        counts, notes = measured.counts, []
        if measured.kind in ("number", "category"):
            what = "counters, measurements or other numbers" if measured.kind == "number" else "categories"
            notes.append(f"the matched values are {what}: they overlap whatever they stand for")
        if measured.kind == "numbered name":
            notes.append("the matched values count from one row to the next: look at the examples")
        if counts["conflicts"]:
            notes.append(f"{counts['conflicts']} keys have scores that differ: materialize will refuse them")
        if counts["key_collisions"]:
            notes.append(f"{counts['key_collisions']} keys come of several feature values each: are they one clip?")
        if counts["label_key_collisions"]:
            notes.append(f"{counts['label_key_collisions']} keys come of several label values each: are they one clip?")
        if min(measured.match_rate, measured.key_rate) < 0.95:
            notes.append("below the default min_match_rate 0.95: materialize will refuse it until that is lowered")
        if measured.tolerance is not None:
            notes.append(f"scores of one key differ by rounding, by at most {measured.tolerance:g}: see mos_tolerance")
        return notes


# Columns


def _key_places(source: Source, head: Sequence[Mapping[str, Any]], used: Column | None) -> list[int]:
    """The columns that may be keys, the likely ones first; by the first rows alone, so what is not sure stays."""

    def likely(row: Mapping[str, Any]) -> tuple[Any, ...]:
        is_text = row["numbers"] < row["filled"] / 2
        return _unlikely(source.columns[row["place"]].name), not is_text, row["place"]

    possible = [
        row
        for row in head
        if not row["faults"]
        and row["fractions"] <= row["filled"] / 2
        and source.columns[row["place"]] is not used
        and is_nameable(source, row["place"])
    ]
    return [row["place"] for row in sorted(possible, key=likely)[:_COLUMNS]]


def _unlikely(name: str) -> int:
    """How far a column's name is from that of a key."""
    if name.lower() in KEY_NAMES:
        return 0
    if _NUMBER_WORDS.search(name):
        return 3
    return 1 if _KEY_WORDS.search(name) else 2


def _pair_cost(feature: Candidate, label: Candidate) -> int:
    """How far a pair of candidates is from simple."""
    patterns = min(way.cost for way in feature.ways) + min(way.cost for way in label.ways)
    return patterns + _names_cost(feature, label)


def _names_cost(feature: Candidate, label: Candidate) -> int:
    names = feature.column.name, label.column.name
    return sum(map(_unlikely, names)) + (names[0].lower() != names[1].lower())


# What values say


def _bits(span: float, count: int) -> float:
    """By how many bits ``count`` values among ``span`` possible ones are rarer than chance."""
    return max(0.0, math.log2(max(1.0, span)) - math.log2(max(1, count)))


def _number_kind(part: Part, bits: float, length: float) -> str:
    named = all(_unlikely(candidate.column.name) == 3 for candidate in (part.feature, *part.labels))
    return "identifier" if bits >= 6 and length >= 5 and not named else "number"


def _text_kind(part: Part, texts: Sequence[str], count: int) -> tuple[str, float]:
    """The kind and the bits of keys with letters, from some of them."""
    if len(texts) < 2:
        return "identifier" if count < 2 else "number", 0.0
    prefix = re.sub(r"[0-9]+$", "", common_prefix(texts))
    suffix = re.sub(r"^[0-9]+", "", common_suffix(texts))
    numbers = [text[len(prefix) : len(text) - len(suffix)] for text in texts]
    counting = [int(number) for number in numbers if re.fullmatch("[0-9]{1,18}", number)]
    if len(counting) > (1 - _LEAST_RATE) * len(texts):
        bits = _bits(max(counting) - min(counting) + 1, count)
        kind = _number_kind(part, bits, max(map(len, numbers)))
        is_named = any(map(str.isalpha, prefix + suffix))
        return ("numbered name" if is_named and kind == "number" else kind), bits
    space = sum(
        math.log2(len(set(characters) - {""}) or 1) for characters in itertools.zip_longest(*texts, fillvalue="")
    )
    bits = max(0.0, space - math.log2(max(1, count)))
    if sum(any(map(str.isalpha, text)) for text in texts) > _LEAST_RATE * len(texts):
        return "identifier", bits
    return _number_kind(part, bits, min(map(len, texts))), bits


# Rules


def _shares_column(rule: Rule, part: Part) -> bool:
    return any(set(part.columns) & set(other.columns) for other in rule.parts)


def _spelled(parts: tuple[Part, ...]) -> Rule | None:
    """The simplest way to say a rule: one normalisation for all, else one per label file. None: there is no way."""
    files = range(len(parts[0].labels))
    columns = sum(_names_cost(part.feature, label) for part in parts for label in part.labels) + 4 * (len(parts) - 1)
    feature_sides = _sides([part.feature for part in parts])
    label_sides = [_sides([part.labels[file] for part in parts]) for file in files]
    found = []
    for place, (normalize, side) in enumerate(
        sorted(feature_sides.items(), key=lambda item: _NORMALIZES.index(item[0]))
    ):
        chosen = []
        extra = 0
        for sides in label_sides:
            if not sides:
                return None
            own = normalize if normalize in sides else min(sides, key=lambda name: _cost(sides[name]))
            extra += 0 if own == normalize else 8
            chosen.append((own, sides[own]))
        cost = _NORMALIZES.index(normalize) + _cost(side) + sum(_cost(ways) for _, ways in chosen) + extra
        rule = Rule(
            parts,
            normalize,
            tuple(way.regex for way in side),
            tuple(name for name, _ in chosen),
            tuple(tuple(way.regex for way in ways) for _, ways in chosen),
            cost + columns,
        )
        found.append((cost, place, rule))
    return min(found, key=lambda item: item[:2])[2] if found else None


_NORMALIZES = ("raw", "basename", "stem")


def _sides(candidates: Sequence[Candidate]) -> dict[str, tuple[Way, ...]]:
    """By normalisation, the way of each candidate; only those that all have."""
    sides = {}
    for normalize in _NORMALIZES:
        chosen = [next((way for way in candidate.ways if way.normalize == normalize), None) for candidate in candidates]
        if all(chosen):
            sides[normalize] = tuple(way for way in chosen if way)
    return sides


def _cost(chosen: Iterable[Way]) -> int:
    return sum(way.cost for way in chosen)


# For people


def suggestion_text(document: Mapping[str, Any]) -> str:
    """A document of :func:`suggest` as the table for people."""
    lines = []
    for score in document["scores"]:
        lines.append(score_text(score))
        lines += [f"  confirm: {note}" for note in score["confirm"]]
    lines.append("")
    suggestions = document["suggestions"]
    if not suggestions:
        return "\n".join([*lines, nothing_found_text(document)]) + "\n"
    rows = [("", "match", "keys", "rows with key", "collisions", "conflicts", "values", "rule")]
    for number, found in enumerate(suggestions, start=1):
        rows.append(
            (
                str(number),
                f"{found['match_rate']:.3f}",
                f"{found['matched_feature_keys']}/{found['total_feature_keys']}",
                f"{found['key_rate']:.3f}",
                f"{found['key_collisions']}+{found['label_key_collisions']}",
                str(found["conflicts"]),
                f"{found['matched_values']}, {found['bits']:.0f} bits",
                rule_text(found),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.append(table[0])
    for line, found in zip(table[1:], suggestions, strict=True):
        lines.append(line)
        lines += [f"     {text}" for text in example_texts(found)]
        lines += [f"     confirm: {note}" for note in found["confirm"]]
    lines += [
        "",
        "collisions: keys of several feature values + of several label values; conflicts: keys whose scores differ.",
    ]
    lines += ["Nothing was applied. The first as an entry of a manifest:", ""]
    return "\n".join([*lines, readable_json(suggestions[0]["manifest"])]) + "\n"


def readable_json(document: Any) -> str:
    """JSON for people to read and edit: what is not ASCII as it is, but for what would not be seen."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return json.dumps(document, indent=2) if any(visible(line) != line for line in text.split("\n")) else text


def score_text(score: Mapping[str, Any]) -> str:
    """What was found of the scores of a label file, for people."""
    return (
        f"{short(score['path'])}: {score['rows']} rows; scores: column {shown(score['column'])}, "
        f"{score['numbers']} numbers from {score['low']:g} to {score['high']:g}, {score['at_most_5']} at most 5, "
        f"{score['missing']} missing, {score['bad']} no numbers; {_options_text(score['options'])}"
    )


def nothing_found_text(document: Mapping[str, Any]) -> str:
    """What was tried where no rule was found, for people."""
    tried = document["tried"]
    of_files = "; ".join(
        f"{listed(columns)} of {short(path)}"
        for path, columns in zip(document["labels"], tried["label_columns"], strict=True)
    )
    return (
        f"no join rule found: {listed(tried['feature_columns'])} of {short(document['features'])} with {of_files}; "
        f"{tried['pairs']} pairs of keys have a value in common, no rule labels {_LEAST_RATE:.0%} of the clips. "
        "Is it the right label table, and is it read right (label_csv, feature_csv)?"
    )


def example_texts(found: Mapping[str, Any]) -> list[str]:
    """The examples of a rule, for people."""
    return [
        f"{shown(example['feature'])} = {shown(example['label'])}"
        + (f" by {shown(example['key'])}" if example["key"] not in (example["feature"], example["label"]) else "")
        for example in found["examples"]
    ]


def _options_text(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in options.items())


def rule_text(found: Mapping[str, Any]) -> str:
    """The columns and patterns of a rule, for people."""
    options = found["options"]
    feature = _side_text(options.get("feature_key_column"), options.get("feature_key_regex"))
    labels = []
    for label in found["labels"]:
        own = {**options, **(label if isinstance(label, Mapping) else {})}
        labels.append(_side_text(own["label_key_column"], own.get("label_key_regex")))
    return f"{feature} = {' | '.join(dict.fromkeys(labels))}, {options['key_normalize']}"


def _side_text(columns: Any, regexes: Any) -> str:
    names = columns if isinstance(columns, list) else [columns]
    patterns = regexes if isinstance(regexes, list) else [regexes] * len(names)
    return " + ".join(
        shown(name) + (f" by {shown(regex)}" if regex else "") for name, regex in zip(names, patterns, strict=True)
    )
