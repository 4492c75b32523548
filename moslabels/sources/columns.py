"""The columns of a table, and what a statement calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_COLUMNS = 20_000
"""The most columns of text that are split: for more, DuckDB takes time by the square."""

_NESTED = re.compile(r"(STRUCT|MAP|UNION|VARIANT|LIST)\b.*|.*\]", re.DOTALL)


@dataclass(frozen=True)
class Column:
    """A column of a table: its name in the file, its name in SQL, and its type in DuckDB."""

    name: str
    ident: str
    type: str = "VARCHAR"

    @property
    def is_nested(self) -> bool:
        """Whether the values are lists, structs, maps and the like, by the type."""
        return _NESTED.fullmatch(self.type) is not None


@dataclass(frozen=True)
class Aliased:
    """What a statement gives a name of its own, such as ``key``: columns for its value, its text and its type."""

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
    """A column of a table as a statement uses it. ``reader`` is that of the table's format."""

    column: Column
    reader: str
