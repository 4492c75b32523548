"""The key of a table: the columns that it is made of, and how each becomes a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from moslabels.base.errors import TableError
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.regex import capture_group
from moslabels.engine.statements import render
from moslabels.sources.columns import Aliased, Cell
from moslabels.sources.source import Source
from moslabels.spec.key_rules import key_columns, key_regexes, key_template
from moslabels.spec.names import KEY_NAMES
from moslabels.spec.options import Options
from moslabels.spec.templates import pieces


@dataclass(frozen=True)
class Constant(Aliased):
    """A part of a key that is one text in all rows, for want of a column."""

    name: str
    constant: str
    is_text = True


@dataclass(frozen=True)
class Key:
    """The key columns of one file, or constants for them, with the normalisation and the pattern of each part.

    With a ``template`` they are one part together. ``folds`` says that keys are compared without regard to case.
    """

    keys: tuple[Cell | Constant, ...]
    normalize: tuple[str, ...]
    regexes: tuple[str | None, ...]
    template: str | None = None
    folds: bool = False

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The key columns that the file has."""
        return tuple(key for key in self.keys if isinstance(key, Cell))

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The parts that it has no column for."""
        return tuple(key for key in self.keys if isinstance(key, Constant))

    @property
    def constant_texts(self) -> dict[str, str]:
        """The constants by the names of their columns."""
        return {constant.name: constant.constant for constant in self.constants}

    @property
    def parts(self) -> tuple[Aliased, ...]:
        """The parts of the key by the names that statements give them."""
        return (Aliased("key"),) if self.template is not None else self.keys

    @property
    def is_raw(self) -> bool:
        """Whether no part of it is made of a file name."""
        return set(self.normalize) == {"raw"}

    @property
    def pieces(self) -> list[tuple[str, Aliased | None]]:
        """What the template is made of: a text each, and the key column after it, None at its end."""
        found: list[tuple[str, Aliased | None]] = []
        text = ""
        for piece in pieces(self.template or ""):
            if isinstance(piece, str):
                text = piece
            else:
                found.append((text, self.keys[piece]))
                text = ""
        return [*found, (text, None)]

    @property
    def columns(self) -> list[str]:
        return [key.name if isinstance(key, Constant) else key.column.name for key in self.keys]

    @property
    def shown_columns(self) -> str:
        """The key columns as a message names them."""
        return f"column{'s' * (len(self.keys) > 1)} {', '.join(map(shown, self.columns))}"

    @property
    def shown_rule(self) -> str:
        """The key columns as a message names them, each with its normalisation and pattern."""
        fixed = self.constant_texts
        names = [shown(name) + (f" = {shown(fixed[name])}" if name in fixed else "") for name in self.columns]
        of_part = names if self.template is None else [f"{', '.join(names)} by the template {shown(self.template)}"]
        parts = []
        for name, normalize, regex in zip(of_part, self.normalize, self.regexes, strict=True):
            made = [*([normalize] if normalize != "raw" else []), *([f"by {shown(regex)}"] if regex else [])]
            parts.append(name + (f" ({', '.join(made)})" if made else ""))
        case = ", without regard to case" if self.folds else ""
        return f"column{'s' * (len(names) > 1)} {', '.join(parts)}{case}"

    def parameters(self) -> dict[str, Any]:
        """Return the patterns of the parts and their groups, as parameters: a list each, with an entry per part."""
        return {
            "regex": list(self.regexes),
            "capture": [capture_group(regex) if regex else 0 for regex in self.regexes],
        }


def find_key(engine: Engine, source: Source, options: Options, side: str) -> Key:
    """Return the key of a table. ``side`` is ``feature`` or ``label``. Raise TableError if a column is not there."""
    constants = options.key_constants if side == "label" else {}
    keys: list[Cell | Constant] = []
    for number, name in enumerate(key_columns(options, side), start=1):
        if name in constants:
            _refuse_column_of_constant(source, name)
            keys.append(Constant(f"key{number}", name, constants[name]))
        else:
            column = source.find("key", name, KEY_NAMES, f"{side}_key_column")
            keys += source.cells({f"key{number}": column})
    template = key_template(options, side)
    folds = options.key_case == "fold"
    if folds:
        engine.run_once(render("session/case_foldings"))
    key = Key(tuple(keys), (), key_regexes(options, side), template, folds)
    # A template says what the key is, whatever the names of the columns.
    names = [""] if template is not None else key.columns
    return replace(key, normalize=tuple(_normalize(options, name) for name in names))


def _refuse_column_of_constant(source: Source, name: str) -> None:
    if name in source.names:
        raise TableError(
            f"{source.path}: key_constants gives {shown(name)}, and the file has a column of that name: which "
            "is meant cannot be told; leave it out of key_constants, or name the part otherwise in label_key_column",
            code="ambiguous-column",
            file=source.path,
            column=name,
        )


def _normalize(options: Options, name: str) -> str:
    """Return the normalisation of a key column; its name decides for ``auto``."""
    if options.key_normalize != "auto":
        return options.key_normalize
    return "basename" if any(word in name.lower() for word in ("path", "file", "name", "src")) else "raw"


def one_or_list(values: Sequence[Any]) -> Any:
    """Return the one value of a list, else the list: as audits show what a key of one or several columns has."""
    return values[0] if len(values) == 1 else list(values)


def several(value: Any) -> list[Any]:
    """Return the list that :func:`one_or_list` was given."""
    return value if isinstance(value, list) else [value]
