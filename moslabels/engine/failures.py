"""Errors of DuckDB, turned into errors of moslabels."""

from __future__ import annotations

import re

import duckdb

from moslabels.base.errors import ResourceError, StatementError
from moslabels.engine.statements import Statement


def failure(statement: Statement, error: Exception) -> StatementError:
    """Return the error of a statement: ResourceError if memory or disk is the cause, or else StatementError."""
    message = re.split("\n\n(?:LINE |Stack Trace)", str(error))[0].strip()
    kind = StatementError
    # What fails while Arrow reads on comes as an OSError, which has the words of DuckDB alone.
    is_memory = isinstance(error, duckdb.OutOfMemoryException | MemoryError) or message.startswith(
        "Out of Memory Error"
    )
    if is_memory or "No space left" in message:
        kind = ResourceError
        message = message.split("\n")[0] + "; raise memory_limit, lower threads, or name a temp_dir with more room"
    return kind(f"sql/{statement.name}.sql failed: {message}", statement=statement.name, sql=statement.sql)
