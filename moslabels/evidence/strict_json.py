"""Strict reading of JSON that others may have written: text that two readers could read differently is refused."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, BinaryIO, NoReturn

from moslabels.base.errors import is_from_outside
from moslabels.base.text import json_fault, shown

MOST_BYTES = 1 << 28
"""The largest audit or report that is read."""
_DEEPEST = 100
_LONGEST_NUMBER = 300
"""The most digits of a whole number. A number with more digits is larger than every float."""


class DocumentError(ValueError):
    """A file is not a document that can be judged. The text says why, in words that follow the name of the file."""


def parse(stream: BinaryIO, *, halves: bool = False) -> Any:
    """Return the value of a JSON document.

    ``halves`` accepts half surrogate pairs, which old programs wrote. Raise DocumentError if the stream is not JSON, is
    too large or too deep, or if two readers could read it differently (a member given twice, a number that is too
    large).
    """
    content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DocumentError(f"is larger than {MOST_BYTES >> 20} MiB, which no audit and no report is")
    try:
        value = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except RecursionError as error:
        raise DocumentError("is not JSON: its values nest too deep") from error
    except ValueError as error:
        if is_from_outside(error):
            raise
        raise DocumentError(f"is not JSON: {json_fault(error)}") from error
    if _is_deep(value):
        raise DocumentError("is not JSON: its values nest too deep")
    if not halves:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise DocumentError("is not JSON: a text of it holds half a character") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the member {shown(twice)} is given twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits is too large")
    return int(text)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
