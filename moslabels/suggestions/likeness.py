"""How like a key a column is, by its name and by what its values say."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.sources.columns import Column
from moslabels.sources.source import Source
from moslabels.spec.names import KEY_NAMES
from moslabels.suggestions.model import LEAST_RATE, Candidate, Part
from moslabels.suggestions.scores import is_nameable
from moslabels.suggestions.ways import common_prefix, common_suffix

_COLUMNS = 24  # of one file that may be keys


_KEY_WORDS = re.compile(
    r"(?i)id\b|_id|id_|ids\b|key|name|file|path|video|clip|vid\b|src|source|hash|md5|sha|uuid|url|stimul|pvs"
)


_NUMBER_WORDS = re.compile(
    r"(?i)width|height|frame|fps|rate|duration|length|count|num|^n_|^nb_|size|bits|bytes|depth|^x_|index|^row|unnamed|rank|"
    r"order|year|date|time|score|mos|std|seconds|_ms$|subjects|votes|resolution|crf|qp$"
)


def key_places(source: Source, head: Sequence[Mapping[str, Any]], used: Column | None) -> list[int]:
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
    """Return how far a column's name is from that of a key: 0 is a usual name, 3 one of a number."""
    if name.lower() in KEY_NAMES:
        return 0
    if _NUMBER_WORDS.search(name):
        return 3
    return 1 if _KEY_WORDS.search(name) else 2


def pair_cost(feature: Candidate, label: Candidate) -> int:
    """How far a pair of candidates is from simple."""
    patterns = min(way.cost for way in feature.ways) + min(way.cost for way in label.ways)
    return patterns + names_cost(feature, label)


def names_cost(feature: Candidate, label: Candidate) -> int:
    names = feature.column.name, label.column.name
    return sum(map(_unlikely, names)) + (names[0].lower() != names[1].lower())


def bits_of(span: float, count: int) -> float:
    """By how many bits ``count`` values among ``span`` possible ones are rarer than chance."""
    return max(0.0, math.log2(max(1.0, span)) - math.log2(max(1, count)))


def number_kind(part: Part, bits: float, length: float) -> str:
    named = all(_unlikely(candidate.column.name) == 3 for candidate in (part.feature, *part.labels))
    return "identifier" if bits >= 6 and length >= 5 and not named else "number"


def are_named_as_ids(part: Part) -> bool:
    """Return whether both names say an id of a clip; a bare "id" may count rows."""
    names = [candidate.column.name for candidate in (part.feature, *part.labels)]
    return all(_unlikely(name) <= 1 and name.lower() not in ("id", "ids", "key", "_id") for name in names)


def is_measured(part: Part) -> bool:
    """Return whether the name of a side is that of a count or a measurement."""
    return any(_unlikely(candidate.column.name) == 3 for candidate in (part.feature, *part.labels))


def is_category(part: Part, different: int, keys: int) -> bool:
    """Return whether a part of a key is one of a few words, such as a resolution, and not named like a clip."""
    is_named = all(_unlikely(candidate.column.name) <= 1 for candidate in (part.feature, *part.labels))
    return not is_named and different < max(8, math.sqrt(keys))


def text_kind(part: Part, texts: Sequence[str], count: int) -> tuple[str, float]:
    """The kind and the bits of keys with letters, from some of them."""
    if len(texts) < 2:
        return "identifier" if count < 2 else "number", 0.0
    prefix = re.sub(r"[0-9]+$", "", common_prefix(texts))
    suffix = re.sub(r"^[0-9]+", "", common_suffix(texts))
    numbers = [text[len(prefix) : len(text) - len(suffix)] for text in texts]
    counting = [int(number) for number in numbers if re.fullmatch("[0-9]{1,18}", number)]
    if len(counting) > (1 - LEAST_RATE) * len(texts):
        bits = bits_of(max(counting) - min(counting) + 1, count)
        kind = number_kind(part, bits, max(map(len, numbers)))
        is_named = any(map(str.isalpha, prefix + suffix))
        return ("numbered name" if is_named and kind == "number" else kind), bits
    space = sum(
        math.log2(len(set(characters) - {""}) or 1) for characters in itertools.zip_longest(*texts, fillvalue="")
    )
    bits = max(0.0, space - math.log2(max(1, count)))
    if sum(any(map(str.isalpha, text)) for text in texts) > LEAST_RATE * len(texts):
        return "identifier", bits
    return number_kind(part, bits, min(map(len, texts))), bits
