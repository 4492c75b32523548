"""Text for people: values as messages show them, without characters that control a terminal."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_MOST = 120  # A text that a message shows is cut to so many characters.
_BEFORE = 20  # So many stand before the place where two long texts begin to differ.


def visible(text: str) -> str:
    """Return a text with its control and format characters spelled out, so that none controls a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if is_visible(character) else f"\\u{ord(character):04x}" for character in text)


def is_visible(character: str) -> bool:
    """Return whether a character can be seen: not a control or format character, a line separator or a surrogate."""
    return unicodedata.category(character) not in _INVISIBLE


def visible_text(text: str) -> str:
    """Return lines of text for a terminal. All invisible characters but line ends and tabs are spelled out."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in lines)


def visible_json(text: str) -> str:
    """Return JSON text with all control and format characters escaped, also those that JSON allows."""
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(r"[^\n -~]", lambda found: found[0] if is_visible(found[0]) else json.dumps(found[0])[1:-1], text)


def shown(value: Any) -> str:
    """Return a value as messages show it: as JSON if it can be, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    except RecursionError:
        text = "a value that nests deep"
    return short(text)


def short(text: str) -> str:
    """Return a text as messages show it: visible, and cut to a readable length."""
    return visible(text if len(text) <= _MOST else text[: _MOST - 3] + "…")


def shown_apart(one: Any, other: Any) -> tuple[str, str]:
    """Return two values that differ as messages show them, cut so that what is shown differs too."""
    texts = [json.dumps(value, ensure_ascii=False) for value in (one, other)]
    if unicodedata.normalize("NFC", texts[0]) == unicodedata.normalize("NFC", texts[1]):
        texts = [json.dumps(value) for value in (one, other)]  # They look the same, so every other letter is spelled.
    pairs = enumerate(zip(*texts, strict=False))
    same = next((place for place, (old, new) in pairs if old != new), min(map(len, texts)))
    start = 0 if same < _MOST // 2 or max(map(len, texts)) <= _MOST else same - _BEFORE
    first, second = (short(("…" if start else "") + text[start:]) for text in texts)
    return first, second


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names of columns as messages show them: the first ones, and how many more."""
    if not names:
        return "no columns"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + rest


def display_width(text: str, *, ambiguous: int = 1) -> int:
    """Return how many columns of a terminal a text takes: two for a wide character, none for a combining mark.

    ``ambiguous`` is the width of characters that some terminals show wide.
    """
    if text.isascii():
        return len(text)
    return sum(_character_width(character, ambiguous) for character in text)


def _character_width(character: str, ambiguous: int) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    width = unicodedata.east_asian_width(character)
    return 2 if width in "WF" else ambiguous if width == "A" else 1


def counted(number: int, one: str, several: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else several}"


def nearest(name: Any, known: Iterable[str]) -> str:
    """Return ``; did you mean "…"?`` with the nearest known name, or nothing if none is near."""
    candidates = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(str(name).lower(), candidates, n=1, cutoff=0.6)
    return f"; did you mean {shown(candidates[close[0]])}?" if close else ""


def nearest_several(name: Any, known: Sequence[str]) -> str:
    """Return what :func:`nearest` does, with up to three names that are near; if none is, with the first that exist."""
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.6)
    if len(close) < 2:
        return nearest(name, known) or f"; there are {listed(known, 3)}"
    return f"; did you mean {', '.join(map(shown, close[:-1]))} or {shown(close[-1])}?"


def json_place(error: json.JSONDecodeError) -> tuple[int, int, str]:
    """Return where text stops being JSON, as line and column from 1, and what stands there.

    Python's own message changes with its version. So does the place it gives for a comma too many.
    """
    text, place = error.doc, error.pos
    before = text[:place].rstrip()
    if text[place : place + 1] in ("]", "}") and before.endswith(","):
        place = len(before) - 1
    line_start = text.rfind("\n", 0, place) + 1
    found = text[place : place + 20]
    what = f"{shown(found.split(chr(10))[0] or found[0])} is out of place" if found else "it ends too early"
    return text.count("\n", 0, place) + 1, place - line_start + 1, what


def json_fault(error: ValueError | RecursionError) -> str:
    """Return why text is not JSON, in words that do not change with the version of Python."""
    if isinstance(error, json.JSONDecodeError):
        line, column, what = json_place(error)
        return f"{what} at line {line}, column {column}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} of it is not UTF-8"
    if isinstance(error, RecursionError):
        return "its values nest too deep"
    # The only other fault of Python's JSON reader is its limit of digits.
    return "a number has too many digits" if "int_max_str_digits" in str(error) else str(error)


def apart(rate: float, least: float) -> tuple[str, str]:
    """Return two rates with three decimals, or with as many more as tell them apart if they differ."""
    for digits in range(3, 17):
        texts = f"{rate:.{digits}f}", f"{least:.{digits}f}"
        if texts[0] != texts[1] or rate == least:
            break
    return texts
