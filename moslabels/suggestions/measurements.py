"""Rules run over all rows, by the macros that materialize runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.engine.statements import render
from moslabels.suggestions.likeness import are_named_as_ids, bits_of, is_category, is_measured, number_kind, text_kind
from moslabels.suggestions.model import (
    FEATURES,
    KINDS,
    LEAST_RATE,
    SAMPLE_TEXTS,
    Candidate,
    Inputs,
    Measured,
    Part,
    Rule,
)
from moslabels.suggestions.scores import Score

_LONGEST = 200  # characters of a value that is an example


class Measurements:
    """The rules measured so far. The values of a column, or of several that are a key together, are loaded once."""

    def __init__(self, inputs: Inputs, scores: Sequence[Score]) -> None:
        self.measured: list[Measured] = []
        self._inputs = inputs
        self._engine = inputs.engine
        self._scores = scores
        self._loaded: dict[tuple[int, ...], int] = {}
        for name in ("40_suggest_features", "41_suggest_labels"):
            self._engine.run(render(f"suggest/{name}"))

    def load_features(self, candidates: Sequence[Candidate]) -> None:
        """Load the values of feature columns in one pass over the file."""
        columns = {candidate.place: candidate.column for candidate in candidates}
        if not columns:
            return
        numbers = list(range(len(columns)))
        self._loaded.update({(FEATURES, place): number for place, number in zip(columns, numbers, strict=True)})
        source = self._inputs.features
        cells = source.cells({f"cell{place}": column for place, column in columns.items()})
        source.run(self._engine, "suggest/50_suggest_features_of_columns", cells, {"numbers": numbers})

    def measure(self, rule: Rule) -> Measured | None:
        """Run a rule over all rows. Return None if a value of its columns cannot be a key, or if nothing matches."""
        self._make_features(rule)
        self._make_labels(rule)
        tolerance = None
        counts = self._count(1e-6)
        has_scales = all(score.has_scale for score in self._scores)
        if has_scales and counts["conflicts"] and counts["largest_difference"] <= 1e-3:
            # Scores that were rounded: one power of ten covers them all.
            tolerance = float(f"1e{math.ceil(math.log10(counts['largest_difference']))}")
            counts = self._count(tolerance)
        if counts["faults"] or not counts["matched_keys"]:
            return None
        kind, bits = self._says(rule, counts)
        examples = tuple(self._engine.rows(render("suggest/73_examples", {"most": 2})))
        measured = Measured(rule, counts, kind, bits, tolerance, examples)
        self.measured.append(measured)
        return measured

    def example_values(self, rule: Rule) -> list[list[str]]:
        """Return values of the feature columns of a measured rule that differ: one may have no key. Some texts each."""
        self._make_features(rule)
        rows = self._engine.rows(render("suggest/74_example_values", {"longest": _LONGEST}))
        return [row["texts"] for row in rows]

    def rates_by(self, rule: Rule, place: int) -> list[dict[str, Any]]:
        """Return the counts of keys and rows for each value of another feature column."""
        self._make_features(rule, place)
        self._make_labels(rule)
        return self._engine.rows(render("suggest/75_rates_by", {"place": len(rule.parts) + 1}))

    def _make_features(self, rule: Rule, *others: int) -> None:
        """Make the keys of all feature values. The values of ``others`` stand beside those of the key columns."""
        values: dict[str, Any] = {
            "columns_number": self._columns_number(FEATURES, [*(part.feature.place for part in rule.parts), *others]),
            "normalize": rule.normalize,
            "regexes": list(rule.feature_regexes),
            "folds": self._inputs.folds,
        }
        parts = list(range(1, len(rule.parts) + 1))
        self._engine.run(render("suggest/60_rule_features", values, parts=parts))

    def _make_labels(self, rule: Rule) -> None:
        parts = list(range(1, len(rule.parts) + 1))
        self._engine.run(render("suggest/61_rule_labels"))
        for file in range(len(self._inputs.labels)):
            values = {
                "columns_number": self._columns_number(file, [part.labels[file].place for part in rule.parts]),
                "file": file,
                "normalize": rule.label_normalizes[file],
                "regexes": list(rule.label_regexes[file]),
                "folds": self._inputs.folds,
            }
            self._engine.run(render("suggest/62_rule_labels_of_file", values, parts=parts))

    def _columns_number(self, file: int, places: Sequence[int]) -> int:
        """The number under which the values of some columns of a file are loaded: of all rows, once."""
        known = (file, *places)
        if known in self._loaded:
            return self._loaded[known]
        number = self._loaded[known] = len(self._loaded)
        source = self._inputs.source(file)
        keys = {f"key{index}": source.columns[place] for index, place in enumerate(places)}
        values: dict[str, Any] = {"columns_number": number}
        if file == FEATURES:
            cells = source.cells(keys)
            name = "51_suggest_features_of_key"
        else:
            score = self._scores[file]
            cells = source.cells({"mos": score.column, **keys})
            name = "52_suggest_labels_of_key"
            values |= {
                "file": file,
                "missing_values": list(score.options.get("missing_values", ())),
                "worst": float(score.worst),
                "best": float(score.best),
            }
        source.run(self._engine, f"suggest/{name}", cells, values)
        return number

    def _count(self, tolerance: float) -> dict[str, Any]:
        self._engine.run(render("suggest/70_rule_keys", {"tolerance": tolerance}))
        return self._engine.row(render("suggest/71_rule_counts"))

    def _says(self, rule: Rule, counts: Mapping[str, Any]) -> tuple[str, float]:
        """What the matched keys are, and by how many bits they are rarer than chance."""
        keys = [row["key"] for row in self._engine.rows(render("suggest/72_matched_keys", {"most": SAMPLE_TEXTS}))]
        found = []
        for index, part in enumerate(rule.parts):
            texts = sorted({key[index] for key in keys})
            if index == 0 and counts["whole"] > 1 - LEAST_RATE:
                span, length = counts["high"] - counts["low"] + 1, counts["length"]
                bits = bits_of(span, counts["matched_keys"])
                kind = number_kind(part, bits, length)
                if kind == "number" and rule.is_plain and _are_ids(part, counts):
                    kind = "identifier"
            else:
                kind, bits = text_kind(part, texts, counts["matched_keys"])
                if len(rule.parts) > 1 and is_category(part, len(texts), len(keys)):
                    kind = "number"
            found.append((KINDS.index(kind), bits))
        says, bits = max(says for says, _ in found), sum(bits for _, bits in found)
        if counts["matched_conflicts"] > counts["matched_keys"] / 2:
            return "category", bits
        return KINDS[says], bits


def _are_ids(part: Part, counts: Mapping[str, Any]) -> bool:
    """Return whether whole numbers that lie close together are ids: by their names, or since both sides hold the same.

    What counts rows begins at 0 or 1.
    """
    are_the_same = counts["matched_keys"] >= 0.9 * max(counts["feature_keys"], counts["label_keys"])
    return are_named_as_ids(part) or (are_the_same and counts["low"] > 1 and not is_measured(part))
