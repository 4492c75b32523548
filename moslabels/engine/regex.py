"""Regular expressions as DuckDB reads them, which is RE2."""

from __future__ import annotations

import re
from functools import cache

import duckdb

from moslabels.base.errors import StatementError
from moslabels.base.progress import SILENT
from moslabels.base.settings import DEFAULTS
from moslabels.base.text import short
from moslabels.engine.databases import give_back, shared, take
from moslabels.engine.failures import failure
from moslabels.engine.sessions import Connection
from moslabels.engine.statements import render


def regex_problem(pattern: str) -> str | None:
    """Return why RE2 refuses a pattern, or None if it accepts it."""
    if re.search(r"(?<!\\)(\\\\)*\\C", pattern):
        return f"must match characters, not bytes (\\C): '{short(pattern)}'"
    try:
        capture_group(pattern)
    except StatementError as error:
        reason = re.sub(r".*?(?:Error: )(?:Pattern failed to parse: )?", "", str(error), count=1, flags=re.DOTALL)
        quoted = f"'{short(pattern)}' ({short(reason.strip())})"
        return f"is not an RE2 pattern: {quoted}; look-around and back-references are not RE2"
    return None


@cache
def capture_group(pattern: str) -> int:
    """Return the group of a pattern that holds the key: 1 if the pattern has groups, else 0, the whole match.

    Raise StatementError if RE2 refuses the pattern.
    """
    with shared():  # To make a database takes longer than to try all patterns of a manifest.
        database = take(DEFAULTS, "")
        session = database.session(SILENT)
        try:
            return _capture_group(session, pattern)
        finally:
            session.close()
            give_back(database, is_sound=True)


def _capture_group(session: Connection, pattern: str) -> int:
    values = {"regex": pattern}
    statement = render("patterns/10_pattern", values)
    try:
        session.execute(statement.sql, values)
    except (duckdb.Error, RuntimeError) as error:
        raise failure(statement, error) from error
    try:
        session.execute(render("patterns/20_pattern_group", values).sql, values)
    except (duckdb.Error, RuntimeError):
        return 0
    return 1
