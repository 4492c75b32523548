"""Keys that are alike: of one form, in which the digits of numbers alone differ, as in ``clip_0035.mp4``."""

from __future__ import annotations

import re

_EXTENSION = re.compile(r"[.][A-Za-z][A-Za-z0-9]{0,4}\Z")
"""The same as ``extension`` in ``sql/unmatched/05_near_key.sql``."""
_NUMBER = re.compile(r"[0-9]+")
_PLAIN = re.compile(r"[A-Za-z0-9 _.-]+")
_SCIENTIFIC = re.compile(r"[0-9.]+[eE][0-9]+")
_MAY_MEET = re.compile(r"[0-9][ _.-]+[0-9]|[.][A-Za-z][A-Za-z0-9]*\Z")


def alike_pattern(key: str) -> str | None:
    """Return a pattern (RE2) of the keys that are like a key, None if these might be near to each other.

    No two of them are near: without case, folder, extension, leading zeros, separators, and all else that
    ``unmatched/05_near_key`` takes out of a key, two that differ still do. If a number begins with a zero, it has as
    many digits in all of them; if not, it begins with a zero in none. Two numbers have a letter between them, since
    without separators 1_23 would be 12_3. None has two extensions, or an end that is one or not by the length of its
    number.
    """
    stem = _EXTENSION.sub("", key)
    if not _PLAIN.fullmatch(key) or _SCIENTIFIC.fullmatch(key) or _MAY_MEET.search(stem):
        return None
    return re.sub(r"[.]|[0-9]+", _part, stem) + key[len(stem) :].replace(".", "[.]")


def has_one_number(key: str) -> bool:
    """Return whether keys that are like a key have one number: all else of them is the same text."""
    return len(_NUMBER.findall(_EXTENSION.sub("", key))) == 1


def _part(found: re.Match[str]) -> str:
    text = found[0]
    if text == ".":
        return "[.]"
    return f"[0-9]{{{len(text)}}}" if text.startswith("0") else "[1-9][0-9]*"
