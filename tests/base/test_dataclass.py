"""Dataclasses whose classes are quick to make behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import asdict, field, fields, replace
from typing import Any

import pytest

from moslabels.base.dataclass import dataclass


@dataclass(frozen=True)
class Point:
    """A place."""

    x: int
    y: int = 2
    near: list[int] = field(default_factory=list, compare=False, repr=False)

    @property
    def sum(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, kw_only=True)
class Named(Point):
    name: str

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("no name")


@dataclass
class Open:
    a: int = 1


@dataclasses.dataclass(frozen=True)
class LibraryPoint:
    """A place."""

    x: int
    y: int = 2
    near: list[int] = field(default_factory=list, compare=False, repr=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LibraryNamed(LibraryPoint):
    name: str


BOTH = [(Point, LibraryPoint), (Named, LibraryNamed)]
GIVEN: list[tuple[list[Any], dict[str, Any]]] = [
    ([1], {}),
    ([1, 5], {}),
    ([], {"x": 1}),
    ([1], {"near": [3]}),
    ([1], {"name": "n"}),
    ([1, 2, [4]], {"name": "n"}),
    ([1, 2, [4], "n"], {}),
    ([], {}),
    ([1], {"x": 1}),
    ([1], {"z": 1}),
    ([1], {"name": "n", "z": 1}),
]


def outcome(make: Callable[..., Any], values: list[Any], named: dict[str, Any]) -> Any:
    try:
        return asdict(make(*values, **named))
    except TypeError:
        return TypeError


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_values_are_taken_as_by_the_standard_library(ours: Any, theirs: Any) -> None:
    outcomes = [outcome(ours, *given) for given in GIVEN]
    assert outcomes == [outcome(theirs, *given) for given in GIVEN]
    assert {outcome is TypeError for outcome in outcomes} == {True, False}


def test_objects_are_equal_if_their_fields_are() -> None:
    assert Point(1) == Point(1, 2, [9]) != Point(1, 3)
    assert Point(1) != (1, 2)
    assert Named(x=1, name="a") != Point(1)
    assert {Point(1), Point(1, 2)} == {Point(1)}
    assert Open(1) == Open()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open())


def test_a_frozen_object_stays_as_it_was_made() -> None:
    point = Point(1)
    for change in (lambda: setattr(point, "x", 3), lambda: setattr(point, "other", 3), lambda: delattr(point, "y")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert (point.x, point.sum) == (1, 3)
    other = Open()
    other.a = 5
    assert other == Open(5)


def test_each_object_has_a_default_of_its_own() -> None:
    assert Point(1).near is not Point(1).near


def test_the_functions_of_the_standard_library_take_them() -> None:
    named = Named(x=1, name="n")
    assert replace(named, y=7) == Named(x=1, y=7, name="n")
    assert [one.name for one in fields(named)] == ["x", "y", "near", "name"]
    for same in (pickle.loads(pickle.dumps(named)), copy.copy(named), copy.deepcopy(named)):
        assert (same, same.near) == (named, named.near)


def test_the_text_of_an_object_has_its_fields() -> None:
    assert repr(Named(1, name="n")) == "Named(x=1, y=2, name='n')"
    assert Point.__doc__ == "A place."


def test_what_is_checked_after_the_fields_are_set_is_checked() -> None:
    with pytest.raises(ValueError, match="no name"):
        Named(1, name="")
    with pytest.raises(ValueError, match="no name"):
        replace(Named(1, name="n"), name="")
