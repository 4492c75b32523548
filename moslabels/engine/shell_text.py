"""Statements with their values written in, as the DuckDB shell runs them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moslabels.base.text import is_visible, visible
from moslabels.engine.statements import PARAMETER, QUOTED_OR_COMMENT, Statement, quote_text


def filled_in(statement: Statement) -> str:
    """Return a statement with its values written in."""

    def value_or_itself(found: re.Match[str]) -> str:
        return (
            _literal(statement.values[found[1]])
            if found[1]
            else _made_visible(found[0], statement.sql[: found.start()])
        )

    sql = re.sub(f"{QUOTED_OR_COMMENT.pattern}|{PARAMETER.pattern}", value_or_itself, statement.sql)
    return sql.strip().rstrip(";") + ";"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):  # DuckDB reads 0.1 as a DECIMAL.
        return f"CAST('{value!r}' AS DOUBLE)"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(name)}: {_literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return _spelled(str(value))


def _spelled(value: str) -> str:
    """Return a text as a literal. Each invisible character, NUL too, is written as chr() of its number."""
    told, run = [], ""
    for character in value:
        if character in "\n\t" or is_visible(character):
            run += character
            continue
        told += [quote_text(run), f"chr({ord(character)})"] if run else [f"chr({ord(character)})"]
        run = ""
    if run or not told:
        told.append(quote_text(run))
    return told[0] if len(told) == 1 else f"({' || '.join(told)})"


def _made_visible(token: str, before: str) -> str:
    """Return a quoted name, a quoted text or a comment without invisible characters."""
    if all(character in "\n\t" or is_visible(character) for character in token):
        return token
    if token.startswith("'"):
        return _spelled(token[1:-1].replace("''", "'"))
    if not token.startswith('"') or before.rstrip().upper().endswith(" AS"):
        return visible(token)  # A comment, or the name of a column of the result.
    name = token[1:-1].replace('""', '"')
    return f"COLUMNS(lambda name: name = {_spelled(name)})"
