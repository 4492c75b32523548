"""Templates of keys: a text with a number in braces for each column, such as ``{0}_{1}.yuv``."""

from __future__ import annotations

import re
from typing import Any

from moslabels.base.text import shown

_PLACE = re.compile(r"\{(0|[1-9][0-9]{0,3})\}")


def pieces(template: str) -> tuple[str | int, ...]:
    """Return what a template is made of, in order: texts as they are, and numbers of columns, from 0."""
    found = _PLACE.split(template)
    return tuple(int(piece) if odd % 2 else piece for odd, piece in enumerate(found) if piece or odd % 2)


def template_problem(value: Any) -> str | None:
    """Return what is wrong with a template, or None."""
    if not isinstance(value, str) or not value:
        return f'must be a text such as "{{0}}_{{1}}.yuv", not {shown(value)}'
    made = pieces(value)
    for piece in made:
        if isinstance(piece, str) and (brace := re.search("[{}]", piece)):
            return (
                f"has a stray {shown(brace[0])} in {shown(value)}: the columns of the key are {{0}}, {{1}}, …, and no "
                "other brace may stand in it"
            )
    if all(isinstance(piece, str) for piece in made):
        return f"names no column: {shown(value)} would be the key of all rows; write {{0}} for the first column"
    return None
