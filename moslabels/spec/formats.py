"""The format of a table, by the suffix of its path."""

from __future__ import annotations

from pathlib import Path

from moslabels.base.text import shown
from moslabels.files.contents import suffix_advice

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "csv",
}
"""The name of the format of each suffix. ``sources/opening`` maps it to a reader, ``writers/write`` to a writer."""

_OF_LABELS = {".txt"}  # suffixes that only label files may have


def format_problem(path: str, role: str) -> str | None:
    """Return why the suffix of a path is wrong for ``features``, ``labels`` or ``out``, or None if it is right."""
    suffix = Path(path).suffix.lower()
    known = [name for name in FORMATS if name not in _OF_LABELS or role == "labels"]
    if suffix in known:
        return None
    has = f"has the suffix {shown(suffix)}, which is none of" if suffix else "has no suffix, and a table is one file:"
    return f"{has} {' '.join(known)}{suffix_advice(suffix) if role in ('features', 'labels') else ''}"


def format_of(path: str | Path) -> str:
    """Return the name of the format of a path, by its suffix, which must be that of a table."""
    return FORMATS[Path(path).suffix.lower()]
