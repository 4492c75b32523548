"""The format of a table, by the suffix of its path, and how it is compressed."""

from __future__ import annotations

import os
from pathlib import Path

from moslabels.base.text import shown
from moslabels.files.contents import suffix_advice
from moslabels.spec.conversions import conversion

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "csv",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".xlsx": "xlsx",
    ".mat": "mat",
}
"""The name of the format of each suffix: ``sources/opening`` knows who reads it, ``writers/write`` who writes it."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""The name of the compression of each suffix that may follow the suffix of a format."""

_OF_LABELS = {".txt"}  # suffixes that only label files may have
_READ_ONLY = {".arrow", ".feather", ".xlsx", ".mat"}  # suffixes that no output has
_NOT_FOR = {"features": _OF_LABELS, "out": _OF_LABELS | _READ_ONLY}
_COMPRESSED_INSIDE = {"parquet", "arrow", "xlsx", "mat"}  # formats that compress their values themselves


def format_problem(path: str, role: str) -> str | None:
    """Return why a path cannot be ``features``, ``labels`` or ``out``, judged by its suffix; None if it can."""
    _, suffix, packing = _split(path)
    suffix = suffix.lower()
    known = [name for name in FORMATS if name not in _NOT_FOR.get(role, ())]
    if suffix in known and packing and FORMATS[suffix] in _COMPRESSED_INSIDE:
        return f"has the suffix {shown(suffix + packing)}, and {suffix} is compressed inside: leave out {packing}"
    if suffix in known:
        return None
    has = f"has the suffix {shown(suffix or packing)}, which is none of" if suffix or packing else ""
    has = has or "has no suffix, and a table is one file:"
    if role not in ("features", "labels"):
        return f"{has} {' '.join(known)}"
    told = None if packing else conversion(path)
    return f"{has} {' '.join(known)}{f'; {told}' if told else suffix_advice(packing or suffix)}"


def format_of(path: str | Path) -> str:
    """Return the name of the format of a path, by its suffix, which must be that of a table."""
    return FORMATS[_split(os.fspath(path))[1].lower()]


def known_format(path: str) -> str | None:
    """Return the name of the format of a path, by its suffix; None if it is not that of a table."""
    return FORMATS.get(_split(path)[1].lower())


def compression_of(path: str) -> str | None:
    """Return the name of the compression of a file, by its suffix; None if it names none."""
    return COMPRESSIONS.get(_split(path)[2].lower())


def split_suffix(path: str) -> tuple[str, str]:
    """Return a path without its suffix, and its suffix, which has two parts if the file is compressed: ``.csv.gz``."""
    stem, suffix, packing = _split(path)
    return stem, suffix + packing


def _split(path: str) -> tuple[str, str, str]:
    """Return a path without its suffixes, the suffix of its format, and that of its compression."""
    stem, suffix = os.path.splitext(path)
    if suffix.lower() not in COMPRESSIONS:
        return stem, suffix, ""
    return (*os.path.splitext(stem), suffix)
