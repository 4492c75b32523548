"""A comparison of two reports in words, for the page, the Markdown and the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def sentence(comparison: Mapping[str, Any]) -> str:
    """Return how many tables changed in which way."""
    counts = Counter(table["change"] for table in comparison["tables"])
    said = [f"{counts[change]} {change}" for change in ("added", "gone", "changed", "same") if counts[change]]
    if unknown := len(comparison["outputs_not_compared"]):
        said.append(f"the old report has no sha256 of the output of {unknown}")
    return ", ".join(said)


def rows(comparison: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return (table, what, old, new) of each change, as texts. Warnings that came or went are one each."""
    found: list[tuple[str, str, str, str]] = []
    for table in comparison["tables"]:
        name = table["id"]
        if table["change"] == "added":
            found.append((name, "added", "–", table["status"]))
        elif table["change"] == "gone":
            found.append((name, "gone", table["status"], "–"))
        for change in table["changes"]:
            if change["what"] != "warnings":
                found.append((name, change["what"], _text(change["old"]), _text(change["new"])))
                continue
            found += [(name, "warning", text, "–") for text in change["old"] if text not in change["new"]]
            found += [(name, "warning", "–", text) for text in change["new"] if text not in change["old"]]
    return found


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value) or "–"
