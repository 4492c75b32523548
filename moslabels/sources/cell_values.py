"""Columns of values of Python, as other programs keep them, as Arrow columns of one type each."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_EXACT = 1 << 53
_TIMES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)


def as_column(values: Sequence[Any]) -> pa.Array:
    """Return values as one Arrow column; None and an empty text are missing.

    Numbers stay numbers: whole ones are int64 if each is whole and exact as a float, others float64. Booleans stay
    booleans. If kinds are mixed, or there are dates or times, the column is text: a whole number is written without a
    fraction, so that the id 12 is "12" beside "A12".
    """
    given = [None if value is None or value == "" else value for value in values]
    kinds = {_kind(value) for value in given if value is not None}
    if kinds == {bool}:
        return pa.array(given, pa.bool_())
    if kinds == {float}:
        is_whole = all(value is None or (_is_whole(value) and abs(value) <= _EXACT) for value in given)
        return pa.array([None if value is None else int(value) for value in given] if is_whole else given,
                        pa.int64() if is_whole else pa.float64())  # fmt: skip
    return pa.array([None if value is None else _text(value) for value in given], pa.string())


def _kind(value: Any) -> type:
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, int | float) else str


def _is_whole(value: float) -> bool:
    return float(value).is_integer()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return str(int(value))
    if isinstance(value, _TIMES) and not isinstance(value, datetime.timedelta):
        return value.isoformat()
    return str(value)
