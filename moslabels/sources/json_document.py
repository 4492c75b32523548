"""Splitting of JSON documents into JSON lines, without a change to the text of a row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moslabels.base.text import json_place
from moslabels.sources.faults import fault


def unpack(path: str, file: str, target: str) -> str:
    """Write the rows of a JSON document as JSON lines, each with its text in the document.

    ``path`` is the path for messages, and ``file`` the one to read. Return the path of the lines. Raise TableError if
    the document is not a list of rows.
    """
    try:
        with open(file, encoding="utf-8-sig") as stream:
            text = stream.read()
        with open(target, "w", encoding="utf-8") as lines:
            for start, end in _row_spans(text):
                lines.write(text[start:end].replace("\r", " ").replace("\n", " ") + "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise fault(path, f"line {line}: its bytes are not utf-8") from error
    except json.JSONDecodeError as error:
        line, column, what = json_place(error)
        raise fault(path, f"line {line}: it is not JSON: {what} (column {column})") from error
    except RecursionError as error:
        raise fault(path, "its values nest too deep; write JSON lines") from error
    except ValueError as error:
        raise fault(path, f'is neither a JSON list of objects nor {{"rows": [...]}}: {error}') from error
    return target


class _NotRowsError(ValueError):
    """A JSON document that does not hold a table."""


_BLANK = re.compile(r"[ \t\n\r]*")


def _row_spans(text: str) -> list[tuple[int, int]]:
    """Yield the places of the rows in the text of a JSON document. Their contents are checked later, as lines."""
    # Numbers stay text, because Python refuses numbers of too many digits.
    decoder = json.JSONDecoder(parse_int=len, parse_float=len)
    try:
        spans, end = _rows_of_document(text, decoder.raw_decode)
        if not text[end:].strip(" \t\n\r"):
            return spans
    except _NotRowsError:
        decoder.decode(text)
        raise
    except (json.JSONDecodeError, IndexError):
        pass
    decoder.decode(text)  # This raises an error with the fault and its place.
    raise _NotRowsError("it cannot be read")


def _rows_of_document(text: str, decode: Callable[[str, int], tuple[Any, int]]) -> tuple[list[tuple[int, int]], int]:
    """Return the places of the rows, and of the end. Raise IndexError if anything else is in between."""

    def skip(place: int) -> int:
        match = _BLANK.match(text, place)
        return match.end() if match else place

    def after(place: int, closing: str) -> int:
        """Return the place of the next item, or of the closing bracket."""
        place = skip(place)
        if text[place] == closing:
            return place
        if text[place] != ",":
            raise IndexError
        place = skip(place + 1)
        if text[place] == closing:
            raise IndexError
        return place

    def items(place: int) -> tuple[list[tuple[int, int]], int]:
        spans = []
        place = skip(place + 1)
        while text[place] != "]":
            _, end = decode(text, place)
            spans.append((place, end))
            place = after(end, "]")
        return spans, place + 1

    place = skip(0)
    if text[place] == "[":
        return items(place)
    if text[place] != "{":
        raise _NotRowsError("it is another JSON value")
    found = None
    place = skip(place + 1)
    while text[place] != "}":
        name, place = decode(text, place)
        place = skip(place)
        if text[place] != ":" or not isinstance(name, str):
            raise IndexError
        place = skip(place + 1)
        if name == "rows" and found is not None:
            raise _NotRowsError('it has "rows" twice')
        if name == "rows" and text[place] != "[":
            raise _NotRowsError('its "rows" is not a list')
        if name == "rows":
            found, place = items(place)
        else:
            _, place = decode(text, place)
        place = after(place, "}")
    if found is None:
        raise _NotRowsError('it has no "rows"')
    return found, place + 1
