"""Statements that DuckDB has parsed: to parse a text anew takes a tenth of the time of a statement on few rows."""

from __future__ import annotations

from collections import OrderedDict

import duckdb

from moslabels.engine.sessions import Connection

MOST_KEPT = 256
MOST_CHARACTERS = 1 << 14
_KEPT: OrderedDict[str, list[duckdb.Statement]] = OrderedDict()


def parsed(connection: Connection, sql: str) -> list[duckdb.Statement]:
    """Return the statements of a text. ``connection`` is one of ours, and all of these can run them.

    Raise duckdb.ParserException if DuckDB cannot parse it.
    """
    statements = _KEPT.get(sql)
    if statements is None:
        statements = connection.extract_statements(sql)
        if len(sql) <= MOST_CHARACTERS:  # A longer text names many files, and comes once.
            _KEPT[sql] = statements
        if len(_KEPT) > MOST_KEPT:
            _KEPT.popitem(last=False)
    return statements
