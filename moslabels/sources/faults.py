"""Errors of tables that are read: which table, column and row, and what DuckDB's message about a text file means."""

from __future__ import annotations

import re

from moslabels.base.errors import TableError


def fault(
    path: str, says: str, code: str = "unreadable", *, column: str | None = None, row: int | None = None
) -> TableError:
    """Return the error that a table has a fault, with the path before what it says."""
    return TableError(f"{path}: {says}", code=code, file=path, column=column, row=row)


def meaning(message: str, undecodable: str, split_advice: str = "") -> str:
    """Return what a message of DuckDB's about a text file means, or the message itself.

    ``undecodable`` is what to say of bytes that are not UTF-8; ``split_advice`` follows a wrong number of cells.
    """
    if "unicode" in message.lower() or "utf-8" in message:
        return undecodable
    if columns := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        advice = f"; {split_advice}" if split_advice else ""
        return f"it has {columns[2]} cells where the table has {columns[1]} columns{advice}"
    if "state machine" in message:
        return (
            "its line ends are mixed (\\n, \\r\\n, \\r), or a quote stands where none may; write one kind of line end"
        )
    if "unterminated quote" in message:
        return "a quoted cell does not end, or goes on after its closing quote"
    if "Maximum line size" in message:
        return "a line is longer than 64 MiB, or a quoted cell does not end"
    return message


def line_in(message: str) -> int | None:
    """Return the number of the line that a message of DuckDB's names, or None."""
    number = re.search(r"CSV Error on Line: (\d+)", message)
    return int(number[1]) if number else None
