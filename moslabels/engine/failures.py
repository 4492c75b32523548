"""Errors of DuckDB, turned into errors of moslabels."""

from __future__ import annotations

import re

import duckdb

from moslabels.base.errors import MosLabelsError, ResourceError, StatementError, UsageError
from moslabels.engine.statements import Statement


def failure(statement: Statement, error: Exception) -> MosLabelsError:
    """Return the error of a statement: ResourceError if memory or disk is the cause, or else StatementError.

    It is a UsageError if the caller closed the connection.
    """
    message = re.split("\n\n(?:LINE |Stack Trace)", str(error))[0].strip()
    if isinstance(error, duckdb.ConnectionException):
        return UsageError(f"connection: DuckDB refuses it: {message}")
    kind = StatementError
    # What fails while Arrow reads on comes as an OSError, which has the words of DuckDB alone.
    is_memory = isinstance(error, duckdb.OutOfMemoryException | MemoryError) or message.startswith(
        "Out of Memory Error"
    )
    if is_memory or "No space left" in message:
        kind = ResourceError
        message = message.split("\n")[0] + "; raise memory_limit, lower threads, or name a temp_dir with more room"
    return kind(f"sql/{statement.name}.sql failed: {message}", statement=statement.name, sql=statement.sql)
