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
    ".tsv": "csv",
    ".txt": "csv",
}


def format_problem(path: str, role: str) -> str | None:
    """Why a path cannot be ``features``, ``labels`` or ``out``, judged by its suffix; None where it can."""
    suffix = Path(path).suffix.lower()
    known = [name for name in FORMATS if name != ".txt" or role == "labels"]
    if suffix in known:
        return None
    has = f"has the suffix {shown(suffix)}, which is none of" if suffix else "has no suffix, and a table is one file:"
    return f"{has} {' '.join(known)}{suffix_advice(suffix) if role in ('features', 'labels') else ''}"


def default_delimiter(path: str) -> str:
    """The delimiter of a CSV file that says nothing else, by the suffix."""
    return "\t" if Path(path).suffix.lower() == ".tsv" else ","


def format_of(path: str | Path) -> str:
    """``parquet``, ``jsonl``, ``json`` or ``csv``, by the suffix."""
    return FORMATS[Path(path).suffix.lower()]
