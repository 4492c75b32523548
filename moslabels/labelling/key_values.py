"""A value of the key columns, written as text: the forms in which the columns may hold it, and the steps to its key."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.labelling.match import Features
from moslabels.sources.columns import FLOAT_TYPES, Cell, is_number_type
from moslabels.sources.source import Cells


@dataclass(frozen=True)
class Form:
    """The value of one column as it may hold it: the text that its key is made of, and its type."""

    text: str
    type: str


class NotHeldError(Exception):
    """A column cannot hold a value."""

    def __init__(self, cell: Cell, value: str) -> None:
        super().__init__(value)
        self.cell = cell
        self.value = value


class KeyValues:
    """Values of the key columns of open features."""

    def __init__(self, engine: Engine, features: Features) -> None:
        self._engine = engine
        self._source = features.source
        self._key = features.key
        self._kinds = cache(self._read_kinds)

    def forms(self, parts: Sequence[str]) -> list[tuple[Form, ...]]:
        """Return the forms of a value that has these texts for the key columns: several if a JSON column holds several.

        Raise NotHeldError.
        """
        return list(itertools.product(*(self._forms(number, part) for number, part in enumerate(parts))))

    def steps(self, forms: Sequence[Form]) -> list[dict[str, Any]]:
        """Return the steps from a value in these forms to its key: a row per key column, each with the whole key."""
        of_cells = {"values": [form.text for form in forms], "types": [form.type for form in forms]}
        statement = render("explain/20_key_steps", {**of_cells, **self._key.parameters()}, key=self._key)
        return self._engine.rows(statement)

    def _read_kinds(self, number: int) -> list[str]:
        return self._source.format.types_of(self._engine, self._source, self._key.cells[number])

    def _forms(self, number: int, value: str) -> list[Form]:
        """Return the forms in which a column may hold a text: two if a JSON column has numbers and texts, else one."""
        cell = self._key.cells[number]
        if self._source.format.cells is Cells.TEXT:
            return [Form(value, "VARCHAR")]
        if self._source.format.cells is Cells.TYPED:
            (kind,) = self._kinds(number)
            return [self._typed(cell, kind, value)]
        found = self._engine.row(render("explain/11_json_value", {"value": value}, cell=cell))
        if (kind := found["type"]) is None:  # It is not JSON, so it can only be a text, whatever the column holds.
            return [Form(value, "VARCHAR")]
        kinds = self._kinds(number)
        has_such = any(map(is_number_type, kinds)) if is_number_type(kind) else kind in kinds
        forms = [Form(found["text"], kind)] if has_such and kind != "VARCHAR" else []
        return [*forms, Form(value, "VARCHAR")] if "VARCHAR" in kinds or not forms else forms

    def _typed(self, cell: Cell, kind: str, value: str) -> Form:
        if not is_number_type(kind):
            return Form(value, kind)
        typed = replace(cell, column=replace(cell.column, type=kind))  # That of a table in memory is not known before.
        is_exact = kind not in FLOAT_TYPES
        rows = self._engine.rows(render("explain/10_typed_value", {"value": value}, cell=typed, is_exact=is_exact))
        if not rows:
            raise NotHeldError(typed, value)
        return Form(rows[0]["text"], kind)
