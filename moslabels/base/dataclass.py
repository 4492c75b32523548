"""Dataclasses of which a class takes a tenth of the time to make: ``from moslabels.base.dataclass import dataclass``.

The standard library compiles up to six methods for each class. A command has a hundred classes, which took as long as
DuckDB takes to load. Here the methods are the same functions for all classes, and look up the fields. To make an object
takes a microsecond longer. A class that users see is one of the standard library, so that help() tells its fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from collections.abc import Callable
    from dataclasses import MISSING, FrozenInstanceError, fields
    from dataclasses import dataclass as of_library
    from typing import Any, NoReturn

    def dataclass(cls: type | None = None, /, *, frozen: bool = False, kw_only: bool = False) -> Any:
        """Make a class a dataclass of the standard library, whose functions take it, with the methods below."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, kw_only=kw_only)
        cls.__doc__ = cls.__doc__ or cls.__name__  # The library would make one of the signature.
        of_library(cls, init=False, repr=False, eq=False, match_args=False, kw_only=kw_only)
        methods = {"__init__": _init(cls), "__repr__": _repr, "__eq__": _eq, "__hash__": _hash if frozen else None}
        if frozen:
            methods |= {"__setattr__": _refuse, "__delattr__": _refuse}
        for name, method in methods.items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        return cls

    def _init(cls: type) -> Callable[..., None]:
        found = fields(cls)
        names = {field.name for field in found}
        places = tuple(field.name for field in found if not field.kw_only)
        defaults = {field.name: field.default for field in found if field.default is not MISSING}
        factories = {field.name: field.default_factory for field in found if field.default_factory is not MISSING}
        after = getattr(cls, "__post_init__", None)

        def init(self: Any, /, *values: Any, **named: Any) -> None:
            if len(values) > len(places):
                raise TypeError(f"{cls.__qualname__} takes {len(places)} values by position, not {len(values)}")
            given = dict(zip(places, values, strict=False))
            if named:
                if wrong := [name for name in named if name in given or name not in names]:
                    raise TypeError(f"{cls.__qualname__} has no field {wrong[0]!r}, or has it by position")
                given.update(named)
            if len(given) < len(names):
                given = {**defaults, **{name: make() for name, make in factories.items() if name not in given}, **given}
                if len(given) < len(names):
                    raise TypeError(f"{cls.__qualname__} lacks {', '.join(sorted(names - given.keys()))}")
            self.__dict__.update(given)  # A frozen one refuses to set an attribute.
            if after is not None:
                after(self)

        return init

    def _values(self: Any) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self) if field.compare)

    def _eq(self: Any, other: Any) -> bool:
        return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented

    def _hash(self: Any) -> int:
        return hash(_values(self))

    def _repr(self: Any) -> str:
        told = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
        return f"{type(self).__qualname__}({told})"

    def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
        raise FrozenInstanceError(f"cannot set or delete {name!r}: {type(self).__qualname__} is frozen")
