"""Sessions on the caller's DuckDB."""

from __future__ import annotations

from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from moslabels.base.errors import UsageError
from moslabels.base.text import shown
from moslabels.engine.aside import aside
from moslabels.engine.statements import render

Connection: TypeAlias = duckdb.DuckDBPyConnection


Relation: TypeAlias = duckdb.DuckDBPyRelation


InterruptException = duckdb.InterruptException


_MOST_WRAPPERS = 5


_ROWS_OF_A_LOOK = 100_000  # With batches of few rows, closing an open result took DuckDB 2.0.1 ten seconds.


def session_of(connection: Connection) -> Connection:
    """Return another session on the database of a connection. It has temporary tables and macros of its own."""
    try:
        session = unwrapped(connection).cursor()
        # So no macro of the database can take the place of a function that the statements call.
        aside(lambda: session.execute("SET search_path = 'temp'"))
        return session
    except duckdb.Error as error:
        raise UsageError(f"connection: DuckDB refuses it: {error}") from error


def unwrapped(connection: Any) -> Connection:
    """Return the duckdb connection inside a wrapper such as dbt-duckdb's ``session``. Raise UsageError without one."""
    inner = connection
    for _ in range(_MOST_WRAPPERS):
        if isinstance(inner, Connection):
            return inner
        inner = getattr(inner, "_cursor", None)
    raise UsageError(f"connection: must be a connection of duckdb, not {shown(type(connection).__name__)}")


def watch(connection: Connection) -> pa.RecordBatchReader | None:
    """Open a result on the caller's connection: reading it shows whether the caller interrupted the connection.

    Return None if the connection cannot have such a result. DuckDB 1 would drop the caller's own open result for it.
    DuckDB 2 refuses while the caller has a result open.
    """
    if duckdb.__version__.startswith("1."):
        return None
    try:
        rows = unwrapped(connection).sql(render("session/watch").sql)
        return aside(lambda: rows.to_arrow_reader(_ROWS_OF_A_LOOK))
    except duckdb.Error:
        return None
