"""Errors in tables, with the table, column and row, and the meaning of DuckDB's messages about text files."""

from __future__ import annotations

import re

from moslabels.base.errors import TableError


def fault(
    path: str, says: str, code: str = "unreadable", *, column: str | None = None, row: int | None = None
) -> TableError:
    """Return the error for a fault of a table. Its message begins with the path."""
    return TableError(f"{path}: {says}", code=code, file=path, column=column, row=row)


def meaning(message: str, undecodable: str, split_advice: str = "") -> str:
    """Return the meaning of a message of DuckDB about a text file, or the message itself.

    ``undecodable`` is the text for bytes that are not UTF-8. ``split_advice`` is added if the number of cells is wrong.
    """
    if "unicode" in message.lower() or "utf-8" in message:
        return undecodable
    if columns := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
        advice = f"; {split_advice}" if split_advice else ""
        return f"it has {columns[2]} cells where the table has {columns[1]} columns{advice}"
    if "state machine" in message:
        return "its line ends are mixed (\\n, \\r\\n, \\r), or a quote is in a wrong place; write one kind of line end"
    if "unterminated quote" in message:
        return "a quoted cell does not end, or goes on after its closing quote"
    if "Maximum line size" in message:
        return "a line is longer than 64 MiB, or a quoted cell does not end"
    return message


def line_in(message: str) -> int | None:
    """Return the number of the line that a message of DuckDB names, or None."""
    number = re.search(r"CSV Error on Line: (\d+)", message)
    return int(number[1]) if number else None
