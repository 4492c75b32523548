"""The records of a CSV file as DuckDB sees them, for the header and for the places of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from moslabels.sources.faults import fault, line_in
from moslabels.sources.long_lines import MOST_OF_A_LINE
from moslabels.sources.part import Dialect
from moslabels.sources.source import Source

_START = 50  # characters of a record that are compared with a message of DuckDB
_OPENING = re.compile(' ?"')
_CLOSING = re.compile('[^"]*(?:""[^"]*)*"(?!")')


class Record(NamedTuple):
    """The place of a record in a CSV file: its number, its data row and its lines. Blank records have a number, too.

    ``size`` is in characters. ``start`` is its first text, and ``end`` its line end. ``is_open`` says that a quoted
    cell of it does not end: then not all of its ``cells`` are counted.
    """

    number: int
    row: int | None
    line: int
    last_line: int
    size: int
    end: str
    start: str
    cells: int
    is_open: bool


def first_record(path: str, file: str, dialect: Dialect) -> tuple[str, int, Dialect]:
    """Return the text of the first record or "", its number of cells, and the dialect with its lines and line end.

    ``path`` is the path for messages, ``file`` the text as UTF-8. Raise TableError if the record does not end.
    """
    blank_lines = 0
    lines: list[str] = []
    size, width, is_open = 0, 1, False
    with open(file, encoding="utf-8-sig", newline="") as stream:
        while line := stream.readline(MOST_OF_A_LINE):
            if not lines and not line.strip("\r\n"):
                blank_lines += 1
                continue
            lines.append(line)
            size += len(line)
            if size >= MOST_OF_A_LINE:
                break
            delimiters, is_open = _delimiters(line, dialect.delimiter, is_open)
            width += delimiters
            if not is_open:
                break
    if is_open or size >= MOST_OF_A_LINE:
        why = "" if size < MOST_OF_A_LINE else "it is longer than 64 MiB; "
        raise fault(path, f"its first record cannot be read: {why}does a quoted cell of it not end?")
    text = "".join(lines)
    record = text.rstrip("\r\n")
    return record, width, replace(dialect, blank_lines=blank_lines, line_end=text[len(record) :] or "\n")


def place(source: Source, dialect: Dialect, message: str) -> tuple[int | None, int | None]:
    """Return the data row and the line of a message of DuckDB, or None if they are not known."""
    number = line_in(message)
    first_end = ""
    for record in records(source, dialect):
        first_end = first_end or record.end
        if number:
            found = record.number == number
        elif "state machine" in message:
            found = record.end not in (first_end, "")
        else:
            found = record.size > MOST_OF_A_LINE or record.is_open
        if found:
            # If DuckDB counts the records in another way, no row is better than a wrong one.
            said = re.search(r"Original Line: \ufeff?([^\r\n]*)", message)
            is_same = said is None or record.start.startswith(said[1][:_START])
            return (record.row, record.line) if is_same else (None, None)
    return None, None


def records(source: Source, dialect: Dialect) -> Iterator[Record]:
    """Yield the records of a CSV file. This is slow, so it is used only for errors."""
    rows = -1 if dialect.header else 0
    number, first, size, start, cells, is_open = 0, 0, 0, "", 1, False
    with open(source.file, encoding="utf-8-sig", errors="replace", newline="") as stream:
        line = -dialect.added_lines
        for line, text in enumerate(stream, start=1 - dialect.added_lines):
            first, start = (first, start) if is_open else (line, text[:_START])
            size += len(text)
            delimiters, is_open = _delimiters(text, dialect.delimiter, is_open)
            cells += delimiters
            if not is_open:
                end = text[len(text.rstrip("\r\n")) :]
                number += 1
                rows += size > len(end)
                yield Record(number, max(rows, 0) or None, first, line, size, end, start, cells, False)
                size, cells = 0, 1
        if is_open:
            yield Record(number + 1, max(rows + 1, 0) or None, first, line, size, "", start, cells, True)


def _delimiters(text: str, delimiter: str, is_quoted: bool) -> tuple[int, bool]:
    """Return how many delimiters of a line end a cell, and whether a quoted cell is open at the end of the line.

    ``is_quoted`` says whether one is open before the line. A quote opens a quoted cell only at the start of a cell, or
    after one space there. Elsewhere in a cell it is text.
    """
    place = count = 0
    while True:
        if not is_quoted and (opening := _OPENING.match(text, place)):
            place, is_quoted = opening.end(), True
        if is_quoted:
            closing = _CLOSING.match(text, place)
            if closing is None:
                return count, True
            place, is_quoted = closing.end(), False
        place = text.find(delimiter, place)
        if place < 0:
            return count, False
        place += len(delimiter)
        count += 1
