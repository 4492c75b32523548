"""The key of a table: the columns that it is made of, and how each becomes a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.text import shown
from moslabels.engine.regex import capture_group
from moslabels.sources.columns import Cell, Column
from moslabels.sources.source import Source
from moslabels.spec.names import KEY_NAMES
from moslabels.spec.options import Options, key_parts


@dataclass(frozen=True)
class Key:
    """The key columns of one file, with the normalisation and the pattern of each."""

    cells: tuple[Cell, ...]
    normalize: tuple[str, ...]
    regexes: tuple[str | None, ...]

    @property
    def columns(self) -> list[str]:
        return [cell.column.name for cell in self.cells]

    @property
    def shown_columns(self) -> str:
        """The key columns as a message names them."""
        return f"column{'s' * (len(self.cells) > 1)} {', '.join(map(shown, self.columns))}"

    @property
    def shown_rule(self) -> str:
        """The key columns as a message names them, each with its normalisation and pattern."""
        parts = []
        for column, normalize, regex in zip(self.columns, self.normalize, self.regexes, strict=True):
            made = [*([normalize] if normalize != "raw" else []), *([f"by {shown(regex)}"] if regex else [])]
            parts.append(shown(column) + (f" ({', '.join(made)})" if made else ""))
        return f"column{'s' * (len(parts) > 1)} {', '.join(parts)}"

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of make_key in ``sql/rules/``: a list each, with an entry per key column."""
        return {
            "normalize": list(self.normalize),
            "regex": list(self.regexes),
            "capture": [capture_group(regex) if regex else 0 for regex in self.regexes],
        }


def find_key(source: Source, options: Options, side: str) -> Key:
    """Return the key of a table. ``side`` is ``feature`` or ``label``. Raise TableError if a column is not there."""
    parts = key_parts(options, side)
    columns = [source.find("key", part.column, KEY_NAMES, f"{side}_key_column") for part in parts]
    return Key(
        tuple(source.cells({f"key{number}": column for number, column in enumerate(columns, start=1)})),
        tuple(_normalize(options, column) for column in columns),
        tuple(part.regex for part in parts),
    )


def _normalize(options: Options, column: Column) -> str:
    """Return the normalisation of a key column; its name decides for ``auto``."""
    if options.key_normalize != "auto":
        return options.key_normalize
    return "basename" if any(word in column.name.lower() for word in ("path", "file", "name", "src")) else "raw"


def one_or_list(values: Sequence[Any]) -> Any:
    """Return the one value of a list, else the list: as audits show what a key of one or several columns has."""
    return values[0] if len(values) == 1 else list(values)


def several(value: Any) -> list[Any]:
    """Return the list that :func:`one_or_list` was given."""
    return value if isinstance(value, list) else [value]
