"""Documents with one member changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

from moslabels.evidence.audit import json_text

WAYS: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "left out": (lambda holder, name: holder.pop(name), object),
    "null": (lambda holder, name: holder.__setitem__(name, None), object),
    "an object": (lambda holder, name: holder.__setitem__(name, {}), object),
    "a list": (lambda holder, name: holder.__setitem__(name, ["x"]), dict | list),
    "huge": (lambda holder, name: holder.__setitem__(name, 10**30), int | float),
}
"""Ways to change a member, each with the types of the members that it is tried on."""


def mutants(document: Any) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    """A document with each of its members in turn left out or replaced: of like items of a list, the first."""

    def places(value: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))[:1]
        for name, inner in items:
            yield (*place, name)
            if isinstance(inner, dict | list):
                yield from places(inner, *place, name)

    for place in places(document):
        for way, (change, of) in WAYS.items():
            before = reduce(lambda value, name: value[name], place, document)
            if not isinstance(before, of):
                continue
            mutant = json.loads(json_text(document))
            change(reduce(lambda value, name: value[name], place[:-1], mutant), place[-1])
            if mutant != document:
                yield place, way, mutant
