"""Pages of Markdown: their blocks, and whether what a block shows is what is printed."""

from __future__ import annotations

import re
from pathlib import Path


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: the language, empty for output, and the text."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def is_shown(block: str, printed: str) -> bool:
    """Whether lines that follow each other were printed as shown: … is the rest of a line, a line of it any lines."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in block.splitlines()
    ]
    return re.search("^" + "".join(lines), printed, re.MULTILINE) is not None
