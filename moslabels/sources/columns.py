"""The columns of a table, their types, and their names in statements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_COLUMNS = 20_000
"""The most columns of a text that is split. The time that DuckDB takes grows with the square of their number."""

MOST_OF_A_KEY = 1 << 16
"""The most bytes of a text that can be a key, as ``is_too_long`` in ``sql/rules/`` has it."""

FLOAT_TYPES = ("FLOAT", "DOUBLE")
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)")
_NESTED = re.compile(r"(STRUCT|MAP|UNION|VARIANT|LIST)\b.*|.*\]", re.DOTALL)


def is_number_type(kind: str) -> bool:
    """Return whether a type of DuckDB is one of numbers, by the rule of ``is_number_type`` in ``sql/rules/``."""
    return _NUMBER.fullmatch(kind) is not None


@dataclass(frozen=True)
class Column:
    """A column of a table: its name in the file, its name in SQL, and its type in DuckDB.

    ``place`` is that of its cells in a line of CSV, from 1. ``partition`` is its number, from 1, if its values are not
    in files but in the names of their folders. ``is_text`` says that all values are texts, and ``is_number``
    that all are numbers, if its format does not know that by the type.
    """

    name: str
    ident: str
    type: str = "VARCHAR"
    place: int = field(default=0, compare=False)
    partition: int = 0
    is_text: bool = False
    is_number: bool = False

    @property
    def is_nested(self) -> bool:
        """Return whether the values are lists, structs, maps and the like, by the type."""
        return _NESTED.fullmatch(self.type) is not None


@dataclass(frozen=True)
class Aliased:
    """A thing that a statement names, such as ``key``: it has columns for its value, its text and its type."""

    alias: str

    @property
    def value(self) -> str:
        return f"{self.alias}_value"

    @property
    def text(self) -> str:
        return f"{self.alias}_text"

    @property
    def type(self) -> str:
        return f"{self.alias}_type"


@dataclass(frozen=True)
class Cell(Aliased):
    """A column of a table as a statement uses it.

    ``reader`` is that of the table's format; so is ``tells_texts``, which see there. With ``has_comma`` its
    numbers have a decimal comma.
    """

    column: Column
    reader: str
    has_comma: bool = False
    tells_texts: bool = False

    @property
    def is_text(self) -> bool:
        """Whether all values are known to be texts."""
        return self.column.is_text or (self.tells_texts and self.column.type == "VARCHAR")

    @property
    def is_number(self) -> bool:
        """Whether all values are known to be numbers."""
        return self.column.is_number or is_number_type(self.column.type)
